/* SPDX-License-Identifier: MIT */
/*
 * smctl: everything a person does with smartmeterd. Finds the verb and hands over; the table below
 * is the whole of what it can do.
 */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "config-build.h"
#include "i18n.h"
#include "lib/util.h"
#include "options.h"
#include "secret.h"
#include "suggest.h"
#include "verb.h"

static const struct verb verbs[] = {
        { "status", "", N_("what the service sees and does, at a glance"), cmd_status },
        { "list-converters", "", N_("the USB converters, opened or not"), cmd_list_converters },
        { "list-meters", "", N_("the meters that have been heard"), cmd_list_meters },
        { "show", N_("ID"), N_("everything about one converter, meter or broker"), cmd_show },
        { "readings", N_("[METER]"), N_("the latest readings"), cmd_readings },
        { "monitor", N_("[METER]"), N_("readings as they come"), cmd_monitor },
        { "identify", "", N_("find out which converter is which: unplug or plug it"),
          cmd_identify },
        { "adopt", N_("TTY"), N_("let the service use this port from now on"), cmd_adopt },
        { "forget", N_("ID"), N_("drop what was learned about a converter or meter"), cmd_forget },
        { "probe", N_("ID"), N_("look for the line settings of a converter again"), cmd_probe },
        { "inhibit", N_("ID -- COMMAND…"), N_("free the port while a command runs"), cmd_inhibit },
        { "capture", N_("ID"), N_("record the raw bytes of a converter"), cmd_capture },
        { "decode", N_("[FILE…|-]"), N_("decode telegrams from files; needs no service"),
          cmd_decode },
        { "simulate", N_("PROFILE"), N_("play a virtual meter; needs no service"), cmd_simulate },
        { "set-key", N_("METER"), N_("give the service the key of an encrypted meter"),
          cmd_set_key },
        { "check-config", N_("[FILE]"), N_("check a configuration file"), cmd_check_config },
        { "import-config", N_("FILE"), N_("translate a datacollector.ini into our configuration"),
          cmd_import_config },
        { "doctor", "", N_("find what is wrong, and its cure"), cmd_doctor },
        { "reload", "", N_("make the service read its configuration again"), cmd_reload },
        { "version", "", N_("versions of smctl and of the service"), cmd_version },
};

const struct verb *verb_find(const char *name)
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
        near = suggest(word, names, ELEMENTSOF(verbs));
        if (near)
                fprintf(stderr, _("smctl: there is no verb \"%s\"; did you mean \"%s\"?\n"), word,
                        near);
        else
                fprintf(stderr, _("smctl: there is no verb \"%s\"\n"), word);
        fprintf(stderr, "%s\n", _("\"smctl --help\" lists them."));
        return EXIT_MISUSED;
}

/* "smctl help", and "smctl help VERB" for "smctl VERB --help". */
static int help(int argc, char **argv)
{
        const struct verb *verb;

        if (argc < 2) {
                print_help();
                return EXIT_DONE;
        }
        verb = verb_find(argv[1]);
        return verb ? verb->run(2, (char *[]){ argv[1], (char[]){ "--help" }, NULL })
                    : complain(argv[1]);
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
                if (strcmp(argv[at], "--version") == 0)
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
        const struct verb *verb = verb_find(argv[at]);
        return verb ? verb->run(argc - at, argv + at) : complain(argv[at]);
}

int main(int argc, char **argv)
{
        const char *locales = getenv("SMCTL_LOCALEDIR"); /* catalogues of a build not installed */
        int code;

        setlocale(LC_ALL, "");
        /* Numbers are written with a point in every language, as JSON and the bus have them. */
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
