/* SPDX-License-Identifier: MIT */
/*
 * smctl decode: files or a pipe of raw bytes or hex text in, one JSON object per telegram out
 * (DESIGN §2). Works without the service.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "i18n.h"
#include "input.h"
#include "json.h"
#include "lib/decoder.h"
#include "lib/telegram-json.h"
#include "lib/util.h"
#include "options.h"
#include "output.h"
#include "secret.h"
#include "suggest.h"
#include "verb.h"

#define READ_BYTES   65536
#define PROFILES_MAX 64

static inline void decoder_free_owned(struct decoder *d)
{
        (void)decoder_free(d);
}
DEFINE_OWNED(decoder, struct decoder *, decoder_free_owned);

struct decode {
        const char *file; /* as it stands in diagnostics */
        struct cipher_keys keys;
        const struct meter_profile *profile;
        bool pretty;
        struct decoder *decoder; /* borrowed, of the current file */
        size_t n_decoded, n_damaged;
};

static const struct cipher_keys *find_keys(void *userdata, const uint8_t *title)
{
        struct decode *decode = userdata;

        return decode->keys.has_key || decode->keys.has_auth_key ? &decode->keys : NULL;
}

static void diagnose(const struct decode *decode, uint64_t offset, const char *what)
{
        (void)fflush(stdout); /* keeps both streams in step on a terminal */
        fprintf(stderr, "%s:%llu: %s\n", decode->file, (unsigned long long)offset, what);
}

static void complain(struct decode *decode, uint64_t offset, const char *what)
{
        decode->n_damaged++;
        diagnose(decode, offset, what);
}

static void print_line(const char *title, const char *value)
{
        if (!value || !*value)
                return;
        printf("  ");
        output_padded(title, 14);
        printf(" %s\n", value);
}

static void print_pretty(const struct telegram *telegram)
{
        char text[DATETIME_TEXT_MAX], code[OBIS_TEXT_MAX], number[DECIMAL_TEXT_MAX];

        printf("%s%s%s\n", output_style(STYLE_BOLD),
               *telegram->meter_id ? telegram->meter_id : _("unknown meter"), output_plain());
        datetime_print(&telegram->time, text);
        print_line(_("model"), telegram->model);
        print_line(_("profile"), telegram->profile ? telegram->profile->name : NULL);
        print_line(_("framing"), link_type_name(telegram->framing));
        print_line(_("encrypted"), telegram->encrypted ? _("yes") : _("no"));
        print_line(_("time"), text);
        for (size_t i = 0; i < telegram->n_readings; i++) {
                const struct reading *reading = &telegram->readings[i];
                const char *unit = unit_name(reading->unit);

                decimal_print(reading->value, number);
                printf("  %-16s %16s %-5s %s\n", obis_print(reading->obis, code), number,
                       unit ? unit : "", reading->quantity ? reading->quantity->label : "");
        }
        for (size_t i = 0; i < telegram->n_texts; i++) {
                const struct text *t = &telegram->texts[i];

                printf("  %-16s %.*s\n", *t->label ? t->label : obis_print(t->obis, code),
                       (int)t->value.len, (const char *)t->value.data);
        }
        print_line(_("error"), telegram->error);
        printf("\n");
}

static int on_telegram(struct decode *decode, const struct decoder_event *event)
{
        if (event->telegram->status == TELEGRAM_OK)
                decode->n_decoded++;
        else
                complain(decode, event->offset, event->telegram->error);
        if (decode->pretty) {
                print_pretty(event->telegram);
                return 0;
        }
        OWNED(json) struct json_object *object = telegram_to_json(event->telegram);
        if (!object)
                return -ENOMEM;
        json_print_line(object);
        return 0;
}

static int drain(struct decode *decode)
{
        struct decoder_event event;

        while (decoder_next(decode->decoder, &event) > 0) {
                int r = 0;

                switch (event.type) {
                case DECODER_TELEGRAM:
                        r = on_telegram(decode, &event);
                        break;
                case DECODER_FRAME: /* only the sign of a line: nothing to tell */
                        break;
                case DECODER_FAULT:
                        /* Garbage between frames is told, but no frame was lost by it. */
                        if (event.garbage)
                                diagnose(decode, event.offset, event.fault);
                        else
                                complain(decode, event.offset, event.fault);
                        break;
                }
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Fills the buffer until it is enough to tell what it is, or the file ends. */
static ssize_t read_head(int fd, uint8_t *buf, size_t size)
{
        size_t n = 0;

        while (n < INPUT_SNIFF_BYTES) {
                ssize_t got = read(fd, buf + n, size - n);

                if (got < 0 && errno == EINTR)
                        continue;
                if (got < 0)
                        return -errno;
                if (got == 0)
                        break;
                n += (size_t)got;
        }
        return (ssize_t)n;
}

static void complain_hex(struct decode *decode, const struct input_hex *hex)
{
        uint64_t offset = decoder_statistics_get(decode->decoder)->bytes;
        char what[160];

        if (hex->n_bad > 0) {
                (void)snprintf(what, sizeof(what),
                               _("hex text with %zu characters that are no hex digits, the first "
                                 "is \"%c\""),
                               hex->n_bad, hex->first_bad);
                complain(decode, offset, what);
        }
        if (hex->have_high)
                complain(decode, offset, _("hex text with an odd number of digits"));
}

static int decode_fd(struct decode *decode, int fd)
{
        static uint8_t in[READ_BYTES], out[READ_BYTES];
        struct input_hex hex = { 0 };
        enum input_kind kind;
        ssize_t n;
        int r;

        n = read_head(fd, in, sizeof(in));
        kind = n > 0 ? input_sniff((struct slice){ in, (size_t)n }) : INPUT_RAW;
        while (n > 0) {
                struct slice piece = { in, (size_t)n };

                if (kind == INPUT_HEX)
                        piece = (struct slice){ out, input_hex_decode(&hex, piece, out) };
                decoder_feed(decode->decoder, piece);
                r = drain(decode);
                if (r < 0)
                        return r;
                do
                        n = read(fd, in, sizeof(in));
                while (n < 0 && errno == EINTR);
                if (n < 0)
                        n = -errno;
        }
        if (n < 0)
                return (int)n;
        decoder_finish(decode->decoder);
        r = drain(decode);
        complain_hex(decode, &hex);
        return r;
}

static int decode_file(struct decode *decode, const char *file)
{
        OWNED(decoder) struct decoder *decoder = NULL;
        struct decoder_options options = {
                .profile = decode->profile,
                .find_keys = find_keys,
                .userdata = decode,
        };
        size_t before = decode->n_decoded + decode->n_damaged;
        OWNED_FD int owned = -1;
        int fd = STDIN_FILENO;
        int r;

        decode->file = strcmp(file, "-") == 0 ? _("standard input") : file;
        if (strcmp(file, "-") != 0) {
                owned = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
                if (owned < 0)
                        return -errno;
                fd = owned;
        }
        r = decoder_new(&options, &decoder);
        if (r < 0)
                return r;
        decode->decoder = decoder;
        r = decode_fd(decode, fd);
        if (r >= 0 && decode->n_decoded + decode->n_damaged == before)
                complain(decode, 0, _("no telegram found"));
        return r;
}

static int take_key(const char *text, const char *option, uint8_t *key, bool *ret_has)
{
        const char *fault;

        if (!text)
                return 0;
        if (cipher_key_parse(text, key, &fault) < 0) {
                /* The key itself is never repeated: terminals and logs remember. */
                (void)options_misuse("decode", "%s: %s", option, fault);
                return -EINVAL;
        }
        *ret_has = true;
        return 0;
}

static int take_profile(const char *name, const struct meter_profile **ret)
{
        const char *names[PROFILES_MAX], *near;
        size_t n = 0;

        if (!name)
                return 0;
        *ret = profile_find(name);
        if (*ret)
                return 0;
        for (; profile_table[n] && n < PROFILES_MAX; n++)
                names[n] = profile_table[n]->name;
        near = suggest(name, names, n);
        (void)options_misuse("decode",
                             near ? _("there is no profile \"%s\"; did you mean \"%s\"?")
                                  : _("there is no profile \"%s\""),
                             name, near);
        return -EINVAL;
}

int cmd_decode(int argc, char **argv)
{
        const char *key = NULL, *auth_key = NULL, *profile = NULL;
        struct decode decode = { 0 };
        const struct option_row rows[] = {
                { "key", 'k', OPTION_STRING, N_("HEX"), N_("encryption key, 32 hex digits"), &key },
                { "auth-key", 'a', OPTION_STRING, N_("HEX"),
                  N_("authentication key, to check the tag of each telegram"), &auth_key },
                { "profile", 'p', OPTION_STRING, N_("NAME"),
                  N_("take every telegram for one of this meter family"), &profile },
                { "pretty", 0, OPTION_FLAG, NULL, N_("print for people instead of JSON"),
                  &decode.pretty },
        };
        const struct options options = {
                .rows = rows,
                .n_rows = ELEMENTSOF(rows),
                .about = N_("Each FILE (- or none: standard input) is raw bytes or hex text with "
                            "# comments.\nPrints one JSON object per telegram and line. Exit "
                            "status 0: every frame was\ndecoded; 1: nothing was, or something was "
                            "damaged."),
                .max_arguments = OPTIONS_ANY_NUMBER,
        };
        bool failed = false;
        int first, r;

        first = options_parse(&options, argc, argv);
        if (first <= 0)
                return options_exit(first);
        if (take_key(key, "--key", decode.keys.key, &decode.keys.has_key) < 0 ||
            take_key(auth_key, "--auth-key", decode.keys.auth_key, &decode.keys.has_auth_key) < 0 ||
            take_profile(profile, &decode.profile) < 0)
                return EXIT_MISUSED;

        for (int i = first; i < argc || i == first; i++) {
                const char *file = i < argc ? argv[i] : "-";

                r = decode_file(&decode, file);
                if (r < 0) {
                        failed = true;
                        fprintf(stderr, "%s: %s\n", secret_shown(file), strerror(-r));
                }
        }
        cipher_keys_wipe(&decode.keys);
        return failed || decode.n_decoded == 0 || decode.n_damaged > 0 ? EXIT_FAILED : EXIT_DONE;
}
