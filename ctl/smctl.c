/* SPDX-License-Identifier: MIT */
/*
 * smctl: everything a person does with smartmeterd. Finds the verb and hands over; the table below
 * is the whole of what it can do.
 */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/suggest.h"
#include "base/util.h"
#include "config-build.h"
#include "ctl/client/client.h"
#include "ctl/verbs/verb.h"
#include "ctl/view/output.h"
#include "i18n.h"
#include "options.h"
#include "secret.h"

#define VERB(c_name, name, synopsis, summary) { name, synopsis, summary, cmd_##c_name },
static const struct verb verbs[] = { VERBS(VERB) };
#undef VERB

static const struct verb *verb_find(const char *name)
{
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                if (strcmp(verbs[i].name, name) == 0)
                        return &verbs[i];
        return NULL;
}

static void print_help(void)
{
        printf("%s\n\n", _("Usage: smctl VERB [OPTION…] [ARGUMENT…]"));
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                printf("  %-16s %s\n", verbs[i].name, _(verbs[i].summary));
        printf("\n%s\n", _("Every verb has --help and --json. The manual is smctl(1)."));
}

/* For the completions: what could be typed, one per line. */
static void print_verbs(void)
{
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                puts(verbs[i].name);
}

/* The same for objects; without a service there are none, silently. */
static int print_words(int n, char **lists)
{
        OWNED(json) struct json_object *all = NULL;
        sd_bus_error error = SD_BUS_ERROR_NULL;
        OWNED(bus) sd_bus *bus = NULL;

        if (client_connect(&bus) >= 0 && client_has_service(bus) &&
            client_fetch_quietly(bus, &all, &error) >= 0)
                for (int i = 0; i < n; i++)
                        client_print_words(all, lists[i]);
        sd_bus_error_free(&error);
        return all ? EXIT_DONE : EXIT_FAILED;
}

/* The verb of this name, or the only one that begins like this. */
static const struct verb *verb_meant(const char *word)
{
        const struct verb *found = verb_find(word);
        size_t n = 0;

        if (found || !*word)
                return found;
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                if (strncmp(verbs[i].name, word, strlen(word)) == 0 && n++ == 0)
                        found = &verbs[i];
        return n == 1 ? found : NULL;
}

/* Verbs under the words that other programs have for them. */
static const char *hint_of(const char *word)
{
        static const struct {
                const char *word, *hint;
        } hints[] = {
                { "get", N_("One number: smctl readings METER NAME") },
                { "read", N_("One number: smctl readings METER NAME") },
                { "log", N_("The log: journalctl -u smartmeterd") },
                { "logs", N_("The log: journalctl -u smartmeterd") },
                { "config", N_("The configuration: smctl check-config, smctl set-broker HOST") },
                { "mqtt", N_("Brokers: smctl status, smctl set-broker HOST") },
                { "broker", N_("Brokers: smctl status, smctl set-broker HOST") },
                { "start", N_("The service: sudo systemctl start smartmeterd") },
                { "stop", N_("The service: sudo systemctl stop smartmeterd") },
                { "restart", N_("The service: sudo systemctl restart smartmeterd") },
        };

        for (size_t i = 0; i < ELEMENTSOF(hints); i++)
                if (strcmp(hints[i].word, word) == 0)
                        return _(hints[i].hint);
        return NULL;
}

static int complain(const char *word)
{
        const char *names[ELEMENTSOF(verbs)];
        const char *near;
        char name[64];

        /* "--password=…" before a verb: what stands behind '=' is not repeated. */
        if (*word == '-') {
                (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
                word = name;
        }
        word = secret_shown(word);

        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                names[i] = verbs[i].name;
        near = hint_of(word) ? NULL : suggest(word, names, ELEMENTSOF(verbs));
        if (near)
                output_say(_("smctl: there is no verb \"%s\"; did you mean \"%s\"?\n"), word, near);
        else
                output_say(_("smctl: there is no verb \"%s\"\n"), word);
        if (hint_of(word))
                fprintf(stderr, "%s\n", hint_of(word));
        fprintf(stderr, "%s\n", _("\"smctl --help\" lists them."));
        return EXIT_MISUSED;
}

static int start(const struct verb *verb, int argc, char **argv)
{
        ctl_settings.verb = verb;
        return verb->run(argc, argv);
}

/* "smctl help", and "smctl help VERB" for "smctl VERB --help". */
static int help(int argc, char **argv)
{
        const struct verb *verb;

        if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
                print_help();
                return EXIT_DONE;
        }
        verb = verb_meant(argv[1]);
        return verb ? start(verb, 2, (char *[]){ argv[1], (char[]){ "--help" }, NULL })
                    : complain(argv[1]);
}

static int run_verb(int argc, char **argv)
{
        const struct verb *verb = verb_meant(argv[0]);
        OWNED_FREE char *name = NULL;

        if (!verb)
                return complain(argv[0]);
        name = strdup(verb->name); /* of which only the beginning may have been typed */
        if (!name)
                return output_fail("%s", strerror(ENOMEM));
        argv[0] = name;
        return start(verb, argc, argv);
}

/* Options may also come before the verb ("smctl --json status"): it is handed those too. */
static int run(int argc, char **argv)
{
        int at = 1;

        while (at < argc && argv[at][0] == '-' && argv[at][1]) {
                if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0) {
                        print_help();
                        return EXIT_DONE;
                }
                if (strcmp(argv[at], "--version") == 0 || strcmp(argv[at], "-V") == 0)
                        return cmd_version(1, (char *[]){ (char[]){ "version" }, NULL });
                if (strcmp(argv[at], "--verbs") == 0) {
                        print_verbs();
                        return EXIT_DONE;
                }
                if (strcmp(argv[at], "--words") == 0)
                        return print_words(argc - at - 1, argv + at + 1);
                if (strcmp(argv[at], "--json") == 0 || strcmp(argv[at], "-j") == 0) {
                        ctl_settings.json = true;
                        at++;
                } else if (strcmp(argv[at], "--address") == 0 && at + 1 < argc) {
                        ctl_settings.address = argv[at + 1];
                        at += 2;
                } else {
                        return complain(argv[at]);
                }
        }
        if (at >= argc) {
                print_help();
                return EXIT_MISUSED;
        }
        if (strcmp(argv[at], "help") == 0)
                return help(argc - at, argv + at);
        return run_verb(argc - at, argv + at);
}

int main(int argc, char **argv)
{
        const char *locales = getenv("SMCTL_LOCALEDIR"); /* catalogues of a build not installed */
        int code;

        setlocale(LC_ALL, "");
        output_take_locale();
        /* From here on the C library writes numbers with a point, as JSON and the bus have them. */
        setlocale(LC_NUMERIC, "C");
        bindtextdomain("smctl", locales ? locales : LOCALEDIR);
        bind_textdomain_codeset("smctl", "UTF-8");
        textdomain("smctl");
        code = run(argc, argv);
        /* A full disk or a closed pipe must not look like success. */
        if (fflush(stdout) != 0 || ferror(stdout)) {
                fprintf(stderr, "smctl: %s\n", _("the output could not be written"));
                return EXIT_FAILED;
        }
        return code;
}
