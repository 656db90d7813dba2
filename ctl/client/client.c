/* SPDX-License-Identifier: MIT */
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl/i18n.h"
#include "ctl/options.h"
#include "ctl/verb.h"
#include "ctl/view/output.h"
#include "ctl/view/sentences.h"
#include "dbus/names.h"

/* Adopting waits for the port, setting keys for polkit's question: no call takes longer. */
#define CALL_TIMEOUT_USEC (60U * 1000000U)

static int explain_absent(void)
{
        return output_fail("%s", _("the service is not running; why, and what helps, says: smctl "
                                   "doctor (its log: journalctl -u smartmeterd)"));
}

/* `path`: the socket of a service that runs without a bus; NULL: a bus, at the address given. */
static int open_address(const char *path, sd_bus **ret)
{
        OWNED(bus) sd_bus *bus = NULL;
        char address[PATH_MAX + 16];
        int r;

        r = sd_bus_new(&bus);
        if (r < 0)
                return r;
        (void)snprintf(address, sizeof(address), "unix:path=%s", path ? path : "");
        r = sd_bus_set_address(bus, path ? address : ctl_settings.address);
        if (r < 0)
                return r;
        r = sd_bus_set_bus_client(bus, !path);
        if (r < 0)
                return r;
        r = sd_bus_start(bus);
        if (r < 0)
                return r;
        *ret = TAKE(bus);
        return 0;
}

/* Where the service runs without a bus, its socket is there; else the bus is asked. */
static int open_usual(sd_bus **ret)
{
        if (open_address(BUS_PRIVATE_FOLDER "/" BUS_PRIVATE_SOCKET, ret) >= 0)
                return 0;
        return sd_bus_open_system(ret);
}

int client_connect(sd_bus **ret)
{
        const char *given = ctl_settings.address;
        OWNED(bus) sd_bus *bus = NULL;
        int r;

        r = given ? open_address(*given == '/' ? given : NULL, &bus) : open_usual(&bus);
        if (r < 0)
                return r;
        (void)sd_bus_set_allow_interactive_authorization(bus, true);
        (void)sd_bus_set_method_call_timeout(bus, CALL_TIMEOUT_USEC);
        *ret = TAKE(bus);
        return 0;
}

bool client_has_service(sd_bus *bus)
{
        OWNED(message) sd_bus_message *reply = NULL;
        int owned = 0;

        if (sd_bus_is_bus_client(bus) <= 0)
                return true; /* no other process listens at its socket */
        return sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                  "org.freedesktop.DBus", "NameHasOwner", NULL, &reply, "s",
                                  BUS_NAME) >= 0 &&
               sd_bus_message_read(reply, "b", &owned) >= 0 && owned;
}

int client_open(sd_bus **ret)
{
        OWNED(bus) sd_bus *bus = NULL;
        int r;

        r = client_connect(&bus);
        if (r < 0) {
                (void)output_fail(_("the system bus cannot be reached: %s. Is dbus running "
                                    "(systemctl status dbus)?"),
                                  strerror(-r));
                return r;
        }
        /* Looking at a service that someone stopped must not start it, as activation would. */
        if (!client_has_service(bus)) {
                (void)explain_absent();
                return -EHOSTUNREACH;
        }
        *ret = TAKE(bus);
        return 0;
}

/* True when the error means that the service's name has no owner. */
static bool client_is_absent(const sd_bus_error *error, int r)
{
        return sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
               sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER) ||
               sd_bus_error_has_name(error, "org.freedesktop.systemd1.NoSuchUnit") ||
               sd_bus_error_has_name(error, "org.freedesktop.systemd1.UnitMasked") ||
               strncmp(error->name ? error->name : "", "org.freedesktop.DBus.Error.Spawn.",
                       strlen("org.freedesktop.DBus.Error.Spawn.")) == 0 ||
               r == -EHOSTUNREACH;
}

/* The service says what would allow it, as a sentence; the bus ends its own without a point. */
static int explain_denied(const char *english)
{
        const char *message = sentences_say(english);
        size_t len = strlen(message);

        while (len > 0 && message[len - 1] == '.')
                len--;
        return output_fail(_("not allowed: %.*s. Try it with sudo"), (int)len, message);
}

int client_explain(const sd_bus_error *error, int r)
{
        if (client_is_absent(error, r))
                return explain_absent();
        if (sd_bus_error_has_name(error, SD_BUS_ERROR_ACCESS_DENIED) ||
            sd_bus_error_has_name(error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED) ||
            sd_bus_error_has_name(error, BUS_ERROR_NOT_AUTHORIZED))
                return explain_denied(error->message ? error->message : error->name);
        if (sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY) ||
            sd_bus_error_has_name(error, SD_BUS_ERROR_TIMEOUT) || r == -ETIMEDOUT)
                return output_fail(_("the service does not answer. Its log says why: "
                                     "journalctl -u smartmeterd"));
        if (error->message && *error->message)
                return output_fail("%s", sentences_say(error->message));
        return output_fail("%s", strerror(r < 0 ? -r : r));
}

int client_call(sd_bus *bus, const char *path, const char *interface, const char *method,
                sd_bus_message **ret, const char *types, ...)
{
        OWNED(message) sd_bus_message *call = NULL;
        sd_bus_error error = SD_BUS_ERROR_NULL;
        va_list arguments;
        int r;

        r = sd_bus_message_new_method_call(bus, &call, BUS_NAME, path, interface, method);
        if (r >= 0 && types && *types) {
                va_start(arguments, types);
                r = sd_bus_message_appendv(call, types, arguments);
                va_end(arguments);
        }
        if (r >= 0)
                r = sd_bus_call(bus, call, 0, &error, ret);
        if (r < 0)
                (void)client_explain(&error, r);
        sd_bus_error_free(&error);
        return r < 0 ? r : 0;
}

int client_capture(sd_bus *bus, const char *path)
{
        OWNED(message) sd_bus_message *reply = NULL;
        int fd, r;

        r = client_call(bus, path, BUS_INTERFACE_CONVERTER, "Capture", &reply, "a{sv}", 0);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "h", &fd);
        if (r < 0)
                return r;
        fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        return fd < 0 ? -errno : fd;
}

bool client_set_zone(const char *name)
{
        char path[160];

        (void)snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name);
        if (!*name || strstr(name, "..") || access(path, R_OK) < 0)
                return false;
        (void)snprintf(path, sizeof(path), ":%s", name);
        if (setenv("TZ", path, 1) < 0)
                return false;
        tzset();
        return true;
}

void client_use_zone(struct json_object *all)
{
        (void)client_set_zone(json_text(json_member(all, "service"), "timezone"));
}
