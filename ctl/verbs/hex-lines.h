/* SPDX-License-Identifier: MIT */
/*
 * Bytes of a line as hex text: lines of 32, and for each burst a line of its own, with the time in
 * a comment, as telegrams show best. `smctl decode` and input.h read it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/value/reader.h"

#define HEX_LINES_BYTES 32
/* Meters pause for less within a telegram, and for more between two (P1 and SML send each second);
 * bytes come to us late by what a converter and a pipe gather, some 16 ms. */
#define HEX_LINES_PAUSE_USEC 250000U

struct hex_lines {
        size_t column;           /* bytes in the line that is not ended yet */
        uint64_t last_mono_usec; /* of the last bytes; 0: none yet */
};

/* Goes on with the line, or begins a burst: mono_usec is compared, wall_usec is printed. */
void hex_lines_print(struct hex_lines *lines, FILE *out, struct slice bytes, uint64_t mono_usec,
                     uint64_t wall_usec);

/* Ends the last line, where it was begun. */
void hex_lines_end(struct hex_lines *lines, FILE *out);
