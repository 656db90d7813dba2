/* SPDX-License-Identifier: MIT */
/*
 * The façade: bytes in, telegrams out. Feed it slices of any size, then ask for events until there
 * is none. It finds the framing by itself, puts split telegrams together, deciphers, and reads the
 * layout; any split of the same bytes gives the same events.
 *
 *      decoder_feed(d, slice);
 *      while ((r = decoder_next(d, &event)) > 0)
 *              …
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/dlms/cipher.h"
#include "lib/keyring.h"
#include "lib/link/scanner.h"
#include "lib/profile/profile.h"
#include "lib/value/reader.h"
#include "lib/value/telegram.h"

struct decoder;

enum decoder_event_type {
        DECODER_TELEGRAM, /* event.telegram: read it before the next call */
        DECODER_FRAME, /* a frame whose check sum holds, not yet a telegram: a sign of the line */
        DECODER_FAULT, /* event.fault: something was damaged and dropped */
};

struct decoder_event {
        enum decoder_event_type type;
        uint64_t offset;                 /* of the frame's first byte, since decoder_new() */
        const char *framing;             /* the name of its link; NULL for bytes outside frames */
        const struct telegram *telegram; /* borrowed until the next decoder_…() call */
        const char *fault;               /* static storage, in words */
        bool garbage; /* the fault is only bytes outside frames: no frame was damaged */
};

/* Counters since decoder_new(); nothing resets them. */
struct decoder_statistics {
        uint64_t bytes, frames, telegrams;
        uint64_t garbage_bytes;  /* outside frames */
        uint64_t damaged_frames; /* check sum, length, structure */
        uint64_t lost_segments;  /* reassembly given up: segment or block missing, repeated */
        uint64_t key_failures, unknown_layouts, replays;
        uint64_t unauthenticated; /* refused: no tag where there must be one */
        uint64_t unconfirmed;     /* held back until another of their kind comes */
};

/* Telegrams up to 700 bytes were seen; docs/protocol.md §10 asks for room and a cap at 8 KiB. */
#define DECODER_APDU_BYTES 8192

/*
 * Memory that a decoder needs only from a frame to its event: 22 kB that all decoders of one thread
 * can share. Then the next call of any of them ends the life of an event's telegram.
 */
struct decoder_scratch {
        struct telegram telegram;
        uint8_t plain[DECODER_APDU_BYTES];
};

struct decoder_options {
        const struct profile_set *profiles;  /* borrowed; NULL: no family is known */
        const struct meter_profile *profile; /* forced; NULL: found by itself */
        struct keyring keyring;
        struct decoder_scratch *scratch; /* borrowed, any contents; NULL: one of its own */
        enum scanner_input input;        /* 0: a live line */
        size_t input_bytes;              /* of a file; 0: not known */
        /*
         * M-Bus has an 8-bit sum: without a verified tag, a telegram counts when one of the same
         * meter, codes, units and scalers came before.
         */
        bool confirm;
};

/* Owned by the caller, freed with decoder_free(). `options` is copied. -ENOMEM. */
int decoder_new(const struct decoder_options *options, struct decoder **ret);
struct decoder *decoder_free(struct decoder *d);

/*
 * Hands in bytes. They are borrowed until decoder_next() has returned 0; feeding before that is a
 * mistake of the caller (assert).
 */
void decoder_feed(struct decoder *d, struct slice bytes);

/* 1 and *ret_event, or 0 when more bytes are needed. Never fails: bad input is an event. */
int decoder_next(struct decoder *d, struct decoder_event *ret_event);

/*
 * At least so many more bytes must come before decoder_next() can say anything new; 0 when that is
 * not known. Who reads a slow line need not look at every byte.
 */
size_t decoder_wanted(const struct decoder *d);

/*
 * The line was silent for longer than a telegram may pause (2 s, docs/protocol.md §2.2): gives up
 * half-assembled telegrams and false starts that hide a whole frame. Then ask decoder_next().
 */
void decoder_gap(struct decoder *d);

/* The end of the input: what is incomplete now will stay so. Then ask decoder_next(). */
void decoder_finish(struct decoder *d);

/*
 * The line speaks this framing, as far as is known from before (the name of an event's framing; ""
 * or NULL: not known): its first frame proves it. Kept until another framing proves itself.
 */
void decoder_expect(struct decoder *d, const char *framing);

/*
 * Forgets all input and which framing has proved itself, which is only expected from then on; keeps
 * options, titles, statistics and offset: after a reopen or a change of line.
 */
void decoder_reset(struct decoder *d);

/* Forgets frame counters and who must authenticate: it begins anew, as with other keys. */
void decoder_forget_titles(struct decoder *d);

/* A key was changed or taken away: nothing of it stays in memory here. Asks for them anew. */
void decoder_forget_keys(struct decoder *d);

const struct decoder_statistics *decoder_statistics_get(const struct decoder *d);
