/* SPDX-License-Identifier: MIT */
/*
 * The ways in which one and the same number stands in telegrams: as text, in hex, as packed digits
 * in either order of bytes, as a binary number.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/value/reader.h"

enum spelling {
        SPELLING_AS_IS,
        SPELLING_UPPER,
        SPELLING_LOWER,
        SPELLING_BACKWARDS,
        SPELLING_HEX_LOWER, /* "4c475a…" of LGZ… */
        SPELLING_HEX_UPPER,
        SPELLING_BYTES, /* the bytes that its hex or packed decimal digits are */
        SPELLING_BYTES_BACKWARDS,
        SPELLING_NUMBER, /* decimal digits as a binary number */
        SPELLING_NUMBER_BACKWARDS,
        SPELLING_N,
};

/* So much room has the longest spelling of n characters. */
#define SPELLING_ROOM(n) (2 * (n) + 8)

/*
 * Writes `text` in this spelling. Returns the bytes written; 0 when it has no such spelling, or one
 * so short that it would be found anywhere. `want`: so long as the spelling of what is replaced, or
 * 0.
 */
size_t spelling_write(struct slice text, enum spelling spelling, size_t want, uint8_t *to);

/* Its name in a message. Static storage. */
const char *spelling_name(enum spelling spelling);
