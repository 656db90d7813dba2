/* SPDX-License-Identifier: MIT */
/*
 * smctl adopt: lets the service use a port. For a USB converter that is one call, which the service
 * remembers. A port of the machine itself needs a section of the configuration and a sandbox that
 * is open for it: both are files of root's, written here.
 */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config-build.h"
#include "ctl/board/board-file.h"
#include "ctl/board/board-unit.h"
#include "ctl/client/client.h"
#include "ctl/client/daemon-program.h"
#include "ctl/doctor/sysroot.h"
#include "ctl/i18n.h"
#include "ctl/options.h"
#include "ctl/view/output.h"
#include "ctl/view/words.h"
#include "dbus/names.h"
#include "lib/profile/profile.h"
#include "verb.h"

#define CONFIG_FILE     SYSCONFDIR "/smartmeterd/smartmeterd.conf"
#define WAIT_USEC       10000000U
#define LOOK_EVERY_USEC 200000U

struct adopt {
        const char *tty;
        struct board_wish wish;
        bool free; /* the login prompt may go */
};

static int append(sd_bus_message *call, const struct adopt *adopt)
{
        int r;

        r = sd_bus_message_append(call, "s", adopt->tty);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(call, 'a', "{sv}");
        if (r >= 0 && adopt->wish.line)
                r = sd_bus_message_append(call, "{sv}", "Line", "s", adopt->wish.line);
        if (r >= 0 && adopt->wish.profile)
                r = sd_bus_message_append(call, "{sv}", "Profile", "s", adopt->wish.profile);
        return r < 0 ? r : sd_bus_message_close_container(call);
}

/* {"done": "adopt", "id": …, "files": […]} for programs. */
static int report(const char *id, const struct board_files *files)
{
        if (ctl_settings.json) {
                OWNED(json) struct json_object *object = json_new_object();
                struct json_object *names = json_new_array();

                json_set_text(object, "done", "adopt");
                json_set_text(object, "id", id);
                if (*files->section)
                        json_push_text(names, files->section);
                if (*files->drop_in)
                        json_push_text(names, files->drop_in);
                json_set(object, "files", names);
                json_print(object);
        } else {
                printf(_("The service now uses %s."), id);
                printf("\n");
        }
        return EXIT_DONE;
}

/* A converter that the service itself has found. */
static int adopt_converter(sd_bus *bus, const struct adopt *adopt)
{
        OWNED(message) sd_bus_message *call = NULL, *reply = NULL;
        static const struct board_files none;
        OWNED_FREE char *id = NULL;
        sd_bus_error error = SD_BUS_ERROR_NULL;
        const char *path;
        int r;

        r = sd_bus_message_new_method_call(bus, &call, BUS_NAME, BUS_PATH, BUS_INTERFACE_MANAGER,
                                           "Adopt");
        if (r >= 0)
                r = append(call, adopt);
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
        return r < 0 ? EXIT_FAILED : report(id, &none);
}

static bool may_write(const char *config)
{
        char copy[PATH_MAX];

        (void)snprintf(copy, sizeof(copy), "%s", config);
        if (access(dirname(copy), W_OK) == 0)
                return true;
        if (errno == ENOENT)
                (void)output_fail(_("%s is not there: is the package installed?"), copy);
        else
                (void)output_fail(_("not allowed to write in %s. Try it with sudo"), copy);
        return false;
}

/* No other program may read there. A login prompt is stopped when that is allowed. */
static bool make_free(const struct adopt *adopt, const struct board_port *port)
{
        struct process holder = { 0 };
        char answer[8] = "n";

        if (!board_port_holder(port, &holder))
                return true;
        if (!board_is_login(&holder)) {
                (void)output_fail(_("%s has it open (process %s). Stop that first: two readers "
                                    "steal each other's bytes"),
                                  holder.name, holder.pid);
                return false;
        }
        if (!adopt->free && !ctl_settings.json && isatty(STDIN_FILENO)) {
                printf(_("A login prompt (%s) reads there. Shall it be kept off this port? [y/N] "),
                       holder.unit);
                (void)fflush(stdout); /* asked at the end */
                if (!fgets(answer, sizeof(answer), stdin))
                        printf("\n");
        }
        if (!adopt->free && strchr("nN\n", *answer)) {
                (void)output_fail(_("a login prompt (%s) reads there; with --free it is kept off "
                                    "this port"),
                                  holder.unit);
                return false;
        }
        return board_unit_mask(holder.unit, port);
}

/* The section of whoever wrote it, and the port's state there. */
static struct json_object *find_port(sd_bus *bus, const struct board_port *port,
                                     struct json_object **all)
{
        json_put(*all);
        *all = NULL;
        return client_fetch(bus, all) < 0
                       ? NULL
                       : json_find(json_member(*all, "converters"), "device", port->device);
}

static bool listens(struct json_object *converter)
{
        static const char *const states[] = { "detecting", "receiving", "silent", "no-meter" };

        for (size_t i = 0; i < ELEMENTSOF(states); i++)
                if (strcmp(json_text(converter, "state"), states[i]) == 0)
                        return true;
        return false;
}

/* Nothing else comes of waiting. */
static bool is_refused(struct json_object *converter)
{
        return strcmp(json_text(converter, "state"), "denied") == 0 ||
               strcmp(json_text(converter, "state"), "busy") == 0 ||
               strcmp(json_text(converter, "state_code"), "not-there") == 0;
}

static int print_end(const struct board_port *port, const struct board_files *files)
{
        OWNED(json) struct json_object *all = NULL;
        OWNED(bus) sd_bus *bus = NULL;
        struct json_object *converter = NULL;
        uint64_t begin = output_mono_usec();

        if (client_connect(&bus) < 0 || !client_has_service(bus))
                return output_fail("%s", _("it is written, but the service does not run: sudo "
                                           "systemctl start smartmeterd"));
        do {
                converter = find_port(bus, port, &all);
                if (!all)
                        return EXIT_FAILED;
                if (converter && (listens(converter) || is_refused(converter)))
                        break;
                while (sd_bus_process(bus, NULL) > 0)
                        ; /* news is not looked into: all is fetched anew */
                (void)sd_bus_wait(bus, LOOK_EVERY_USEC);
        } while (output_mono_usec() - begin < WAIT_USEC);
        if (!converter)
                return output_fail(_("it is written (%s), but the service does not have it"),
                                   files->section);
        if (!listens(converter))
                return output_fail("%s: %s", port->device, words_reason(converter));
        if (sysroot_is_console(port->tty) > 0)
                output_say("%s %s\n", _("The kernel uses this port as its console."),
                           words_console_fix());
        return report(json_text(converter, "id"), files);
}

/* The service begins to use what is written. -errno after a word to the user. */
static int put_in_force(sd_bus *bus)
{
        if (board_has_systemd())
                return board_unit_reload(true) ? 0 : -EIO;
        return bus ? client_call(bus, BUS_PATH, BUS_INTERFACE_MANAGER, "Reload", NULL, NULL) : 0;
}

static int adopt_board(struct adopt *adopt, const struct board_port *port)
{
        OWNED(json) struct json_object *all = NULL;
        OWNED(bus) sd_bus *bus = NULL;
        struct board_files files;

        if (!may_write(adopt->wish.config))
                return EXIT_FAILED;
        if (client_connect(&bus) < 0 || !client_has_service(bus)) {
                client_bus_close(bus);
                bus = NULL;
        }
        adopt->wish.has_section = bus && find_port(bus, port, &all);
        if (board_files_write(port, &adopt->wish, &files) < 0)
                return EXIT_FAILED;
        if (!daemon_program_accepts(adopt->wish.config)) {
                board_files_undo(&files);
                return output_fail("%s",
                                   _("the configuration would be wrong; nothing was changed"));
        }
        if (!make_free(adopt, port)) {
                board_files_undo(&files);
                return EXIT_FAILED;
        }
        if (put_in_force(bus) < 0)
                return EXIT_FAILED;
        return print_end(port, &files);
}

static int run(struct adopt *adopt)
{
        OWNED(bus) sd_bus *bus = NULL;
        struct board_port port;
        int r = board_port_find(adopt->tty, &port);

        if (r != 0)
                return r < 0 ? EXIT_FAILED : adopt_board(adopt, &port);
        return client_open(&bus) < 0 ? EXIT_FAILED : adopt_converter(bus, adopt);
}

int cmd_adopt(int argc, char **argv)
{
        struct adopt adopt = { .wish.config = CONFIG_FILE };
        const struct option_row rows[] = {
                { "line", 'l', OPTION_STRING, N_("LINE"),
                  N_("line settings, such as \"2400 8E1\"; else they are found"),
                  &adopt.wish.line },
                { "profile", 'p', OPTION_STRING, N_("NAME"),
                  N_("the meter family; else it is found"), &adopt.wish.profile },
                { "free", 'f', OPTION_FLAG, NULL,
                  N_("keep a login prompt off a port of the machine"), &adopt.free },
                { "config", 'C', OPTION_STRING, N_("FILE"),
                  N_("the service's configuration, where it is elsewhere"), &adopt.wish.config },
        };
        const struct options options = {
                .rows = rows,
                .n_rows = ELEMENTSOF(rows),
                .about = N_("TTY is a port as /dev/ttyUSB0 or ttyUSB0. The choice is kept for the "
                            "converter,\nwhatever its port will be called later. For a port of the "
                            "machine itself, such as\n/dev/ttyAMA0, it is written into the "
                            "configuration, and the unit's sandbox opened:\nwith sudo."),
                .min_arguments = 1,
                .max_arguments = 1,
        };
        struct serial_line parsed;
        int first;

        first = options_parse(&options, argc, argv);
        if (first <= 0)
                return options_exit(first);
        if (adopt.wish.line && serial_line_parse(adopt.wish.line, &parsed) < 0)
                return options_misuse("adopt", _("\"%s\" is no line; one looks like \"2400 8E1\""),
                                      adopt.wish.line);
        adopt.tty = argv[first];
        return run(&adopt);
}
