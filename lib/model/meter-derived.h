/* SPDX-License-Identifier: MIT */
/*
 * Values that no meter sent: the total energy of meters that send tariff registers alone. Internal
 * to meter.c.
 */
#pragma once

#include <stddef.h>

#include "meter-value.h"

/* The most that may be added to a telegram's values: two energies, two powers. */
#define METER_DERIVED_MAX 4

/* After the telegram's own readings have been taken: adds to, or updates, m->values, which has room
 * for METER_DERIVED_MAX more (or for METER_VALUES_MAX), and appends those values to `update`. */
void meter_derive(struct meter *m, const struct meter_moment *now, struct meter_update *update);
