/* SPDX-License-Identifier: MIT */
#include "history-import.h"

#include <math.h>

#include "history-file.h"
#include "lib/model/tariff.h"

/* The year 9999: libc's calendar and the arithmetic on times can take it. */
#define TIME_MAX INT64_C(253402300799)
/* No counter has more digits; a double counts each of them. */
#define COUNTER_MAX 1e15

static bool is_counter(double value)
{
        return isnan(value) || (value >= 0 && value <= COUNTER_MAX);
}

const char *history_samples_fault(const struct history_sample *samples, size_t n, size_t *ret_index)
{
        for (size_t i = 0; i < n; i++) {
                const struct history_sample *s = &samples[i];

                *ret_index = i;
                if (s->time < 0 || s->time > TIME_MAX)
                        return "its time is not between the years 1970 and 9999";
                if (i > 0 && s->time <= samples[i - 1].time &&
                    !(s->begins && s->time == samples[i - 1].time))
                        return "it is not later than the one before";
                if (!is_counter(s->counters[QUARTER_IMPORT]) ||
                    !is_counter(s->counters[QUARTER_EXPORT]))
                        return "its counter is not between 0 and 10^15";
                if (s->tariff > TARIFF_MAX)
                        return "its tariff is not between 0 and 8";
        }
        return NULL;
}

static int64_t count_of(double value, const struct history_unit *unit)
{
        return isnan(value) ? QUARTER_UNKNOWN : (int64_t)llround(value * pow(10, -unit->exponent));
}

struct quarter_sample history_sample_cut(const struct history_sample *sample,
                                         const struct history_unit *unit, uint32_t interval)
{
        return (struct quarter_sample){
                .time = sample->time,
                .counters = { count_of(sample->counters[QUARTER_IMPORT], unit),
                              count_of(sample->counters[QUARTER_EXPORT], unit) },
                .interval = interval,
                .tariff = sample->tariff,
                .is_since = true,
        };
}
