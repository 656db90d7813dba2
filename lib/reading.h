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

struct reading {
        struct obis obis;
        enum unit unit;
        const struct quantity *quantity; /* NULL: a code the table does not know; still delivered */
        struct decimal value;            /* exact, in `unit` (W, Wh, V …: base units) */
        bool scaled;                     /* the telegram itself told the scale */
        struct datetime captured;        /* valid only where the telegram gives it per value */
};

/* A value that is no number: identifiers, tariff names, messages. */
struct text {
        struct obis obis;
        struct slice value; /* printable; lives as long as the telegram */
        char label[10];     /* "" or, where the meter names values without OBIS (TIC), that name */
};
