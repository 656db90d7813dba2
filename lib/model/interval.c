/* SPDX-License-Identifier: MIT */
/* The median of a few distances: exact for a regular sender, whatever single telegrams do. */
#include "interval.h"

#include <stddef.h>

void interval_add(struct interval *interval, uint64_t usec)
{
        uint64_t ms = usec / 1000;

        interval->ms[interval->at] = ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
        interval->at = (uint8_t)((interval->at + 1) % INTERVAL_SAMPLES);
        if (interval->n < INTERVAL_SAMPLES)
                interval->n++;
}

uint64_t interval_usec_get(const struct interval *interval)
{
        uint32_t sorted[INTERVAL_SAMPLES];
        size_t n = interval->n;

        if (n == 0)
                return 0;
        for (size_t i = 0; i < n; i++) {
                size_t at = i;

                for (; at > 0 && sorted[at - 1] > interval->ms[i]; at--)
                        sorted[at] = sorted[at - 1];
                sorted[at] = interval->ms[i];
        }
        return (uint64_t)sorted[(n - 1) / 2] * 1000;
}
