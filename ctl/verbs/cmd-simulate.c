/* SPDX-License-Identifier: MIT */
/*
 * smctl simulate: a virtual meter behind a virtual converter. Prints the tty to open, then sends
 * telegrams as the real meter would, until Ctrl-C or --count. Works without the service.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/suggest.h"
#include "base/util.h"
#include "ctl/i18n.h"
#include "ctl/options.h"
#include "ctl/view/json.h"
#include "ctl/view/output.h"
#include "lib/dlms/cipher.h"
#include "lib/profile/profile.h"
#include "simulate.h"
#include "verb.h"

#define PROFILES_MAX 64

/* Says what is wrong with an option, and evaluates to -EINVAL. */
#define REFUSE(...) ((void)options_misuse("simulate", __VA_ARGS__), -EINVAL)

/* As typed. */
static struct {
        const char *link, *output, *meter_id, *line, *error_rate, *key, *auth_key, *security;
        const char *cipher, *interval, *time, *replug_after, *trouble;
        unsigned int count, seed, baud, block, unplug_after;
        bool to_stdout, hex, fast, plain;
} asked = { .seed = 1 };

static const struct option_row rows[] = {
        { "link", 'l', OPTION_STRING, N_("PATH"), N_("a stable name for the tty"), &asked.link },
        { "output", 'o', OPTION_STRING, N_("FILE"), N_("write to a file, not to a tty"),
          &asked.output },
        { "stdout", 0, OPTION_FLAG, NULL, N_("write the bytes to stdout"), &asked.to_stdout },
        { "hex", 'x', OPTION_FLAG, NULL, N_("hex text in place of bytes (-o, --stdout)"),
          &asked.hex },
        { "count", 'n', OPTION_NUMBER, N_("N"), N_("end after N telegrams"), &asked.count },
        { "interval", 'i', OPTION_STRING, N_("SECONDS"), N_("time between telegrams"),
          &asked.interval },
        { "fast", 0, OPTION_FLAG, NULL, N_("do not keep to the pace of the line"), &asked.fast },
        { "line", 0, OPTION_STRING, N_("LINE"), N_("the line's pace, such as \"2400 8E1\""),
          &asked.line },
        { "baud", 'b', OPTION_NUMBER, N_("RATE"), N_("its baud rate only"), &asked.baud },
        { "seed", 's', OPTION_NUMBER, N_("N"), N_("another household; same number, same values"),
          &asked.seed },
        { "time", 0, OPTION_STRING, N_("EPOCH"),
          N_("start the meter's clock here (seconds since 1970)"), &asked.time },
        { "meter-id", 'm', OPTION_STRING, N_("ID"), N_("the meter's number"), &asked.meter_id },
        { "key", 'k', OPTION_STRING, N_("HEX"), N_("encrypt with this key"), &asked.key },
        { "auth-key", 'a', OPTION_STRING, N_("HEX"), N_("authenticate with this key"),
          &asked.auth_key },
        { "security", 0, OPTION_STRING, N_("HEX"), N_("security control byte: 10, 20, 21, 30"),
          &asked.security },
        { "cipher", 0, OPTION_STRING, N_("FORM"), N_("glo (usual), ded or general"),
          &asked.cipher },
        { "plain", 0, OPTION_FLAG, NULL, N_("unencrypted, even where the meter always encrypts"),
          &asked.plain },
        { "block", 0, OPTION_NUMBER, N_("BYTES"), N_("size of a transfer block (E450, E570)"),
          &asked.block },
        { "error-rate", 'e', OPTION_STRING, N_("SHARE"),
          N_("damage this share of the bytes, such as 0.001"), &asked.error_rate },
        { "trouble", 0, OPTION_STRING, N_("WORDS"),
          N_("what a meter that is asked does wrong, such as echo,wrong-check=1"), &asked.trouble },
        { "unplug-after", 0, OPTION_NUMBER, N_("N"), N_("unplug after N telegrams"),
          &asked.unplug_after },
        { "replug-after", 0, OPTION_STRING, N_("SECONDS"), N_("and plug in again so much later"),
          &asked.replug_after },
};

static const struct options options = {
        .rows = rows,
        .n_rows = ELEMENTSOF(rows),
        .about =
                N_("Without PROFILE it lists them. SIGUSR1 unplugs the virtual converter, SIGUSR2\n"
                   "plugs it in again. Without --key, meters that always encrypt use the key\n"
                   "000102030405060708090A0B0C0D0E0F and the authentication key\n"
                   "00112233445566778899AABBCCDDEEFF."),
        .max_arguments = 1,
};

static int list_profiles_json(void)
{
        OWNED(json) struct json_object *array = json_new_array();

        for (size_t i = 0; sim_profiles[i]; i++) {
                const struct sim_profile *p = sim_profiles[i];
                struct json_object *element = json_new_object();
                char line[32];

                (void)snprintf(line, sizeof(line), "%u %u%c%u", p->line.baud, p->line.bits,
                               p->line.parity, p->line.stop);
                json_set_text(element, "profile", p->name);
                json_set_text(element, "line", line);
                json_set_text(element, "text", p->title);
                json_push(array, element);
        }
        json_print(array);
        return EXIT_DONE;
}

static int list_profiles(void)
{
        for (size_t i = 0; sim_profiles[i]; i++) {
                const struct sim_profile *p = sim_profiles[i];

                int n = printf("%-20s %6u %u%c%u  ", p->name, p->line.baud, p->line.bits,
                               p->line.parity, p->line.stop);

                output_wrapped(p->title, n > 0 ? (size_t)n : 0);
        }
        return EXIT_DONE;
}

static int complain_profile(const char *word)
{
        const char *names[PROFILES_MAX];
        const char *near;
        size_t n = 0;

        for (; sim_profiles[n] && n < PROFILES_MAX; n++)
                names[n] = sim_profiles[n]->name;
        near = suggest(word, names, n);
        return near ? options_misuse("simulate",
                                     _("there is no meter \"%s\"; did you mean \"%s\"?"), word,
                                     near)
                    : options_misuse("simulate", _("there is no meter \"%s\""), word);
}

/* A number ≥ 0 with decimals. NULL text leaves *ret alone. */
static int take_decimal(const char *option, const char *text, double max, double *ret)
{
        char *end;
        double value;

        if (!text)
                return 0;
        value = strtod(text, &end);
        if (end == text || *end || !(value >= 0 && value <= max))
                return REFUSE(_("--%s: \"%s\" is not a number of 0 to %g"), option, text, max);
        *ret = value;
        return 0;
}

static int take_key(const char *option, const char *text, uint8_t ret[static SIM_KEY_BYTES])
{
        const char *fault = NULL;

        if (cipher_key_parse(text, ret, &fault) == 0)
                return 0;
        return REFUSE("--%s: %s", option, fault);
}

static int take_form(const char *text, enum sim_cipher_form *ret)
{
        if (strcmp(text, "glo") == 0)
                *ret = SIM_CIPHER_GLO;
        else if (strcmp(text, "ded") == 0)
                *ret = SIM_CIPHER_DED;
        else if (strcmp(text, "general") == 0)
                *ret = SIM_CIPHER_GENERAL;
        else
                return REFUSE(_("--cipher is glo, ded or general, not \"%s\""), text);
        return 0;
}

static int take_security(struct sim_options *o)
{
        int r;

        o->encrypt = asked.key || asked.security || asked.cipher || asked.auth_key;
        o->has_auth_key = asked.auth_key != NULL;
        memcpy(o->key, sim_default_key, sizeof(o->key));
        if (asked.security) {
                char *end;
                unsigned long control = strtoul(asked.security, &end, 16);

                if (*end || control > 0xff || !(control & 0x30))
                        return REFUSE(_("--security: \"%s\" is none of 10, 20, 21, 30"),
                                      asked.security);
                o->control = (uint8_t)control;
        }
        r = asked.key ? take_key("key", asked.key, o->key) : 0;
        if (r == 0 && asked.auth_key)
                r = take_key("auth-key", asked.auth_key, o->auth_key);
        if (r == 0 && asked.cipher)
                r = take_form(asked.cipher, &o->form);
        return r;
}

static int take_line(struct sim_line *line)
{
        static const char parities[] = {
                [PARITY_NONE] = 'N', [PARITY_EVEN] = 'E', [PARITY_ODD] = 'O'
        };
        struct serial_line parsed;

        if (asked.line) {
                if (serial_line_parse(asked.line, &parsed) < 0)
                        return REFUSE(_("--line: \"%s\" is not like \"2400 8E1\""), asked.line);
                *line = (struct sim_line){ parsed.baud, parsed.bits, parities[parsed.parity],
                                           parsed.stop };
        }
        if (asked.baud)
                line->baud = asked.baud;
        return 0;
}

static int take_numbers(struct simulate *s)
{
        double interval = s->profile->interval_s, rate = 0, replug = -1, start = -1;
        int r = take_decimal("interval", asked.interval, 86400, &interval);

        if (r == 0)
                r = take_decimal("error-rate", asked.error_rate, 1, &rate);
        if (r == 0)
                r = take_decimal("replug-after", asked.replug_after, 86400, &replug);
        if (r == 0)
                r = take_decimal("time", asked.time, 4e9, &start);
        if (r < 0)
                return r;
        s->interval_usec = (int64_t)(interval * 1e6);
        s->play.damage_per_million = (unsigned int)(rate * 1e6);
        s->play.damage_state = asked.seed;
        s->replug_after_usec = replug < 0 ? -1 : (int64_t)(replug * 1e6);
        s->start_epoch_s = start < 0 ? -1 : (int64_t)start;
        return 0;
}

static int take_trouble(struct simulate *s)
{
        char word[32];
        const char *near;

        if (!asked.trouble || simulate_take_trouble(s, asked.trouble, word, &near))
                return 0;
        if (near)
                return REFUSE(_("--trouble: there is no \"%s\"; did you mean \"%s\"?"), word, near);
        return REFUSE(_("--trouble: there is no \"%s\""), word);
}

/* Options that this meter cannot have. */
static int check_meter(const struct simulate *s)
{
        if (s->options.encrypt && !s->profile->control)
                return REFUSE(_("%s never encrypts"), s->profile->name);
        if (s->profile->one_cipher &&
            (asked.security || asked.cipher || asked.auth_key || asked.plain))
                return REFUSE(_("%s knows one encryption only, and no choice of it"),
                              s->profile->name);
        if (asked.trouble && (s->profile->way == SIM_PUSHES || asked.output || asked.to_stdout))
                return REFUSE(_("--trouble is for a meter that is asked, and on a tty"));
        return 0;
}

static int take_options(struct simulate *s)
{
        int r;

        s->count = asked.count;
        s->unplug_after = asked.unplug_after;
        s->hex = asked.hex;
        s->json = ctl_settings.json;
        s->play = (struct sim_play){ .line = s->profile->line,
                                     .fd = -1,
                                     .link = asked.link,
                                     .fast = asked.fast || asked.output };
        s->options.seed = asked.seed;
        s->options.meter_id = asked.meter_id;
        s->options.plain = asked.plain;
        s->options.gbt.block_bytes = asked.block;
        /* A file is filled at once, so it must end somewhere. */
        if (asked.output && !s->count)
                s->count = 1;
        if (asked.hex && !asked.output && !asked.to_stdout)
                return REFUSE(_("--hex needs --stdout or --output"));
        if (asked.to_stdout && (asked.output || s->json))
                return REFUSE(_("--stdout goes with neither --output nor --json"));
        if (asked.block > 1024)
                return REFUSE(_("--block: at most 1024 bytes"));
        r = take_line(&s->play.line);
        if (r == 0)
                r = take_security(&s->options);
        if (r == 0)
                r = take_numbers(s);
        if (r == 0)
                r = take_trouble(s);
        return r == 0 ? check_meter(s) : r;
}

static int open_output(struct simulate *s)
{
        if (asked.to_stdout) {
                s->play.fd = STDOUT_FILENO;
                return 0;
        }
        if (asked.output) {
                s->play.fd = open(asked.output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
                if (s->play.fd < 0) {
                        int r = -errno;

                        (void)output_fail("%s: %s", asked.output, strerror(-r));
                        return r;
                }
                return 0;
        }
        int r = sim_play_plug(&s->play);
        if (r == 0)
                simulate_print_tty(s);
        return r;
}

static int close_output(struct simulate *s)
{
        sim_play_unplug(&s->play);
        if (!asked.output || s->play.fd < 0)
                return 0;
        return close(s->play.fd) < 0 ? -errno : 0;
}

static int start(struct simulate *s)
{
        int r, closed;

        r = sim_meter_init(&s->meter, s->profile, &s->options, simulate_clock(s, 0));
        if (r < 0)
                return options_misuse("simulate", _("--meter-id: at most %d characters"),
                                      SIM_ID_MAX - 1);
        simulate_catch_signals(s);
        r = open_output(s);
        if (r == 0) {
                r = simulate_run(s);
                closed = close_output(s);
                r = r < 0 ? r : closed;
        }
        if (r == -EEXIST && asked.link)
                return output_fail(_("--link: %s is there already and is no symbolic link; it is "
                                     "left as it is"),
                                   asked.link);
        if (r < 0) {
                if (!asked.output || s->play.fd >= 0) /* else it was reported, with its name */
                        fprintf(stderr, "smctl simulate: %s\n", strerror(-r));
                return EXIT_FAILED;
        }
        return EXIT_DONE;
}

int cmd_simulate(int argc, char **argv)
{
        static struct simulate s; /* 30 kB of telegram: not for the stack */
        int at = options_parse(&options, argc, argv);

        if (at <= 0)
                return options_exit(at);
        if (at == argc)
                return ctl_settings.json ? list_profiles_json() : list_profiles();
        s.profile = sim_profile_find(argv[at]);
        if (!s.profile)
                return complain_profile(argv[at]);
        if (take_options(&s) < 0)
                return EXIT_MISUSED;
        return start(&s);
}
