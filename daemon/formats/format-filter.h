/* SPDX-License-Identifier: MIT */
/*
 * Interval= and Deadband=: which values of a telegram a sink lets through. Remembers, per meter,
 * what was sent last and when; knows no clock, the telegram brings the time.
 */
#pragma once

#include "format.h"

struct format_filter_value {
        char key[METER_KEY_MAX];
        struct decimal sent;
        uint64_t sent_usec;
};

/* Of one meter: zeroed storage is an empty one; free with format_filter_done(). */
struct format_filter {
        struct format_filter_value *values; /* owned */
        size_t n_values;
        uint64_t telegram_usec;
};

void format_filter_done(struct format_filter *filter);

/*
 * interval_usec 0 and deadband 0 let everything through. A deadband (percent of the last value
 * sent) holds back instantaneous values only: a counter that stands still is cheap, one that is
 * held back is wrong. Even a value within it is sent once in FORMAT_FILTER_REST_USEC.
 */
#define FORMAT_FILTER_REST_USEC (60 * UINT64_C(1000000))
void format_filter_apply(struct format_filter *filter, uint64_t interval_usec,
                         struct decimal deadband, const struct meter_update *update,
                         struct format_values *ret);
