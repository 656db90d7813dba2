/* SPDX-License-Identifier: MIT */
/*
 * Finds frames in a stream: offers each position to every framing, moves on by a byte where none
 * fits, waits where one may. The first part of the decoder; knows nothing of what frames hold.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link.h"

/* A whole frame, what stood before it, and room to take input in useful portions. */
#define SCANNER_BYTES (LINK_FRAME_MAX + LINK_BEFORE_MAX + 1024)

struct scanner {
        struct slice input; /* fed, not yet taken in: borrowed */
        uint64_t offset;    /* of bytes[0] in the stream */
        size_t at, len;     /* candidate position; bytes held */
        size_t need;        /* do not ask again before so many bytes are there from `at` on */
        size_t boundary;    /* where the last frame ended: nothing before it counts */
        size_t quiet;       /* up to here a damaged frame was reported already */
        uint64_t garbage;   /* bytes of no frame since then, not yet reported */
        uint64_t garbage_offset;
        uint64_t garbage_bytes; /* all of them, for the statistics */
        bool gap, finished;
        uint8_t starts[256]; /* bit i: a frame of link_table[i] may begin with this byte */
        uint8_t bytes[SCANNER_BYTES];
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
};

void scanner_init(struct scanner *s);
void scanner_feed(struct scanner *s, struct slice input);
struct scan scanner_next(struct scanner *s);
/* A pause in the line: a candidate that hides a whole frame is given up (decoder_gap()). */
void scanner_gap(struct scanner *s);
/* No more input: every candidate that is incomplete is given up. */
void scanner_finish(struct scanner *s);
/* Forgets all bytes; the offset goes on. */
void scanner_reset(struct scanner *s);
