/* SPDX-License-Identifier: MIT */
/*
 * The input of `smctl decode`: raw bytes, or hex text with # comments, recognised by content. Works
 * on pieces as they come, so a pipe is decoded live.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/value/reader.h"

/* So many bytes are enough to distinguish hex text from raw bytes. */
#define INPUT_SNIFF_BYTES 64

enum input_kind {
        INPUT_RAW,
        INPUT_HEX,
};

/* Finds out what the beginning of a file is. */
enum input_kind input_sniff(struct slice head);

struct input_hex {
        bool in_comment;
        bool have_high; /* half a byte was read */
        uint8_t high;
        size_t n_bad; /* characters that are neither digit nor separator */
        char first_bad;
};

/* Decodes a piece of hex text into `out`, which holds text.len bytes. Returns the bytes written. */
size_t input_hex_decode(struct input_hex *hex, struct slice text, uint8_t *out);
