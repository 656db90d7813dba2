/* SPDX-License-Identifier: MIT */
/*
 * One converter: whether it may be opened, the port while it is, the line detection, the silence
 * watchdog, and the decoder its bytes go through. It outlives its tty: unplugged it is `gone`, and
 * under whatever number it comes back it is the same object.
 */
#pragma once

#include <stdbool.h>

#include <systemd/sd-event.h>

#include "base/util.h"
#include "daemon/config/config.h"
#include "daemon/store/store.h"
#include "lib/decoder.h"
#include "lib/model/converter-view.h"
#include "lib/value/telegram.h"
#include "machine.h"
#include "udev/hotplug.h"

struct converter;

/* Events go up through these; none may free the converter. */
struct converter_ops {
        void (*telegram)(struct converter *c, const struct telegram *telegram, void *userdata);
        /* Something of converter_view_get() changed that clients want to know. */
        void (*changed)(struct converter *c, void *userdata);
        /* The port was closed: what came through it is out of date. */
        void (*lost)(struct converter *c, void *userdata);
        /* Of one that converter_try() put on trial: 1 the telegram is of the meter that it was
         * adopted for, 0 it does not say so, -1 there is another meter behind it. */
        int (*assess)(struct converter *c, const struct telegram *telegram, void *userdata);
};

struct converter_options {
        sd_event *event;
        struct store *store; /* may be NULL: nothing is remembered */
        const struct converter_ops *ops;
        void *userdata;
        struct keyring keyring;             /* of its decoder */
        struct decoder_scratch *scratch;    /* of all converters of this loop; may be NULL */
        const struct profile_set *profiles; /* borrowed; may be NULL */
};

/* `id` is copied; `options` too, what it points to is borrowed. -ENOMEM. */
int converter_new(const struct converter_options *options, const char *id, struct converter **ret);
struct converter *converter_free(struct converter *c);
DEFINE_OWNED(converter, struct converter *, converter_free);

/* Why it must not be opened; `code` NULL: it may. */
struct converter_ban {
        const char *code; /* static */
        const char *why;  /* a sentence, static */
};

/*
 * Whether it may be opened, and how. `config` is borrowed until the next call, NULL: defaults. An
 * open port is kept unless line, profile or permission changed.
 */
void converter_configure(struct converter *c, const struct config_converter *config,
                         struct converter_ban ban);

/* It is there, or its properties changed. `device` is copied. Opens at once when it may. */
void converter_plugged(struct converter *c, const struct hotplug_device *device);
/* HUP, EIO, "remove": whichever comes first closes the port, the others find it closed. */
void converter_unplugged(struct converter *c);
/* A tty without udev: awaited by inotify, opened when it is there. -errno. */
int converter_await(struct converter *c, const char *path);

/* The store has been read only now: takes its row over where nothing was learned meanwhile. */
void converter_recall(struct converter *c);

/*
 * Another id for the same object: two alike are plugged in now. What was learned goes with it where
 * it was learned in this socket. The caller configures and exports it anew.
 */
void converter_rename(struct converter *c, const char *id);

/* While held back it is neither opened nor shown as anything: others may turn out to be alike. */
void converter_hold_back(struct converter *c, bool hold);

/* Requests of Converter1. */
void converter_probe(struct converter *c);
int converter_reset(struct converter *c, const char *how);
int converter_inhibit(struct converter *c, const char *who, const char *why, uint64_t cookie);
void converter_inhibit_done(struct converter *c, uint64_t cookie);
int converter_capture(struct converter *c, int fd);
/* Drops what was learned and the mark of adoption. */
void converter_forget(struct converter *c);
/* Marks it as adopted; either of line and profile may be NULL. -errno of storing. */
int converter_adopt(struct converter *c, const struct serial_line *line, const char *profile);

/*
 * It is opened, at this line, only to hear whether it is the adopted one that has left its socket:
 * ops->assess says so. If not, it is closed and refused as "other-meter".
 */
void converter_try(struct converter *c, const struct serial_line *line);
bool converter_is_on_trial(const struct converter *c);
/* Takes over what was learned of another one, and its adoption. -errno of storing. */
int converter_inherit(struct converter *c, const struct store_converter *from);

/* The meters it carries; `ids` is borrowed until the next call and NULL-terminated. */
void converter_set_meters(struct converter *c, const char *const *ids);
/* The meter last seen behind it, remembered across restarts. */
void converter_learn_meter(struct converter *c, const char *meter_id);
/* Frame counters begin anew, and no meter must authenticate because it did before. */
void converter_forget_titles(struct converter *c);
/* A key was changed or taken away: see decoder_forget_keys(). */
void converter_forget_keys(struct converter *c);
const char *converter_learned_meter(const struct converter *c); /* "" */

const char *converter_id(const struct converter *c);
enum converter_state converter_state_get(const struct converter *c);
const struct config_converter *converter_config(const struct converter *c); /* may be NULL */
const struct hotplug_device *converter_device(const struct converter *c);
const char *converter_awaited_path(const struct converter *c); /* "" for one under udev */
bool converter_is_plugged(const struct converter *c);
bool converter_is_adopted(const struct converter *c);
/* Why it is not to be opened by itself, as an earlier look has shown: "in-use", "gps", "modbus",
 * "other-meter". */
const char *converter_refused(const struct converter *c); /* "" */
/* Grows with every plug: the newer of two that carry the same meter wins. */
uint64_t converter_generation(const struct converter *c);
/* Brings the counters of the view up to date; without it they are of the last change of state. */
void converter_update_view(struct converter *c);
/* Lives as long as the converter. */
const struct converter_view *converter_view_get(const struct converter *c);
