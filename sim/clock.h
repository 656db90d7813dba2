/* SPDX-License-Identifier: MIT */
/* The clock of a virtual meter: an instant, and the local time that its display would show. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct sim_clock {
        int64_t epoch_s; /* seconds since 1970 UTC */
        int offset_min;  /* local time − UTC */
        bool dst;
        int year, month, day, hour, minute, second;
        int weekday; /* 1 Monday … 7 Sunday */
};

/* Local time at an instant, the offset being known. */
struct sim_clock sim_clock_at(int64_t epoch_s, int offset_min, bool dst);

/* The same for Central Europe, whose rule meters know: summer time from the last Sunday of March,
 * 01:00 UTC, to the last of October. */
struct sim_clock sim_clock_central_europe(int64_t epoch_s);
