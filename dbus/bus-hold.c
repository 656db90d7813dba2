/* SPDX-License-Identifier: MIT */
/*
 * What lives as long as a caller holds a file descriptor.
 *
 * Inhibit: the caller gets the write end of a pipe, we keep the read end; it hangs up when the last
 * copy of the caller's is closed. Leaving the bus ends it too. Capture: the caller gets the read
 * end, the owner of the port the write end, and a copy of that stays here only to notice that the
 * reader has gone, so that the captures of one caller can be counted.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/util.h"
#include "bus-private.h"

/* A person needs one or two; each costs a pipe. */
#define HOLD_MAX            64
#define HOLD_MAX_PER_CALLER 8

enum hold_kind {
        HOLD_INHIBIT,
        HOLD_CAPTURE,
};

struct bus_hold {
        struct bus_hold *next;
        struct bus *bus;
        enum hold_kind kind;
        char *converter_id;
        char *sender;
        uint64_t cookie; /* of the inhibition; 0: the port's owner does not know it (any more) */
        int fd;
        sd_event_source *source;
        sd_bus_slot *watch;
};

static struct bus_hold *hold_free(struct bus_hold *h)
{
        if (!h)
                return NULL;
        h->source = sd_event_source_disable_unref(h->source);
        h->watch = sd_bus_slot_unref(h->watch);
        for (struct bus_hold **p = &h->bus->holds; *p; p = &(*p)->next) {
                if (*p == h) {
                        *p = h->next;
                        break;
                }
        }
        if (h->fd >= 0)
                (void)close(h->fd); /* a pipe: nothing can be lost */
        if (h->cookie)
                h->bus->requests->inhibit_done(h->bus->userdata, h->converter_id, h->cookie);
        free(h->converter_id);
        free(h->sender);
        free(h);
        return NULL;
}
DEFINE_OWNED(hold, struct bus_hold *, hold_free);

static int on_hangup(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        hold_free(userdata);
        return 0;
}

static int on_caller_gone(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        hold_free(userdata);
        return 0;
}

static int check_limits(struct bus *bus, enum hold_kind kind, const char *sender,
                        sd_bus_error *error)
{
        size_t n = 0, n_of_caller = 0;

        for (const struct bus_hold *h = bus->holds; h; h = h->next) {
                if (h->kind != kind)
                        continue;
                n++;
                n_of_caller += strcmp(h->sender, sender) == 0;
        }
        if (n < HOLD_MAX && n_of_caller < HOLD_MAX_PER_CALLER)
                return 0;
        return bus_fail(error, -EBUSY, BUS_ERROR_LIMIT,
                        "%zu %s are open: close the file descriptors of earlier ones.", n,
                        kind == HOLD_INHIBIT ? "inhibitions" : "captures");
}

/* Takes over fd; hangs up when the other end is closed. */
static int hold_new(struct bus *bus, enum hold_kind kind, const char *converter_id,
                    sd_bus_message *m, int fd, struct bus_hold **ret)
{
        OWNED_FD int owned_fd = fd;
        OWNED(hold) struct bus_hold *h = NULL;
        int r;

        h = calloc(1, sizeof(*h));
        if (!h)
                return -ENOMEM;
        *h = (struct bus_hold){ .next = bus->holds, .bus = bus, .kind = kind, .fd = -1 };
        bus->holds = h;
        h->fd = TAKE_FD(owned_fd);
        h->converter_id = strdup(converter_id);
        h->sender = strdup(bus_caller_of(m));
        if (!h->converter_id || !h->sender)
                return -ENOMEM;

        /* No event asked for: hang-up and error are always reported. */
        r = sd_event_add_io(bus->event, &h->source, h->fd, 0, on_hangup, h);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(h->source,
                                              kind == HOLD_INHIBIT ? "bus-inhibit" : "bus-capture");
        *ret = TAKE(h);
        return 0;
}

int bus_hold_inhibit(struct bus *bus, struct converter_object *object, sd_bus_message *m,
                     const char *who, const char *why, sd_bus_error *error)
{
        OWNED(hold) struct bus_hold *h = NULL;
        OWNED_FD int theirs = -1;
        int ends[2], r;

        r = check_limits(bus, HOLD_INHIBIT, bus_caller_of(m), error);
        if (r < 0)
                return r;
        if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
                return -errno;
        theirs = ends[1];
        r = hold_new(bus, HOLD_INHIBIT, object->model->id, m, ends[0], &h);
        if (r < 0)
                return r;
        r = bus_watch_name(bus, h->sender, on_caller_gone, h, &h->watch);
        if (r < 0)
                return r;

        r = bus->requests->inhibit(bus->userdata, h->converter_id, who, why, ++bus->hold_cookie,
                                   error);
        if (r < 0)
                return r;
        h->cookie = bus->hold_cookie;
        r = sd_bus_reply_method_return(m, "h", theirs);
        if (r < 0)
                return r;
        TAKE(h);
        return 0;
}

int bus_hold_capture(struct bus *bus, struct converter_object *object, sd_bus_message *m,
                     sd_bus_error *error)
{
        OWNED(hold) struct bus_hold *h = NULL;
        OWNED_FD int theirs = -1, ours = -1;
        int ends[2], copy, r;

        r = check_limits(bus, HOLD_CAPTURE, bus_caller_of(m), error);
        if (r < 0)
                return r;
        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        theirs = ends[0];
        ours = ends[1];
        /* Only our end: the reader may block if it likes. */
        if (fcntl(ours, F_SETFL, O_NONBLOCK) < 0)
                return -errno;
        copy = fcntl(ours, F_DUPFD_CLOEXEC, 3);
        if (copy < 0)
                return -errno;
        r = hold_new(bus, HOLD_CAPTURE, object->model->id, m, copy, &h);
        if (r < 0)
                return r;

        r = bus->requests->capture(bus->userdata, h->converter_id, TAKE_FD(ours), error);
        if (r < 0)
                return r;
        r = sd_bus_reply_method_return(m, "h", theirs);
        if (r < 0)
                return r;
        TAKE(h);
        return 0;
}

void bus_hold_drop_converter(struct bus *bus, const char *converter_id)
{
        for (struct bus_hold *h = bus->holds, *next; h; h = next) {
                next = h->next;
                if (strcmp(h->converter_id, converter_id) == 0)
                        hold_free(h);
        }
}

void bus_hold_drop_all(struct bus *bus)
{
        while (bus->holds) {
                /* With the bus the service goes; a single caller's ports are taken back. */
                if (!bus->peer)
                        bus->holds->cookie = 0;
                hold_free(bus->holds);
        }
}
