/* SPDX-License-Identifier: MIT */
#include "id.h"

#include <string.h>

#include "base/util.h"

static bool is_blank(uint8_t c)
{
        return c == ' ' || c == '\t' || c == '\0';
}

static bool is_id_char(uint8_t c)
{
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               c == '.' || c == '_' || c == ':' || c == '-';
}

static bool goes_on(uint8_t c)
{
        return (c & 0xc0) == 0x80;
}

size_t id_clean(char *to, size_t size, struct slice from)
{
        size_t n = 0;

        while (from.len > 0 && is_blank(from.data[0]))
                from = slice_from(from, 1);
        while (from.len > 0 && is_blank(from.data[from.len - 1]))
                from.len--;
        /* Nearly all are clean, and this is done several times for every telegram. */
        if (slice_at(from, 0) != '-')
                while (n < from.len && is_id_char(from.data[n]))
                        n++;
        n = MIN(n, size - 1);
        if (n > 0)
                memcpy(to, from.data, n);
        for (size_t i = n; i < from.len && n + 1 < size; i++) {
                /* A word that begins with '-' would be an option on a command line. */
                if (is_id_char(from.data[i]) && !(n == 0 && from.data[i] == '-'))
                        to[n++] = (char)from.data[i];
                else if (i == 0 || !goes_on(from.data[i]) || from.data[i - 1] < 0x80)
                        to[n++] = '_';
        }
        to[n] = '\0';
        return n;
}

bool id_is_empty(struct slice id)
{
        for (size_t i = 0; i < id.len; i++)
                if (id.data[i] != '0' && !is_blank(id.data[i]))
                        return false;
        return true;
}

/* Bytes of the letter at `at`, 0 when it is none that a text may have. */
static size_t letter_bytes(struct slice s, size_t at)
{
        uint8_t first = s.data[at], second = slice_at(s, at + 1);
        size_t n;

        if (first < 0x80)
                return first >= 0x20 && first != 0x7f;
        if (first < 0xc2 || first > 0xf4)
                return 0;
        n = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
        if (n > s.len - at)
                return 0;
        for (size_t i = 1; i < n; i++)
                if (!goes_on(s.data[at + i]))
                        return 0;
        /* C1 controls, forms longer than needed, surrogates, beyond U+10FFFF */
        if ((first == 0xc2 && second < 0xa0) || (first == 0xe0 && second < 0xa0) ||
            (first == 0xed && second > 0x9f) || (first == 0xf0 && second < 0x90) ||
            (first == 0xf4 && second > 0x8f))
                return 0;
        return n;
}

bool utf8_is_text(struct slice bytes)
{
        size_t at = 0;

        /* Nearly all texts are of ASCII alone, and this is done for every one of every telegram. */
        while (at < bytes.len && bytes.data[at] >= 0x20 && bytes.data[at] < 0x7f)
                at++;
        while (at < bytes.len) {
                size_t n = letter_bytes(bytes, at);

                if (n == 0)
                        return false;
                at += n;
        }
        return true;
}

size_t utf8_cut(struct slice text, size_t max)
{
        size_t n = MIN(text.len, max);

        while (n > 0 && n < text.len && goes_on(text.data[n]))
                n--;
        return n;
}
