/* SPDX-License-Identifier: MIT */
/*
 * The smallest pieces of a text telegram (IEC 62056-21 §6.4, DSMR P1 §6.2): lines, and the objects
 * on them. An object is an OBIS code and one or more bracketed groups:
 *
 *      0-1:24.2.1(170102161005W)(00000.107*m3)
 *      └─ obis ─┘ └─ group 0 ──┘ └─ group 1 ─┘
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/value/datetime.h"
#include "lib/value/decimal.h"
#include "lib/value/obis.h"
#include "lib/value/quantity.h"
#include "lib/value/reader.h"

/* The generic profile of DSMR 3.0 (gas) has 6 groups, 7 with its value on the same line. */
#define TEXT_GROUPS_MAX 8

struct text_object {
        struct obis obis;
        bool has_channel; /* written with "A-B:" */
        bool has_period;  /* written with "*F" or "&F" */
        struct slice groups[TEXT_GROUPS_MAX];
        size_t n_groups;    /* how many there are, also beyond those kept */
        struct slice value; /* all groups, with their brackets */
};

/*
 * True for a byte of a text telegram other than a line feed. `parity`: the line is 7E1 but was read
 * as 8N1, so that bit 7 makes the number of ones even; another byte is damaged.
 */
static inline bool text_is_char(uint8_t byte, bool parity)
{
        uint8_t c = byte & 0x7f;

        if (parity ? __builtin_parity(byte) : byte > 0x7f)
                return false;
        return (c >= ' ' && c <= '~') || c == '\r' || c == '\t';
}

/* A character as it is on the wire: with its parity in bit 7, or as it is. */
static inline uint8_t text_on_wire(uint8_t c, bool parity)
{
        return parity ? (uint8_t)(c | __builtin_parity(c) << 7) : c;
}

/* Masks bit 7 into `buf` when there is parity; else the same slice. `buf` holds raw.len bytes. */
struct slice text_plain(struct slice raw, bool parity, uint8_t *buf);

/* Takes the next line off `left`, without its CR LF. False at the end. */
bool text_next_line(struct slice *left, struct slice *ret);

/* -EBADMSG when the line is not exactly one object. Slices borrow from the line. */
int text_parse_object(struct slice line, struct text_object *ret);

/* A number with its unit, as text. */
struct text_number {
        struct decimal value; /* in `unit` */
        enum unit unit;
        int8_t point; /* the exponent that it was sent with: -3 of 000123.456 */
};

/*
 * Reads "000123.456*kWh" into base units (123456 Wh), with blanks around number and unit. A unit
 * that is not shown leaves the number as it is, with UNIT_UNKNOWN. False when it is no number or
 * has no unit: then it is a text.
 */
bool text_parse_number(struct slice group, struct text_number *ret);

/* The same for a number and its unit that stand in different groups. */
bool text_join_number(struct slice number, struct slice unit, struct text_number *ret);

/*
 * Reads a time: YYMMDDhhmm[ss] or YYYYMMDDhhmmss, with or without punctuation ("20240111
 * 09:35:00"), then W (winter), S (summer) or nothing. `winter_offset_min` is the offset to UTC that
 * W stands for. Not valid when it is none.
 */
struct datetime text_parse_clock(struct slice group, int winter_offset_min);

/* Up to `max` decimal digits, skipping punctuation; stops at the first letter. Returns how many. */
size_t text_collect_digits(struct slice text, uint8_t *digits, size_t max, size_t *ret_at);
