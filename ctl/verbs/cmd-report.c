/* SPDX-License-Identifier: MIT */
/*
 * smctl report: all that the report of a fault needs, and nothing personal (docs/new-meter.md). The
 * file is in English; it is hex text with comments, which `smctl decode` reads.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/hex.h"
#include "config-build.h"
#include "ctl/client/service-keys.h"
#include "ctl/i18n.h"
#include "ctl/learn/telegram-source.h"
#include "ctl/options.h"
#include "ctl/profiles.h"
#include "ctl/report/report.h"
#include "ctl/view/json.h"
#include "ctl/view/output.h"
#include "ctl/whole-file.h"
#include "set-key.h"
#include "verb.h"

#define LISTEN_USUAL_USEC 60000000U
#define LINE_BYTES        32
#define FACT_MAX          160
#define FORMAT            1

struct report_verb {
        const char *source, *output;
        uint64_t listen_usec;
        unsigned int telegrams;
        struct cipher_keys keys;
        bool of_service; /* they are not of whoever runs this */
        bool withheld;   /* the service may have others, which only root may read */
        struct telegram_file file;
        struct json_object *converter; /* owned; NULL for a file */
        struct report report;
        char system[FACT_MAX];
};

DEFINE_OWNED(stream, FILE *, fclose);

/* ---- facts ---- */

/* PRETTY_NAME of os-release(5), or "". */
static void read_distribution(char to[static FACT_MAX])
{
        OWNED(stream) FILE *stream = fopen("/etc/os-release", "re");
        char line[FACT_MAX];

        *to = '\0';
        while (stream && fgets(line, sizeof(line), stream))
                if (sscanf(line, "PRETTY_NAME=\"%100[^\"\n]", to) == 1)
                        return;
}

/* No name of the machine: it is personal. */
static void read_system(char to[static FACT_MAX])
{
        char distribution[FACT_MAX];
        struct utsname machine;

        read_distribution(distribution);
        if (uname(&machine) < 0)
                machine = (struct utsname){ .sysname = "Linux" };
        (void)snprintf(to, FACT_MAX, "%.20s %.40s %.20s%s%.60s", machine.sysname, machine.release,
                       machine.machine, *distribution ? ", " : "", distribution);
}

/* Facts of a converter that are of its kind, and not of this one. */
static const char *const converter_facts[] = {
        "vendor_id", "product_id", "vendor", "product", "driver", "line", "framing", "state",
};

static void write_converter(const struct report_verb *verb, FILE *to)
{
        if (!verb->converter)
                return;
        fprintf(to, "# converter:");
        for (size_t i = 0; i < ELEMENTSOF(converter_facts); i++) {
                const char *value = json_text(verb->converter, converter_facts[i]);

                if (*value)
                        fprintf(to, " %s=\"%.*s\"", converter_facts[i], (int)strcspn(value, "\r\n"),
                                value);
        }
        fprintf(to, "\n");
}

/* ---- the file ---- */

static void write_keys(const struct report *report, FILE *to)
{
        char key[2 * CIPHER_KEY_BYTES + 1], auth_key[2 * CIPHER_KEY_BYTES + 1];
        bool has_keys = report->keys.has_key || report->keys.has_auth_key;

        hex_print(report->keys.key, CIPHER_KEY_BYTES, key, sizeof(key));
        hex_print(report->keys.auth_key, CIPHER_KEY_BYTES, auth_key, sizeof(auth_key));
        if (report->keys.has_key)
                fprintf(to, "# key: %s (made for this report)\n", key);
        if (report->keys.has_auth_key)
                fprintf(to, "# auth key: %s (made for this report)\n", auth_key);
        fprintf(to, "# read it: smctl decode%s%s%s%s FILE\n", report->keys.has_key ? " --key " : "",
                report->keys.has_key ? key : "", report->keys.has_auth_key ? " --auth-key " : "",
                report->keys.has_auth_key ? auth_key : "");
        if (has_keys)
                fprintf(to, "# The meter's own keys are others.\n");
}

static void write_bytes(const struct report *report, FILE *to)
{
        size_t at = 0;

        for (size_t i = 0; i < report->n_ends; i++)
                for (size_t n = 0; at < report->ends[i]; at++, n++)
                        fprintf(to, "%02x%s", report->bytes[at],
                                at + 1 == report->ends[i] || n % LINE_BYTES == LINE_BYTES - 1
                                        ? "\n"
                                        : " ");
}

static void write_report(const struct report_verb *verb, FILE *to)
{
        const struct report *report = &verb->report;

        fprintf(to,
                "# smctl report %d\n"
                "# Ids, serial numbers, system titles, messages and keys are not the meter's own.\n"
                "# version: %s\n"
                "# system: %s\n",
                FORMAT, PROJECT_VERSION, verb->system);
        write_converter(verb, to);
        write_keys(report, to);
        for (size_t i = 0; i < report->n_lines; i++)
                fprintf(to, "# telegram %zu: %s\n", i + 1, report->lines[i].text);
        if (report->n_closed > 0)
                fprintf(to,
                        "# %zu of them no key opened: what they hold is random here, as long as it "
                        "was.\n",
                        report->n_closed);
        if (report->left_out > 0)
                fprintf(to, "# left out: %zu bytes of no whole telegram, or beyond the last one\n",
                        report->left_out);
        write_bytes(report, to);
}

/* Owned; NULL without memory. */
static char *print_report(const struct report_verb *verb)
{
        char *text = NULL;
        size_t n = 0;
        FILE *to = open_memstream(&text, &n);

        if (!to)
                return NULL;
        write_report(verb, to);
        if (fclose(to) == 0)
                return text;
        free(text);
        return NULL;
}

/* ---- output ---- */

static struct json_object *converter_to_json(const struct report_verb *verb)
{
        struct json_object *object;

        if (!verb->converter)
                return NULL;
        object = json_new_object();
        for (size_t i = 0; i < ELEMENTSOF(converter_facts); i++)
                json_set_text(object, converter_facts[i],
                              json_text(verb->converter, converter_facts[i]));
        return object;
}

static void print_json(const struct report_verb *verb, const char *text, const char *file)
{
        OWNED(json) struct json_object *object = json_new_object();
        struct json_object *telegrams = json_new_array();
        const struct report *report = &verb->report;
        char key[2 * CIPHER_KEY_BYTES + 1];

        json_set_number(object, "format", FORMAT);
        json_set_text(object, "version", PROJECT_VERSION);
        json_set_text(object, "system", verb->system);
        json_set(object, "converter", converter_to_json(verb));
        json_set_text(object, "key",
                      report->keys.has_key
                              ? hex_print(report->keys.key, CIPHER_KEY_BYTES, key, sizeof(key))
                              : NULL);
        json_set_text(object, "auth_key",
                      report->keys.has_auth_key
                              ? hex_print(report->keys.auth_key, CIPHER_KEY_BYTES, key, sizeof(key))
                              : NULL);
        for (size_t i = 0; i < report->n_lines; i++) {
                struct json_object *telegram = json_new_object();

                json_set_text(telegram, "text", report->lines[i].text);
                json_set_flag(telegram, "read", report->lines[i].read);
                json_push(telegrams, telegram);
        }
        json_set(object, "telegrams", telegrams);
        json_set_flag(object, "key_of_service", verb->of_service);
        json_set_flag(object, "keys_withheld", verb->withheld);
        json_set_number(object, "closed", (int64_t)report->n_closed);
        json_set_number(object, "left_out", (int64_t)report->left_out);
        json_set_text(object, "file", file);
        json_set_text(object, "report", file ? NULL : text);
        json_print(object);
}

static void print_text(const struct report_verb *verb, const char *file)
{
        size_t n_read = 0;

        for (size_t i = 0; i < verb->report.n_lines; i++)
                n_read += verb->report.lines[i].read;
        fprintf(stderr, _("%s: %zu telegrams, %zu of them are read, as before.\n"), file,
                verb->report.n_lines, n_read);
        fprintf(stderr, "%s\n",
                _("Ids, serial numbers, titles and keys were replaced; times and readings were "
                  "not.\nNothing was sent. Look at it, and attach it to an issue."));
        if (verb->of_service)
                fprintf(stderr, "%s\n", _("The key is the one that the service has."));
        if (verb->report.n_closed > 0)
                fprintf(stderr,
                        _("%zu telegrams could not be opened: their content is random now. --key "
                          "gives the key.\n"),
                        verb->report.n_closed);
        if (verb->report.n_closed > 0 && verb->withheld)
                fprintf(stderr, "%s\n",
                        _("The keys that the service has are for root alone: with sudo they are "
                          "used."));
}

static const char *choose_file(const struct report_verb *verb, char name[static FACT_MAX])
{
        if (verb->output)
                return verb->output;
        (void)snprintf(name, FACT_MAX, "smartmeter-report%s%.3s.txt",
                       *verb->report.maker ? "-" : "", verb->report.maker);
        return name;
}

static int hand_out(const struct report_verb *verb)
{
        const struct whole_file how = {
                .mode = 0644, .uid = (uid_t)-1, .gid = (gid_t)-1, .anew = !verb->output
        };
        OWNED_FREE char *text = print_report(verb);
        char name[FACT_MAX];
        const char *file = choose_file(verb, name);
        int r;

        if (!text)
                return output_fail("%s", strerror(ENOMEM));
        if (ctl_settings.json && !verb->output) {
                print_json(verb, text, NULL);
                return EXIT_DONE;
        }
        if (strcmp(file, "-") == 0) {
                fputs(text, stdout);
                return EXIT_DONE;
        }
        r = whole_file_write(file, text, &how);
        if (r == -EEXIST)
                return output_fail(_("%s is there already; -o gives another name"), file);
        if (r < 0)
                return output_fail("%s: %s", file, strerror(-r));
        if (ctl_settings.json)
                print_json(verb, text, file);
        else
                print_text(verb, file);
        return EXIT_DONE;
}

/* ---- making it ---- */

static int make_because(struct report_verb *verb, const struct profile_set *profiles,
                        char why[static REPORT_REASON_MAX])
{
        const struct report_options options = {
                .file = &verb->file,
                .keys = &verb->keys,
                .profiles = profiles,
                .max_telegrams = verb->telegrams,
        };

        report_done(&verb->report);
        return report_make(&options, &verb->report, why);
}

static int make(struct report_verb *verb, const struct profile_set *profiles)
{
        char why[REPORT_REASON_MAX];

        if (make_because(verb, profiles, why) == 0)
                return EXIT_DONE;
        return output_fail(_("no report was made: %s"), why);
}

/* With each key that the service has, where whoever runs this may read them: the one that opens
 * most is taken. One report has one key. */
static int try_service_keys(struct report_verb *verb, const struct profile_set *profiles)
{
        struct service_keys keys;
        size_t least = verb->report.n_closed, best = 0, made = 0;
        char why[REPORT_REASON_MAX];
        int r = service_keys_read(&keys);

        verb->withheld = r == -EACCES;
        for (size_t i = 0; i < keys.n && least > 0; i++) {
                verb->keys = keys.items[i];
                made = i + 1;
                if (make_because(verb, profiles, why) < 0 || verb->report.n_closed >= least)
                        continue;
                least = verb->report.n_closed;
                best = i + 1;
        }
        verb->of_service = best > 0;
        cipher_keys_wipe(&verb->keys);
        if (best > 0)
                verb->keys = keys.items[best - 1];
        service_keys_done(&keys);
        return made == best ? EXIT_DONE : make(verb, profiles);
}

/* Who has the key is asked for it; Ctrl-D goes on without. */
static bool wants_key(const struct report_verb *verb)
{
        return verb->report.n_closed > 0 && !verb->keys.has_key && !ctl_settings.json &&
               isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

static int run(struct report_verb *verb)
{
        OWNED(profiles) struct profile_set *profiles = NULL;
        int code;

        if (profiles_load(&profiles) < 0)
                return output_fail("%s", strerror(ENOMEM));
        read_system(verb->system);
        code = verb->source ? telegram_source_read(verb->source, verb->listen_usec, &verb->file,
                                                   &verb->converter)
                            : telegram_source_read_only(verb->listen_usec, &verb->file,
                                                        &verb->converter);
        if (code == EXIT_DONE)
                code = make(verb, profiles);
        if (code == EXIT_DONE && verb->report.n_closed > 0 && !verb->keys.has_key)
                code = try_service_keys(verb, profiles);
        if (code == EXIT_DONE && wants_key(verb) && set_key_ask(&verb->keys) == 0)
                code = make(verb, profiles);
        return code == EXIT_DONE ? hand_out(verb) : code;
}

static int take_key(const char *text, const char *option, uint8_t *key, bool *ret_has)
{
        const char *fault;

        if (!text)
                return EXIT_DONE;
        if (cipher_key_parse(text, key, &fault) < 0)
                return options_misuse("report", "%s: %s", option, fault);
        *ret_has = true;
        return EXIT_DONE;
}

int cmd_report(int argc, char **argv)
{
        struct report_verb verb = { .listen_usec = LISTEN_USUAL_USEC,
                                    .telegrams = REPORT_TELEGRAMS_USUAL };
        const char *key = NULL, *auth_key = NULL;
        const struct option_row rows[] = {
                { "output", 'o', OPTION_STRING, N_("FILE"),
                  N_("write the report to FILE (-: print it)"), &verb.output },
                { "key", 'k', OPTION_STRING, N_("HEX"), N_("encryption key, 32 hex digits"), &key },
                { "auth-key", 'a', OPTION_STRING, N_("HEX"), N_("authentication key"), &auth_key },
                { "seconds", 's', OPTION_TIME, N_("N"), N_("listen to the meter for N seconds"),
                  &verb.listen_usec },
                { "telegrams", 't', OPTION_NUMBER, N_("N"), N_("take N telegrams at most"),
                  &verb.telegrams },
        };
        const struct options options = {
                .rows = rows,
                .n_rows = ELEMENTSOF(rows),
                .about = N_("Replaces ids, serial numbers, system titles and keys by others, makes "
                            "check sums\nanew and enciphers anew with a key that stands in the "
                            "report. It is written only\nwhen it decodes to the same readings and "
                            "nothing of what was replaced is left.\nNothing is sent anywhere."),
                .max_arguments = 1,
        };
        int code, first = options_parse(&options, argc, argv);

        if (first <= 0)
                return options_exit(first);
        verb.source = first < argc ? argv[first] : NULL;
        if (verb.telegrams == 0)
                return options_misuse("report", _("at least one telegram is needed"));
        code = take_key(key, "--key", verb.keys.key, &verb.keys.has_key);
        if (code == EXIT_DONE)
                code = take_key(auth_key, "--auth-key", verb.keys.auth_key,
                                &verb.keys.has_auth_key);
        if (code == EXIT_DONE)
                code = run(&verb);
        cipher_keys_wipe(&verb.keys);
        telegram_file_done(&verb.file);
        report_done(&verb.report);
        json_put(verb.converter);
        return code;
}
