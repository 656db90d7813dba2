/* SPDX-License-Identifier: MIT */
/*
 * history.db. A quarter takes about 28 bytes: small integers, no index beside the primary key.
 * Unknown values are NULL.
 */
#include "history-file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/database.h"
#include "base/util.h"

#define HISTORY_VERSION 3

struct history_file {
        sqlite3 *db;
};

DEFINE_OWNED(history_file, struct history_file *, history_file_free);

/* From version 0, an empty file, to 1; later versions add steps behind it. */
static const char *const migrations[HISTORY_VERSION] = {
        "CREATE TABLE meter (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
        " unit TEXT NOT NULL, exponent INTEGER NOT NULL);"
        "CREATE TABLE quarter (meter INTEGER NOT NULL, slot INTEGER NOT NULL, import INTEGER,"
        " export INTEGER, least INTEGER, mean INTEGER, greatest INTEGER,"
        " tariff INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (meter, slot)) WITHOUT ROWID;"
        "CREATE TABLE gap (meter INTEGER NOT NULL, ends INTEGER NOT NULL, begins INTEGER NOT NULL,"
        " kind INTEGER NOT NULL, import_before INTEGER, export_before INTEGER,"
        " import_after INTEGER, export_after INTEGER,"
        " PRIMARY KEY (meter, ends, begins, kind)) WITHOUT ROWID;",
        ("ALTER TABLE quarter ADD COLUMN imported INTEGER NOT NULL DEFAULT 0;"
         "ALTER TABLE gap ADD COLUMN imported INTEGER NOT NULL DEFAULT 0;"),
        "ALTER TABLE gap ADD COLUMN tariff INTEGER NOT NULL DEFAULT 0;",
};

static int migrate(struct history_file *f)
{
        int version = 0, r = database_version(f->db, &version);

        if (r < 0)
                return r;
        if (version < 0 || version > HISTORY_VERSION)
                return -EBADMSG; /* of a newer release: not ours to write */
        for (; version < HISTORY_VERSION; version++) {
                char sql[1536];

                (void)snprintf(sql, sizeof(sql),
                               "BEGIN IMMEDIATE; %s PRAGMA user_version = %d; COMMIT;",
                               migrations[version], version + 1);
                r = database_execute(f->db, sql);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int open_file(const char *path, struct history_file **ret)
{
        OWNED(history_file) struct history_file *f = calloc(1, sizeof(*f));
        int r;

        if (!f)
                return -ENOMEM;
        r = database_create(path);
        if (r == 0)
                r = database_open(path, SQLITE_OPEN_READWRITE, &f->db);
        if (r == 0)
                r = database_execute(f->db,
                                     "PRAGMA cache_size = -256; PRAGMA journal_mode = TRUNCATE;"
                                     "PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;");
        if (r == 0)
                r = database_check(f->db);
        if (r == 0)
                r = migrate(f);
        if (r < 0)
                return r;
        *ret = TAKE(f);
        return 0;
}

static int put_aside(const char *path)
{
        char to[PATH_MAX], journal[PATH_MAX];

        (void)snprintf(to, sizeof(to), "%s.corrupt", path);
        (void)snprintf(journal, sizeof(journal), "%s-journal", path);
        (void)unlink(journal); /* of the file that goes; mostly there is none */
        return rename(path, to) < 0 ? -errno : 0;
}

int history_file_new(const char *path, struct history_file **ret, bool *ret_damaged)
{
        int r = open_file(path, ret);

        *ret_damaged = r == -EBADMSG;
        if (r != -EBADMSG)
                return r;
        r = put_aside(path);
        return r < 0 ? r : open_file(path, ret);
}

struct history_file *history_file_free(struct history_file *f)
{
        if (!f)
                return NULL;
        (void)sqlite3_close(f->db); /* no statement outlives its function */
        free(f);
        return NULL;
}

static int bind_counter(sqlite3_stmt *s, int at, int64_t counter)
{
        return counter == QUARTER_UNKNOWN ? sqlite3_bind_null(s, at)
                                          : sqlite3_bind_int64(s, at, counter);
}

/* A meter's entries in a span of time: ?1 is the meter, ?2 and ?3 are its two ends in seconds. */
static sqlite3_stmt *bind_span(sqlite3_stmt *s, int64_t meter, int64_t from, int64_t to)
{
        (void)sqlite3_bind_int64(s, 1, meter);
        (void)sqlite3_bind_int64(s, 2, from);
        (void)sqlite3_bind_int64(s, 3, to);
        return s;
}

static int64_t column_counter(sqlite3_stmt *s, int at)
{
        return sqlite3_column_type(s, at) == SQLITE_NULL ? QUARTER_UNKNOWN
                                                         : sqlite3_column_int64(s, at);
}

/* 1 and the number and unit, 0 when it is not known, -errno. */
static int find_meter(struct history_file *f, const char *id, int64_t *ret_number,
                      struct history_unit *ret_unit)
{
        OWNED(statement) sqlite3_stmt *s = NULL;
        int r = database_prepare(f->db, "SELECT number, unit, exponent FROM meter WHERE id = ?",
                                 &s);

        if (r < 0)
                return r;
        (void)sqlite3_bind_text(s, 1, id, -1, SQLITE_STATIC); /* a failure shows at the step */
        r = database_step(s);
        if (r <= 0)
                return r;
        *ret_number = sqlite3_column_int64(s, 0);
        if (ret_unit) {
                (void)snprintf(ret_unit->unit, sizeof(ret_unit->unit), "%s",
                               (const char *)sqlite3_column_text(s, 1));
                ret_unit->exponent = (int8_t)sqlite3_column_int(s, 2);
        }
        return 1;
}

static int add_meter(struct history_file *f, const struct history_entry *e, int64_t *ret_number)
{
        OWNED(statement) sqlite3_stmt *s = NULL;
        int r = database_prepare(f->db, "INSERT INTO meter (id, unit, exponent) VALUES (?, ?, ?)",
                                 &s);

        if (r < 0)
                return r;
        (void)sqlite3_bind_text(s, 1, e->meter, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(s, 2, e->unit.unit, -1, SQLITE_STATIC);
        (void)sqlite3_bind_int(s, 3, e->unit.exponent);
        r = database_run(s);
        *ret_number = sqlite3_last_insert_rowid(f->db);
        return r;
}

static int put_row(sqlite3_stmt *s, int64_t meter, const struct quarter_row *row)
{
        (void)sqlite3_bind_int64(s, 1, meter);
        (void)sqlite3_bind_int64(s, 2, row->slot);
        (void)bind_counter(s, 3, row->counters[QUARTER_IMPORT]);
        (void)bind_counter(s, 4, row->counters[QUARTER_EXPORT]);
        (void)bind_counter(s, 5, row->has_power ? row->least : QUARTER_UNKNOWN);
        (void)bind_counter(s, 6, row->has_power ? row->mean : QUARTER_UNKNOWN);
        (void)bind_counter(s, 7, row->has_power ? row->greatest : QUARTER_UNKNOWN);
        (void)sqlite3_bind_int(s, 8, row->tariff);
        return database_run(s);
}

static int put_gap(sqlite3_stmt *s, int64_t meter, const struct quarter_gap *gap)
{
        (void)sqlite3_bind_int64(s, 1, meter);
        (void)sqlite3_bind_int64(s, 2, gap->to);
        (void)sqlite3_bind_int64(s, 3, gap->from);
        (void)sqlite3_bind_int(s, 4, (int)gap->kind);
        (void)bind_counter(s, 5, gap->before[QUARTER_IMPORT]);
        (void)bind_counter(s, 6, gap->before[QUARTER_EXPORT]);
        (void)bind_counter(s, 7, gap->after[QUARTER_IMPORT]);
        (void)bind_counter(s, 8, gap->after[QUARTER_EXPORT]);
        (void)sqlite3_bind_int(s, 9, gap->tariff);
        return database_run(s);
}

static int put_entries(struct history_file *f, const struct history_entry *entries, size_t n)
{
        OWNED(statement) sqlite3_stmt *rows = NULL;
        OWNED(statement) sqlite3_stmt *gaps = NULL;
        int r = database_prepare(
                f->db, "INSERT OR REPLACE INTO quarter VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)", &rows);

        if (r == 0)
                r = database_prepare(
                        f->db, "INSERT OR REPLACE INTO gap VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?)",
                        &gaps);
        for (size_t i = 0; r == 0 && i < n; i++) {
                int64_t meter;

                r = find_meter(f, entries[i].meter, &meter, NULL);
                if (r == 0)
                        r = add_meter(f, &entries[i], &meter);
                if (r < 0)
                        return r;
                r = entries[i].gap.kind ? put_gap(gaps, meter, &entries[i].gap)
                                        : put_row(rows, meter, &entries[i].row);
        }
        return r;
}

int history_file_put(struct history_file *f, const struct history_entry *entries, size_t n)
{
        int r;

        if (n == 0)
                return 0;
        r = database_begin(f->db);
        return r < 0 ? r : database_end(f->db, put_entries(f, entries, n));
}

static int execute_with(struct history_file *f, const char *sql, int64_t value)
{
        OWNED(statement) sqlite3_stmt *s = NULL;
        int r = database_prepare(f->db, sql, &s);

        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(s, 1, value);
        return database_run(s);
}

int history_file_prune(struct history_file *f, int64_t before)
{
        int r = database_begin(f->db);

        if (r < 0)
                return r;
        r = execute_with(f, "DELETE FROM quarter WHERE slot < ?", before / QUARTER_SECONDS);
        if (r == 0)
                r = execute_with(f, "DELETE FROM gap WHERE ends < ?", before);
        return database_end(f->db, r);
}

int history_file_forget(struct history_file *f, const char *meter)
{
        int64_t number = 0;
        int r = find_meter(f, meter, &number, NULL);

        if (r <= 0)
                return r;
        r = database_begin(f->db);
        if (r < 0)
                return r;
        r = execute_with(f, "DELETE FROM quarter WHERE meter = ?", number);
        if (r == 0)
                r = execute_with(f, "DELETE FROM gap WHERE meter = ?", number);
        if (r == 0)
                r = execute_with(f, "DELETE FROM meter WHERE number = ?", number);
        return database_end(f->db, r);
}

/* --- imports --------------------------------------------------------------------------------- */

/* Prepared once for all entries of an import. */
enum import_statement {
        IMPORT_IS_MEASURED,
        IMPORT_PUT_ROW,
        IMPORT_PUT_GAP,
        IMPORT_CLEAR_ROWS,
        IMPORT_CLEAR_GAPS,
        N_IMPORT_STATEMENTS
};

/*
 * A quarter with a measured counter, or with a measured edge in it, is measured: the difference
 * between that edge and the file's counters of the same quarter would mean nothing.
 */
static const char *const import_sql[N_IMPORT_STATEMENTS] = {
        [IMPORT_IS_MEASURED] = "SELECT EXISTS (SELECT 1 FROM quarter WHERE meter = ?1"
                               " AND slot BETWEEN ?2 / 900 AND (?3 - 1) / 900 AND imported = 0"
                               " AND (import IS NOT NULL OR export IS NOT NULL))"
                               " OR EXISTS (SELECT 1 FROM gap WHERE meter = ?1 AND imported = 0"
                               " AND ends > ?2 AND (ends <= ?3 OR (begins > ?2 AND begins <= ?3))"
                               " AND NOT (kind = 4 AND ends = ?3))",
        [IMPORT_PUT_ROW] = "INSERT INTO quarter VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1)"
                           " ON CONFLICT (meter, slot) DO UPDATE SET import = ?3, export = ?4,"
                           " imported = 1", /* the power was measured, and stays */
        [IMPORT_PUT_GAP] = "INSERT OR REPLACE INTO gap VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?)",
        [IMPORT_CLEAR_ROWS] = "UPDATE quarter SET import = NULL, export = NULL WHERE meter = ?1"
                              " AND slot BETWEEN ?2 / 900 AND (?3 - 1) / 900",
        [IMPORT_CLEAR_GAPS] = "DELETE FROM gap WHERE meter = ?1 AND imported = 0"
                              " AND ends > ?2 AND begins <= ?3",
};

/* Where the import stands: behind an entry, with the counters that the file had there. */
struct import_walk {
        const struct history_import *import;
        int64_t meter;
        sqlite3_stmt *statements[N_IMPORT_STATEMENTS];
        bool open; /* the entry before was written */
        int64_t time, counters[QUARTER_N_COUNTERS];
        struct history_imported result;
        int error; /* the first one, -errno */
};

/* 1, 0, -errno. */
static int is_measured(const struct import_walk *w, int64_t from, int64_t to)
{
        sqlite3_stmt *s = bind_span(w->statements[IMPORT_IS_MEASURED], w->meter, from, to);
        int r = database_step(s);

        if (r > 0)
                r = sqlite3_column_int(s, 0);
        (void)sqlite3_reset(s); /* repeats a failure */
        return r;
}

/* No difference is taken between an entry that was written and one that was not. */
static int put_edge(const struct import_walk *w, enum quarter_gap_kind kind)
{
        struct quarter_gap edge = { .kind = kind,
                                    .from = w->time,
                                    .to = w->time,
                                    .before = { QUARTER_UNKNOWN, QUARTER_UNKNOWN },
                                    .after = { QUARTER_UNKNOWN, QUARTER_UNKNOWN } };

        memcpy(kind == QUARTER_IMPORT_END ? edge.before : edge.after, w->counters,
               sizeof(edge.before));
        return put_gap(w->statements[IMPORT_PUT_GAP], w->meter, &edge);
}

static int set_open(struct import_walk *w, bool open)
{
        int r = 0;

        if (w->open != open)
                r = put_edge(w, open ? QUARTER_IMPORT_BEGIN : QUARTER_IMPORT_END);
        w->open = open;
        return r;
}

static int write_entry(const struct import_walk *w, const struct history_entry *e, int64_t from,
                       int64_t to)
{
        int r = 0;

        if (w->import->replace) {
                r = database_run(bind_span(w->statements[IMPORT_CLEAR_ROWS], w->meter, from, to));
                if (r == 0)
                        r = database_run(
                                bind_span(w->statements[IMPORT_CLEAR_GAPS], w->meter, from, to));
        }
        if (r < 0)
                return r;
        return e->gap.kind ? put_gap(w->statements[IMPORT_PUT_GAP], w->meter, &e->gap)
                           : put_row(w->statements[IMPORT_PUT_ROW], w->meter, &e->row);
}

/* Where a part of the file begins: nothing is to be written. */
static int walk_begin(struct import_walk *w, const struct quarter_gap *gap)
{
        int r = set_open(w, false);

        w->time = gap->to;
        memcpy(w->counters, gap->after, sizeof(w->counters));
        return r;
}

static int walk(struct import_walk *w, const struct history_entry *e)
{
        const struct history_import *import = w->import;
        bool is_gap = e->gap.kind != 0;
        int64_t from = is_gap ? e->gap.from : e->row.slot * QUARTER_SECONDS;
        int64_t to = is_gap ? e->gap.to : from + QUARTER_SECONDS;
        uint32_t quarters = (uint32_t)((to - 1) / QUARTER_SECONDS - from / QUARTER_SECONDS + 1);
        int r = 0;

        if (e->gap.kind == QUARTER_BEGIN)
                return walk_begin(w, &e->gap);
        if (from < import->oldest || to > import->newest) {
                w->result.left_out += quarters;
                r = set_open(w, false);
        } else if (!import->replace && (r = is_measured(w, from, to)) != 0) {
                w->result.measured += quarters;
                r = r < 0 ? r : set_open(w, false);
        } else {
                w->result.written += quarters;
                r = set_open(w, true);
                if (r == 0)
                        r = write_entry(w, e, from, to);
        }
        w->time = to;
        memcpy(w->counters, is_gap ? e->gap.after : e->row.counters, sizeof(w->counters));
        return r;
}

/* Clears an earlier import of this time; power that was measured beside it stays. */
static int clear_imported(struct history_file *f, int64_t meter, int64_t from, int64_t to)
{
        static const char *const sql[] = {
                "DELETE FROM quarter WHERE meter = ?1 AND slot BETWEEN ?2 / 900 AND ?3 / 900 - 1"
                " AND imported = 1 AND mean IS NULL",
                "UPDATE quarter SET import = NULL, export = NULL, imported = 0 WHERE meter = ?1"
                " AND slot BETWEEN ?2 / 900 AND ?3 / 900 - 1 AND imported = 1",
                "DELETE FROM gap WHERE meter = ?1 AND imported = 1 AND begins <= ?3 AND ends >= ?2"
                " AND NOT (kind = 6 AND ends = ?2) AND NOT (kind = 7 AND ends = ?3)",
        };

        for (size_t i = 0; i < ELEMENTSOF(sql); i++) {
                OWNED(statement) sqlite3_stmt *s = NULL;
                int r = database_prepare(f->db, sql[i], &s);

                if (r < 0)
                        return r;
                r = database_run(bind_span(s, meter, from, to));
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The meter's number; its unit must be the file's. */
static int import_meter(struct history_file *f, const struct history_import *import,
                        int64_t *ret_number)
{
        struct history_entry e = { .unit = import->unit };
        struct history_unit unit;
        int r = find_meter(f, import->meter, ret_number, &unit);

        if (r < 0)
                return r;
        if (r == 1)
                return strcmp(unit.unit, import->unit.unit) == 0 &&
                                       unit.exponent == import->unit.exponent
                               ? 0
                               : -EMEDIUMTYPE;
        (void)snprintf(e.meter, sizeof(e.meter), "%s", import->meter);
        return add_meter(f, &e, ret_number);
}

static void on_row(const struct quarter_row *row, void *userdata)
{
        struct import_walk *w = userdata;

        if (w->error == 0)
                w->error = walk(w, &(struct history_entry){ .row = *row });
}

static void on_gap(const struct quarter_gap *gap, void *userdata)
{
        struct import_walk *w = userdata;

        if (w->error == 0)
                w->error = walk(w, &(struct history_entry){ .gap = *gap });
}

/* The samples are cut into quarters and gaps as telegrams are. */
static int walk_samples(struct import_walk *w)
{
        static const struct quarter_ops ops = { on_row, on_gap };
        OWNED_FREE struct quarter *q = malloc(sizeof(*q)); /* it has the minutes of a day */
        const struct history_import *import = w->import;

        if (!q)
                return -ENOMEM;
        for (size_t i = 0; i < import->n && w->error == 0; i++) {
                struct quarter_sample sample =
                        history_sample_cut(&import->samples[i], &import->unit, import->interval);

                if (i == 0 || import->samples[i].begins)
                        quarter_init(q, &ops, w);
                quarter_feed(q, &sample);
        }
        return w->error;
}

static int walk_all(struct history_file *f, struct import_walk *w)
{
        const struct history_import *import = w->import;
        int r = import_meter(f, import, &w->meter);

        if (r == 0)
                r = clear_imported(f, w->meter, import->samples[0].time,
                                   import->samples[import->n - 1].time);
        for (size_t i = 0; r == 0 && i < N_IMPORT_STATEMENTS; i++)
                r = database_prepare(f->db, import_sql[i], &w->statements[i]);
        if (r == 0)
                r = walk_samples(w);
        return r < 0 ? r : set_open(w, false);
}

int history_file_import(struct history_file *f, const struct history_import *import,
                        struct history_imported *ret)
{
        struct import_walk w = { .import = import };
        int r;

        *ret = (struct history_imported){ 0 };
        if (import->n == 0)
                return 0;
        r = database_begin(f->db);
        if (r < 0)
                return r;
        r = walk_all(f, &w);
        for (size_t i = 0; i < N_IMPORT_STATEMENTS; i++)
                (void)sqlite3_finalize(w.statements[i]); /* repeats a failure that was reported */
        r = database_end(f->db, r);
        if (r == 0)
                *ret = w.result;
        return r;
}

/* --- reading --------------------------------------------------------------------------------- */

struct points {
        struct history_point *list;
        size_t n, room;
};

static int add_point(struct points *points, const struct history_point *point)
{
        if (!ARRAY_GROW(points->list, points->n, points->room))
                return -ENOMEM;
        points->list[points->n++] = *point;
        return 0;
}

/*
 * Quarters in the order of their key and gaps beside them, few as they are: one statement for both
 * would sort a year of quarters, which takes longer than to read them. A quarter ends at
 * (slot + 1) × 900; a gap gives its two edges.
 */
static const char quarters_sql[] =
        "SELECT (slot + 1) * 900, 1, import, export, least, mean, greatest, tariff, 0"
        " FROM quarter WHERE meter = ?1 AND slot BETWEEN ?2 / 900 - 1 AND ?3 / 900 - 1"
        " ORDER BY slot";
static const char gaps_sql[] =
        "SELECT begins AS time, 2 AS place, import_before, export_before, NULL, NULL, NULL, 0, 0"
        " FROM gap WHERE meter = ?1 AND ends >= ?2 AND begins <= ?3 AND kind NOT IN (4, 7)"
        " UNION ALL SELECT ends, CASE kind WHEN 6 THEN 3 WHEN 5 THEN 5 WHEN 7 THEN 6 ELSE 4 END,"
        " import_after, export_after,"
        " NULL, NULL, NULL, tariff, CASE kind WHEN 5 THEN 0 ELSE kind END"
        " FROM gap WHERE meter = ?1 AND ends BETWEEN ?2 AND ?3 ORDER BY time, place";

static struct history_point point_of(sqlite3_stmt *s)
{
        return (struct history_point){
                .time = sqlite3_column_int64(s, 0),
                .counters = { column_counter(s, 2), column_counter(s, 3) },
                .has_power = sqlite3_column_type(s, 5) != SQLITE_NULL,
                .least = sqlite3_column_int(s, 4),
                .mean = sqlite3_column_int(s, 5),
                .greatest = sqlite3_column_int(s, 6),
                .tariff = (uint8_t)sqlite3_column_int(s, 7),
                .broken = (uint8_t)sqlite3_column_int(s, 8),
        };
}

static int read_points(struct history_file *f, const char *sql, int64_t meter, int64_t from,
                       int64_t to, struct points *points)
{
        OWNED(statement) sqlite3_stmt *s = NULL;
        int r = database_prepare(f->db, sql, &s);

        if (r < 0)
                return r;
        (void)bind_span(s, meter, from, to);
        while (r == 0 && (r = database_step(s)) > 0) {
                struct history_point point = point_of(s);

                r = add_point(points, &point);
        }
        return r;
}

/* Both in order of time; of the same second the quarter comes first, whose end it is. */
static int merge(struct points *quarters, const struct points *gaps)
{
        size_t q = quarters->n, g = gaps->n;
        struct history_point *all = reallocarray(quarters->list, q + g + 1, sizeof(*all));

        if (!all)
                return -ENOMEM;
        quarters->list = all;
        quarters->n = q + g;
        while (g > 0) {
                if (q > 0 && all[q - 1].time > gaps->list[g - 1].time) {
                        all[q + g - 1] = all[q - 1];
                        q--;
                } else {
                        all[q + g - 1] = gaps->list[g - 1];
                        g--;
                }
        }
        return 0;
}

int history_file_read(struct history_file *f, const char *meter, int64_t from, int64_t to,
                      struct history_point **ret, size_t *ret_n, struct history_unit *ret_unit)
{
        struct points quarters = { 0 }, gaps = { 0 };
        int64_t number;
        int r = find_meter(f, meter, &number, ret_unit);

        *ret = NULL;
        *ret_n = 0;
        if (r <= 0)
                return r;
        r = read_points(f, quarters_sql, number, from, to, &quarters);
        if (r == 0)
                r = read_points(f, gaps_sql, number, from, to, &gaps);
        if (r == 0)
                r = merge(&quarters, &gaps);
        free(gaps.list);
        if (r < 0) {
                free(quarters.list);
                return r;
        }
        *ret = quarters.list;
        *ret_n = quarters.n;
        return 0;
}

int history_file_last(struct history_file *f, const char *meter, int64_t *ret_time,
                      int64_t ret_counters[QUARTER_N_COUNTERS], struct history_unit *ret_unit)
{
        static const char sql[] =
                "SELECT * FROM (SELECT (slot + 1) * 900 AS time, import, export FROM quarter"
                " WHERE meter = ?1 AND import IS NOT NULL AND imported = 0 ORDER BY slot DESC"
                " LIMIT 1)"
                " UNION ALL SELECT * FROM (SELECT ends, import_after, export_after FROM gap"
                " WHERE meter = ?1 AND imported = 0 ORDER BY ends DESC LIMIT 1)"
                " ORDER BY 1 DESC LIMIT 1";
        OWNED(statement) sqlite3_stmt *s = NULL;
        int64_t number;
        int r = find_meter(f, meter, &number, ret_unit);

        if (r <= 0)
                return r;
        r = database_prepare(f->db, sql, &s);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(s, 1, number);
        r = database_step(s);
        if (r <= 0)
                return r;
        *ret_time = sqlite3_column_int64(s, 0);
        for (int i = 0; i < QUARTER_N_COUNTERS; i++)
                ret_counters[i] = column_counter(s, 1 + i);
        return 1;
}
