/* SPDX-License-Identifier: MIT */
/*
 * One value as it leaves the decoder: what it is, how much, in which unit, and for values that a
 * sub-meter stored earlier, when it was captured. A plain value: copy it freely.
 */
#pragma once

#include "datetime.h"
#include "decimal.h"
#include "obis.h"
#include "quantity.h"

/* How the scale of a number is known, and with it what the number means. */
enum scale_source {
        SCALE_NONE,      /* unknown: the number is as sent, and has no unit */
        SCALE_CANDIDATE, /* the usual one of several that the profile names */
        SCALE_EVIDENT,   /* the one of them that the telegram's other values leave possible */
        SCALE_PROFILE,   /* the profile names one */
        SCALE_MEASURED,  /* energy was compared with the power over the same time */
        SCALE_WIRE,      /* the telegram says it */
        SCALE_CONFIGURED,
        SCALE_LIKELY, /* one of several, and it fits closely while no other does well: `likely`; the
                         number is as sent until the meter has seen it so often enough */
        SCALE_OPEN,   /* one of several, and this telegram leaves it open: the number is as sent */
};

struct reading {
        struct obis obis;
        enum unit unit;
        const struct quantity *quantity; /* NULL: a code the table does not know; still delivered */
        struct decimal value;            /* exact, in `unit` (W, Wh, V …: base units) */
        enum scale_source scale;
        int8_t likely;            /* with SCALE_LIKELY: the exponent that fits */
        int8_t point;             /* of a float or text: the exponent it was sent with; else 0 */
        struct datetime captured; /* valid only where the telegram gives it per value */
};

/* True when the value of one step of the number is unknown: it is shown without a unit. */
static inline bool reading_is_unscaled(const struct reading *reading)
{
        return reading->scale == SCALE_NONE || reading->scale == SCALE_LIKELY ||
               reading->scale == SCALE_OPEN;
}

/* True for a value of an earlier day or billing period: its code is the present one and F (IEC
 * 62056-6-1, value group F). */
static inline bool reading_is_past(const struct reading *reading)
{
        return reading->obis.f != 255;
}

/* "none" "candidate" "profile" "measured" "wire" "configured". Static storage. */
const char *scale_source_name(enum scale_source source);

/*
 * Gives a number its scale: value = mantissa × 10^exponent. A unit that was not sent is then taken
 * from the quantity, else from the code.
 */
void reading_set_scale(struct reading *reading, int8_t exponent, enum scale_source source);

/* A value that is no number: identifiers, tariff names, messages. */
struct text {
        struct obis obis;
        struct slice value; /* printable; lives as long as the telegram */
        char label[10];     /* "" or, where the meter names values without OBIS (TIC), that name */
};
