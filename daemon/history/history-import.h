/* SPDX-License-Identifier: MIT */
/*
 * Samples from elsewhere: what a meter's counters showed at some times. They are cut into quarter
 * hours and gaps as telegrams are (quarter.h). Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quarter.h"

struct history_unit;

struct history_sample {
        int64_t time;                        /* seconds since 1970 */
        double counters[QUARTER_N_COUNTERS]; /* Wh, m³, …; NaN: not known */
        uint8_t tariff;                      /* since the sample before; 0: not known */
        bool begins;                         /* counts from anew: no line to the sample before */
};

/* The loop reads so many within milliseconds: seven months of quarter hours. */
#define HISTORY_SAMPLES_MAX 20000

/* Why the samples cannot be right, in words, and which one; NULL: they can. */
const char *history_samples_fault(const struct history_sample *samples, size_t n,
                                  size_t *ret_index);

/* As whole numbers of the unit that the meter is counted in. `interval`: seconds, usually. */
struct quarter_sample history_sample_cut(const struct history_sample *sample,
                                         const struct history_unit *unit, uint32_t interval);

/* Counts of quarter hours, those of gaps too, by their outcome. */
struct history_imported {
        uint32_t written;
        uint32_t measured; /* left as they were measured */
        uint32_t left_out; /* older than what is kept, or not over yet */
};
