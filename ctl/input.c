/* SPDX-License-Identifier: MIT */
#include "input.h"

#include <string.h>

#include "base/hex.h"

static bool is_blank(uint8_t c)
{
        return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Separators that people and tools put between bytes. */
static bool is_separator(uint8_t c)
{
        return is_blank(c) || c == ':' || c == ',' || c == '-' || c == ';';
}

/* No telegram begins with so many digits and nothing else. */
#define SURE_DIGITS 32

/*
 * Hex text shows itself in its first lines that are not comments: digits in pairs and separators
 * only. An ASCII telegram has '/', '(' or a control character there; one that begins in the middle
 * may have a line of two digits first, so a short line decides nothing.
 */
enum input_kind input_sniff(struct slice head)
{
        size_t n_digits = 0, run = 0;
        bool comment = false;

        for (size_t i = 0; i < head.len; i++) {
                uint8_t c = head.data[i];

                if (comment) {
                        comment = c != '\n';
                } else if (c == '#' && run % 2 == 0) {
                        comment = true;
                        run = 0;
                } else if (hex_digit(c) >= 0) {
                        n_digits++;
                        run++;
                } else if ((c == 'x' || c == 'X') && i > 0 && head.data[i - 1] == '0') {
                        run = 0;
                        n_digits--;
                } else if (is_separator(c)) {
                        if (run % 2)
                                return INPUT_RAW;
                        run = 0;
                        if (c == '\n' && n_digits >= SURE_DIGITS)
                                return INPUT_HEX;
                } else {
                        return INPUT_RAW;
                }
        }
        return n_digits > 0 || comment ? INPUT_HEX : INPUT_RAW;
}

size_t input_hex_decode(struct input_hex *hex, struct slice text, uint8_t *out)
{
        size_t n = 0;

        for (size_t i = 0; i < text.len; i++) {
                uint8_t c = text.data[i];
                int value = hex_digit(c);

                if (hex->in_comment) {
                        hex->in_comment = c != '\n';
                } else if (c == '#') {
                        hex->in_comment = true;
                } else if (value >= 0 && hex->have_high) {
                        out[n++] = (uint8_t)(hex->high << 4 | value);
                        hex->have_high = false;
                } else if (value >= 0) {
                        hex->high = (uint8_t)value;
                        hex->have_high = true;
                } else if ((c == 'x' || c == 'X') && hex->have_high && hex->high == 0) {
                        hex->have_high = false; /* the 0 of a 0x prefix */
                } else if (!is_separator(c)) {
                        if (hex->n_bad++ == 0)
                                hex->first_bad = (char)c;
                }
        }
        return n;
}
