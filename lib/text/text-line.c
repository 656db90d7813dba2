/* SPDX-License-Identifier: MIT */
/*
 * Lines and objects of text telegrams (IEC 62056-21 §6.4, DSMR P1 5.0.2 §6.2).
 */
#include "text-line.h"

#include <errno.h>

#define UNIT_TEXT_MAX 16 /* IEC 62056-21 §6.4 */

struct slice text_plain(struct slice raw, bool parity, uint8_t *buf)
{
        if (!parity)
                return raw;
        for (size_t i = 0; i < raw.len; i++)
                buf[i] = raw.data[i] & 0x7f;
        return (struct slice){ buf, raw.len };
}

bool text_next_line(struct slice *left, struct slice *ret)
{
        const uint8_t *end;
        size_t n;

        if (left->len == 0)
                return false;
        end = memchr(left->data, '\n', left->len);
        n = end ? (size_t)(end - left->data) : left->len;
        *ret = slice_first(*left, n);
        *left = slice_from(*left, n + 1);
        if (ret->len > 0 && ret->data[ret->len - 1] == '\r')
                ret->len--;
        return true;
}

/*
 * Letters stand for the groups C of abstract objects (IEC 62056-6-1 Annex A): C.1.0 is 0-0:96.1.0,
 * F.F is 0-0:97.97.0, L.1 a list, P.01 a profile.
 */
static uint8_t letter_group(uint8_t c)
{
        switch (c) {
        case 'C':
                return 96;
        case 'F':
                return 97;
        case 'L':
                return 98;
        case 'P':
                return 99;
        default:
                return 0;
        }
}

/* "F.F", "C.1.0". Returns the bytes read or -EINVAL. */
static int parse_lettered(struct slice line, struct obis *ret)
{
        struct obis obis = OBIS_OF(0, 0, 0, 0, 0, 255);
        struct obis tail;
        int r;

        obis.c = letter_group(slice_at(line, 0));
        if (obis.c == 0 || slice_at(line, 1) != '.')
                return -EINVAL;
        obis.d = letter_group(slice_at(line, 2));
        if (obis.d != 0) {
                *ret = obis;
                return 3;
        }
        /* The rest has the form of a short code whose first group is our D. */
        r = obis_parse(slice_from(line, 2), &tail);
        if (r > 0) {
                obis.d = tail.c;
                obis.e = tail.d;
                obis.f = tail.f;
                *ret = obis;
                return r + 2;
        }
        for (r = 2; slice_at(line, (size_t)r) >= '0' && slice_at(line, (size_t)r) <= '9'; r++) {
                unsigned int d = obis.d * 10U + slice_at(line, (size_t)r) - '0';

                if (d > UINT8_MAX)
                        return -EINVAL;
                obis.d = (uint8_t)d;
        }
        *ret = obis;
        return r > 2 ? r : -EINVAL;
}

static int parse_address(struct slice line, struct text_object *ret)
{
        int n = obis_parse(line, &ret->obis);

        if (n < 0)
                n = parse_lettered(line, &ret->obis);
        if (n < 0)
                return n;
        for (size_t i = 0; i < (size_t)n; i++) {
                uint8_t c = line.data[i];

                ret->has_channel |= c == ':';
                ret->has_period |= c == '*' || c == '&';
        }
        return n;
}

int text_parse_object(struct slice line, struct text_object *ret)
{
        struct text_object object = { 0 };
        int r = parse_address(line, &object);
        size_t at;

        if (r < 0)
                return -EBADMSG;
        at = (size_t)r;
        object.value = slice_from(line, at);
        while (at < line.len) {
                size_t start = at + 1, n = 0;

                if (line.data[at] != '(')
                        return -EBADMSG;
                while (start + n < line.len && line.data[start + n] != '(' &&
                       line.data[start + n] != ')' && line.data[start + n] >= ' ')
                        n++;
                if (slice_at(line, start + n) != ')')
                        return -EBADMSG;
                if (object.n_groups < TEXT_GROUPS_MAX)
                        object.groups[object.n_groups] = slice_first(slice_from(line, start), n);
                object.n_groups++;
                at = start + n + 1;
        }
        if (object.n_groups == 0)
                return -EBADMSG;
        *ret = object;
        return 0;
}

static struct slice trim(struct slice s)
{
        while (s.len > 0 && s.data[0] == ' ')
                s = slice_from(s, 1);
        while (s.len > 0 && s.data[s.len - 1] == ' ')
                s.len--;
        return s;
}

/* A unit that is not shown has letters and signs, no digits: "%", "kcal", "1/min". */
static bool looks_like_unit(struct slice unit)
{
        if (unit.len == 0 || unit.len > UNIT_TEXT_MAX)
                return false;
        for (size_t i = 0; i < unit.len; i++)
                if (unit.data[i] <= ' ' || (unit.data[i] >= '2' && unit.data[i] <= '9'))
                        return false;
        return true;
}

bool text_join_number(struct slice number, struct slice unit, struct text_number *ret)
{
        struct decimal value;
        int8_t exponent;
        int n;

        /* "7137.694*kWh " (Holley D545) */
        number = trim(number);
        unit = trim(unit);
        n = decimal_parse(number, &value);
        if (n < 0 || (size_t)n != number.len || unit.len == 0)
                return false;
        ret->point = value.exponent;
        if (unit_parse((const char *)unit.data, unit.len, &ret->unit, &exponent))
                return decimal_shift(value, exponent, &ret->value) == 0;
        if (!looks_like_unit(unit))
                return false;
        ret->unit = UNIT_UNKNOWN;
        ret->value = value;
        return true;
}

bool text_parse_number(struct slice group, struct text_number *ret)
{
        size_t star = 0;

        while (star < group.len && group.data[star] != '*')
                star++;
        return text_join_number(slice_first(group, star), slice_from(group, star + 1), ret);
}

size_t text_collect_digits(struct slice text, uint8_t *digits, size_t max, size_t *ret_at)
{
        size_t n = 0, at = 0;

        for (; at < text.len && n < max; at++) {
                uint8_t c = text.data[at];

                if (c >= '0' && c <= '9')
                        digits[n++] = (uint8_t)(c - '0');
                else if (c != '-' && c != ':' && c != ' ' && c != '.')
                        break;
        }
        *ret_at = at;
        return n;
}

struct datetime text_parse_clock(struct slice group, int winter_offset_min)
{
        uint8_t d[14];
        size_t at, first;
        size_t n = text_collect_digits(group, d, sizeof(d), &at);
        uint8_t season = slice_at(group, at);
        struct datetime t;
        int year;

        if ((n != 10 && n != 12 && n != 14) || group.len - at > 1)
                return (struct datetime){ 0 };
        first = n == 14 ? 4 : 2;
        year = d[first - 2] * 10 + d[first - 1];
        if (n == 14)
                year += d[0] * 1000 + d[1] * 100;
        else
                year += year < 70 ? 2000 : 1900; /* 70: the epoch of a clock never set */
        t = datetime_of_fields(year, d[first] * 10 + d[first + 1], d[first + 2] * 10 + d[first + 3],
                               d[first + 4] * 10 + d[first + 5], d[first + 6] * 10 + d[first + 7],
                               n == 10 ? 0 : d[first + 8] * 10 + d[first + 9]);
        if (season == 'W' || season == 'S') {
                t.dst = season == 'S' ? DATETIME_DST_SUMMER : DATETIME_DST_WINTER;
                t.has_offset = t.offset_of_mark = t.valid;
                t.offset_min = (int16_t)(winter_offset_min + (season == 'S' ? 60 : 0));
        } else if (season != 0) {
                return (struct datetime){ 0 };
        }
        return t;
}
