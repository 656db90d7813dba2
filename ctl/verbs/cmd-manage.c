/* SPDX-License-Identifier: MIT */
/*
 * smctl adopt, forget, probe, reload: one call each that changes what the service does.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/client/client.h"
#include "ctl/i18n.h"
#include "ctl/options.h"
#include "ctl/view/output.h"
#include "ctl/view/sentences.h"
#include "dbus/names.h"
#include "forget-list.h"
#include "lib/profile/profile.h"
#include "verb.h"

/* Says what was done: {"done": verb, "id": id} for programs. */
static int report(const char *verb, const char *id, const char *format)
{
        if (ctl_settings.json) {
                OWNED(json) struct json_object *object = json_object_new_object();

                json_set_text(object, "done", verb);
                json_set_text(object, "id", id);
                json_print(object);
        } else {
                printf(format, id);
                printf("\n");
        }
        return EXIT_DONE;
}

static int adopt_append(sd_bus_message *call, const char *tty, const char *line,
                        const char *profile)
{
        int r;

        r = sd_bus_message_append(call, "s", tty);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(call, 'a', "{sv}");
        if (r >= 0 && line)
                r = sd_bus_message_append(call, "{sv}", "Line", "s", line);
        if (r >= 0 && profile)
                r = sd_bus_message_append(call, "{sv}", "Profile", "s", profile);
        return r < 0 ? r : sd_bus_message_close_container(call);
}

static int adopt(sd_bus *bus, const char *tty, const char *line, const char *profile)
{
        OWNED(message) sd_bus_message *call = NULL, *reply = NULL;
        OWNED_FREE char *id = NULL;
        sd_bus_error error = SD_BUS_ERROR_NULL;
        const char *path;
        int r;

        r = sd_bus_message_new_method_call(bus, &call, BUS_NAME, BUS_PATH, BUS_INTERFACE_MANAGER,
                                           "Adopt");
        if (r >= 0)
                r = adopt_append(call, tty, line, profile);
        if (r >= 0)
                r = sd_bus_call(bus, call, 0, &error, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "o", &path);
        if (r >= 0)
                r = sd_bus_get_property_string(bus, BUS_NAME, path, BUS_INTERFACE_CONVERTER, "Id",
                                               &error, &id);
        if (r < 0)
                (void)client_explain(&error, r);
        sd_bus_error_free(&error);
        return r < 0 ? EXIT_FAILED : report("adopt", id, _("The service now uses %s."));
}

int cmd_adopt(int argc, char **argv)
{
        const char *line = NULL, *profile = NULL;
        const struct option_row rows[] = {
                { "line", 'l', OPTION_STRING, N_("LINE"),
                  N_("line settings, such as \"2400 8E1\"; else they are found"), &line },
                { "profile", 'p', OPTION_STRING, N_("NAME"),
                  N_("the meter family; else it is found"), &profile },
        };
        const struct options options = {
                .rows = rows,
                .n_rows = ELEMENTSOF(rows),
                .about = N_("TTY is a port as /dev/ttyUSB0 or ttyUSB0. The choice is kept for the "
                            "converter,\nwhatever its port will be called later."),
                .min_arguments = 1,
                .max_arguments = 1,
        };
        OWNED(bus) sd_bus *bus = NULL;
        struct serial_line parsed;
        int first;

        first = options_parse(&options, argc, argv);
        if (first <= 0)
                return options_exit(first);
        if (line && serial_line_parse(line, &parsed) < 0)
                return options_misuse("adopt", _("\"%s\" is no line; one looks like \"2400 8E1\""),
                                      line);
        if (client_open(&bus) < 0)
                return EXIT_FAILED;
        return adopt(bus, argv[first], line, profile);
}

int cmd_forget(int argc, char **argv)
{
        bool list = false;
        const struct option_row rows[] = {
                { "list", 'l', OPTION_FLAG, NULL,
                  N_("what is remembered of earlier runs and is not there now"), &list },
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
        /* What is unplugged is not on the bus, but may still be remembered: the service knows. */
        object = client_find_quietly(all, argv[first]);
        id = object ? json_text(object, "id") : argv[first];
        if (client_call(bus, BUS_PATH, BUS_INTERFACE_MANAGER, "Forget", NULL, "sa{sv}", id, 0) < 0)
                return EXIT_FAILED;
        return report("forget", id, _("%s is forgotten."));
}

/* What was done: the words are whole sentences, for translators. */
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
                object = json_object_new_object();
                json_set_text(object, "done", "reload");
                json_object_object_add(object, "warnings", json_object_get(warnings));
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
