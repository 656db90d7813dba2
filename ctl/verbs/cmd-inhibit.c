/* SPDX-License-Identifier: MIT */
/*
 * smctl inhibit: the service frees the port as long as a command runs, and takes it back after.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/client/child.h"
#include "ctl/client/client.h"
#include "ctl/i18n.h"
#include "ctl/options.h"
#include "ctl/view/output.h"
#include "dbus/names.h"
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

/*
 * Options may stand before the port and behind it, up to the command, whose options are its own.
 * Returns the index of the command and leaves the port's in *ret_port, or as options_parse().
 */
static int parse(const struct options *options, int argc, char **argv, int *ret_port)
{
        int port, command;
        char *word;

        port = options_parse(options, argc, argv);
        if (port <= 0)
                return port;
        word = argv[port];
        argv[port] = argv[0]; /* the rest is read like a line of its own */
        command = options_parse(options, argc - port, argv + port);
        argv[port] = word;
        if (command <= 0)
                return command;
        *ret_port = port;
        return port + command;
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
                .min_arguments = 1, /* the port, and then the command */
                .max_arguments = OPTIONS_ANY_NUMBER,
                .stop_at_argument = true,
        };
        OWNED(json) struct json_object *all = NULL;
        OWNED(bus) sd_bus *bus = NULL;
        struct json_object *converter;
        OWNED_FD int fd = -1;
        int command, port = 0, r;

        command = parse(&options, argc, argv, &port);
        if (command <= 0)
                return options_exit(command);
        if (client_open(&bus) < 0 || client_fetch_converter(bus, argv[port], &all, &converter) < 0)
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
