/* SPDX-License-Identifier: MIT */
/*
 * Which bytes of a capture are one telegram: over segments, frames and blocks. Finds them as the
 * decoder does; what is damaged, incomplete or no frame belongs to none.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/link/link.h"

struct report_range {
        size_t at, n;
};

struct report_run {
        const struct link_ops *link;
        bool text;                  /* its frame is a whole telegram of text, and not an APDU */
        bool ciphered;              /* whatever its tag is */
        size_t offset;              /* of its first frame: as the decoder's events have it */
        struct report_range *parts; /* the APDU, piece by piece */
        size_t n_parts, room_parts;
        struct report_range *frames; /* what they stand in */
        size_t n_frames, room_frames;
};

/* Calls `each` for every telegram until one answers other than 0, which is then the result.
 * -ENOMEM. */
int report_frames_walk(struct slice bytes,
                       int (*each)(void *userdata, const struct report_run *run), void *userdata);

/* How long the pieces are together; copies them out of and into the capture. */
size_t report_run_bytes(const struct report_run *run);
void report_run_get(const struct report_run *run, const uint8_t *capture, uint8_t *to);
void report_run_put(const struct report_run *run, const uint8_t *from, uint8_t *capture);
