/* SPDX-License-Identifier: MIT */
#include "csv-table.h"

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

/* Where a channel is. */
struct column {
        size_t field;       /* of the line; of an entity: where the values are */
        const char *entity; /* NULL: whichever comes first */
        char unit[32];      /* "": not in the head */
};

/* Where the table has what. */
struct head {
        size_t time, to, unit, tariff, entity, type;
        struct column columns[CSV_CHANNELS_MAX]; /* of each channel */
};

struct reading {
        struct csv *csv;
        const struct csv_wish *wish;
        struct csv_table *table;
        struct head head;
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

/* The column or entity that is said to be this channel; NULL: none is. */
static const char *wish_of(const struct csv_wish *wish, size_t side, size_t tariff)
{
        if (tariff == 0)
                return side == CSV_DRAWN ? wish->import : wish->export;
        return tariff <= CSV_WISHED_TARIFFS ? wish->tariffs[side][tariff - 1] : NULL;
}

static bool wishes_any(const struct csv_wish *wish)
{
        for (size_t side = 0; side < CSV_N_SIDES; side++)
                for (size_t tariff = 0; tariff <= CSV_WISHED_TARIFFS; tariff++)
                        if (wish_of(wish, side, tariff))
                                return true;
        return false;
}

/* import, import_t1, 1.8.0, 1.8.1, 1-0:1.8.1, 1-0:1.8.1*255; fed in: export and 2.8. */
static bool names_channel(const char *name, size_t side, size_t tariff)
{
        char code[16], word[16];

        (void)snprintf(word, sizeof(word), tariff ? "%s_t%zu" : "%s",
                       side == CSV_DRAWN ? "import" : "export", tariff);
        (void)snprintf(code, sizeof(code), "%zu.8.%zu", side + 1, tariff);
        if (strcasecmp(name, word) == 0)
                return true;
        if (strncmp(name, "1-0:", 4) == 0)
                name += 4;
        return strncmp(name, code, strlen(code)) == 0 &&
               is_one_of(name + strlen(code), (const char *const[]){ "", "*255", NULL });
}

static struct column *add_channel(struct reading *r, size_t side, size_t tariff, size_t field)
{
        struct csv_table *t = r->table;
        struct column *column = &r->head.columns[t->n_channels];

        t->channels[t->n_channels++] =
                (struct csv_channel){ .side = (uint8_t)side, .tariff = (uint8_t)tariff };
        *column = (struct column){ .field = field };
        return column;
}

/* A column by its name with the unit, or without. */
static int find_value(struct reading *r, size_t side, size_t tariff)
{
        const char *wish = wish_of(r->wish, side, tariff);

        for (size_t i = 0; i < r->csv->n; i++) {
                const char *text = r->csv->fields[i].text;
                char name[128], unit[32];

                (void)snprintf(name, sizeof(name), "%s", text);
                cut_unit(name, unit);
                if (wish ? strcasecmp(wish, text) == 0 || strcasecmp(wish, name) == 0
                         : names_channel(name, side, tariff)) {
                        struct column *column = add_channel(r, side, tariff, i);

                        memcpy(column->unit, unit, sizeof(column->unit));
                        return 0;
                }
        }
        return wish ? csv_fail(r->csv, 0, _("there is no column '%s'"), wish) : 0;
}

/* A channel of each entity that is wished for, or of whichever the table has. */
static void add_entities(struct reading *r, size_t field, size_t n_sides)
{
        bool any = wishes_any(r->wish);

        for (size_t side = 0; side < CSV_N_SIDES; side++)
                for (size_t tariff = 0; tariff <= CSV_WISHED_TARIFFS; tariff++) {
                        const char *wish = wish_of(r->wish, side, tariff);

                        if (any ? wish != NULL : side < n_sides && tariff == 0)
                                add_channel(r, side, tariff, field)->entity = wish;
                }
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
        add_entities(r, at, 1);
        r->table->ends = is_one_of(r->csv->fields[r->head.time].text, start_names);
        return 0;
}

/* Home Assistant's energy dashboard: the times are the columns. */
static bool is_wide(const struct head *h)
{
        return h->entity != NONE && h->type != NONE && h->unit != NONE;
}

static int find_values(struct reading *r)
{
        for (size_t side = 0; side < CSV_N_SIDES; side++)
                for (size_t tariff = 0; tariff <= CSV_TARIFFS_MAX; tariff++) {
                        int result = find_value(r, side, tariff);

                        if (result < 0)
                                return result;
                }
        if (r->table->n_channels == 0)
                return csv_fail(r->csv, 0,
                                _("no column is the energy: name it import or export, or say "
                                  "which: --import NAME"));
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
        if (is_wide(h)) {
                add_entities(r, NONE, CSV_N_SIDES);
                return 0;
        }
        if (h->time == NONE)
                return csv_fail(csv, 0,
                                _("the first line must name the columns, and none of these is the "
                                  "time: name it time, or from, or say which: --time NAME"));
        r->table->energy = r->wish->energy || is_one_of(csv->fields[h->time].text, from_names);
        if (h->entity != NONE)
                return find_entity_columns(r);
        return find_values(r);
}

/* ---- rows ---- */

static int make_room(struct csv_table *t)
{
        size_t room = t->room ? t->room * 2 : 1024;
        struct csv_row *rows = reallocarray(t->rows, room, sizeof(*rows));
        double *values;

        if (!rows)
                return -ENOMEM;
        t->rows = rows;
        values = reallocarray(t->values, room, t->n_channels * sizeof(*values));
        if (!values)
                return -ENOMEM;
        t->values = values;
        t->room = room;
        return 0;
}

/* Its values are not known yet. */
static struct csv_row *add_row(struct reading *r, size_t field, int64_t from)
{
        struct csv_table *t = r->table;
        struct csv_row *row;

        if (t->n == t->room && make_room(t) < 0)
                return NULL;
        row = &t->rows[t->n];
        *row = (struct csv_row){ .from = from,
                                 .to = t->energy ? INT64_MIN : from,
                                 .values = t->n * t->n_channels,
                                 .line = r->csv->line,
                                 .column = r->csv->fields[field].column };
        for (size_t i = 0; i < t->n_channels; i++)
                t->values[row->values + i] = NAN;
        t->n++;
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

/* Home Assistant writes these where it knew no value. */
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
        for (size_t i = 0; i < r->table->n_channels; i++)
                most = h->columns[i].field > most ? h->columns[i].field : most;
        return r->csv->n > most ? 0
                                : csv_fail(r->csv, r->csv->n - 1,
                                           _("the line ends before column %zu"), most + 1);
}

/* Which channel an entity's row is of; as many as there are: of none. */
static int channel_of_entity(struct reading *r, size_t *ret)
{
        const char *entity = r->csv->fields[r->head.entity].text;
        size_t i = 0;

        if (wishes_any(r->wish)) {
                while (i < r->table->n_channels && strcmp(entity, r->head.columns[i].entity) != 0)
                        i++;
                *ret = i;
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

static int read_channel(const struct reading *r, const struct csv_row *row, size_t channel)
{
        const struct column *column = &r->head.columns[channel];
        const char *unit = column->unit;

        if (!*unit && r->head.unit != NONE)
                unit = r->csv->fields[r->head.unit].text;
        return read_value(r, column->field, unit, &r->table->values[row->values + channel]);
}

static int read_columns(struct reading *r, struct csv_row *row)
{
        const struct head *h = &r->head;
        int result = 0;

        for (size_t i = 0; result == 0 && i < r->table->n_channels; i++)
                result = read_channel(r, row, i);
        if (result == 0 && r->table->energy && h->to != NONE && *r->csv->fields[h->to].text)
                result = read_time(r, h->to, &row->to);
        return result;
}

static int read_row(struct reading *r)
{
        const struct head *h = &r->head;
        int64_t from = 0;
        size_t channel = 0;
        struct csv_row *row;
        int result = check_fields(r);

        if (result == 0 && h->entity != NONE)
                result = channel_of_entity(r, &channel);
        if (result < 0 || channel == r->table->n_channels)
                return result;
        result = read_time(r, h->time, &from);
        if (result < 0)
                return result;
        r->previous = from;
        row = add_row(r, h->time, from);
        if (!row)
                return -ENOMEM;
        result = h->entity != NONE ? read_channel(r, row, channel) : read_columns(r, row);
        return result < 0 ? result : read_tariff(r, &row->tariff);
}

/* ---- Home Assistant's energy dashboard ---- */

static int read_times(struct reading *r)
{
        r->table->energy = true;
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

/* As many as there are: none. */
static size_t channel_of_type(const struct reading *r)
{
        static const char *const drawn[] = { "grid_consumption", "gas_consumption",
                                             "water_consumption", NULL };
        static const char *const fed_in[] = { "grid_return", NULL };
        const char *type = r->csv->fields[r->head.type].text;
        size_t n = r->table->n_channels, i = 0;

        if (!wishes_any(r->wish))
                return is_one_of(type, drawn)    ? CSV_DRAWN
                       : is_one_of(type, fed_in) ? CSV_FED_IN
                                                 : n;
        while (i < n && strcmp(r->csv->fields[r->head.entity].text, r->head.columns[i].entity) != 0)
                i++;
        return i;
}

/* A line is an entity. Those of the same kind (day and night) are added up. */
static int read_wide(struct reading *r)
{
        struct csv_table *t = r->table;
        bool whole =
                r->csv->n > r->head.unit && r->csv->n > r->head.type && r->csv->n > r->head.entity;
        size_t channel = whole ? channel_of_type(r) : t->n_channels, at = 0;

        for (size_t i = 0; channel < t->n_channels && i < r->csv->n; i++) {
                double value = NAN;
                int result;

                if (i == r->head.entity || i == r->head.type || i == r->head.unit)
                        continue;
                if (at == t->n)
                        return csv_fail(r->csv, i, _("the first line has no time for this"));
                result = read_value(r, i, r->csv->fields[r->head.unit].text, &value);
                if (result < 0)
                        return result;
                if (!isnan(value)) {
                        double *sum = &t->values[t->rows[at].values + channel];

                        *sum = isnan(*sum) ? value : *sum + value;
                }
                at++;
        }
        return 0;
}

static int read_all(struct reading *r)
{
        int result = read_head(r);
        bool wide = result == 0 && is_wide(&r->head);

        if (wide)
                result = read_times(r);
        while (result == 0 && (result = csv_next(r->csv)) > 0) {
                result = wide ? read_wide(r) : read_row(r);
                if (result == 0 && ++r->table->n_lines > CSV_ROWS_MAX)
                        result = csv_fail(r->csv, 0, _("more than %d lines"), CSV_ROWS_MAX);
        }
        return result;
}

/* ---- in order ---- */

static int compare_rows(const void *a, const void *b)
{
        const struct csv_row *left = a, *right = b;

        if (left->from != right->from)
                return left->from < right->from ? -1 : 1;
        return (left->line > right->line) - (left->line < right->line);
}

int csv_table_fail(const struct csv *csv, const struct csv_row *row, const char *format,
                   size_t line)
{
        struct csv at = *csv;
        struct csv_field field = { .column = row->column };

        at.line = row->line;
        at.fields = &field;
        at.n = 1;
        return csv_fail(&at, 0, format, line);
}

/* Two rows of one time are one when they are of different channels, or agree. */
static int join(const struct reading *r, struct csv_row *into, const struct csv_row *row)
{
        struct csv_table *t = r->table;

        for (size_t i = 0; i < t->n_channels; i++) {
                double *have = &t->values[into->values + i], more = t->values[row->values + i];

                if (isnan(more) || (*have == more && !t->energy))
                        continue;
                if (!isnan(*have))
                        return csv_table_fail(r->csv, row,
                                              _("line %zu has another value of the same time"),
                                              into->line);
                *have = more;
        }
        return 0;
}

static int sort_rows(const struct reading *r)
{
        struct csv_table *t = r->table;
        size_t n = 0;

        if (t->n > 1)
                qsort(t->rows, t->n, sizeof(*t->rows), compare_rows);
        for (size_t i = 0; i < t->n; i++) {
                int result;

                if (n == 0 || t->rows[n - 1].from != t->rows[i].from) {
                        t->rows[n++] = t->rows[i];
                        continue;
                }
                result = join(r, &t->rows[n - 1], &t->rows[i]);
                if (result < 0)
                        return result;
        }
        t->n = n;
        return 0;
}

int csv_table_read(struct csv *csv, const struct csv_wish *wish, struct csv_table *ret)
{
        struct reading r = { .csv = csv, .wish = wish, .table = ret, .previous = INT64_MIN };
        int result;

        *ret = (struct csv_table){ 0 };
        result = read_all(&r);
        if (result == 0)
                result = sort_rows(&r);
        if (result < 0)
                csv_table_done(ret);
        return result;
}

void csv_table_done(struct csv_table *table)
{
        free(table->rows);
        free(table->values);
        *table = (struct csv_table){ 0 };
}
