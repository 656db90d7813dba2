/* SPDX-License-Identifier: MIT */
/*
 * Units of readings: base units only (W, Wh, V …); kilo and milli are exponents of the value.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "obis.h"

enum unit {
        UNIT_NONE, /* a bare number: power factor, count */
        UNIT_UNKNOWN,
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

/* "W", "Wh", "°", "m³"; "" for UNIT_NONE; NULL for UNIT_UNKNOWN. Static storage. */
const char *unit_name(enum unit unit);

/*
 * COSEM unit enum → unit (IEC 62056-6-2 §4.3.2, Table 4). Kilo forms do not exist there.
 * UNIT_UNKNOWN for what this project does not print.
 */
enum unit unit_of_cosem(uint8_t unit);

/* "kWh", "kVArh", "m3", any case → unit and the exponent of its prefix. False when unknown. */
bool unit_parse(const char *text, size_t len, enum unit *ret_unit, int8_t *ret_exponent);

/* What groups A, C and D alone say of the unit, where the table has no row (IEC 62056-6-1). */
enum unit unit_of_obis(struct obis obis);
