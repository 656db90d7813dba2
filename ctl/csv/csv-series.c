/* SPDX-License-Identifier: MIT */
#include "csv-series.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/util.h"
#include "csv-table.h"
#include "ctl/i18n.h"

#define HOUR    3600
#define QUARTER 900

/* What a row has of each tariff and side; NaN: not known. [0]: all tariffs together. */
struct parts {
        double of[1 + CSV_TARIFFS_MAX][CSV_N_SIDES];
};

struct maker {
        const struct csv *csv; /* for errors */
        struct csv_table table;
        struct csv_series *series;
        size_t room;
};

/* ---- times ---- */

static int compare_spans(const void *a, const void *b)
{
        int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

        return (left > right) - (left < right);
}

/* The usual time from one row to the next: the median. 0 with *ret: there is but one row. */
static int usual_span(const struct csv_row *rows, size_t n, int64_t *ret)
{
        OWNED_FREE int64_t *spans = reallocarray(NULL, n + 1, sizeof(*spans));

        *ret = 0;
        if (!spans)
                return -ENOMEM;
        for (size_t i = 1; i < n; i++)
                spans[i - 1] = rows[i].from - rows[i - 1].from;
        if (n < 2)
                return 0;
        qsort(spans, n - 1, sizeof(*spans), compare_spans);
        *ret = spans[(n - 1) / 2];
        return 0;
}

/* Where the table has no end of a step: with the next one, or after the usual time. */
static void fill_ends(struct csv_row *rows, size_t n, int64_t usual)
{
        for (size_t i = 0; i < n; i++) {
                bool last = i + 1 == n;
                bool hole = last || (usual <= HOUR && rows[i + 1].from - rows[i].from > usual);

                if (rows[i].to == INT64_MIN && hole && usual > 0 && usual <= HOUR)
                        rows[i].to = rows[i].from + usual;
                else if (rows[i].to == INT64_MIN)
                        rows[i].to = last ? rows[i].from : rows[i + 1].from;
        }
}

/* ---- samples ---- */

static int add_sample(struct maker *m, int64_t time, const double counters[CSV_N_SIDES],
                      uint8_t tariff, bool begins)
{
        struct csv_series *s = m->series;

        if (!ARRAY_GROW(s->list, s->n, m->room))
                return -ENOMEM;
        s->list[s->n++] = (struct csv_sample){
                time, { counters[CSV_DRAWN], counters[CSV_FED_IN] }, tariff, begins
        };
        return 0;
}

/*
 * The sum of the tariffs stands where no column has it. Tables leave the tariff empty that does not
 * run: then nothing was counted under it. A counter without a column is not known.
 */
static void read_parts(const struct csv_table *t, const struct csv_row *row, struct parts *ret)
{
        double sum[CSV_N_SIDES] = { 0 };
        size_t known[CSV_N_SIDES] = { 0 }, missing[CSV_N_SIDES] = { 0 };

        for (size_t i = 0; i < ELEMENTSOF(ret->of); i++)
                for (size_t side = 0; side < CSV_N_SIDES; side++)
                        ret->of[i][side] = NAN;
        for (size_t i = 0; i < t->n_channels; i++) {
                const struct csv_channel *c = &t->channels[i];
                double value = t->values[row->values + i];

                ret->of[c->tariff][c->side] = value;
                known[c->side] += c->tariff && !isnan(value);
                missing[c->side] += c->tariff && isnan(value);
                sum[c->side] += c->tariff && !isnan(value) ? value : 0;
        }
        for (size_t side = 0; side < CSV_N_SIDES; side++)
                if (isnan(ret->of[0][side]) && known[side] > 0 && (t->energy || !missing[side]))
                        ret->of[0][side] = sum[side];
}

static bool is_known(const struct parts *p, size_t side)
{
        return !isnan(p->of[0][side]);
}

/* From one sample to the next, and what was counted under each tariff. */
struct step {
        int64_t from, to;
        const double *before; /* the counters at `from` */
        const double *after;
        struct parts counted;
        uint8_t tariff; /* in the table; 0: it is that which counted */
};

static bool counts(const struct step *step, size_t tariff)
{
        return step->counted.of[tariff][CSV_DRAWN] > 0 || step->counted.of[tariff][CSV_FED_IN] > 0;
}

/* Where part `i` of `n` ends: with a quarter hour. */
static int64_t part_end(const struct step *step, size_t i, size_t n)
{
        int64_t end = step->from + (step->to - step->from) * (int64_t)i / (int64_t)n;

        return i == n ? step->to : end / QUARTER * QUARTER;
}

static bool can_be_cut(const struct step *step, size_t n)
{
        int64_t before = step->from;

        for (size_t i = 1; i <= n; i++) {
                int64_t end = part_end(step, i, n);

                if (end <= before)
                        return false;
                before = end;
        }
        return true;
}

/* Which tariffs counted; the one that counted most, where the step is too short for more. */
static size_t tariffs_of(const struct step *step, uint8_t ret[static CSV_TARIFFS_MAX])
{
        size_t n = 0, most = 0;

        ret[0] = step->tariff;
        for (size_t t = 1; !step->tariff && t <= CSV_TARIFFS_MAX; t++) {
                if (!counts(step, t))
                        continue;
                ret[n] = (uint8_t)t;
                if (step->counted.of[t][CSV_DRAWN] > step->counted.of[ret[most]][CSV_DRAWN])
                        most = n;
                n++;
        }
        if (n > 1 && !can_be_cut(step, n)) {
                ret[0] = ret[most];
                n = 1;
        }
        return n > 1 ? n : 1;
}

/* A quarter hour has one tariff: where several counted in a step, each gets a part of its time. */
static int add_step(struct maker *m, const struct step *step)
{
        double now[CSV_N_SIDES] = { step->before[CSV_DRAWN], step->before[CSV_FED_IN] };
        uint8_t tariffs[CSV_TARIFFS_MAX];
        size_t n = tariffs_of(step, tariffs);

        for (size_t i = 0; i + 1 < n; i++) {
                int r;

                for (size_t side = 0; side < CSV_N_SIDES; side++) {
                        double part = step->counted.of[tariffs[i]][side];

                        now[side] += part > 0 ? part : 0;
                        if (now[side] > step->after[side]) /* as columns are rounded */
                                now[side] = step->after[side];
                }
                r = add_sample(m, part_end(step, i + 1, n), now, tariffs[i], false);
                if (r < 0)
                        return r;
        }
        return add_sample(m, step->to, step->after, tariffs[n - 1], false);
}

/* Steps of energy become counters. A pair of samples is a step; behind a hole they count anew. */
static int add_energy(struct maker *m)
{
        const struct csv_row *before = NULL;
        bool was_known[CSV_N_SIDES] = { false, false };
        double counters[CSV_N_SIDES] = { NAN, NAN };

        for (size_t k = 0; k < m->table.n; k++) {
                const struct csv_row *row = &m->table.rows[k];
                struct step step = { .from = row->from, .to = row->to, .tariff = row->tariff };
                double after[CSV_N_SIDES];
                bool goes_on = before && before->to == row->from;
                int r = 0;

                if (before && row->from < before->to)
                        return csv_table_fail(m->csv, row, _("it begins before line %zu ends"),
                                              before->line);
                if (row->to < row->from)
                        return csv_table_fail(m->csv, row, _("it ends before it begins"), 0);
                read_parts(&m->table, row, &step.counted);
                if (row->to == row->from ||
                    (!is_known(&step.counted, CSV_DRAWN) && !is_known(&step.counted, CSV_FED_IN)))
                        continue;
                for (size_t i = 0; i < CSV_N_SIDES; i++)
                        goes_on = goes_on && was_known[i] == is_known(&step.counted, i);
                for (size_t i = 0; i < CSV_N_SIDES; i++) {
                        was_known[i] = is_known(&step.counted, i);
                        counters[i] = !was_known[i] ? NAN : goes_on ? counters[i] : 0;
                        after[i] = counters[i] + step.counted.of[0][i];
                }
                if (!goes_on)
                        r = add_sample(m, row->from, counters, row->tariff, true);
                step.before = counters;
                step.after = after;
                if (r == 0)
                        r = add_step(m, &step);
                if (r < 0)
                        return r;
                counters[CSV_DRAWN] = after[CSV_DRAWN];
                counters[CSV_FED_IN] = after[CSV_FED_IN];
                before = row;
        }
        return 0;
}

/* The counters at a time that is `later` than the rows say. */
static int add_registers(struct maker *m, int64_t later)
{
        struct parts before = { 0 };
        int64_t time = INT64_MIN;
        int r = 0;

        for (size_t k = 0; r == 0 && k < m->table.n; k++) {
                const struct csv_row *row = &m->table.rows[k];
                struct step step = { .from = time, .to = row->from + later, .tariff = row->tariff };
                struct parts now;

                read_parts(&m->table, row, &now);
                if (!is_known(&now, CSV_DRAWN) && !is_known(&now, CSV_FED_IN))
                        continue;
                step.before = before.of[0];
                step.after = now.of[0];
                for (size_t t = 1; t <= CSV_TARIFFS_MAX; t++)
                        for (size_t i = 0; i < CSV_N_SIDES; i++)
                                step.counted.of[t][i] = now.of[t][i] - before.of[t][i];
                r = time == INT64_MIN ? add_sample(m, step.to, step.after, row->tariff, false)
                                      : add_step(m, &step);
                before = now;
                time = step.to;
        }
        return r;
}

static int make_samples(struct maker *m)
{
        struct csv_table *t = &m->table;
        int64_t usual;
        int r = usual_span(t->rows, t->n, &usual);

        if (r < 0)
                return r;
        m->series->interval = (uint32_t)MIN(usual, (int64_t)INT32_MAX);
        m->series->n_rows = t->n_lines;
        /* The statistics of Home Assistant are of hours, the short ones of five minutes. */
        if (!t->energy)
                return add_registers(m, !t->ends ? 0 : usual > 0 && usual <= 300 ? 300 : HOUR);
        fill_ends(t->rows, t->n, usual);
        return add_energy(m);
}

int csv_series_read(struct csv *csv, const struct csv_wish *wish, struct csv_series *ret)
{
        struct maker m = { .csv = csv, .series = ret };
        int r;

        *ret = (struct csv_series){ 0 };
        r = csv_table_read(csv, wish, &m.table);
        if (r < 0)
                return r;
        r = make_samples(&m);
        csv_table_done(&m.table);
        if (r < 0)
                csv_series_done(ret);
        return r;
}

void csv_series_done(struct csv_series *series)
{
        free(series->list);
        *series = (struct csv_series){ 0 };
}
