/* SPDX-License-Identifier: MIT */
#include "clock.h"

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

/* 01:00 UTC on the last Sunday of a month of 31 days. */
static int64_t last_sunday(int year, int month)
{
        struct tm tm = { .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = 31, .tm_hour = 1 };
        int64_t end = (int64_t)timegm(&tm); /* fills in the weekday */

        return end - (int64_t)tm.tm_wday * 86400;
}

struct sim_clock sim_clock_central_europe(int64_t epoch_s)
{
        int year = sim_clock_at(epoch_s, 0, false).year;
        bool summer = epoch_s >= last_sunday(year, 3) && epoch_s < last_sunday(year, 10);

        return sim_clock_at(epoch_s, summer ? 120 : 60, summer);
}
