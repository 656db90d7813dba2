/* SPDX-License-Identifier: MIT */
#include "sim/clock.h"

#include <time.h>

struct sim_clock sim_clock_at(int64_t epoch_s, int offset_min, bool dst)
{
        time_t shifted = (time_t)(epoch_s + (int64_t)offset_min * 60);
        struct tm tm;

        (void)gmtime_r(&shifted, &tm); /* fails only for years that no int holds */
        return (struct sim_clock){
                .epoch_s = epoch_s,
                .offset_min = offset_min,
                .dst = dst,
                .year = tm.tm_year + 1900,
                .month = tm.tm_mon + 1,
                .day = tm.tm_mday,
                .hour = tm.tm_hour,
                .minute = tm.tm_min,
                .second = tm.tm_sec,
                .weekday = tm.tm_wday == 0 ? 7 : tm.tm_wday,
        };
}
