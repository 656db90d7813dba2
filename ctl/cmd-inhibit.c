/* SPDX-License-Identifier: MIT */
/*
 * smctl inhibit: the service frees the port as long as a command runs, and takes it back after.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "client.h"
#include "dbus/names.h"
#include "i18n.h"
#include "options.h"
#include "output.h"
#include "verb.h"

/* The descriptor of the inhibition: the port stays free until it is closed. -errno. */
static int inhibit(sd_bus *bus, const char *path, const char *why)
{
        OWNED(message) sd_bus_message *reply = NULL;
        int fd, r;

        r = client_call(bus, path, BUS_INTERFACE_CONVERTER, "Inhibit", &reply, "ss", "smctl", why);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "h", &fd);
        if (r < 0)
                return r;
        return fcntl(fd, F_DUPFD_CLOEXEC, 3); /* the message's own dies with it */
}

int cmd_inhibit(int argc, char **argv)
{
        const char *why = NULL;
        const struct option_row rows[] = {
                { "why", 'w', OPTION_STRING, N_("TEXT"),
                  N_("the reason that others are shown; else the command"), &why },
        };
        const struct options options = {
                .rows = rows,
                .n_rows = ELEMENTSOF(rows),
                .about = N_("COMMAND finds the port in the environment as SMARTMETER_DEVICE. Its "
                            "exit status is\nthat of smctl."),
                .min_arguments = 2,
                .max_arguments = OPTIONS_ANY_NUMBER,
                .stop_at_argument = true,
        };
        OWNED(json) struct json_object *all = NULL;
        OWNED(bus) sd_bus *bus = NULL;
        struct json_object *converter;
        OWNED_FD int fd = -1;
        int command, first, r;

        first = options_parse(&options, argc, argv);
        if (first <= 0)
                return options_exit(first);
        command = first + 1;
        if (strcmp(argv[command], "--") == 0)
                command++;
        if (command >= argc)
                return options_misuse("inhibit", "%s",
                                      _("which command? smctl inhibit ID -- COMMAND"));
        if (client_open(&bus) < 0 || client_fetch_converter(bus, argv[first], &all, &converter) < 0)
                return EXIT_FAILED;
        fd = inhibit(bus, json_text(converter, "object"), why ? why : argv[command]);
        if (fd < 0)
                return EXIT_FAILED;
        if (setenv("SMARTMETER_DEVICE", json_text(converter, "device"), 1) < 0)
                return output_fail("%s", strerror(errno));
        r = child_run(argv + command);
        if (r < 0)
                return output_fail("%s: %s", argv[command], strerror(-r));
        return r;
}
