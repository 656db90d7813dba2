/* SPDX-License-Identifier: MIT */
/*
 * Objects of text telegrams: DSMR P1 2.2 to 5.0.2 §6.12, e-MUCS P1 1.7, IEC 62056-21 §6.4 and the
 * codes of IEC 62056-6-1.
 */
#include "text-decode.h"

#include <string.h>

#include "base/hex.h"
#include "base/util.h"
#include "text-line.h"

struct walk {
        struct telegram *t;
        bool readout;
        bool copy; /* the input does not live as long as the telegram */
        int winter_offset_min;
        bool has_pending; /* its value is on the next line */
        struct text_object pending;
        struct slice date, time; /* of a readout: 0.9.2 and 0.9.1 */
};

/* The character that two hex digits at `at` stand for; -1 when it is not a printable one. */
static int hex_char(struct slice text, size_t at)
{
        int high = hex_digit(slice_at(text, at)), low = hex_digit(slice_at(text, at + 1));
        int c = high * 16 + low;

        return high < 0 || low < 0 || c < ' ' || c > '~' ? -1 : c;
}

/*
 * P1 sends identifiers and messages as hex-coded ASCII (DSMR 5.0.2 §6.12), and some meters send
 * plain digits there. Of short ones without a letter only those are taken for hex that turn out as
 * capitals and digits: 96815390 and 34567890 are serial numbers.
 */
static bool is_hex_coded(struct obis obis, struct slice text)
{
        bool message = obis.c == 96 && obis.d == 13;
        bool id = obis.c == 42 || (obis.c == 96 && obis.d == 1);
        bool sure = message || text.len >= 16, plausible = true;

        if (!(message || id) || text.len == 0 || text.len % 2 != 0)
                return false;
        for (size_t at = 0; at < text.len; at += 2) {
                int c = hex_char(text, at);

                if (c < 0)
                        return false;
                sure = sure || text.data[at + 1] > '9';
                plausible = plausible && ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'));
        }
        return sure || plausible;
}

static void add_text(struct walk *walk, struct obis obis, struct slice value)
{
        bool hex = !walk->readout && is_hex_coded(obis, value);
        size_t n = hex ? value.len / 2 : value.len;
        uint8_t *room;

        if ((hex || walk->copy) && n > 0) {
                room = telegram_alloc(walk->t, n);
                if (!room) {
                        walk->t->n_dropped++;
                        return;
                }
                for (size_t i = 0; i < n; i++)
                        room[i] = hex ? (uint8_t)hex_char(value, 2 * i) : value.data[i];
                value = (struct slice){ room, n };
        }
        telegram_add_text(walk->t, obis, value);
}

/* Load profiles and logs are no readings of now: their groups stay together as one text. */
static bool is_history(struct obis obis)
{
        return obis.c == 98 || obis.c == 99;
}

/* "13.7.0(0.987)": a quantity that has no unit is written without one. */
static bool is_bare_number(const struct text_object *object, struct text_number *ret)
{
        const struct quantity *quantity = quantity_find(object->obis);
        enum unit unit = quantity ? quantity->unit : unit_of_obis(object->obis);
        struct slice group = object->groups[0];

        if (unit != UNIT_NONE || object->n_groups != 1 || group.len == 0 ||
            decimal_parse(group, &ret->value) != (int)group.len)
                return false;
        ret->unit = UNIT_NONE;
        ret->point = ret->value.exponent;
        /* A power factor is within 1 (E.ON of Hungary sends something else under this code). */
        return decimal_compare(ret->value, (struct decimal){ 1, 0 }) <= 0 &&
               decimal_compare(ret->value, (struct decimal){ -1, 0 }) >= 0;
}

static void add_number(struct walk *walk, struct obis obis, const struct text_number *number,
                       const struct datetime *captured)
{
        telegram_add_captured(walk->t, obis, number->value, number->unit, SCALE_WIRE, number->point,
                              captured);
}

static void add_object(struct walk *walk, const struct text_object *object)
{
        const struct slice *groups = object->groups;
        size_t at = object->n_groups == 2 && !memchr(groups[0].data, '*', groups[0].len) ? 1 : 0;
        struct text_number number;
        struct datetime captured;

        if (object->n_groups <= 2 && !is_history(object->obis) &&
            text_parse_number(groups[at], &number)) {
                if (object->n_groups == 1) {
                        add_number(walk, object->obis, &number, NULL);
                        return;
                }
                /* P1 puts the time first, IEC 62056-21 readouts put it after the value. */
                captured = text_parse_clock(groups[1 - at], walk->winter_offset_min);
                add_number(walk, object->obis, &number, &captured);
                return;
        }
        if (is_bare_number(object, &number))
                add_number(walk, object->obis, &number, NULL);
        else
                add_text(walk, object->obis, object->n_groups == 1 ? groups[0] : object->value);
}

/*
 * DSMR 2.2 and 3.0 send the gas register as a profile of one entry (§6.12, IEC 62056-61):
 *      0-1:24.3.0(time)(status)(period)(count)(0-1:24.2.1)(m3) CRLF (00001.001)
 */
static bool is_profile_head(const struct text_object *object)
{
        struct obis column;
        struct text_number ignored;
        static const uint8_t zero[] = { '0' };

        return (object->n_groups == 6 || object->n_groups == 7) && object->obis.c == 24 &&
               object->groups[3].len == 1 && object->groups[3].data[0] == '1' &&
               obis_parse(object->groups[4], &column) == (int)object->groups[4].len &&
               text_join_number((struct slice){ zero, 1 }, object->groups[5], &ignored);
}

static void add_profile_value(struct walk *walk, const struct text_object *head,
                              struct slice number)
{
        struct datetime captured = text_parse_clock(head->groups[0], walk->winter_offset_min);
        struct text_number joined;

        if (text_join_number(number, head->groups[5], &joined))
                add_number(walk, head->obis, &joined, &captured);
        else
                add_text(walk, head->obis, head->value);
}

/* True when the object is the meter's clock and its time could be read. */
static bool take_clock(struct walk *walk, const struct text_object *object)
{
        static const struct obis clock = OBIS_OF(0, 0, 1, 0, 0, 255);
        struct obis obis = object->obis;
        struct datetime time;

        if (object->n_groups != 1)
                return false;
        if (walk->readout && obis.c == 0 && obis.d == 9 && (obis.e == 1 || obis.e == 2)) {
                /* IEC 62056-6-1: 0.9.1 time and 0.9.2 date of the meter, put together at the end */
                if (obis.e == 1)
                        walk->time = object->groups[0];
                else
                        walk->date = object->groups[0];
                return true;
        }
        if (!obis_equal(obis, clock) && !(walk->readout && obis.c == 0 && obis.d == 9 &&
                                          obis.e == 4 && object->groups[0].len > 10))
                return false;
        time = text_parse_clock(object->groups[0], walk->winter_offset_min);
        if (time.valid)
                walk->t->time = time;
        return time.valid;
}

/* "24-03-21" and "21:10:29", also without punctuation. */
static void join_date_and_time(struct walk *walk)
{
        static const struct obis codes[] = { OBIS_OF(1, 0, 0, 9, 2, 255),
                                             OBIS_OF(1, 0, 0, 9, 1, 255) };
        uint8_t text[12];
        uint8_t digits[6];
        size_t at, n = 0;

        for (size_t i = 0; i < ELEMENTSOF(codes); i++) {
                struct slice part = i == 0 ? walk->date : walk->time;

                if (text_collect_digits(part, digits, sizeof(digits), &at) != sizeof(digits) ||
                    at != part.len)
                        break;
                for (size_t k = 0; k < sizeof(digits); k++)
                        text[n++] = (uint8_t)('0' + digits[k]);
        }
        if (n == sizeof(text))
                walk->t->time = text_parse_clock((struct slice){ text, n }, 0);
        if (walk->t->time.valid)
                return;
        if (walk->date.len > 0)
                add_text(walk, codes[0], walk->date);
        if (walk->time.len > 0)
                add_text(walk, codes[1], walk->time);
}

static void walk_line(struct walk *walk, struct slice line)
{
        struct text_object object;

        if (walk->has_pending) {
                bool value = line.len > 2 && line.data[0] == '(' && line.data[line.len - 1] == ')';
                struct slice number = slice_first(slice_from(line, 1), line.len - 2);

                walk->has_pending = false;
                add_profile_value(walk, &walk->pending, value ? number : (struct slice){ 0 });
                if (value)
                        return;
        }
        if (text_parse_object(line, &object) < 0)
                return; /* damaged, or no object: docs/protocol.md §6 keeps the good lines */
        if (is_profile_head(&object)) {
                walk->pending = object;
                walk->has_pending = object.n_groups == 6;
                if (object.n_groups == 7)
                        add_profile_value(walk, &object, object.groups[6]);
                return;
        }
        if (!take_clock(walk, &object))
                add_object(walk, &object);
}

/* Models by the beginning of the identification line. Knowledge about hardware is data. */
static const struct {
        const char *ident, *model;
        int winter_offset_min; /* where W is not Central European Time */
} idents[] = {
        { "ADN9 6534", "Aidon 6534", 60 },
        { "EBZ5DD3", "eBZ DD3", 60 },
        { "EGM5G15", "Elgama GAMA 150", 60 },
        { "EGM5G35", "Elgama GAMA 350", 60 },
        { "ESO5", "", 120 }, /* Lithuania: EET */
        { "ESY5Q3D", "EasyMeter Q3D", 60 },
        { "Ene5\\T211", "Sagemcom T211", 60 },
        { "ISK5\\2M550", "Iskraemeco AM550", 60 },
        { "ISK9\\2M551", "Iskraemeco AM550", 60 },
        { "ISk5\\2MIE5", "Iskraemeco IE.5", 60 },
        { "ISk5\\2MT382", "Iskraemeco MT382", 60 },
        { "LGF5E360", "Landis+Gyr E360", 60 },
};

static void read_ident(struct walk *walk, struct slice ident)
{
        struct telegram *t = walk->t;

        size_t n = MIN(ident.len, sizeof(t->hints.ident) - 1);

        walk->winter_offset_min = 60;
        if (n > 0)
                memcpy(t->hints.ident, ident.data, n);
        for (size_t i = 0; i < 3 && i < ident.len; i++) {
                t->manufacturer[i] = (char)(ident.data[i] & ~0x20);
                t->manufacturer[i + 1] = '\0';
        }
        for (size_t i = 0; i < ELEMENTSOF(idents); i++) {
                if (!slice_starts_with(ident, slice_of_string(idents[i].ident)))
                        continue;
                memcpy(t->model, idents[i].model, strlen(idents[i].model) + 1);
                walk->winter_offset_min = idents[i].winter_offset_min;
                return;
        }
}

void text_decode(const struct text_frame *frame, struct telegram *t)
{
        struct walk walk = { .t = t,
                             .readout = frame->kind == TEXT_READOUT,
                             .copy = frame->parity };
        uint8_t ident[LINK_FRAME_MAX], data[LINK_FRAME_MAX];
        struct slice left, line;

        read_ident(&walk,
                   text_plain(slice_first(frame->ident, sizeof(ident)), frame->parity, ident));
        left = text_plain(slice_first(frame->data, sizeof(data)), frame->parity, data);
        while (text_next_line(&left, &line))
                walk_line(&walk, line);
        if (walk.has_pending)
                add_profile_value(&walk, &walk.pending, (struct slice){ 0 });
        if (walk.readout)
                join_date_and_time(&walk);
}
