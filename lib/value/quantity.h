/* SPDX-License-Identifier: MIT */
/*
 * THE table: OBIS → quantity. The meaning of a code, its name on D-Bus and MQTT, its unit.
 * Matched on C.D.E (A = 1 for electricity); the full code stays with the reading.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "obis.h"
#include "unit.h"

enum quantity_kind {
        QUANTITY_POWER,
        QUANTITY_REACTIVE_POWER,
        QUANTITY_APPARENT_POWER,
        QUANTITY_ENERGY, /* counters: they only rise */
        QUANTITY_REACTIVE_ENERGY,
        QUANTITY_APPARENT_ENERGY,
        QUANTITY_NET_ENERGY, /* rises and falls: |A+| − |A−| */
        QUANTITY_VOLUME,
        QUANTITY_HEAT,
        QUANTITY_VOLTAGE,
        QUANTITY_CURRENT,
        QUANTITY_FREQUENCY,
        QUANTITY_POWER_FACTOR,
        QUANTITY_ANGLE,
        QUANTITY_DEMAND, /* averages and maxima over a period */
        QUANTITY_LIMIT,  /* thresholds of switches and breakers */
        QUANTITY_OTHER,
};

struct quantity {
        uint8_t a, c, d, e;        /* the code; B and F are free */
        const char *name;          /* "active_power_import": D-Bus, MQTT native */
        const char *label;         /* "Active power import": for people */
        const char *datacollector; /* "ACTIVE_POWER_P", or NULL: never sent by it */
        enum unit unit;
        enum quantity_kind kind;
};

/* The row of this code, or NULL when it is unknown. Static storage. */
const struct quantity *quantity_find(struct obis obis);

/* By name, exactly. NULL when there is none. */
const struct quantity *quantity_find_name(const char *name);

/* The i-th row, or NULL past the last: for documents and completions. */
const struct quantity *quantity_at(size_t i);
/* And back: below QUANTITIES_MAX, so that a table may have a row for each. */
#define QUANTITIES_MAX 255
size_t quantity_index(const struct quantity *quantity);

/* True for quantities that only rise and must never be lost (energy, volume, heat). */
bool quantity_is_counter(const struct quantity *quantity);
