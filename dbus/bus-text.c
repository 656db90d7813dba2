/* SPDX-License-Identifier: MIT */
#include "bus-text.h"

#include <stdint.h>
#include <string.h>

#define TEXT_MAX 4096 /* longer than any sentence or identifier of ours */

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

/* Length of the character at `p`, 0 when it is none that D-Bus takes (RFC 3629; no surrogates, no
 * noncharacters, which old versions refuse). */
static size_t character_length(const unsigned char *p)
{
        static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
        size_t n = *p < 0x80 ? 1 : (*p & 0xe0) == 0xc0 ? 2 : (*p & 0xf0) == 0xe0 ? 3 : 4;
        uint32_t c;

        if (n == 1)
                return 1;
        if (n == 4 && (*p & 0xf8) != 0xf0)
                return 0;
        c = *p & (0x7fU >> n);
        for (size_t i = 1; i < n; i++) {
                if ((p[i] & 0xc0) != 0x80) /* the end of the string too */
                        return 0;
                c = c << 6 | (p[i] & 0x3fU);
        }
        if (c < least[n] || c > 0x10ffff || (c & 0xfffff800) == 0xd800)
                return 0;
        if ((c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe)
                return 0;
        return n;
}

bool bus_text_is_valid(const char *text)
{
        const unsigned char *p = (const unsigned char *)text;

        while (*p) {
                size_t n = character_length(p);

                if (n == 0)
                        return false;
                p += n;
        }
        return true;
}

char *bus_text_clean(const char *text, char *ret, size_t size)
{
        const unsigned char *p = (const unsigned char *)text;
        size_t used = 0;

        while (*p) {
                size_t n = character_length(p);
                const void *from = n ? (const void *)p : replacement;
                size_t width = n ? n : sizeof(replacement) - 1;

                if (used + width >= size)
                        break;
                memcpy(ret + used, from, width);
                used += width;
                p += n ? n : 1;
        }
        ret[used] = '\0';
        return ret;
}

int bus_text_append_valid(sd_bus_message *m, const char *text)
{
        size_t n = strlen(text);
        char *space;
        int r = sd_bus_message_append_string_space(m, n, &space);

        if (r >= 0)
                memcpy(space, text, n); /* the NUL is there */
        return r;
}

int bus_text_append(sd_bus_message *m, const char *text)
{
        char clean[TEXT_MAX];

        if (bus_text_is_valid(text))
                return bus_text_append_valid(m, text);
        return bus_text_append_valid(m, bus_text_clean(text, clean, sizeof(clean)));
}
