/* SPDX-License-Identifier: MIT */
/*
 * One converter: whether it may be opened, the port while it is, the line detection, the silence
 * watchdog, and the decoder its bytes go through. It outlives its tty: unplugged it is `gone`, and
 * under whatever number it comes back it is the same object.
 */
#pragma once

#include <stdbool.h>

#include <systemd/sd-event.h>

#include "daemon/config.h"
#include "daemon/store.h"
#include "dbus/bus.h"
#include "lib/decoder.h"
#include "lib/telegram.h"
#include "lib/util.h"
#include "udev/hotplug.h"

struct converter;

enum converter_state {
        CONVERTER_IGNORED,   /* not configured: never opened */
        CONVERTER_WAITING,   /* a failure that may pass, flapping, or its Device= is not there */
        CONVERTER_DENIED,    /* permission */
        CONVERTER_BUSY,      /* somebody holds it */
        CONVERTER_DETECTING, /* open, no frame yet */
        CONVERTER_RECEIVING,
        CONVERTER_SILENT,    /* no byte, and reopening did not help */
        CONVERTER_NO_METER,  /* nothing after a full sweep: closed */
        CONVERTER_INHIBITED, /* lent to somebody */
        CONVERTER_GONE,      /* unplugged */
};

/* What happens goes up through these; none may free the converter. */
struct converter_ops {
        void (*telegram)(struct converter *c, const struct telegram *telegram, void *userdata);
        /* Something of converter_view_get() changed that clients want to be told of. */
        void (*changed)(struct converter *c, void *userdata);
        /* The port was closed: what came through it is out of date. */
        void (*lost)(struct converter *c, void *userdata);
        const struct cipher_keys *(*find_keys)(struct converter *c, const uint8_t *title,
                                               void *userdata);
        /* For a title that find_keys() does not know: keys to try, until NULL. */
        const struct cipher_keys *(*try_keys)(struct converter *c, size_t attempt, void *userdata);
};

struct converter_options {
        sd_event *event;
        struct store *store; /* may be NULL: nothing is remembered */
        const struct converter_ops *ops;
        void *userdata;
        struct decoder_scratch *scratch; /* of all converters of this loop; may be NULL */
};

/* `id` is copied; `options` too, what it points to is borrowed. -ENOMEM. */
int converter_new(const struct converter_options *options, const char *id, struct converter **ret);
struct converter *converter_free(struct converter *c);
DEFINE_OWNED(converter, struct converter *, converter_free);

/*
 * Whether it may be opened, and how. `config` is borrowed until the next call, NULL: defaults.
 * `why` tells when not. An open port is kept unless line, profile or permission changed.
 */
void converter_configure(struct converter *c, const struct config_converter *config, bool allowed,
                         const char *why);

/* It is there, or its properties changed. `device` is copied. Opens at once when it may. */
void converter_plugged(struct converter *c, const struct hotplug_device *device);
/* HUP, EIO, "remove": whichever comes first closes the port, the others find it closed. */
void converter_unplugged(struct converter *c);
/* A tty without udev: awaited by inotify, opened when it is there. -errno. */
int converter_await(struct converter *c, const char *path);

/* Another id for the same object: two alike are plugged in now. The caller re-exports it. */
int converter_rename(struct converter *c, const char *id);

/* Requests (DESIGN §5). */
void converter_probe(struct converter *c);
int converter_reset(struct converter *c, const char *how);
int converter_inhibit(struct converter *c, const char *who, const char *why, uint64_t cookie);
void converter_inhibit_done(struct converter *c, uint64_t cookie);
int converter_capture(struct converter *c, int fd);
/* Drops what was learned and the mark of adoption. */
void converter_forget(struct converter *c);
/* Marks it as adopted; either of line and profile may be NULL. -errno of storing. */
int converter_adopt(struct converter *c, const struct serial_line *line, const char *profile);

/* The meters it carries; `ids` is borrowed until the next call and NULL-terminated. */
void converter_set_meters(struct converter *c, const char *const *ids);
/* The meter last seen behind it, remembered across restarts. */
void converter_learn_meter(struct converter *c, const char *meter_id);
const char *converter_learned_meter(const struct converter *c); /* "" */

const char *converter_id(const struct converter *c);
enum converter_state converter_state_get(const struct converter *c);
const struct config_converter *converter_config(const struct converter *c); /* may be NULL */
const struct hotplug_device *converter_device(const struct converter *c);
const char *converter_awaited_path(const struct converter *c); /* "" for one under udev */
bool converter_is_plugged(const struct converter *c);
bool converter_is_adopted(const struct converter *c);
/* Grows with every plug: the newer of two that carry the same meter wins. */
uint64_t converter_generation(const struct converter *c);
/* Brings the counters of the view up to date; without it they are of the last change of state. */
void converter_update_view(struct converter *c);
/* Lives as long as the converter. */
const struct bus_converter *converter_view_get(const struct converter *c);

/* "receiving"; static. */
const char *converter_state_name(enum converter_state state);
