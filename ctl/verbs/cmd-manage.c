/* SPDX-License-Identifier: MIT */
/*
 * smctl forget, probe, reload: one call each that changes what the service does.
 */
#include <stdio.h>
#include <string.h>

#include "config-build.h"
#include "ctl/board/board-file.h"
#include "ctl/board/board-unit.h"
#include "ctl/client/client.h"
#include "ctl/i18n.h"
#include "ctl/options.h"
#include "ctl/view/output.h"
#include "ctl/view/sentences.h"
#include "dbus/names.h"
#include "forget-list.h"
#include "verb.h"

#define CONFIG_FILE SYSCONFDIR "/smartmeterd/smartmeterd.conf"

/* Says what was done: {"done": verb, "id": id} for programs. */
static int report(const char *verb, const char *id, const char *format)
{
        if (ctl_settings.json) {
                OWNED(json) struct json_object *object = json_new_object();

                json_set_text(object, "done", verb);
                json_set_text(object, "id", id);
                json_print(object);
        } else {
                printf(format, id);
                printf("\n");
        }
        return EXIT_DONE;
}

/* A port of the machine itself that was adopted: what was written for it goes. */
static bool give_up_board(sd_bus *bus, const char *device, const char *config)
{
        struct board_files files;
        const char *name = strrchr(device, '/');
        int n;

        if (!name || !board_files_name(config, name + 1, &files))
                return true;
        n = board_files_remove(&files);
        if (n <= 0)
                return n == 0;
        return (!board_has_systemd() || board_unit_reload(false)) &&
               client_call(bus, BUS_PATH, BUS_INTERFACE_MANAGER, "Reload", NULL, NULL) >= 0;
}

int cmd_forget(int argc, char **argv)
{
        bool list = false;
        const char *config = CONFIG_FILE;
        const struct option_row rows[] = {
                { "list", 'l', OPTION_FLAG, NULL,
                  N_("what is remembered of earlier runs and is not there now"), &list },
                { "config", 'C', OPTION_STRING, N_("FILE"),
                  N_("the service's configuration, where it is elsewhere"), &config },
        };
        const struct options options = {
                .rows = rows,
                .n_rows = ELEMENTSOF(rows),
                .about = N_("Forgets learned line settings, an adoption, keys set at run time, and "
                            "what is\nretained at the brokers."),
                .max_arguments = 1,
        };
        OWNED(json) struct json_object *all = NULL;
        OWNED(bus) sd_bus *bus = NULL;
        struct json_object *object;
        const char *id;
        int first;

        first = options_parse(&options, argc, argv);
        if (first <= 0)
                return options_exit(first);
        if (list == (first < argc))
                return options_misuse("forget",
                                      list ? _("--list takes no argument")
                                           : _("one argument is needed; --list shows what is "
                                               "remembered"));
        if (client_open(&bus) < 0)
                return EXIT_FAILED;
        if (list)
                return forget_list(bus);
        if (client_fetch(bus, &all) < 0)
                return EXIT_FAILED;
        /* An unplugged converter is not on the bus, but the service may still remember it. */
        object = client_find_quietly(all, argv[first]);
        id = object ? json_text(object, "id") : argv[first];
        if (client_call(bus, BUS_PATH, BUS_INTERFACE_MANAGER, "Forget", NULL, "sa{sv}", id, 0) <
                    0 ||
            !give_up_board(bus, json_text(object, "device"), config))
                return EXIT_FAILED;
        return report("forget", id, _("%s is forgotten."));
}

/* Whole sentences, for translators. */
static const char *probe_report(const char *reset)
{
        if (!reset)
                return _("Looking for the line settings of %s (smctl status shows the progress).");
        if (strcmp(reset, "usb") == 0)
                return _("%s was reset through USB; its line settings are looked for (smctl status "
                         "shows the progress).");
        return _("The port of %s was closed and opened; its line settings are looked for (smctl "
                 "status shows the progress).");
}

int cmd_probe(int argc, char **argv)
{
        const char *reset = NULL;
        const struct option_row rows[] = {
                { "reset", 'r', OPTION_STRING, N_("HOW"),
                  N_("first reset it: \"reopen\" the port, or the \"usb\" device"), &reset },
        };
        const struct options options = {
                .rows = rows,
                .n_rows = ELEMENTSOF(rows),
                .min_arguments = 1,
                .max_arguments = 1,
        };
        OWNED(json) struct json_object *all = NULL;
        OWNED(bus) sd_bus *bus = NULL;
        struct json_object *converter;
        const char *path;
        int first;

        first = options_parse(&options, argc, argv);
        if (first <= 0)
                return options_exit(first);
        if (reset && strcmp(reset, "reopen") != 0 && strcmp(reset, "usb") != 0)
                return options_misuse("probe", _("--reset is \"reopen\" or \"usb\", not \"%s\""),
                                      reset);
        if (client_open(&bus) < 0 || client_fetch_converter(bus, argv[first], &all, &converter) < 0)
                return EXIT_FAILED;
        path = json_text(converter, "object");
        if (reset &&
            client_call(bus, path, BUS_INTERFACE_CONVERTER, "Reset", NULL, "sa{sv}", reset, 0) < 0)
                return EXIT_FAILED;
        if (client_call(bus, path, BUS_INTERFACE_CONVERTER, "Probe", NULL, "a{sv}", 0) < 0)
                return EXIT_FAILED;
        return report("probe", json_text(converter, "id"), probe_report(reset));
}

int cmd_reload(int argc, char **argv)
{
        OWNED(json) struct json_object *warnings = NULL, *object = NULL;
        OWNED(message) sd_bus_message *reply = NULL;
        const struct options options = { 0 };
        OWNED(bus) sd_bus *bus = NULL;
        int first;

        first = options_parse(&options, argc, argv);
        if (first <= 0)
                return options_exit(first);
        if (client_open(&bus) < 0 ||
            client_call(bus, BUS_PATH, BUS_INTERFACE_MANAGER, "Reload", &reply, NULL) < 0)
                return EXIT_FAILED;
        if (client_message_to_json(reply, &warnings) < 0)
                return output_fail("%s", _("the service answers in a way that is not understood"));
        if (ctl_settings.json) {
                object = json_new_object();
                json_set_text(object, "done", "reload");
                json_set(object, "warnings", json_object_get(warnings));
                json_print(object);
                return EXIT_DONE;
        }
        for (size_t i = 0; i < json_count(warnings); i++)
                fprintf(stderr, "%s\n",
                        sentences_say(
                                json_object_get_string(json_object_array_get_idx(warnings, i))));
        printf("%s\n", _("The configuration is reloaded."));
        return EXIT_DONE;
}
