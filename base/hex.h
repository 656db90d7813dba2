/* SPDX-License-Identifier: MIT */
/* Hexadecimal digits, read and written. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* 0 to 15; -1 when the character is no hex digit of either case. */
static inline int hex_digit(int c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

#define HEX_LOWER "0123456789abcdef"
#define HEX_UPPER "0123456789ABCDEF"

static inline void hex_put_as(const char *digits, const uint8_t *bytes, size_t n, char *to)
{
        for (size_t i = 0; i < n; i++) {
                to[2 * i] = digits[bytes[i] >> 4];
                to[2 * i + 1] = digits[bytes[i] & 15];
        }
}

/* Two lower-case digits a byte, without NUL: `to` has room for 2 * n. */
static inline void hex_put(const uint8_t *bytes, size_t n, char *to)
{
        hex_put_as(HEX_LOWER, bytes, n, to);
}

static inline char *hex_print_as(const char *digits, const uint8_t *bytes, size_t n, char *buf,
                                 size_t size)
{
        if (n > (size - 1) / 2)
                n = (size - 1) / 2;
        hex_put_as(digits, bytes, n, buf);
        buf[2 * n] = '\0';
        return buf;
}

/* The same as a text; what does not fit into `size` is left out. Returns `buf`. */
static inline char *hex_print(const uint8_t *bytes, size_t n, char *buf, size_t size)
{
        return hex_print_as(HEX_LOWER, bytes, n, buf, size);
}

/* The same in capitals, as system titles and numbers of meters are written. */
static inline char *hex_print_upper(const uint8_t *bytes, size_t n, char *buf, size_t size)
{
        return hex_print_as(HEX_UPPER, bytes, n, buf, size);
}
