/* SPDX-License-Identifier: MIT */
/*
 * The silence watchdog of one converter: what to do when no byte has come for max(3 × interval,
 * 15 s), or for 60 s before an interval is known. No clock and no port: times come in as arguments,
 * steps go out.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum silence_step {
        SILENCE_NOTHING,
        SILENCE_REOPEN,    /* revives a stalled endpoint, which gives neither data nor error */
        SILENCE_USB_RESET, /* what hangs deeper; only where it was asked for */
        SILENCE_SILENT,    /* then somebody has to look */
};

/* Zero-initialised; times are monotonic µs. */
struct silence {
        enum silence_step tried; /* since the last byte */
        uint64_t interval_usec;  /* the longest recent pause between bursts */
        uint64_t odd_usec;       /* the last pause that was taken for a silence; 0: none */
        uint64_t from_usec;      /* counted from here, or from the last byte when that is later */
        uint64_t reset_usec;     /* of the last USB reset; 0: none */
};

/* A burst of bytes began after this pause: the interval follows, and all is well again. */
void silence_ended(struct silence *silence, uint64_t pause_usec);

/* It is another one, or is to start anew: nothing was tried yet. */
void silence_forget(struct silence *silence);

/* max(3 × interval, 15 s); 60 s before an interval is known */
uint64_t silence_limit(const struct silence *silence);

/* When silence_next() has something to say; UINT64_MAX: never, all was tried. */
uint64_t silence_deadline(const struct silence *silence, uint64_t last_byte_usec);

/*
 * What is to be done now, each step once per silence. `may_reset`: UsbReset=yes. A reset is said at
 * most once in ten minutes; one that fails is silence_reset_failed().
 */
enum silence_step silence_next(struct silence *silence, uint64_t now, uint64_t last_byte_usec,
                               bool may_reset);
void silence_reset_failed(struct silence *silence);

/* The converter was unplugged: true when that came of our own reset, and the silence goes on. */
bool silence_outlives_unplug(const struct silence *silence, uint64_t now);
