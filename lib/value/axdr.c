/* SPDX-License-Identifier: MIT */
/*
 * A-XDR (IEC 61334-6) of the "Data" type of IEC 62056-5-3: a tag, then fixed bytes, or a length and
 * bytes, or a count and elements.
 */
#include "axdr.h"

#include <errno.h>

#include "base/util.h"

/* Deeper than any layout of the field (5), shallow enough for a small stack. */
#define AXDR_DEPTH_MAX 12
/* More elements than 8 KiB of telegram can hold values worth reading. */
#define AXDR_ELEMENTS_MAX 4096

size_t axdr_length(struct reader *r)
{
        uint8_t first = reader_u8(r);

        if (first < 0x80)
                return first;
        switch (first) {
        case 0x81:
                return reader_u8(r);
        case 0x82:
                return reader_be16(r);
        case 0x83:
                first = reader_u8(r);
                return (size_t)first << 16 | reader_be16(r);
        case 0x84:
                return reader_be32(r);
        default:
                reader_fail(r, "A-XDR: a length of this form is not possible");
                return 0;
        }
}

static void read_number(struct reader *r, struct axdr_value *v)
{
        switch (v->tag) {
        case AXDR_BOOLEAN:
        case AXDR_UNSIGNED:
        case AXDR_ENUM:
                v->number = reader_u8(r);
                break;
        case AXDR_INTEGER:
                v->number = (int8_t)reader_u8(r);
                break;
        case AXDR_BCD:
                v->number = reader_u8(r);
                break;
        case AXDR_LONG:
                v->number = (int16_t)reader_be16(r);
                break;
        case AXDR_LONG_UNSIGNED:
                v->number = reader_be16(r);
                break;
        case AXDR_DOUBLE_LONG:
                v->number = (int32_t)reader_be32(r);
                break;
        case AXDR_DOUBLE_LONG_UNSIGNED:
                v->number = reader_be32(r);
                break;
        case AXDR_LONG64:
        case AXDR_LONG64_UNSIGNED:
                v->number = (int64_t)reader_be64(r);
                /* Beyond 2^63 no register counts: filled with ones where there is no value. */
                v->absent = v->tag == AXDR_LONG64_UNSIGNED && v->number < 0;
                if (v->absent)
                        v->number = 0;
                break;
        default:
                reader_fail(r, "A-XDR: a type that does not exist");
                break;
        }
}

/* type-description of a compact array: tags without values (IEC 62056-5-3, TypeDescription). */
static void skip_description(struct reader *r, unsigned int depth, size_t *budget)
{
        uint8_t tag = reader_u8(r);
        size_t count = 0;

        if (depth > AXDR_DEPTH_MAX || (*budget)-- == 0)
                reader_fail(r, "A-XDR: nested too deeply");
        if (tag == AXDR_ARRAY) {
                (void)reader_be16(r);
                count = 1;
        } else if (tag == AXDR_STRUCTURE) {
                count = axdr_length(r);
        }
        for (; count > 0 && reader_ok(r); count--)
                skip_description(r, depth + 1, budget);
}

/* Types whose values cannot be shown, and whose length is known all the same. */
static bool pass_over(struct reader *r, uint8_t tag)
{
        size_t budget = AXDR_ELEMENTS_MAX;

        switch (tag) {
        case AXDR_DONT_CARE:
                return true;
        case AXDR_DELTA_INTEGER:
        case AXDR_DELTA_UNSIGNED:
                (void)reader_take(r, 1);
                return true;
        case AXDR_DELTA_LONG:
        case AXDR_DELTA_LONG_UNSIGNED:
                (void)reader_take(r, 2);
                return true;
        case AXDR_DELTA_DOUBLE_LONG:
        case AXDR_DELTA_DOUBLE_LONG_UNSIGNED:
                (void)reader_take(r, 4);
                return true;
        case AXDR_COMPACT_ARRAY:
                skip_description(r, 0, &budget);
                (void)reader_take(r, axdr_length(r));
                return true;
        default:
                return false;
        }
}

void axdr_next(struct reader *r, struct axdr_value *ret)
{
        struct axdr_value v = { .tag = reader_u8(r) };

        switch (v.tag) {
        case AXDR_NULL:
                break;
        case AXDR_ARRAY:
        case AXDR_STRUCTURE:
                v.count = axdr_length(r);
                if (v.count > AXDR_ELEMENTS_MAX)
                        reader_fail(r, "A-XDR: more elements than a telegram can hold");
                break;
        case AXDR_OCTET_STRING:
        case AXDR_VISIBLE_STRING:
        case AXDR_UTF8_STRING:
                v.bytes = reader_take(r, axdr_length(r));
                break;
        case AXDR_BIT_STRING:
                v.bytes = reader_take(r, (axdr_length(r) + 7) / 8);
                break;
        case AXDR_FLOAT32:
        case AXDR_TIME:
                v.bytes = reader_take(r, 4);
                break;
        case AXDR_DATE:
                v.bytes = reader_take(r, 5);
                break;
        case AXDR_FLOAT64:
                v.bytes = reader_take(r, 8);
                break;
        case AXDR_DATE_TIME:
                v.bytes = reader_take(r, 12);
                break;
        default:
                if (!reader_ok(r))
                        break;
                v.absent = pass_over(r, v.tag);
                if (!v.absent)
                        read_number(r, &v);
                break;
        }
        *ret = reader_ok(r) ? v : (struct axdr_value){ 0 };
}

/* Types of one length, as that length and 1; 0: axdr_next() knows. */
static const uint8_t fixed[256] = {
        [AXDR_NULL] = 1,          [AXDR_BOOLEAN] = 2,         [AXDR_UNSIGNED] = 2,
        [AXDR_ENUM] = 2,          [AXDR_INTEGER] = 2,         [AXDR_LONG] = 3,
        [AXDR_LONG_UNSIGNED] = 3, [AXDR_DOUBLE_LONG] = 5,     [AXDR_DOUBLE_LONG_UNSIGNED] = 5,
        [AXDR_LONG64] = 9,        [AXDR_LONG64_UNSIGNED] = 9,
};

/* Passes over those whose first two bytes give their size, up to `count`; returns how many are
 * left. The last value of the input may be among them. */
static size_t skip_leaves(struct reader *r, size_t count, size_t *budget)
{
        size_t most = MIN(count, *budget), n = 0, at = 0;

        while (n < most && r->left.len - at >= 2) {
                const uint8_t *value = r->left.data + at;
                size_t size = fixed[value[0]];

                if (size == 0 && value[0] == AXDR_OCTET_STRING && value[1] < 0x80)
                        size = 2U + value[1];
                if (size == 0 || size > r->left.len - at)
                        break;
                at += size;
                n++;
        }
        (void)reader_take(r, at); /* it is there */
        *budget -= n;
        return count - n;
}

/* Takes the head of an array or a structure, or a value whole; returns how many are in it. */
static size_t skip_head(struct reader *r)
{
        const uint8_t *head = r->left.data;
        struct axdr_value v;

        if (r->left.len >= 2 && (head[0] == AXDR_STRUCTURE || head[0] == AXDR_ARRAY) &&
            head[1] < 0x80) {
                (void)reader_take(r, 2); /* they are there */
                return head[1];
        }
        axdr_next(r, &v);
        return v.count;
}

/* Skips `count` values one level down. */
static void skip_values(struct reader *r, size_t count, unsigned int depth, size_t *budget)
{
        size_t within;

        if (depth > AXDR_DEPTH_MAX)
                reader_fail(r, "A-XDR: nested too deeply");
        while (count > 0 && reader_ok(r)) {
                count = skip_leaves(r, count, budget);
                if (count == 0)
                        return;
                if ((*budget)-- == 0) {
                        reader_fail(r, "A-XDR: more elements than a telegram can hold");
                        return;
                }
                within = skip_head(r);
                count--;
                if (within > 0)
                        skip_values(r, within, depth + 1, budget);
        }
}

void axdr_skip(struct reader *r)
{
        size_t budget = AXDR_ELEMENTS_MAX;

        skip_values(r, 1, 0, &budget);
}

bool axdr_is_number(uint8_t tag)
{
        switch (tag) {
        case AXDR_DOUBLE_LONG:
        case AXDR_DOUBLE_LONG_UNSIGNED:
        case AXDR_INTEGER:
        case AXDR_LONG:
        case AXDR_UNSIGNED:
        case AXDR_LONG_UNSIGNED:
        case AXDR_LONG64:
        case AXDR_LONG64_UNSIGNED:
                return true;
        default:
                return false;
        }
}

bool axdr_is_string(uint8_t tag)
{
        return tag == AXDR_OCTET_STRING || tag == AXDR_VISIBLE_STRING || tag == AXDR_UTF8_STRING;
}

int scaler_decode(struct reader *r, struct scaler *ret)
{
        struct scaler scaler;

        if (reader_u8(r) != AXDR_STRUCTURE || reader_u8(r) != 2)
                reader_fail(r, "scaler: not a structure of two");
        if (reader_u8(r) != AXDR_INTEGER)
                reader_fail(r, "scaler: exponent is not an integer");
        scaler.exponent = (int8_t)reader_u8(r);
        if (reader_u8(r) != AXDR_ENUM)
                reader_fail(r, "scaler: unit is not an enum");
        scaler.unit = reader_u8(r);
        if (!reader_ok(r))
                return -EBADMSG;

        *ret = scaler;
        return 0;
}
