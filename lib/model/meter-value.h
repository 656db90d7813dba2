/* SPDX-License-Identifier: MIT */
/*
 * The values of a meter, one by one. Internal to meter.c: everybody else reads struct meter_value
 * and asks the functions of meter.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "meter.h"

/*
 * The index of the value with this code, m->n_values when there is none. Telegrams come in the same
 * order again and again: `hint`, the place after the last one, is mostly right.
 */
size_t meter_value_find(const struct meter *m, struct obis obis, size_t hint);

/* The key a new value gets: its quantity's name, else its code. */
void meter_value_name(const struct meter *m, const struct reading *reading,
                      char key[static METER_KEY_MAX]);

/* Applies Scale.<obis>; -ERANGE when the result does not fit. */
int meter_value_scale(const struct meter_settings *settings, struct reading *reading);

/* When a telegram came, by every clock there is. */
struct meter_moment {
        uint64_t host_usec, mono_usec;
        int64_t clock_usec; /* the meter's; 0: none */
        bool replayed;
};

/* Takes a reading into its value; false, with the value unchanged, when it is suspect. */
bool meter_value_accept(const struct meter *m, struct meter_value *value,
                        const struct reading *reading, const struct meter_moment *now);

/* Takes it without judging. */
void meter_value_hold(struct meter_value *value, const struct reading *reading,
                      const struct meter_moment *now);

/* How long something that comes at this interval may be silent: three of them, at least 30 s. */
uint64_t meter_silence_allowed(uint64_t interval_usec);
