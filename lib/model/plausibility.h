/* SPDX-License-Identifier: MIT */
/*
 * Whether a counter can have come from one value to the next: it only rises, and no faster than
 * the connection's power allows in the time between. Pure arithmetic on exact decimals.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/value/decimal.h"

/*
 * Where neither the configuration nor a profile says: more than any low-voltage connection carries
 * (1000 A at 3 × 230 V are 0.7 MW), and still a thousandth of what a misread digit makes.
 */
#define PLAUSIBILITY_POWER_DEFAULT_W 1000000

enum plausibility {
        PLAUSIBILITY_OK,
        /* The same value cut to a coarser step: true, but the finer one says more. */
        PLAUSIBILITY_COARSER,
        PLAUSIBILITY_FALLS,
        PLAUSIBILITY_TOO_FAST,
};

/*
 * Assesses `now` after `last`, `elapsed_ms` later. max_power 0: rises without limit (volume, heat,
 * whose greatest rate is unknown). The unit of the values is that of max_power times hours.
 */
enum plausibility plausibility_assess(struct decimal last, struct decimal now, uint64_t elapsed_ms,
                                      int64_t max_power);
