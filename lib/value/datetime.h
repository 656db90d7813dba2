/* SPDX-License-Identifier: MIT */
/*
 * A point in time as a meter sends it (IEC 62056-6-2 §4.1.6.1 date_time): civil fields, and the
 * offset to UTC only when the meter says one. Without an offset the time is the meter's local time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reader.h"

#define DATETIME_TEXT_MAX 40

enum datetime_dst {
        DATETIME_DST_UNKNOWN,
        DATETIME_DST_WINTER,
        DATETIME_DST_SUMMER,
};

struct datetime {
        bool valid; /* false: the meter gave no time, or fields that cannot be */
        bool has_offset;
        int16_t offset_min; /* minutes to add to UTC to get this local time; CET is +60 */
        uint16_t year;
        uint8_t month, day, hour, minute, second;
        enum datetime_dst dst; /* where the meter marks it, though it gives no offset */
        bool offset_of_mark;   /* the offset follows from the mark, in the zone usual for it */
        bool denied;           /* the fields are good, and the clock says that it is wrong */
};

/* True when there is a time that its own clock does not deny. */
static inline bool datetime_is_believed(const struct datetime *t)
{
        return t->valid && !t->denied;
}

/*
 * From the 12 bytes of a COSEM date-time. Unspecified or impossible fields give valid == false;
 * deviation 0x8000 gives has_offset == false; hundredths are dropped.
 */
struct datetime datetime_of_cosem(struct slice bytes);

/* From civil fields; valid only when they name a day and time that exist. */
struct datetime datetime_of_fields(int year, int month, int day, int hour, int minute, int second);

/* Prints ISO 8601: "2019-03-06T14:33:45+01:00", without offset when there is none, "Z" never.
 * Prints "" when not valid. Returns the length. */
size_t datetime_print(const struct datetime *t, char buf[static DATETIME_TEXT_MAX]);

/* Seconds since 1970 UTC, taking the fields as UTC and subtracting offset_min if there is one. */
int64_t datetime_to_epoch(const struct datetime *t);
