/* SPDX-License-Identifier: MIT */
/*
 * org.freedesktop.LogControl1 (systemd, LogControl1(5)): `systemctl service-log-level smartmeterd
 * debug`. Setting is for root: neither the policy nor sd-bus lets others through. The interface has
 * no change signals by its definition.
 */
#include <errno.h>

#include "bus-private.h"

#define LOG_CONTROL_PATH      "/org/freedesktop/LogControl1"
#define LOG_CONTROL_INTERFACE "org.freedesktop.LogControl1"

static int get_level(sd_bus *bus, const char *path, const char *interface, const char *property,
                     sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        struct bus *b = userdata;

        return sd_bus_message_append(reply, "s", b->requests->get_log_level(b->userdata));
}

static int set_level(sd_bus *bus, const char *path, const char *interface, const char *property,
                     sd_bus_message *value, void *userdata, sd_bus_error *error)
{
        struct bus *b = userdata;
        const char *level;
        int r;

        r = sd_bus_message_read_basic(value, 's', &level);
        if (r < 0)
                return r;
        r = b->requests->set_log_level(b->userdata, level);
        if (r == -EINVAL)
                return bus_fail(error, r, BUS_ERROR_INVALID_ARGUMENT,
                                "'%.100s' is no log level; err, warning, notice, info and debug "
                                "are.",
                                level);
        return bus_error_errno(r, error);
}

static int get_target(sd_bus *bus, const char *path, const char *interface, const char *property,
                      sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        struct bus *b = userdata;

        return sd_bus_message_append(reply, "s", b->requests->get_log_target(b->userdata));
}

static int set_target(sd_bus *bus, const char *path, const char *interface, const char *property,
                      sd_bus_message *value, void *userdata, sd_bus_error *error)
{
        struct bus *b = userdata;
        const char *target;
        int r;

        r = sd_bus_message_read_basic(value, 's', &target);
        if (r < 0)
                return r;
        r = b->requests->set_log_target(b->userdata, target);
        if (r == -EINVAL)
                return bus_fail(error, r, BUS_ERROR_INVALID_ARGUMENT,
                                "'%.100s' is no log target; journal and console are.", target);
        return bus_error_errno(r, error);
}

static int get_identifier(sd_bus *bus, const char *path, const char *interface,
                          const char *property, sd_bus_message *reply, void *userdata,
                          sd_bus_error *error)
{
        return sd_bus_message_append(reply, "s", "smartmeterd");
}

static const sd_bus_vtable log_control_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_WRITABLE_PROPERTY("LogLevel", "s", get_level, set_level, 0, 0),
        SD_BUS_WRITABLE_PROPERTY("LogTarget", "s", get_target, set_target, 0, 0),
        SD_BUS_PROPERTY("SyslogIdentifier", "s", get_identifier, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_VTABLE_END,
};

int logcontrol_init(struct bus *bus)
{
        return sd_bus_add_object_vtable(bus->bus, &bus->log_slot, LOG_CONTROL_PATH,
                                        LOG_CONTROL_INTERFACE, log_control_vtable, bus);
}
