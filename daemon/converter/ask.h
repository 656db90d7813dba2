/* SPDX-License-Identifier: MIT */
/*
 * A meter that must be asked: what is said to it, when, at which speed, and what its answers are.
 * Pure like silence.h: no port and no clock; bytes and times come in, orders go out.
 *
 *      readout      /?! at 300 7E1, identification, acknowledge, data block (IEC 62056-21 mode C)
 *      commands     the same with "programming mode", then reads like R2 F001 again and again
 *      acknowledge  the meter sends by itself, and each frame wants one character E5 (EN 13757-2)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/config/config.h"
#include "lib/value/reader.h"

struct ask;

enum ask_order_kind {
        ASK_SEND,     /* bytes, at the line that is set */
        ASK_SET_LINE, /* then ask_line_set() */
        ASK_TELEGRAM, /* bytes for the decoder */
        ASK_FAILED,   /* a round gave nothing: why; it is tried again by itself */
};

struct ask_order {
        enum ask_order_kind kind;
        struct slice bytes; /* lives until the next call */
        struct serial_line line;
        const char *why;       /* static storage */
        unsigned int failures; /* rounds in a row that gave nothing */
};

/* Owned by the caller. `settings` is copied. -ENOMEM. */
int ask_new(const struct config_ask *settings, struct ask **ret);
struct ask *ask_free(struct ask *ask);

/* The line at which it begins. */
const struct serial_line *ask_first_line(const struct ask *ask);
/* True when the meter sends by itself, and is only acknowledged. */
bool ask_only_acknowledges(const struct ask *ask);

/* The port listens at the first line; times are monotonic µs. */
void ask_opened(struct ask *ask, uint64_t now);
void ask_line_set(struct ask *ask, uint64_t now);
/* What came in, echo of what was sent included. */
void ask_bytes(struct ask *ask, struct slice bytes, uint64_t now);

/* True with the next thing to do; asked until it is false, after each of the calls above and at the
 * deadline. */
bool ask_next(struct ask *ask, uint64_t now, struct ask_order *ret);
/* UINT64_MAX: nothing before more bytes come. */
uint64_t ask_deadline(const struct ask *ask);
