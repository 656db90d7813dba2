/* SPDX-License-Identifier: MIT */
/* Sums over calendar steps. */
#include "history-sum.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/array.h"
#include "base/util.h"

int history_calendar_parse(const char *name, enum history_calendar *ret)
{
        static const struct {
                const char *name;
                enum history_calendar calendar;
        } rows[] = {
                { "day", HISTORY_DAY },
                { "week", HISTORY_WEEK },
                { "month", HISTORY_MONTH },
                { "year", HISTORY_YEAR },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (strcmp(rows[i].name, name) == 0) {
                        *ret = rows[i].calendar;
                        return 0;
                }
        return -EINVAL;
}

/* The begin of the step that `time` lies in (steps = 0), or of one further on. */
static int64_t calendar_begin(int64_t time, enum history_calendar calendar, int steps)
{
        time_t t = (time_t)time;
        struct tm tm;

        (void)localtime_r(&t, &tm); /* fails beyond the year 2147485547 alone */
        tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
        tm.tm_isdst = -1;
        if (calendar == HISTORY_YEAR)
                tm.tm_mon = 0, tm.tm_year += steps;
        if (calendar == HISTORY_YEAR || calendar == HISTORY_MONTH)
                tm.tm_mday = 1;
        if (calendar == HISTORY_MONTH)
                tm.tm_mon += steps;
        if (calendar == HISTORY_WEEK)
                tm.tm_mday += 7 * steps - (tm.tm_wday + 6) % 7;
        if (calendar == HISTORY_DAY)
                tm.tm_mday += steps;
        return (int64_t)mktime(&tm);
}

static int64_t next_begin(int64_t begin, enum history_calendar calendar, uint32_t step_seconds)
{
        return calendar == HISTORY_FIXED ? begin + step_seconds
                                         : calendar_begin(begin, calendar, 1);
}

int history_steps_new(int64_t from, int64_t to, enum history_calendar calendar,
                      uint32_t step_seconds, struct history_step **ret, size_t *ret_n)
{
        OWNED_FREE struct history_step *steps = NULL;
        size_t n = 0, room = 0;

        if (from < 0 || to <= from || to > INT64_C(1) << 40)
                return -EINVAL;
        if (calendar == HISTORY_FIXED && (step_seconds == 0 || step_seconds % 60 != 0))
                return -EINVAL;
        if (calendar != HISTORY_FIXED)
                from = calendar_begin(from, calendar, 0);
        for (int64_t at = from, next; at < to; at = next) {
                next = next_begin(at, calendar, step_seconds);
                if (n == HISTORY_STEPS_MAX)
                        return -E2BIG;
                if (!ARRAY_GROW(steps, n, room))
                        return -ENOMEM;
                steps[n++] = (struct history_step){ .from = at, .to = next };
        }
        *ret = TAKE(steps);
        *ret_n = n;
        return 0;
}

/* Both points are in one step: the difference of their counters is its energy. */
static void add_energy(struct history_step *step, const struct history_point *a,
                       const struct history_point *b)
{
        for (size_t i = 0; i < QUARTER_N_COUNTERS; i++) {
                if (a->counters[i] == QUARTER_UNKNOWN || b->counters[i] == QUARTER_UNKNOWN ||
                    b->counters[i] < a->counters[i])
                        continue;
                step->has_energy[i] = true;
                step->energy[i] += b->counters[i] - a->counters[i];
        }
}

bool history_has_prices(const struct tariff_settings *prices)
{
        bool any = false;

        for (size_t i = 0; prices && i < TARIFF_MAX; i++)
                any = any || prices->has_price[i];
        return any;
}

/* The tariff whose price holds for energy counted under `tariff`; 0: none. */
static uint8_t priced_tariff(const struct tariff_settings *prices, uint8_t tariff)
{
        bool only_first = prices->has_price[0];

        for (size_t i = 1; i < TARIFF_MAX; i++)
                only_first = only_first && !prices->has_price[i];
        if (tariff == 0)
                return only_first ? 1 : 0;
        return tariff <= TARIFF_MAX && prices->has_price[tariff - 1] ? tariff : 0;
}

static void add_cost(struct history_step *step, const struct history_point *a,
                     const struct history_point *b, const struct tariff_settings *prices)
{
        int64_t from = a->counters[QUARTER_IMPORT], to = b->counters[QUARTER_IMPORT];
        uint8_t tariff = priced_tariff(prices, b->tariff);

        if (from == QUARTER_UNKNOWN || to < from) /* also an unknown end: it is the least */
                return;
        if (!tariff) {
                step->unpriced += to - from;
                return;
        }
        step->has_cost = true;
        step->cost += (double)(to - from) / 1000 * prices->price[tariff - 1];
}

static void add_power(struct history_step *step, const struct history_point *p)
{
        step->least = step->has_power ? MIN(step->least, p->least) : p->least;
        step->greatest = step->has_power ? MAX(step->greatest, p->greatest) : p->greatest;
        step->has_power = true;
        step->mean_sum += p->mean;
        step->n_mean++;
}

static bool counts_on(const struct history_point *b)
{
        return b->broken == 0 || b->broken == QUARTER_GAP;
}

void history_sum(struct history_step *steps, size_t n_steps, const struct history_point *points,
                 size_t n_points, uint8_t tariff, const struct tariff_settings *prices)
{
        const struct history_point *before = NULL; /* the last with counters */
        size_t s = 0;

        for (size_t i = 0; i < n_points; i++) {
                const struct history_point *p = &points[i];

                /* A point at the end of a step belongs to it, as the quarter that it ends does. */
                while (s < n_steps && p->time > steps[s].to)
                        s++;
                if (s == n_steps)
                        return;
                if (before && before->time >= steps[s].from && counts_on(p) &&
                    (tariff == 0 || p->tariff == tariff)) {
                        add_energy(&steps[s], before, p);
                        if (prices)
                                add_cost(&steps[s], before, p, prices);
                }
                if (p->has_power && p->time > steps[s].from && (tariff == 0 || p->tariff == tariff))
                        add_power(&steps[s], p);
                if (p->counters[QUARTER_IMPORT] != QUARTER_UNKNOWN ||
                    p->counters[QUARTER_EXPORT] != QUARTER_UNKNOWN)
                        before = p;
                else if (p->broken)
                        before = NULL;
        }
}
