/* SPDX-License-Identifier: MIT */
/*
 * What converter.c (its life: open, close, retry) and converter-data.c (its bytes: decoder, line,
 * silence) share, and nobody else sees.
 */
#pragma once

#include "daemon/converter.h"
#include "daemon/device-watch.h"
#include "daemon/identity.h"
#include "daemon/line.h"
#include "daemon/port.h"
#include "daemon/silence.h"
#include "lib/decoder.h"

/* Enough for a person with two terminals and a script; each is a pipe we write to. */
#define CONVERTER_CAPTURES_MAX   4
#define CONVERTER_INHIBITORS_MAX 8
#define CONVERTER_PATH_MAX       256

/* PROTOCOL §2.2: a telegram does not pause that long */
#define CONVERTER_GAP_USEC (2 * 1000000ULL)

struct capture {
        struct converter *converter;
        int fd; /* -1: free */
        sd_event_source *source;
};

struct inhibitor {
        uint64_t cookie; /* 0: free */
        char text[128];
};

struct converter {
        struct converter_options options;
        char id[IDENTITY_MAX];
        struct bus_converter view;
        const struct config_converter *config; /* borrowed, may be NULL */
        bool allowed;
        char why_not[200];
        bool fixed; /* Line= is not auto */
        struct serial_line fixed_line;
        const struct meter_profile *profile; /* Profile=, or NULL */
        enum converter_state state;

        /* where it is */
        struct hotplug_device device;
        bool plugged;
        char path[CONVERTER_PATH_MAX]; /* Device=, "" under udev */
        struct device_watch *watch;
        uint64_t generation;

        /* while open */
        struct port *port;
        struct decoder *decoder;
        const struct meter_profile *decoder_profile; /* the one it was made with */
        struct store_converter learned;

        /* line detection, bursts, silence; monotonic µs */
        struct line_sweep sweep;
        struct line_evidence evidence;
        uint64_t errors_before; /* line errors of the port before this candidate */
        uint64_t opened_usec, last_frame_usec;
        uint64_t last_byte_usec; /* since it was opened; 0: none yet */
        uint64_t heard_usec;     /* the same, over all times it was opened */
        uint64_t bytes_since_frame;
        bool burst_whole, burst_has_frame, in_burst;
        uint64_t burst_bytes;
        struct silence silence;

        /* timer: the earliest of these; 0 is never */
        sd_event_source *timer;
        uint64_t armed_usec, retry_usec, gap_usec;
        uint64_t store_usec; /* something learned is not yet written */
        uint64_t backoff_usec;
        unsigned int flaps; /* plugged and gone again without a byte, in a row */
        uint64_t flap_usec;
        uint64_t told_usec; /* when clients were last told of statistics */

        struct {
                uint64_t line_errors, opens, unplugs, reopens, usb_resets, wakeups;
        } totals; /* of ports that are closed by now */

        struct capture captures[CONVERTER_CAPTURES_MAX];
        struct inhibitor inhibitors[CONVERTER_INHIBITORS_MAX];
};

uint64_t converter_now(const struct converter *c);

/* converter.c */
void converter_set_state(struct converter *c, enum converter_state state, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
void converter_close(struct converter *c);
void converter_try_open(struct converter *c);
void converter_arm(struct converter *c);
void converter_retry_later(struct converter *c);
void converter_store(struct converter *c);
int converter_usb_reset(struct converter *c);

/* converter-data.c */
extern const struct port_ops converter_port_ops;
int converter_data_prepare(struct converter *c); /* the decoder, the sweep */
void converter_data_opened(struct converter *c);
void converter_data_tick(struct converter *c, uint64_t now);
uint64_t converter_data_deadline(struct converter *c, uint64_t now);

/* capture.c */
int capture_add(struct converter *c, int fd);
void capture_write(struct converter *c, struct slice bytes);
void capture_close_all(struct converter *c);
