/* SPDX-License-Identifier: MIT */
/*
 * Finds frames in a stream: offers each position to every framing, moves on by a byte where none
 * fits, waits where one may. The first part of the decoder; knows nothing of the content of frames.
 *
 * One opened line speaks one framing. Two frames of a framing in a row prove it (one, where it was
 * expected), and the others are noise from then on. Unframed frames (raw APDUs) are looked for only
 * while nothing has proved itself, and only where a whole burst between two pauses of the line
 * is made of it; in a file only where the caller says that it holds nothing else.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link.h"

/* The window at first, and at most: a whole frame, what stood before it, and room to take input in
 * useful portions. */
#define SCANNER_BYTES_FIRST 1024
#define SCANNER_BYTES       (LINK_FRAME_MAX + LINK_BEFORE_MAX + 1024)

enum scanner_input {
        SCANNER_LINE,     /* a live line: scanner_gap() reports its pauses */
        SCANNER_FILE,     /* no pauses, so nothing without framing */
        SCANNER_UNFRAMED, /* a file that holds nothing with framing */
};

struct scanner {
        struct slice input; /* fed, not yet taken in: borrowed */
        uint64_t offset;    /* of bytes[0] in the stream */
        size_t at, len;     /* candidate position; bytes held */
        size_t need;        /* do not ask again before so many bytes are there from `at` on */
        size_t boundary;    /* where the last frame ended: nothing before it counts */
        size_t quiet;       /* up to here a damaged frame was reported already */
        size_t shut;        /* up to here, or to the next `opens`, it may have gone on */
        uint8_t opens;
        uint64_t garbage; /* bytes of no frame since then, not yet reported */
        uint64_t garbage_offset;
        uint64_t garbage_bytes; /* all of them, for the statistics */
        bool gap, finished;
        bool full; /* input waits, and the window neither has room nor grows */
        enum scanner_input mode;
        const struct link_ops *proven;   /* what this line speaks; NULL: not known yet */
        const struct link_ops *expected; /* what it spoke before; NULL: not known */
        const struct link_ops *last;     /* of the last frame */
        unsigned int in_row;             /* frames of it, one behind the other */
        bool pausing;                    /* the next byte comes after a pause */
        bool bursting;                   /* the burst that began at burst_at may be unframed */
        size_t burst_at;
        size_t unframed_to;   /* up to here the burst is unframed frames and nothing else */
        uint64_t open_offset; /* in the stream: an unframed frame begins here, … */
        size_t open_bytes;    /* … whose length only the bytes behind can bear out; 0: none */
        const struct link_ops *open_link;
        uint8_t framed, unframed; /* masks of link_table */
        uint8_t proven_mask;      /* of `proven`: everything else is noise */
        uint8_t starts[256];      /* bit i: a frame of link_table[i] may begin with this byte */
        size_t room;
        uint8_t *bytes; /* owned; grows with the telegrams of its meter, and stays */
};

enum scan_type {
        SCAN_MORE,  /* needs input */
        SCAN_FRAME, /* link, frame */
        SCAN_FAULT, /* fault */
};

struct scan {
        enum scan_type type;
        uint64_t offset;             /* of the frame, or of the damage */
        const struct link_ops *link; /* of the frame, or of the framing that was damaged, or NULL */
        struct slice frame;          /* lives until the next scanner_next() */
        const char *fault;           /* static storage */
        uint64_t garbage;            /* of a fault without link: how many bytes */
};

/* -ENOMEM. scanner_done() is right after either. */
int scanner_init(struct scanner *s, enum scanner_input mode);
void scanner_done(struct scanner *s);
/* One frame of this framing is enough to prove it, until another proves itself; NULL: of none. */
void scanner_expect(struct scanner *s, const struct link_ops *link);
/* The unframed frames seen agree: the line speaks nothing else. */
void scanner_prove(struct scanner *s, const struct link_ops *link);
/*
 * The content of the frame returned last did not bear out its length: all but its first byte is
 * looked at again. Only right after scanner_next().
 */
void scanner_retract(struct scanner *s, size_t frame_bytes);
void scanner_feed(struct scanner *s, struct slice input);
struct scan scanner_next(struct scanner *s);
/* A pause in the line: a candidate that hides a whole frame is given up (decoder_gap()). */
void scanner_gap(struct scanner *s);
/* No more input: every candidate that is incomplete is given up. */
void scanner_finish(struct scanner *s);
/* Forgets all bytes and what the line speaks, which is only expected then; the offset goes on. */
void scanner_reset(struct scanner *s);
