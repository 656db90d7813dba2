/* SPDX-License-Identifier: MIT */
/*
 * A-XDR (IEC 61334-6) of the "Data" type of IEC 62056-5-3: a tag, then fixed bytes, or a length and
 * bytes, or a count and elements.
 */
#include "axdr.h"

#include <errno.h>

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
                if (v->tag == AXDR_LONG64_UNSIGNED && v->number < 0)
                        reader_fail(r, "A-XDR: a 64-bit register beyond all meaning");
                break;
        default:
                reader_fail(r, "A-XDR: not a number");
                break;
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
                if (reader_ok(r))
                        read_number(r, &v);
                break;
        }
        *ret = reader_ok(r) ? v : (struct axdr_value){ 0 };
}

/* Skips `count` values one level down. */
static void skip_values(struct reader *r, size_t count, unsigned int depth, size_t *budget)
{
        struct axdr_value v;

        if (depth > AXDR_DEPTH_MAX)
                reader_fail(r, "A-XDR: nested too deeply");
        for (; count > 0 && reader_ok(r); count--) {
                if ((*budget)-- == 0) {
                        reader_fail(r, "A-XDR: more elements than a telegram can hold");
                        return;
                }
                axdr_next(r, &v);
                if (v.count > 0)
                        skip_values(r, v.count, depth + 1, budget);
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
