/* SPDX-License-Identifier: MIT */
/*
 * OBIS codes in their written forms (IEC 62056-6-1 Annex A, IEC 62056-21 short form).
 */
#include "obis.h"

#include <errno.h>

/* One value group: up to three digits, at most 255. Returns the digits read, 0 when none. */
static size_t parse_group(struct slice text, uint8_t *ret)
{
        unsigned int value = 0;
        size_t n = 0;

        while (n < text.len && n < 3 && text.data[n] >= '0' && text.data[n] <= '9')
                value = value * 10 + (unsigned int)(text.data[n++] - '0');
        if (value > 255)
                return 0;
        *ret = (uint8_t)value;
        return n;
}

/* Dotted groups: "1.8.0" gives three. Returns the bytes read. */
static size_t parse_dotted(struct slice text, uint8_t groups[static 6], size_t *ret_n)
{
        size_t at = 0;

        for (*ret_n = 0; *ret_n < 6;) {
                size_t dot = *ret_n ? 1 : 0;
                size_t n;

                if (dot && slice_at(text, at) != '.')
                        break;
                n = parse_group(slice_from(text, at + dot), &groups[*ret_n]);
                if (n == 0)
                        break;
                at += dot + n;
                (*ret_n)++;
        }
        return at;
}

/* "A-B:" in front. Returns the bytes read, 0 when there is none. */
static size_t parse_channel(struct slice text, struct obis *obis)
{
        size_t a = parse_group(text, &obis->a);
        size_t b;

        if (a == 0 || slice_at(text, a) != '-')
                return 0;
        b = parse_group(slice_from(text, a + 1), &obis->b);
        if (b == 0 || slice_at(text, a + 1 + b) != ':')
                return 0;
        return a + b + 2;
}

int obis_parse(struct slice text, struct obis *ret)
{
        struct obis obis = OBIS_OF(1, 0, 0, 0, 0, 255);
        uint8_t groups[6] = { 0 };
        size_t at, n, n_groups;

        at = parse_channel(text, &obis);
        if (at == 0)
                obis.a = 1, obis.b = 0;
        n = parse_dotted(slice_from(text, at), groups, &n_groups);
        if (n == 0 || n_groups < 2)
                return -EINVAL;
        if (at == 0 && n_groups == 6) {
                *ret = obis_of_bytes(groups);
                return (int)n;
        }
        if (n_groups > 3)
                return -EINVAL;
        obis.c = groups[0];
        obis.d = groups[1];
        obis.e = groups[2];
        at += n;
        if (slice_at(text, at) == '*' || slice_at(text, at) == '&') {
                n = parse_group(slice_from(text, at + 1), &obis.f);
                if (n > 0)
                        at += n + 1;
        }
        *ret = obis;
        return (int)at;
}

static char *print_group(char *at, uint8_t value)
{
        if (value >= 100)
                *at++ = (char)('0' + value / 100);
        if (value >= 10)
                *at++ = (char)('0' + value / 10 % 10);
        *at++ = (char)('0' + value % 10);
        return at;
}

/* Not by snprintf(): it is done for every value of every telegram, and cost a tenth of them. */
char *obis_print(struct obis obis, char buf[static OBIS_TEXT_MAX])
{
        const uint8_t groups[] = { obis.a, obis.b, obis.c, obis.d, obis.e, obis.f };
        static const char after[] = { '-', ':', '.', '.', '*', '\0' };
        size_t n = obis.f == 255 ? 5 : 6;
        char *at = buf;

        for (size_t i = 0; i < n; i++) {
                at = print_group(at, groups[i]);
                *at++ = after[i];
        }
        at[-1] = '\0';
        return buf;
}

char *obis_print_quantity(struct obis obis, char buf[static OBIS_TEXT_MAX])
{
        char *at = print_group(buf, obis.c);

        *at++ = '.';
        at = print_group(at, obis.d);
        *at++ = '.';
        at = print_group(at, obis.e);
        *at = '\0';
        return at;
}

const char *obis_medium(uint8_t a)
{
        static const char *const media[] = {
                [1] = "electricity", [4] = "heat-cost", [5] = "cooling", [6] = "heat",
                [7] = "gas",         [8] = "water",     [9] = "water"
        };

        return a < sizeof(media) / sizeof(media[0]) ? media[a] : NULL;
}
