/* SPDX-License-Identifier: MIT */
#include "csv-series.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/util.h"
#include "csv-time.h"
#include "ctl/i18n.h"

#define NONE SIZE_MAX
#define HOUR 3600

/* A value of the table, or two of the same time. */
struct row {
        int64_t from, to; /* the same: what the counters showed then; to = INT64_MIN: not told */
        double values[2]; /* in the meter's unit */
        uint8_t tariff;
        size_t line, column; /* of its time */
};

/* Where the table has what. */
struct head {
        size_t time, to, values[2], unit, tariff, entity, type;
        const char *units[2]; /* of the columns; "": not told */
        char names[2][32];    /* what `units` point into */
        bool energy;          /* counted, not shown */
        bool ends;            /* rows tell the begin of a step, and what was shown at its end */
};

struct reading {
        struct csv *csv;
        const struct csv_wish *wish;
        struct head head;
        struct row *rows;
        size_t n, room;
        size_t n_lines;
        int64_t previous; /* time of the row before */
        char entity[128]; /* the first one, where none is wished */
};

/* ---- units ---- */

static const struct unit {
        const char *name, *counter_unit;
        double factor;
} units[] = {
        { "Wh", "Wh", 1 }, { "kWh", "Wh", 1e3 }, { "MWh", "Wh", 1e6 }, { "GWh", "Wh", 1e9 },
        { "m³", "m³", 1 }, { "m3", "m³", 1 },    { "L", "m³", 1e-3 },  { "l", "m³", 1e-3 },
        { "GJ", "GJ", 1 }, { "MJ", "GJ", 1e-3 },
};

static int factor_of(const struct reading *r, size_t field, const char *name, double *ret)
{
        for (size_t i = 0; i < ELEMENTSOF(units); i++) {
                if (strcmp(units[i].name, name) != 0)
                        continue;
                if (strcmp(units[i].counter_unit, r->wish->counter_unit) != 0)
                        return csv_fail(r->csv, field, _("%s: this meter counts in %s"), name,
                                        r->wish->counter_unit);
                *ret = units[i].factor;
                return 0;
        }
        if (!*name)
                return csv_fail(r->csv, field, _("in which unit? Say so: --unit kWh"));
        return csv_fail(r->csv, field,
                        _("'%s' is no unit that is known here: Wh, kWh, MWh, GWh, m³, L, GJ, MJ"),
                        name);
}

/* ---- the head ---- */

/* "import_kWh", "1.8.0 [kWh]", "Bezug (kWh)": the name, and its unit behind. */
static void cut_unit(char *name, char ret[static 32])
{
        size_t n = strlen(name);
        char *at;

        ret[0] = '\0';
        while (n > 0 && strchr(")] ", name[n - 1]))
                name[--n] = '\0';
        at = strpbrk(name, "[(");
        at = at ? at : strrchr(name, '_');
        for (size_t i = 0; at && i < ELEMENTSOF(units); i++) {
                if (strcmp(at + 1, units[i].name) != 0)
                        continue;
                (void)snprintf(ret, 32, "%s", at + 1);
                *at = '\0';
                while (at > name && at[-1] == ' ')
                        *--at = '\0';
                return;
        }
}

static bool is_one_of(const char *name, const char *const list[])
{
        for (; *list; list++)
                if (strcasecmp(*list, name) == 0)
                        return true;
        return false;
}

/* The column of one of these names, or of the one that is wished; NONE. */
static size_t find_column(const struct csv *csv, const char *wish, const char *const list[])
{
        for (size_t i = 0; i < csv->n; i++)
                if (wish ? strcasecmp(wish, csv->fields[i].text) == 0
                         : is_one_of(csv->fields[i].text, list))
                        return i;
        return NONE;
}

static const char *const time_names[] = { "time",  "timestamp", "datetime", "date",  "last_changed",
                                          "start", "start_ts",  "from",     "begin", NULL };
static const char *const from_names[] = { "from", "begin", NULL };
static const char *const to_names[] = { "to", "end", NULL };
static const char *const unit_names[] = { "unit", "unit_of_measurement", NULL };
static const char *const tariff_names[] = { "tariff", NULL };
static const char *const entity_names[] = { "entity_id", "statistic_id", NULL };
static const char *const type_names[] = { "type", NULL };
static const char *const start_names[] = { "start", "start_ts", NULL };
static const char *const import_names[] = { "import", "1.8.0", "1-0:1.8.0", "1-0:1.8.0*255", NULL };
static const char *const export_names[] = { "export", "2.8.0", "1-0:2.8.0", "1-0:2.8.0*255", NULL };

/* A column by its name with the unit, or without. */
static size_t find_value(struct reading *r, size_t i)
{
        const char *wish = i ? r->wish->export : r->wish->import;
        const char *const *names = i ? export_names : import_names;
        size_t found = find_column(r->csv, wish, names);
        char unit[32];

        r->head.units[i] = "";
        for (size_t at = 0; at < r->csv->n && (found == NONE || found == at); at++) {
                char *name = r->csv->fields[at].text;

                if (found != at && !strpbrk(name, "_[("))
                        continue;
                cut_unit(name, unit);
                if (found != at && !(wish ? strcasecmp(wish, name) == 0 : is_one_of(name, names)))
                        continue;
                (void)snprintf(r->head.names[i], sizeof(r->head.names[i]), "%s", unit);
                r->head.units[i] = r->head.names[i];
                return at;
        }
        return found;
}

/* Home Assistant's: an entity a row. Its sum counts on where the counter began anew. */
static int find_entity_columns(struct reading *r)
{
        static const char *const sums[] = { "sum", NULL }, *const states[] = { "state", NULL };
        size_t at = find_column(r->csv, NULL, sums);

        if (at == NONE)
                at = find_column(r->csv, NULL, states);
        if (at == NONE)
                return csv_fail(r->csv, 0, _("there is no column sum or state"));
        r->head.values[0] = r->head.values[1] = at;
        r->head.units[0] = r->head.units[1] = "";
        r->head.ends = is_one_of(r->csv->fields[r->head.time].text, start_names);
        return 0;
}

static int read_head(struct reading *r)
{
        struct csv *csv = r->csv;
        struct head *h = &r->head;
        int got = csv_next(csv);

        if (got == 0)
                return csv_fail(csv, 0, _("there is nothing in this file"));
        if (got < 0)
                return got;
        *h = (struct head){
                .time = find_column(csv, r->wish->time, time_names),
                .to = find_column(csv, NULL, to_names),
                .unit = find_column(csv, NULL, unit_names),
                .tariff = find_column(csv, NULL, tariff_names),
                .entity = find_column(csv, NULL, entity_names),
                .type = find_column(csv, NULL, type_names),
        };
        if (h->entity != NONE && h->type != NONE && h->unit != NONE)
                return 0; /* the times are the columns */
        if (h->time == NONE)
                return csv_fail(csv, 0,
                                _("the first line must name the columns, and none of these is the "
                                  "time: name it time, or from, or say which: --time NAME"));
        h->energy = r->wish->energy || is_one_of(csv->fields[h->time].text, from_names);
        if (h->entity != NONE)
                return find_entity_columns(r);
        h->values[0] = find_value(r, 0);
        h->values[1] = find_value(r, 1);
        if (h->values[0] == NONE && h->values[1] == NONE)
                return csv_fail(csv, 0,
                                _("no column is the energy: name it import or export, or say "
                                  "which: --import NAME"));
        return 0;
}

/* ---- rows ---- */

static struct row *add_row(struct reading *r, size_t field, int64_t from)
{
        struct row *row;

        if (r->n == r->room) {
                size_t room = r->room ? r->room * 2 : 1024;
                struct row *more = reallocarray(r->rows, room, sizeof(*more));

                if (!more)
                        return NULL;
                r->rows = more;
                r->room = room;
        }
        row = &r->rows[r->n++];
        *row = (struct row){ .from = from,
                             .to = r->head.energy ? INT64_MIN : from,
                             .values = { NAN, NAN },
                             .line = r->csv->line,
                             .column = r->csv->fields[field].column };
        return row;
}

static int read_time(const struct reading *r, size_t field, int64_t *ret)
{
        const char *text = r->csv->fields[field].text;
        int result = csv_time_parse(text, r->previous, ret);

        if (result == -ENOENT)
                return csv_fail(r->csv, field, _("no clock showed '%s': clocks went forward then"),
                                text);
        if (result < 0)
                return csv_fail(r->csv, field,
                                _("'%s' is no time such as 2026-03-29T14:00:00+02:00"), text);
        return 0;
}

/* What Home Assistant writes where it knew nothing. */
static bool is_nothing(const char *text)
{
        static const char *const words[] = { "", "unknown", "unavailable", "nan", "null", NULL };

        return is_one_of(text, words);
}

static int read_value(const struct reading *r, size_t field, const char *unit, double *ret)
{
        const char *text = r->csv->fields[field].text;
        double number, factor = 1;
        int result;

        if (is_nothing(text))
                return 0;
        if (!csv_number(r->csv, text, &number))
                return csv_fail(r->csv, field, _("'%s' is no number"), text);
        if (number < 0)
                return csv_fail(r->csv, field, _("%s is less than nothing"), text);
        result = factor_of(r, field, *unit ? unit : r->wish->unit ? r->wish->unit : "", &factor);
        if (result == 0)
                *ret = number * factor;
        return result;
}

static int read_tariff(const struct reading *r, uint8_t *ret)
{
        size_t field = r->head.tariff;
        const char *text = field == NONE ? "" : r->csv->fields[field].text;

        if (*text && (text[0] < '0' || text[0] > '8' || text[1]))
                return csv_fail(r->csv, field, _("'%s' is no tariff from 1 to 8"), text);
        *ret = (uint8_t)(*text ? *text - '0' : 0);
        return 0;
}

static int check_fields(const struct reading *r)
{
        const struct head *h = &r->head;
        size_t most = h->time;

        most = h->to != NONE && h->to > most ? h->to : most;
        most = h->unit != NONE && h->unit > most ? h->unit : most;
        most = h->tariff != NONE && h->tariff > most ? h->tariff : most;
        most = h->entity != NONE && h->entity > most ? h->entity : most;
        for (size_t i = 0; i < 2; i++)
                most = h->values[i] != NONE && h->values[i] > most ? h->values[i] : most;
        return r->csv->n > most ? 0
                                : csv_fail(r->csv, r->csv->n - 1,
                                           _("the line ends before column %zu"), most + 1);
}

/* Of which counter an entity's row is: 0, 1, or 2: of neither. */
static int side_of_entity(struct reading *r, size_t *ret)
{
        const char *entity = r->csv->fields[r->head.entity].text;
        const struct csv_wish *wish = r->wish;

        *ret = 2;
        if (wish->import || wish->export) {
                if (wish->import && strcmp(entity, wish->import) == 0)
                        *ret = 0;
                else if (wish->export && strcmp(entity, wish->export) == 0)
                        *ret = 1;
                return 0;
        }
        if (!*r->entity)
                (void)snprintf(r->entity, sizeof(r->entity), "%s", entity);
        if (strcmp(r->entity, entity) != 0)
                return csv_fail(r->csv, r->head.entity,
                                _("'%s' and '%s' are two entities: say which one is drawn, and "
                                  "which one is fed in: --import NAME --export NAME"),
                                r->entity, entity);
        *ret = 0;
        return 0;
}

static int read_entity(struct reading *r, struct row *row, size_t side)
{
        const char *unit = r->head.unit == NONE ? "" : r->csv->fields[r->head.unit].text;

        return read_value(r, r->head.values[0], unit, &row->values[side]);
}

static int read_columns(struct reading *r, struct row *row)
{
        const struct head *h = &r->head;
        int result = 0;

        for (size_t i = 0; result == 0 && i < 2; i++) {
                const char *unit = h->units[i];

                if (h->values[i] == NONE)
                        continue;
                if (!*unit && h->unit != NONE)
                        unit = r->csv->fields[h->unit].text;
                result = read_value(r, h->values[i], unit, &row->values[i]);
        }
        if (result == 0 && h->energy && h->to != NONE && *r->csv->fields[h->to].text)
                result = read_time(r, h->to, &row->to);
        return result;
}

static int read_row(struct reading *r)
{
        const struct head *h = &r->head;
        int64_t from = 0;
        size_t side = 0;
        struct row *row;
        int result = check_fields(r);

        if (result == 0 && h->entity != NONE)
                result = side_of_entity(r, &side);
        if (result < 0 || side == 2)
                return result;
        result = read_time(r, h->time, &from);
        if (result < 0)
                return result;
        r->previous = from;
        row = add_row(r, h->time, from);
        if (!row)
                return -ENOMEM;
        result = h->entity != NONE ? read_entity(r, row, side) : read_columns(r, row);
        return result < 0 ? result : read_tariff(r, &row->tariff);
}

/* ---- Home Assistant's energy dashboard ---- */

static int read_times(struct reading *r)
{
        r->head.energy = true;
        for (size_t i = 0; i < r->csv->n; i++) {
                int64_t from;
                int result;

                if (i == r->head.entity || i == r->head.type || i == r->head.unit)
                        continue;
                result = read_time(r, i, &from);
                if (result < 0)
                        return result;
                r->previous = from;
                if (!add_row(r, i, from))
                        return -ENOMEM;
        }
        return 0;
}

static size_t side_of_type(const struct reading *r)
{
        const char *entity = r->csv->fields[r->head.entity].text;
        const char *type = r->csv->fields[r->head.type].text;

        if (r->wish->import || r->wish->export)
                return r->wish->import && strcmp(entity, r->wish->import) == 0   ? 0
                       : r->wish->export && strcmp(entity, r->wish->export) == 0 ? 1
                                                                                 : 2;
        return strcmp(type, "grid_consumption") == 0 || strcmp(type, "gas_consumption") == 0 ||
                               strcmp(type, "water_consumption") == 0
                       ? 0
               : strcmp(type, "grid_return") == 0 ? 1
                                                  : 2;
}

/* A line is an entity. Those of the same kind (day and night) are added up. */
static int read_wide(struct reading *r)
{
        size_t side = r->csv->n > r->head.unit && r->csv->n > r->head.type ? side_of_type(r) : 2;
        size_t at = 0;

        for (size_t i = 0; side < 2 && i < r->csv->n; i++) {
                double value = NAN;
                int result;

                if (i == r->head.entity || i == r->head.type || i == r->head.unit)
                        continue;
                if (at == r->n)
                        return csv_fail(r->csv, i, _("the first line has no time for this"));
                result = read_value(r, i, r->csv->fields[r->head.unit].text, &value);
                if (result < 0)
                        return result;
                if (!isnan(value)) {
                        double *sum = &r->rows[at].values[side];

                        *sum = isnan(*sum) ? value : *sum + value;
                }
                at++;
        }
        return 0;
}

static int read_all(struct reading *r)
{
        int result = read_head(r);
        bool wide = result == 0 && r->head.type != NONE && r->head.entity != NONE &&
                    r->head.unit != NONE;

        if (wide)
                result = read_times(r);
        while (result == 0 && (result = csv_next(r->csv)) > 0) {
                result = wide ? read_wide(r) : read_row(r);
                if (result == 0 && ++r->n_lines > CSV_ROWS_MAX)
                        result = csv_fail(r->csv, 0, _("more than %d lines"), CSV_ROWS_MAX);
        }
        return result;
}

/* ---- rows to samples ---- */

static int compare_rows(const void *a, const void *b)
{
        const struct row *left = a, *right = b;

        if (left->from != right->from)
                return left->from < right->from ? -1 : 1;
        return (left->line > right->line) - (left->line < right->line);
}

static int compare_spans(const void *a, const void *b)
{
        int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

        return (left > right) - (left < right);
}

static int fail_row(const struct reading *r, const struct row *row, const char *text, size_t line)
{
        struct csv at = *r->csv;
        struct csv_field field = { .column = row->column };

        at.line = row->line;
        at.fields = &field;
        at.n = 1;
        return csv_fail(&at, 0, text, line);
}

/* Two rows of one time are one when they tell of different counters, or the same. */
static int join(struct reading *r, struct row *into, const struct row *row)
{
        for (size_t i = 0; i < 2; i++) {
                bool same = into->values[i] == row->values[i] && !r->head.energy;

                if (isnan(row->values[i]) || same)
                        continue;
                if (!isnan(into->values[i]))
                        return fail_row(r, row, _("line %zu has another value of the same time"),
                                        into->line);
                into->values[i] = row->values[i];
        }
        return 0;
}

static int sort_rows(struct reading *r)
{
        size_t n = 0;

        if (r->n > 1)
                qsort(r->rows, r->n, sizeof(*r->rows), compare_rows);
        for (size_t i = 0; i < r->n; i++) {
                int result;

                if (n == 0 || r->rows[n - 1].from != r->rows[i].from) {
                        r->rows[n++] = r->rows[i];
                        continue;
                }
                result = join(r, &r->rows[n - 1], &r->rows[i]);
                if (result < 0)
                        return result;
        }
        r->n = n;
        return 0;
}

/* The usual time from one row to the next: the median. 0 with *ret: there is but one row. */
static int usual_span(const struct row *rows, size_t n, int64_t *ret)
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

/* Where the table does not tell when a step ended: with the next one, or after the usual time. */
static void fill_ends(struct row *rows, size_t n, int64_t usual)
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

static void add_sample(struct csv_series *s, int64_t time, const double counters[2],
                       const struct row *row, bool begins)
{
        s->list[s->n++] =
                (struct csv_sample){ time, { counters[0], counters[1] }, row->tariff, begins };
}

static bool is_known(const struct row *row, size_t i)
{
        return !isnan(row->values[i]);
}

/* Steps of energy become counters. Each pair of samples is a step; behind a hole they count anew.
 */
static int add_steps(const struct reading *r, struct csv_series *s)
{
        const struct row *before = NULL;
        double counters[2] = { NAN, NAN };

        for (size_t k = 0; k < r->n; k++) {
                const struct row *row = &r->rows[k];
                bool goes_on = before && before->to == row->from &&
                               is_known(before, 0) == is_known(row, 0) &&
                               is_known(before, 1) == is_known(row, 1);

                if (before && row->from < before->to)
                        return fail_row(r, row, _("it begins before line %zu ends"), before->line);
                if (row->to < row->from)
                        return fail_row(r, row, _("it ends before it begins"), 0);
                if (row->to == row->from || (!is_known(row, 0) && !is_known(row, 1)))
                        continue;
                for (size_t i = 0; i < 2 && !goes_on; i++)
                        counters[i] = is_known(row, i) ? 0 : NAN;
                if (!goes_on)
                        add_sample(s, row->from, counters, row, true);
                counters[0] += row->values[0];
                counters[1] += row->values[1];
                add_sample(s, row->to, counters, row, false);
                before = row;
        }
        return 0;
}

static void add_registers(const struct reading *r, struct csv_series *s, int64_t later)
{
        for (size_t k = 0; k < r->n; k++)
                if (is_known(&r->rows[k], 0) || is_known(&r->rows[k], 1))
                        add_sample(s, r->rows[k].from + later, r->rows[k].values, &r->rows[k],
                                   false);
}

static int make_samples(struct reading *r, struct csv_series *s)
{
        int64_t usual;
        int result = sort_rows(r);

        if (result == 0)
                result = usual_span(r->rows, r->n, &usual);
        if (result < 0)
                return result;
        s->list = reallocarray(NULL, r->n + 1, 2 * sizeof(*s->list));
        if (!s->list)
                return -ENOMEM;
        s->interval = (uint32_t)MIN(usual, (int64_t)INT32_MAX);
        s->n_rows = r->n_lines;
        if (!r->head.energy) {
                /* The statistics of Home Assistant are of hours, the short ones of five minutes. */
                add_registers(r, s, !r->head.ends ? 0 : usual > 0 && usual <= 300 ? 300 : HOUR);
                return 0;
        }
        fill_ends(r->rows, r->n, usual);
        return add_steps(r, s);
}

int csv_series_read(struct csv *csv, const struct csv_wish *wish, struct csv_series *ret)
{
        struct reading r = { .csv = csv, .wish = wish, .previous = INT64_MIN };
        int result;

        *ret = (struct csv_series){ 0 };
        result = read_all(&r);
        if (result == 0)
                result = make_samples(&r, ret);
        free(r.rows);
        if (result < 0)
                csv_series_done(ret);
        return result;
}

void csv_series_done(struct csv_series *series)
{
        free(series->list);
        *series = (struct csv_series){ 0 };
}
