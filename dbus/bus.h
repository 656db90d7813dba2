/* SPDX-License-Identifier: MIT */
/*
 * The service on D-Bus: one connection, one object per converter, meter and output, an
 * ObjectManager at the root. Is itself a sink of the whole model. What callers ask for goes up
 * through struct bus_requests, filled in by the creator of the bus.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "lib/model/sink.h"

struct bus;

/* What a caller asks of a meter's history. */
struct bus_history_question {
        uint64_t from_usec, to_usec;
        uint32_t step_seconds;
        const char *calendar; /* "day" "week" "month" "year"; "": step_seconds */
        uint32_t tariff;      /* 0: any */
        bool costs; /* only they are asked for: where nothing has a price, nothing is read */
};

struct bus_history_step {
        uint64_t from_usec;
        double imported, exported; /* in the meter's CounterUnit; NaN: not known */
        double least, greatest;    /* W; NaN: not known */
        double cost;               /* NaN: not known */
        double unpriced;           /* of `imported`, what has no price */
};

/* What a meter's counters showed, from a file. */
struct bus_history_sample {
        uint64_t time_usec;
        double imported, exported; /* in the meter's CounterUnit; NaN: not known */
        uint32_t tariff;           /* since the sample before; 0: not known */
        bool begins;               /* no line to the sample before */
};

#define BUS_HISTORY_SAMPLES_MAX 20000

struct bus_history_import {
        const struct bus_history_sample *samples;
        size_t n;
        uint32_t interval_seconds; /* usual, between samples */
        bool replace;              /* also what was measured */
};

/* Quarter hours. */
struct bus_history_imported {
        uint32_t written, measured, left_out;
};

struct bus_history_gap {
        uint64_t from_usec, to_usec;
        const char *kind; /* "gap" "exchange" "clock"; static */
};

/* What is remembered of earlier runs, and not there now. */
struct bus_remembered {
        const char *kind; /* "meter", "converter"; static */
        char id[160], name[80];
        uint64_t last_usec; /* when it was heard last; 0: not known */
};

struct bus_history {
        int result; /* 0 or -errno; then the rest is empty */
        const struct bus_history_step *steps;
        size_t n_steps;
        const char *currency; /* "": not named; NULL: nothing has a price */
        const struct bus_history_gap *gaps;
        size_t n_gaps;
};

/*
 * Requests from callers, already authorised. Answer 0 or negative errno and, for an error the
 * caller can act on, sd_bus_error_set*() into `error` with a name of names.h.
 */
struct bus_requests {
        /* Reads the configuration again. *ret_warnings: strv, owned by the caller of this. */
        int (*reload)(void *userdata, char ***ret_warnings, sd_bus_error *error);
        int (*rescan)(void *userdata, sd_bus_error *error);
        /* ak_len 0: none. 16 bytes each, checked by the bus. */
        int (*set_meter_key)(void *userdata, const char *meter, const uint8_t *ek,
                             const uint8_t *ak, sd_bus_error *error);
        /* `tty` is a device node or its name; *ret_id: converter id, borrowed. Options: "Line" s,
         * "Profile" s, or NULL. */
        int (*adopt)(void *userdata, const char *tty, const char *line, const char *profile,
                     const char **ret_id, sd_bus_error *error);
        int (*forget)(void *userdata, const char *converter_or_meter_id, sd_bus_error *error);
        /* Optional: the index-th of what `forget` could forget though it is not there; false: there
         * are fewer. */
        bool (*remembered_at)(void *userdata, size_t index, struct bus_remembered *ret);
        int (*probe)(void *userdata, const char *converter_id, sd_bus_error *error);
        int (*reset)(void *userdata, const char *converter_id, const char *how,
                     sd_bus_error *error); /* how: "reopen", "usb" */
        /* The port is freed until `inhibit_done` is called with the same cookie. The bus watches
         * caller and fd. who/why are for the reason shown. A converter that is removed takes its
         * inhibitions with it: inhibit_done comes before converter_removed() returns. */
        int (*inhibit)(void *userdata, const char *converter_id, const char *who, const char *why,
                       uint64_t cookie, sd_bus_error *error);
        void (*inhibit_done)(void *userdata, const char *converter_id, uint64_t cookie);
        /* Raw bytes of the line are written to fd (non-blocking, owned by the callee from now on)
         * until the reader closes it or the converter is removed, over replugs too: the bus keeps a
         * copy of fd, so closing it earlier would not show to the reader. */
        int (*capture)(void *userdata, const char *converter_id, int fd, sd_bus_error *error);
        /* By id, device node, tty name, or configured name: the converter's id, or NULL. */
        const char *(*find_converter)(void *userdata, const char *key);
        /* By id or configured name: the meter's id, or NULL. */
        const char *(*find_meter)(void *userdata, const char *key);
        /* Optional: brings counters and last_byte_usec of this converter up to date; called before
         * they are shown, so that the owner need not announce every byte. Calls nothing back. */
        void (*refresh_converter)(void *userdata, const char *converter_id);
        int (*sink_reconnect)(void *userdata, const char *sink, sd_bus_error *error);
        /* Optional. Calls `done` once, later, from the main loop, with what is borrowed for the
         * call; with an error of its own it does not. */
        int (*get_history)(void *userdata, const char *meter_id,
                           const struct bus_history_question *question,
                           void (*done)(const struct bus_history *answer, void *cookie),
                           void *cookie, sd_bus_error *error);
        /* Optional. Likewise; `result` is 0 or -errno. */
        int (*import_history)(void *userdata, const char *meter_id,
                              const struct bus_history_import *import,
                              void (*done)(int result, const struct bus_history_imported *imported,
                                           void *cookie),
                              void *cookie, sd_bus_error *error);
        /* Optional. Calls `done` once, perhaps at once, when what was requested before is on the
         * disk (0), or when it is known not to be: -errno. */
        void (*settle)(void *userdata, void (*done)(int result, void *cookie), void *cookie);
        /* Of the days of the history: a name of the tz database, "" when it is not known. */
        const char *(*timezone)(void *userdata);
        /* Display name of a meter from the configuration, "" when there is none. */
        const char *(*meter_name)(void *userdata, const char *meter_id);
        /* org.freedesktop.LogControl1 */
        int (*set_log_level)(void *userdata, const char *level);
        const char *(*get_log_level)(void *userdata);
        int (*set_log_target)(void *userdata, const char *target);
        const char *(*get_log_target)(void *userdata);
};

struct bus_options {
        const char *address;  /* NULL: the system bus (DBUS_SYSTEM_BUS_ADDRESS) */
        bool peer;            /* no message bus, but one caller, who may do all, behind … */
        int peer_fd;          /* … this socket: the bus's own from now on, also if it fails */
        uint32_t peer_number; /* another one for each of them */
        const char *version;  /* of the service; borrowed for as long as the bus lives */
        const char *readers_group; /* NULL: all local users may read */
        const struct bus_requests *requests;
        void *userdata;
        /* The connection was lost for good; called once from the loop. */
        void (*on_lost)(void *userdata);
        void *lost_userdata; /* for on_lost; NULL: userdata */
};

/*
 * Connects and exports the root object; requests no name yet. Owned by the caller; frees with
 * bus_free(), which also drops every object. Negative errno.
 */
int bus_new(sd_event *event, const struct bus_options *options, struct bus **ret);
struct bus *bus_free(struct bus *bus);

/* What the connection has to do at its beginning, as far as the bus has answered: the bus works
 * while the service does. Never waits. */
void bus_advance(struct bus *bus);

/*
 * The last step of starting: after all objects known now are exported, waits until the name is
 * ours, which may have been asked for before. From now on calls are answered.
 */
int bus_begin_name(struct bus *bus);
int bus_request_name(struct bus *bus);

/* The bus seen as a sink of the whole model: borrowed, lives as long as the bus. */
struct sink *bus_sink_get(struct bus *bus);

/* Manager1.State ("starting" "running" "degraded" "stopping") and LastReloadError. */
void bus_set_state(struct bus *bus, const char *state);
void bus_set_reload_error(struct bus *bus, const char *error);

/* Another limit for readers (reload). */
void bus_set_readers_group(struct bus *bus, const char *group);
