/* SPDX-License-Identifier: MIT */
/* The first reading of a telegram with this code; NULL when there is none. */
#pragma once

#include "lib/value/telegram.h"

static inline const struct reading *find_reading(const struct telegram *t, struct obis obis)
{
        for (size_t i = 0; i < t->n_readings; i++)
                if (obis_equal(t->readings[i].obis, obis))
                        return &t->readings[i];
        return NULL;
}
