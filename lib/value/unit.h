/* SPDX-License-Identifier: MIT */
/*
 * Units of readings: base units only (W, Wh, V …); kilo and milli are exponents of the value.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decimal.h"
#include "obis.h"

enum unit {
        UNIT_NONE,    /* a bare number: power factor, count */
        UNIT_UNKNOWN, /* a unit was sent, and it is none that is shown: printed as null */
        UNIT_UNSAID,  /* no unit was sent: the code gives it as soon as the scale is known */
        /* Only on their way into a telegram: unit_settle() turns them into a unit that is shown. */
        UNIT_LITRE,
        UNIT_JOULE,
        UNIT_W,
        UNIT_VAR,
        UNIT_VA,
        UNIT_WH,
        UNIT_VARH,
        UNIT_VAH,
        UNIT_V,
        UNIT_A,
        UNIT_HZ,
        UNIT_DEGREE,
        UNIT_M3,
        UNIT_M3_PER_HOUR,
        UNIT_GJ,
        UNIT_CELSIUS,
        UNIT_SECOND,
        UNIT_COUNT,
};

/* "W", "Wh", "°", "m³"; "" for UNIT_NONE; NULL where no unit can be shown. Static storage. */
const char *unit_name(enum unit unit);

/*
 * COSEM unit enum → unit (IEC 62056-6-2 §4.3.2, Table 4). Kilo forms do not exist there.
 * UNIT_UNKNOWN for units that are not shown.
 */
enum unit unit_of_cosem(uint8_t unit);

/*
 * Replaces a unit that is sent and not shown by the one that is: litre by m³, joule by Wh for
 * electricity (A = 1) and by GJ for everything else. A value that does not fit keeps its number and
 * gets UNIT_UNKNOWN. Other units are left alone.
 */
void unit_settle(struct obis obis, enum unit *unit, struct decimal *value);

/* "kWh", "kVArh", "m3", any case → unit and the exponent of its prefix. False when unknown. */
bool unit_parse(const char *text, size_t len, enum unit *ret_unit, int8_t *ret_exponent);

/* The unit by groups A, C and D alone, where the table has no row (IEC 62056-6-1). */
enum unit unit_of_obis(struct obis obis);
