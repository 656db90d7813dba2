/* SPDX-License-Identifier: MIT */
/*
 * A sparkline: a row of small bars, one per value, scaled between zero and the largest.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define SPARK_CELLS_MAX 256
#define SPARK_TEXT_MAX  (SPARK_CELLS_MAX * 3 + 1) /* a block character is three bytes of UTF-8 */

/*
 * Draws the last `cells` values; NaN is a gap, missing ones at the left are blanks, so the newest
 * always stands at the right edge. Zero is always part of the scale.
 */
char *spark_print(const double *values, size_t n, size_t cells, bool utf8,
                  char buf[static SPARK_TEXT_MAX]);
