/* SPDX-License-Identifier: MIT */
/*
 * How signals leave, and when. Without Readers= they are broadcast, as everywhere. With Readers= a
 * broadcast would show everyone what only a group may know, so each signal goes, unicast, to those
 * callers who have proved to be readers by an allowed call (GetManagedObjects, GetAll, GetReadings
 * …) since they connected. Match rules of the usual libraries accept such signals like broadcast
 * ones.
 */
#include "bus-private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/util.h"

/* Beyond this the bus daemon is not reading: signals that old are not worth the memory. */
#define SIGNAL_QUEUE_MAX 4096
/* Callers wait so long for a slow disk, and no longer than until the next telegram. */
#define CALLERS_WAIT_USEC UINT64_C(1000000)

static void send_copy(struct bus *bus, sd_bus_message *m, const char *reader)
{
        sd_bus_message *copy = NULL;
        int r;

        r = sd_bus_message_new_signal(bus->bus, &copy, sd_bus_message_get_path(m),
                                      sd_bus_message_get_interface(m),
                                      sd_bus_message_get_member(m));
        if (r >= 0)
                r = sd_bus_message_rewind(m, true);
        if (r >= 0)
                r = sd_bus_message_copy(copy, m, true);
        if (r >= 0)
                r = sd_bus_send_to(bus->bus, copy, reader, NULL);
        /* A signal that could not be sent is not repeated; a lost bus is reported by on_lost. */
        (void)r;
        sd_bus_message_unref(copy);
}

static void send_now(struct bus *bus, sd_bus_message *m)
{
        uint64_t n_queued = 0;

        if (!bus->has_followers)
                return;
        if (sd_bus_get_n_queued_write(bus->bus, &n_queued) >= 0 && n_queued > SIGNAL_QUEUE_MAX)
                return;
        if (!bus->readers_group) {
                (void)sd_bus_send(bus->bus, m, NULL); /* as above */
                return;
        }
        if (sd_bus_message_seal(m, 1, 0) < 0)
                return;
        for (const char *reader = sd_bus_track_first(bus->readers); reader;
             reader = sd_bus_track_next(bus->readers))
                send_copy(bus, m, reader);
}

/* ---- signals that wait until what they announce is kept ---- */

struct bus_waiting {
        sd_bus_message *m;
        uint64_t ticket;
};

static bool is_held(const struct bus *bus)
{
        return bus->ticket > bus->released;
}

/* False without memory. */
static bool wait_with(struct bus *bus, sd_bus_message *m)
{
        if (bus->n_waiting == SIGNAL_QUEUE_MAX)
                return true; /* dropped, as when the bus daemon does not read */
        if (!ARRAY_GROW(bus->waiting, bus->n_waiting, bus->waiting_room))
                return false;
        bus->waiting[bus->n_waiting++] =
                (struct bus_waiting){ .m = sd_bus_message_ref(m), .ticket = bus->ticket };
        return true;
}

static void send_waiting(struct bus *bus, uint64_t through)
{
        size_t n = 0;

        while (n < bus->n_waiting && bus->waiting[n].ticket <= through) {
                send_now(bus, bus->waiting[n].m);
                sd_bus_message_unref(bus->waiting[n++].m);
        }
        bus->n_waiting -= n;
        if (bus->n_waiting > 0)
                memmove(bus->waiting, bus->waiting + n, bus->n_waiting * sizeof(*bus->waiting));
}

void bus_signal_send(struct bus *bus, sd_bus_message *m)
{
        if ((is_held(bus) || bus->gathering) && wait_with(bus, m))
                return;
        if (is_held(bus))
                return; /* no memory: it is lost */
        send_waiting(bus, bus->released);
        send_now(bus, m);
}

void bus_signal_gather(struct bus *bus)
{
        bus->gathering = true;
}

void bus_signal_flush(struct bus *bus)
{
        bus->gathering = false;
        send_waiting(bus, bus->released);
}

/* Callers are read and answered again. Without its events the connection is of no use. */
static void end_wait_of_callers(struct bus *bus)
{
        if (bus->held_usec == 0)
                return;
        bus->held_usec = 0;
        if (sd_bus_attach_event(bus->bus, bus->event, SD_EVENT_PRIORITY_NORMAL) < 0 && bus->on_lost)
                bus->on_lost(bus->lost_userdata);
}

/*
 * The objects have the new readings already, so that who calls has to wait as well. Where a disk
 * never catches up with the meters callers come first after a while; signals still wait.
 */
void bus_signal_hold(struct bus *bus, uint64_t ticket)
{
        bool begins = !is_held(bus);

        bus->ticket = ticket;
        if (begins && sd_bus_detach_event(bus->bus) >= 0)
                bus->held_usec = bus_now_usec();
        else if (!begins && bus_now_usec() - bus->held_usec > CALLERS_WAIT_USEC)
                end_wait_of_callers(bus);
}

void bus_signal_release(struct bus *bus, uint64_t through)
{
        bus->released = MIN(through, bus->ticket);
        send_waiting(bus, through);
        if (!is_held(bus))
                end_wait_of_callers(bus);
}

/* One face beside others that stay: the whole object neither comes nor goes. */
static bool is_whole_object(struct bus_face *const faces[], size_t n)
{
        return n > 1 || faces[0]->interface != &bus_electricity_interface;
}

void bus_announce(struct bus *bus, const char *path, struct bus_face *const faces[], size_t n)
{
        sd_bus_message *m = NULL;
        int r;

        if (!bus->has_followers) /* who comes later asks for all there is */
                return;
        if (!bus->readers_group && !is_held(bus) && is_whole_object(faces, n)) {
                (void)sd_bus_emit_object_added(bus->bus, path); /* a failure concerns no caller */
                return;
        }
        r = sd_bus_message_new_signal(bus->bus, &m, BUS_PATH, "org.freedesktop.DBus.ObjectManager",
                                      "InterfacesAdded");
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 'o', path);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{sa{sv}}");
        for (size_t i = 0; i < n && r >= 0; i++) {
                r = sd_bus_message_open_container(m, 'e', "sa{sv}");
                if (r >= 0)
                        r = sd_bus_message_append_basic(m, 's', faces[i]->interface->name);
                if (r >= 0)
                        r = bus_face_append(faces[i], m);
                if (r >= 0)
                        r = sd_bus_message_close_container(m);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                bus_signal_send(bus, m);
        sd_bus_message_unref(m);
}

void bus_retract(struct bus *bus, const char *path, struct bus_face *const faces[], size_t n)
{
        sd_bus_message *m = NULL;
        int r;

        if (!bus->has_followers)
                return;
        if (!bus->readers_group && !is_held(bus) && is_whole_object(faces, n)) {
                (void)sd_bus_emit_object_removed(bus->bus, path); /* as above */
                return;
        }
        r = sd_bus_message_new_signal(bus->bus, &m, BUS_PATH, "org.freedesktop.DBus.ObjectManager",
                                      "InterfacesRemoved");
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 'o', path);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "s");
        for (size_t i = 0; i < n && r >= 0; i++)
                r = sd_bus_message_append_basic(m, 's', faces[i]->interface->name);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                bus_signal_send(bus, m);
        sd_bus_message_unref(m);
}

/*
 * The bus daemon refuses a match only beyond its limits, of which ours (AUTH_MAX, HOLD_MAX) stay
 * far away. Without it the other end of the watch, the fd or polkit's answer, is still there; and
 * without this callback sd-bus would close the whole connection.
 */
static int on_watch_installed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return 0;
}

int bus_watch_name(struct bus *bus, const char *name, sd_bus_message_handler_t handler,
                   void *userdata, sd_bus_slot **ret)
{
        char match[400]; /* a unique name has at most 255 bytes */

        if (bus->peer) /* it leaves with its connection, and all of this with it */
                return 0;
        if ((size_t)snprintf(match, sizeof(match),
                             "type='signal',sender='org.freedesktop.DBus',"
                             "path='/org/freedesktop/DBus',interface='org.freedesktop.DBus',"
                             "member='NameOwnerChanged',arg0='%s',arg2=''",
                             name) >= sizeof(match))
                return -EINVAL;
        return sd_bus_add_match_async(bus->bus, ret, match, handler, on_watch_installed, userdata);
}
