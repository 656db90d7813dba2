/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <stdint.h>
#include <string.h>

static bool is_continuation(char c)
{
        return ((unsigned char)c & 0xc0) == 0x80;
}

/* The number of bytes that the first byte of a letter announces; 0: it begins none. */
static size_t announced(unsigned char first)
{
        return first < 0x80                     ? 1
               : first >= 0xc2 && first <= 0xdf ? 2
               : first >= 0xe0 && first <= 0xef ? 3
               : first >= 0xf0 && first <= 0xf4 ? 4
                                                : 0;
}

/* Overlong forms, surrogates and what lies beyond U+10FFFF show in the second byte. */
static bool second_is_allowed(unsigned char first, unsigned char second)
{
        switch (first) {
        case 0xe0:
                return second >= 0xa0;
        case 0xed:
                return second <= 0x9f;
        case 0xf0:
                return second >= 0x90;
        case 0xf4:
                return second <= 0x8f;
        default:
                return true;
        }
}

size_t text_letter(const char *text)
{
        size_t n = announced((unsigned char)text[0]);

        for (size_t i = 1; i < n; i++)
                if (!is_continuation(text[i]))
                        return 0;
        if (n > 1 && !second_is_allowed((unsigned char)text[0], (unsigned char)text[1]))
                return 0;
        return n;
}

bool text_is_utf8(const char *text)
{
        while (*text) {
                size_t n = text_letter(text);

                if (n == 0)
                        return false;
                text += n;
        }
        return true;
}

size_t text_cut(const char *text, size_t size)
{
        size_t n = strnlen(text, size);

        if (n < size)
                return n;
        if (size == 0)
                return 0;
        for (n = size - 1; n > 0 && is_continuation(text[n]);)
                n--;
        return n;
}

char *text_copy(char *buf, size_t size, const char *text)
{
        size_t n = text_cut(text, size);

        memcpy(buf, text, n);
        buf[n] = '\0';
        return buf;
}

static bool is_control(const char *letter, size_t n)
{
        unsigned char first = (unsigned char)letter[0];

        return (n == 1 && (first < 0x20 || first == 0x7f)) ||
               (n == 2 && first == 0xc2 && (unsigned char)letter[1] < 0xa0);
}

/* Bytes of a letter that is cut: its first ones are right, then ASCII or the end follows. */
static size_t cut_letter(const char *text)
{
        size_t wanted = announced((unsigned char)text[0]), n = 1;

        while (n < wanted && is_continuation(text[n]))
                n++;
        return wanted > n && (unsigned char)text[n] < 0x80 ? n : 0;
}

char *text_clean(char *text)
{
        const char *from = text;
        char *to = text;

        while (*from) {
                size_t n = text_letter(from), cut = n ? 0 : cut_letter(from);

                if (n && !is_control(from, n)) {
                        memmove(to, from, n);
                        to += n;
                } else if (!cut) {
                        *to++ = '?';
                }
                from += n ? n : cut ? cut : 1;
        }
        *to = '\0';
        return text;
}
