/* SPDX-License-Identifier: MIT */
/*
 * Readers=: consumption shows when people are at home, so an operator may limit who reads. Every
 * method call passes one filter before any object sees it: what is not listed as open is for
 * members of the group (and root), getters and GetManagedObjects and introspection included, since
 * object paths carry serial numbers. Methods that ask polkit are left to polkit.
 *
 * Uid and groups come from the bus daemon, which took them from the kernel when the caller
 * connected (GetConnectionCredentials): /proc could by now belong to another process. A caller is
 * asked about once; unique names are never used twice.
 */
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "bus-private.h"

/* Signals are copied for each: a limit on the work of one telegram. Further readers may ask. */
#define READERS_MAX 64
/* The bus daemon answers at once or is dead: then it is not waited for with each call anew, of
 * which it may have passed on hundreds. */
#define READERS_CALL_USEC  (UINT64_C(500) * 1000)
#define READERS_PAUSE_USEC (UINT64_C(3) * 1000 * 1000)

/* Anyone may ping, and call what asks polkit by itself. */
static bool call_is_open(sd_bus_message *m)
{
        static const struct bus_interface *const interfaces[] = {
                &bus_manager_interface,
                &bus_converter_interface,
                &bus_output_interface,
        };
        const char *interface = sd_bus_message_get_interface(m);
        const char *member = sd_bus_message_get_member(m);

        if (interface && strcmp(interface, "org.freedesktop.DBus.Peer") == 0)
                return true;
        for (size_t i = 0; interface && i < ELEMENTSOF(interfaces); i++)
                if (strcmp(interface, interfaces[i]->name) == 0)
                        return bus_interface_guards(interfaces[i], member);
        return false;
}

static bool gid_is_in(gid_t gid, const uint32_t *groups, size_t n_bytes)
{
        for (size_t i = 0; i < n_bytes / sizeof(*groups); i++)
                if (groups[i] == gid)
                        return true;
        return false;
}

/* Walks a{sv} of GetConnectionCredentials. */
static int credentials_allow(const struct bus *bus, sd_bus_message *reply, bool *ret)
{
        uint32_t uid = UINT32_MAX;
        bool member = false;
        int r;

        r = sd_bus_message_enter_container(reply, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
                const void *groups = NULL;
                const char *key = NULL;
                size_t n_bytes = 0;

                r = sd_bus_message_read_basic(reply, 's', &key);
                if (r >= 0 && strcmp(key, "UnixUserID") == 0) {
                        r = sd_bus_message_read(reply, "v", "u", &uid);
                } else if (r >= 0 && strcmp(key, "UnixGroupIDs") == 0) {
                        r = sd_bus_message_enter_container(reply, 'v', "au");
                        if (r >= 0)
                                r = sd_bus_message_read_array(reply, 'u', &groups, &n_bytes);
                        if (r >= 0)
                                r = sd_bus_message_exit_container(reply);
                        member = r >= 0 && bus->readers_gid_valid &&
                                 gid_is_in(bus->readers_gid, groups, n_bytes);
                } else if (r >= 0) {
                        r = sd_bus_message_skip(reply, "v");
                }
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
        }
        if (r < 0)
                return r;
        *ret = member || uid == 0 || uid == geteuid();
        return 0;
}

/* One short question to the bus daemon, for a caller's first call only. -ETIMEDOUT: no answer. */
static int caller_is_reader(struct bus *bus, const char *sender)
{
        sd_bus_message *call = NULL, *reply = NULL;
        bool allowed = false;
        int r;

        if (sd_bus_track_count_name(bus->readers, sender) > 0)
                return true;
        if (bus_now_usec() < bus->readers_pause_usec)
                return -ETIMEDOUT;
        r = sd_bus_message_new_method_call(bus->bus, &call, "org.freedesktop.DBus",
                                           "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                           "GetConnectionCredentials");
        if (r >= 0)
                r = sd_bus_message_append_basic(call, 's', sender);
        if (r >= 0)
                r = sd_bus_call(bus->bus, call, READERS_CALL_USEC, NULL, &reply);
        if (r == -ETIMEDOUT)
                bus->readers_pause_usec = bus_now_usec() + READERS_PAUSE_USEC;
        if (r >= 0)
                r = credentials_allow(bus, reply, &allowed);
        sd_bus_message_unref(call);
        sd_bus_message_unref(reply);
        if (r < 0 || !allowed)
                return r == -ETIMEDOUT ? r : false;
        if (sd_bus_track_count(bus->readers) < READERS_MAX)
                (void)sd_bus_track_add_name(bus->readers, sender); /* else: no signals */
        return true;
}

static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct bus *bus = userdata;
        const char *sender = sd_bus_message_get_sender(m);
        int r;

        if (!bus->readers_group || !sd_bus_message_is_method_call(m, NULL, NULL) || call_is_open(m))
                return 0;
        r = sender ? caller_is_reader(bus, sender) : false;
        if (r > 0)
                return 0;
        if (r == -ETIMEDOUT)
                return bus_fail(error, -EACCES, BUS_ERROR_NOT_AUTHORIZED,
                                "The bus daemon does not say who calls: try again in a while.");
        return bus_fail(error, -EACCES, BUS_ERROR_NOT_AUTHORIZED,
                        "Only members of the group '%s' may read meters (Readers= in "
                        "smartmeterd.conf): ask to be added to it and log in again.",
                        bus->readers_group);
}

int bus_readers_start(struct bus *bus)
{
        int r;

        if (bus->peer)
                return 0;
        r = sd_bus_track_new(bus->bus, &bus->readers, NULL, NULL);
        return r < 0 ? r : sd_bus_add_filter(bus->bus, &bus->filter_slot, on_message, bus);
}

int bus_readers_set(struct bus *bus, const char *group)
{
        const struct group *entry = group ? getgrnam(group) : NULL;
        OWNED_FREE char *copy = NULL;
        const char *reader;

        if (bus->peer) /* who may open the socket may read all */
                return 0;
        if (group) {
                copy = strdup(group);
                if (!copy)
                        return -ENOMEM;
        }
        free(bus->readers_group);
        bus->readers_group = TAKE(copy);
        bus->readers_gid_valid = entry != NULL; /* a group that is not there has no members */
        bus->readers_gid = entry ? entry->gr_gid : 0;
        /* Another group, other readers: each proves it again. */
        while ((reader = sd_bus_track_first(bus->readers)))
                (void)sd_bus_track_remove_name(bus->readers, reader);
        return 0;
}
