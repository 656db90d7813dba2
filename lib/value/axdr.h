/* SPDX-License-Identifier: MIT */
/*
 * A-XDR values, pulled one at a time (IEC 61334-6; types of IEC 62056-5-3 Table "Data").
 * axdr_next() reads one tag and what belongs to it; arrays and structures only give their count,
 * their elements follow.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reader.h"

enum axdr_tag {
        AXDR_NULL = 0x00,
        AXDR_ARRAY = 0x01,
        AXDR_STRUCTURE = 0x02,
        AXDR_BOOLEAN = 0x03,
        AXDR_BIT_STRING = 0x04,
        AXDR_DOUBLE_LONG = 0x05,          /* int32 */
        AXDR_DOUBLE_LONG_UNSIGNED = 0x06, /* uint32 */
        AXDR_OCTET_STRING = 0x09,
        AXDR_VISIBLE_STRING = 0x0a,
        AXDR_UTF8_STRING = 0x0c,
        AXDR_BCD = 0x0d,
        AXDR_INTEGER = 0x0f,       /* int8 */
        AXDR_LONG = 0x10,          /* int16 */
        AXDR_UNSIGNED = 0x11,      /* uint8 */
        AXDR_LONG_UNSIGNED = 0x12, /* uint16 */
        AXDR_COMPACT_ARRAY = 0x13,
        AXDR_LONG64 = 0x14,
        AXDR_LONG64_UNSIGNED = 0x15,
        AXDR_ENUM = 0x16,
        AXDR_FLOAT32 = 0x17,
        AXDR_FLOAT64 = 0x18,
        AXDR_DATE_TIME = 0x19,
        AXDR_DATE = 0x1a,
        AXDR_TIME = 0x1b,
        AXDR_DELTA_INTEGER = 0x1c, /* the delta types: differences to a value sent before */
        AXDR_DELTA_LONG = 0x1d,
        AXDR_DELTA_DOUBLE_LONG = 0x1e,
        AXDR_DELTA_UNSIGNED = 0x1f,
        AXDR_DELTA_LONG_UNSIGNED = 0x20,
        AXDR_DELTA_DOUBLE_LONG_UNSIGNED = 0x21,
        AXDR_DONT_CARE = 0xff,
};

struct axdr_value {
        uint8_t tag;
        size_t count;       /* elements of an array or structure */
        int64_t number;     /* integers, enum, boolean */
        struct slice bytes; /* strings, floats, date-times */
        bool absent;        /* passed over by its structure: nothing in it can be shown */
};

/* A-XDR length: one byte below 128, else 0x81, 0x82 … and the length (IEC 61334-6 §6.8). */
size_t axdr_length(struct reader *r);

/* Reads the next value. A fault is left in the reader; then ret is empty. */
void axdr_next(struct reader *r, struct axdr_value *ret);

/* Skips one whole value, its elements too; depth and elements are bounded. */
void axdr_skip(struct reader *r);

bool axdr_is_number(uint8_t tag);
bool axdr_is_string(uint8_t tag);

/* scal_unit_type ::= structure { scaler: integer, unit: enum } (IEC 62056-6-2, Register) */
struct scaler {
        int8_t exponent;
        uint8_t unit; /* COSEM unit enum */
};
int scaler_decode(struct reader *r, struct scaler *ret);
