/* SPDX-License-Identifier: MIT */
#include "history-points.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/util.h"

/* The tariff may have changed and changed back in a longer gap. */
#define TARIFF_GAP_SECONDS 3600

static bool add_point(struct history_points *p, struct history_point point)
{
        if (!ARRAY_GROW(p->list, p->n, p->room))
                return false;
        p->list[p->n++] = point;
        return true;
}

bool history_points_add_entry(struct history_points *p, const struct history_entry *e)
{
        struct history_point point = { .time = (e->row.slot + 1) * QUARTER_SECONDS,
                                       .has_power = e->row.has_power,
                                       .least = e->row.least,
                                       .mean = e->row.mean,
                                       .greatest = e->row.greatest,
                                       .tariff = e->row.tariff };

        memcpy(point.counters, e->row.counters, sizeof(point.counters));
        if (!e->gap.kind)
                return add_point(p, point);
        point = (struct history_point){ .time = e->gap.from };
        memcpy(point.counters, e->gap.before, sizeof(point.counters));
        if (e->gap.kind != QUARTER_BEGIN && !add_point(p, point))
                return false;
        point = (struct history_point){ .time = e->gap.to };
        if (e->gap.kind != QUARTER_END)
                point.broken = (uint8_t)e->gap.kind;
        memcpy(point.counters, e->gap.after, sizeof(point.counters));
        return add_point(p, point);
}

bool history_points_add_now(struct history_points *p, const struct quarter *q)
{
        struct history_point point = {
                .time = q->last_time,
                .tariff = q->n_pending ? q->pending[q->n_pending - 1].tariff : 0,
        };

        memcpy(point.counters, q->last, sizeof(point.counters));
        return !q->has_last || add_point(p, point);
}

/* Of the same second the begin of an import is the last: nothing measured follows it. */
static bool comes_before(const struct history_point *a, const struct history_point *b)
{
        return a->time < b->time || (a->time == b->time && b->broken == QUARTER_IMPORT_BEGIN &&
                                     a->broken != QUARTER_IMPORT_BEGIN);
}

/* By insertion: points of the same second keep their order, and nearly all are in order already. */
void history_points_sort(struct history_points *p)
{
        for (size_t i = 1; i < p->n; i++) {
                struct history_point point = p->list[i];
                size_t at = i;

                for (; at > 0 && comes_before(&point, &p->list[at - 1]); at--)
                        p->list[at] = p->list[at - 1];
                p->list[at] = point;
        }
}

/* The number of the quarter that ends at or after it. */
static int64_t quarter_end(const struct history_point *p)
{
        return (p->time + QUARTER_SECONDS - 1) / QUARTER_SECONDS;
}

void history_points_fill_tariffs(struct history_points *points)
{
        struct history_point *p = points->list;

        for (size_t i = points->n; i-- > 1;)
                if (!p[i - 1].tariff && quarter_end(&p[i - 1]) == quarter_end(&p[i]))
                        p[i - 1].tariff = p[i].tariff;
        for (size_t i = 1; i < points->n; i++) {
                bool differs =
                        i + 1 < points->n && p[i + 1].tariff && p[i + 1].tariff != p[i - 1].tariff;

                if (!p[i].tariff && p[i].time - p[i - 1].time <= TARIFF_GAP_SECONDS &&
                    !(p[i].broken && differs))
                        p[i].tariff = p[i - 1].tariff;
        }
}

size_t history_points_gaps(const struct history_points *p, struct history_gap *gaps)
{
        size_t n = 0;

        for (size_t i = 0; i < p->n; i++) {
                uint8_t kind = p->list[i].broken;
                int64_t from = p->list[i ? i - 1 : i].time;

                if (kind == QUARTER_GAP || kind == QUARTER_EXCHANGE || kind == QUARTER_CLOCK)
                        gaps[n++] = (struct history_gap){ from, p->list[i].time, kind };
        }
        return n;
}

/* Minutes of one step together: neither least nor greatest is lost between them. */
static void add_minute(struct history_step *step, const struct quarter_power *power)
{
        if (!step->has_power || power->least < step->least)
                step->least = power->least;
        if (!step->has_power || power->greatest > step->greatest)
                step->greatest = power->greatest;
        step->has_power = true;
        step->mean_sum += quarter_power_mean(power);
        step->n_mean++;
}

void history_sum_minutes(const struct quarter *quarter, struct history_step *steps, size_t n)
{
        for (size_t i = 0; i < n; i++)
                for (int64_t t = steps[i].from; t < steps[i].to; t += 60) {
                        const struct quarter_power *power = quarter_minute_find(quarter, t);

                        if (power)
                                add_minute(&steps[i], power);
                }
}

double history_unit_factor(const struct history_unit *unit)
{
        double factor = 1;

        for (int i = unit->exponent; i < 0; i++)
                factor /= 10;
        return factor;
}

const struct tariff_settings *history_unit_prices(const struct history_unit *unit,
                                                  const struct tariff_settings *settings)
{
        bool kilowatt_hours = strcmp(unit->unit, "Wh") == 0 && unit->exponent == 0;

        return kilowatt_hours && history_has_prices(settings) ? settings : NULL;
}
