/* SPDX-License-Identifier: MIT */
/*
 * Sums up the points that were kept: energy and power of each day, week, month, or of any step, by
 * tariff where wanted. Pure: points in, steps out.
 *
 * Between two points of the same step the difference of their counters is that step's energy.
 * Points stand at every end of a quarter and at the edges of gaps, so that only a gap can reach
 * from one step into another: its energy belongs to neither, and the answer names the gap.
 * Nothing is counted over an exchange.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/model/tariff.h"
#include "quarter.h"

/* Values at one moment, and of the quarter that ended then. */
struct history_point {
        int64_t time;                         /* seconds since 1970 */
        int64_t counters[QUARTER_N_COUNTERS]; /* QUARTER_UNKNOWN */
        bool has_power;
        int32_t least, mean, greatest; /* of the quarter that ends here, W */
        uint8_t tariff;                /* of the energy counted since the point before */
        uint8_t broken; /* enum quarter_gap_kind: between this and the point before; 0: nothing */
};

struct history_step {
        int64_t from, to; /* seconds since 1970, to is not in it */
        bool has_energy[QUARTER_N_COUNTERS];
        int64_t energy[QUARTER_N_COUNTERS]; /* in the counters' unit */
        bool has_cost;
        double cost;      /* of the energy drawn that has a price, in the prices' currency */
        int64_t unpriced; /* energy drawn in a tariff without a price, in the counters' unit */
        bool has_power;
        int32_t least, greatest;
        int64_t mean_sum; /* of n_mean quarters */
        uint32_t n_mean;
};

enum history_calendar {
        HISTORY_FIXED, /* step_seconds */
        HISTORY_DAY,
        HISTORY_WEEK, /* from Monday, ISO 8601 */
        HISTORY_MONTH,
        HISTORY_YEAR,
};

/* "day" "week" "month" "year"; -EINVAL. */
int history_calendar_parse(const char *name, enum history_calendar *ret);

#define HISTORY_STEPS_MAX 40000 /* a year of quarter hours, and some */

/*
 * Cuts [from, to) into steps: of step_seconds, a multiple of 60 counted from `from`, or of the
 * calendar of the process's zone, where a day has 23, 24 or 25 hours; `from` is then moved back to
 * the step's begin. *ret: owned, ended by free(). -EINVAL, -E2BIG beyond HISTORY_STEPS_MAX.
 */
int history_steps_new(int64_t from, int64_t to, enum history_calendar calendar,
                      uint32_t step_seconds, struct history_step **ret, size_t *ret_n);

/* Whether anything has a price. NULL has none. */
bool history_has_prices(const struct tariff_settings *prices);

/*
 * Adds up points, which are in order of time. tariff 0: whatever the tariff. Steps without a point
 * keep has_energy false. `prices` are of counters in Wh, NULL: no costs. Energy of no known tariff
 * has the price of the only tariff there is, when that is the first, else none.
 */
void history_sum(struct history_step *steps, size_t n_steps, const struct history_point *points,
                 size_t n_points, uint8_t tariff, const struct tariff_settings *prices);
