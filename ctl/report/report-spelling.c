/* SPDX-License-Identifier: MIT */
#include "report-spelling.h"

#include <ctype.h>

#include "base/hex.h"
#include "base/util.h"

#define TEXT_MIN   5 /* shorter ones are in every telegram by chance */
#define BYTES_MIN  4 /* the same for bytes … */
#define FILLED_MIN 3 /* … of which so many must not be zero */
#define NUMBER_MIN (UINT64_C(1) << 16)

static size_t write_text(struct slice text, enum spelling spelling, uint8_t *to)
{
        if (text.len < TEXT_MIN)
                return 0;
        for (size_t i = 0; i < text.len; i++) {
                uint8_t c = text.data[i];

                if (spelling == SPELLING_UPPER)
                        to[i] = (uint8_t)toupper(c);
                else if (spelling == SPELLING_LOWER)
                        to[i] = (uint8_t)tolower(c);
                else if (spelling == SPELLING_BACKWARDS)
                        to[text.len - 1 - i] = c;
                else
                        to[i] = c;
        }
        return text.len;
}

static size_t write_hex(struct slice text, bool upper, uint8_t *to)
{
        if (text.len < TEXT_MIN)
                return 0;
        hex_put(text.data, text.len, (char *)to);
        for (size_t i = 0; upper && i < 2 * text.len; i++)
                to[i] = (uint8_t)toupper(to[i]);
        return 2 * text.len;
}

static void turn(uint8_t *bytes, size_t n)
{
        for (size_t i = 0; i < n / 2; i++) {
                uint8_t byte = bytes[i];

                bytes[i] = bytes[n - 1 - i];
                bytes[n - 1 - i] = byte;
        }
}

static bool is_telling(const uint8_t *bytes, size_t n)
{
        size_t filled = 0;

        for (size_t i = 0; i < n; i++)
                filled += bytes[i] != 0;
        return n >= BYTES_MIN && filled >= FILLED_MIN;
}

/* An odd number of digits is packed with a zero in front. */
static size_t write_bytes(struct slice text, uint8_t *to)
{
        size_t odd = text.len % 2, n = (text.len + odd) / 2;

        for (size_t i = 0; i < text.len; i++) {
                int digit = hex_digit(text.data[i]);
                size_t at = i + odd;

                if (digit < 0)
                        return 0;
                if (at == odd && odd)
                        to[0] = 0;
                to[at / 2] = (uint8_t)(at % 2 ? to[at / 2] | digit : digit << 4);
        }
        return n;
}

static size_t write_number(struct slice text, size_t want, uint8_t *to)
{
        uint64_t value = 0;
        size_t n = BYTES_MIN;

        for (size_t i = 0; i < text.len; i++) {
                if (!isdigit(text.data[i]) || __builtin_mul_overflow(value, 10U, &value) ||
                    __builtin_add_overflow(value, (uint64_t)(text.data[i] - '0'), &value))
                        return 0;
        }
        while (n < sizeof(value) && value >> (8 * n))
                n++;
        if (n > want && want > 0)
                return 0;
        n = want > 0 ? want : n;
        if (value < NUMBER_MIN && want == 0)
                return 0;
        for (size_t i = 0; i < n; i++)
                to[i] = (uint8_t)(n - 1 - i < sizeof(value) ? value >> (8 * (n - 1 - i)) : 0);
        return n;
}

size_t spelling_write(struct slice text, enum spelling spelling, size_t want, uint8_t *to)
{
        size_t n = 0;

        switch (spelling) {
        case SPELLING_AS_IS:
        case SPELLING_UPPER:
        case SPELLING_LOWER:
        case SPELLING_BACKWARDS:
                n = write_text(text, spelling, to);
                break;
        case SPELLING_HEX_LOWER:
        case SPELLING_HEX_UPPER:
                n = write_hex(text, spelling == SPELLING_HEX_UPPER, to);
                break;
        case SPELLING_BYTES:
        case SPELLING_BYTES_BACKWARDS:
                n = write_bytes(text, to);
                n = want > 0 || is_telling(to, n) ? n : 0;
                if (spelling == SPELLING_BYTES_BACKWARDS)
                        turn(to, n);
                break;
        case SPELLING_NUMBER:
        case SPELLING_NUMBER_BACKWARDS:
                n = write_number(text, want, to);
                n = want > 0 || is_telling(to, n) ? n : 0;
                if (spelling == SPELLING_NUMBER_BACKWARDS)
                        turn(to, n);
                break;
        case SPELLING_N:
                break;
        }
        return want > 0 && n != want ? 0 : n;
}

const char *spelling_name(enum spelling spelling)
{
        static const char *const names[SPELLING_N] = {
                "as text",          "in capitals",
                "in small letters", "backwards",
                "in hex",           "in hex (capitals)",
                "as bytes",         "as bytes, backwards",
                "as a number",      "as a number, low byte first",
        };

        return names[spelling];
}
