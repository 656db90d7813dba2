/* SPDX-License-Identifier: MIT */
/* Samples of files fill gaps between measurements, once, and are compared with no measurement. */
#include <errno.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/history/history-file.h"
#include "daemon/history/history-points.h"
#include "tests/unit/test.h"

#define T0    INT64_C(1767225600) /* 2026-01-01 00:00 UTC */
#define HOUR  3600
#define NEVER INT64_C(4102444800)
#define HOURS 12

static char folder[64], path[80];

static int make_folder(void **state)
{
        (void)snprintf(folder, sizeof(folder), "/tmp/smd-import.XXXXXX");
        assert_non_null(mkdtemp(folder));
        (void)snprintf(path, sizeof(path), "%s/history.db", folder);
        return 0;
}

static int remove_folder(void **state)
{
        char journal[96];

        (void)snprintf(journal, sizeof(journal), "%s-journal", path);
        (void)unlink(journal);
        (void)unlink(path);
        return rmdir(folder);
}

static struct history_file *open_file(void)
{
        struct history_file *file;
        bool damaged;

        assert_int_equal(history_file_new(path, &file, &damaged), 0);
        assert_false(damaged);
        return file;
}

static struct history_entry row_at(int64_t slot, int64_t import)
{
        return (struct history_entry){ .meter = "M",
                                       .unit = { "Wh", 0 },
                                       .row = { .slot = slot,
                                                .counters = { import, QUARTER_UNKNOWN },
                                                .has_power = true,
                                                .mean = 7 } };
}

/* Measured from one hour to another: 100 Wh in each quarter, and the edges of a service that began
 * and ended in between two quarters, when `minutes` is not 0. */
static void measure(struct history_file *file, int from, int to, int minutes)
{
        int64_t first = (T0 + from * HOUR) / QUARTER_SECONDS, n = (to - from) * 4;
        struct history_entry edge = { .meter = "M", .unit = { "Wh", 0 } };
        int64_t counter = 700000 + from * 400;

        edge.gap = (struct quarter_gap){ QUARTER_BEGIN,
                                         T0 + from * HOUR + minutes * 60,
                                         T0 + from * HOUR + minutes * 60,
                                         { counter, QUARTER_UNKNOWN },
                                         { counter, QUARTER_UNKNOWN } };
        assert_int_equal(history_file_put(file, &edge, 1), 0);
        for (int64_t i = 0; i < n; i++) {
                struct history_entry row = row_at(first + i, counter + (i + 1) * 100);

                assert_int_equal(history_file_put(file, &row, 1), 0);
        }
}

static struct history_imported import(struct history_file *file, const struct history_import *how,
                                      const struct history_sample *samples, size_t n)
{
        struct history_import all = *how;
        struct history_imported result;

        (void)snprintf(all.meter, sizeof(all.meter), "M");
        all.unit = (struct history_unit){ "Wh", 0 };
        all.newest = all.newest ? all.newest : NEVER;
        all.interval = all.interval ? all.interval : HOUR;
        all.samples = samples;
        all.n = n;
        assert_int_equal(history_file_import(file, &all, &result), 0);
        return result;
}

/* A register that begins at `counter` and counts 40 Wh an hour. */
static size_t hours(struct history_sample *samples, int from, int to, double counter)
{
        size_t n = 0;

        for (int hour = from; hour <= to; hour++)
                samples[n++] = (struct history_sample){
                        .time = T0 + hour * HOUR, .counters = { counter + 40 * (hour - from), NAN }
                };
        return n;
}

/* What each hour counted, in this tariff or 0: in all; -1: nothing is known. */
static void sum_of(struct history_file *file, uint8_t tariff, int64_t ret[HOURS])
{
        struct history_points points = { 0 };
        struct history_unit unit;
        struct history_step *steps;
        size_t n;

        assert_int_equal(
                history_file_read(file, "M", T0, T0 + HOURS * HOUR, &points.list, &points.n, &unit),
                0);
        assert_int_equal(history_steps_new(T0, T0 + HOURS * HOUR, HISTORY_FIXED, HOUR, &steps, &n),
                         0);
        history_points_fill_tariffs(&points);
        history_sum(steps, n, points.list, points.n, tariff, NULL);
        for (size_t i = 0; i < n; i++)
                ret[i] = steps[i].has_energy[0] ? steps[i].energy[0] : -1;
        free(points.list);
        free(steps);
}

static void sum(struct history_file *file, int64_t ret[HOURS])
{
        sum_of(file, 0, ret);
}

/* All that the file holds, as a number. */
static int64_t fingerprint(void)
{
        static const char sql[] =
                "SELECT (SELECT sum(slot * 31 + coalesce(import, 5) * 7 + imported) FROM quarter)"
                " + (SELECT total(ends * 3 + begins + kind * 11 + coalesce(import_after, 13)"
                "  + imported) FROM gap)";
        sqlite3_stmt *s;
        sqlite3 *db;
        int64_t got;

        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(s), SQLITE_ROW);
        got = sqlite3_column_int64(s, 0);
        (void)sqlite3_finalize(s);
        (void)sqlite3_close(db);
        return got;
}

static struct import_case {
        const char *name;
        int measured[2], minutes; /* hours; 0, 0: nothing was measured */
        int file[2];              /* hours of the file */
        double counter;           /* its first */
        bool replace;
        int64_t oldest, newest; /* hours, 0: any */
        struct history_imported want;
        int64_t hours[HOURS];
} cases[] = {
        { "nothing was measured",
          { 0, 0 },
          0,
          { 2, 5 },
          9000,
          .want = { 12, 0, 0 },
          .hours = { -1, -1, 40, 40, 40, -1, -1, -1, -1, -1, -1, -1 } },
        { "what was measured stays, whatever the file's counter",
          { 4, 8 },
          0,
          { 2, 10 },
          0,
          .want = { 16, 16, 0 },
          .hours = { -1, -1, 40, 40, 400, 400, 400, 400, 40, 40, -1, -1 } },
        { "nor does a greater counter count where both meet",
          { 4, 8 },
          0,
          { 2, 10 },
          9e8,
          .want = { 16, 16, 0 },
          .hours = { -1, -1, 40, 40, 400, 400, 400, 400, 40, 40, -1, -1 } },
        { "a quarter that was measured in part is measured",
          { 4, 8 },
          5,
          { 2, 10 },
          9e8,
          .want = { 16, 16, 0 },
          .hours = { -1, -1, 40, 40, 400, 400, 400, 400, 40, 40, -1, -1 } },
        { "but when it is wanted so",
          { 4, 8 },
          0,
          { 2, 6 },
          9000,
          .replace = true,
          .want = { 16, 0, 0 },
          /* The quarter behind the joint had its begin in what was replaced. */
          .hours = { -1, -1, 40, 40, 40, 40, 300, 400, -1, -1, -1, -1 } },
        { "what is older than what is kept is left out",
          { 0, 0 },
          0,
          { 2, 6 },
          9000,
          .oldest = 4,
          .want = { 8, 0, 8 },
          .hours = { -1, -1, -1, -1, 40, 40, -1, -1, -1, -1, -1, -1 } },
        { "so is what the service measures now",
          { 0, 0 },
          0,
          { 2, 6 },
          9000,
          .newest = 5,
          .want = { 12, 0, 4 },
          .hours = { -1, -1, 40, 40, 40, -1, -1, -1, -1, -1, -1, -1 } },
};

static void run_import(void **state)
{
        const struct import_case *c = *state;
        struct history_import how = { .replace = c->replace };
        struct history_sample samples[HOURS + 1];
        size_t n = hours(samples, c->file[0], c->file[1], c->counter);
        struct history_imported got;
        struct history_file *file;
        int64_t have[HOURS], first;

        make_folder(state);
        file = open_file();
        if (c->measured[1])
                measure(file, c->measured[0], c->measured[1], c->minutes);
        how.oldest = c->oldest ? T0 + c->oldest * HOUR : 0;
        how.newest = c->newest ? T0 + c->newest * HOUR : NEVER;
        for (int round = 0; round < 2; round++) { /* the same file twice is the same as once */
                got = import(file, &how, samples, n);
                assert_memory_equal(&got, &c->want, sizeof(got));
                sum(file, have);
                for (int i = 0; i < HOURS; i++)
                        assert_int_equal(have[i], c->hours[i]);
                if (round == 0)
                        first = fingerprint();
                assert_int_equal(fingerprint(), first);
        }
        history_file_free(file);
        remove_folder(state);
}

static void test_a_gap_of_the_service_is_filled(void **state)
{
        struct history_file *file = open_file();
        struct history_sample samples[HOURS + 1];
        int64_t have[HOURS];
        struct history_entry gap = { .meter = "M", .unit = { "Wh", 0 } };
        int64_t counter = 700000 + 2 * 400;

        measure(file, 0, 2, 0);
        /* Nothing from 02:05 to 05:40, while 5000 Wh were counted. */
        gap.gap = (struct quarter_gap){ QUARTER_GAP,
                                        T0 + 2 * HOUR + 300,
                                        T0 + 5 * HOUR + 2400,
                                        { counter + 30, QUARTER_UNKNOWN },
                                        { counter + 5030, QUARTER_UNKNOWN } };
        assert_int_equal(history_file_put(file, &gap, 1), 0);
        for (int64_t slot = (T0 + 5 * HOUR) / 900 + 2; slot < (T0 + 7 * HOUR) / 900; slot++) {
                struct history_entry row = row_at(slot, counter += 5100);

                assert_int_equal(history_file_put(file, &row, 1), 0);
                counter -= 5000;
        }
        (void)import(file, &(struct history_import){ 0 }, samples, hours(samples, 0, 8, 10));
        sum(file, have);
        assert_int_equal(have[0], 400);
        assert_int_equal(have[1], 400);
        /* 30 Wh until 02:05, and three quarters of the file. */
        assert_int_equal(have[2], 30 + 30);
        assert_int_equal(have[3], 40);
        assert_int_equal(have[4], 40);
        history_file_free(file);
}

static void test_a_later_file_goes_on_where_an_earlier_ended(void **state)
{
        struct history_file *file = open_file();
        struct history_sample samples[HOURS + 1];
        int64_t have[HOURS];

        (void)import(file, &(struct history_import){ 0 }, samples, hours(samples, 1, 4, 500));
        (void)import(file, &(struct history_import){ 0 }, samples, hours(samples, 4, 6, 0));
        (void)import(file, &(struct history_import){ 0 }, samples, hours(samples, 2, 8, 0));
        sum(file, have);
        for (int hour = 1; hour < 8; hour++)
                assert_int_equal(have[hour], 40);
        assert_int_equal(have[0], -1);
        assert_int_equal(have[8], -1);
        history_file_free(file);
}

static void test_a_reset_counts_nothing_and_a_silence_is_a_gap(void **state)
{
        struct history_file *file = open_file();
        const struct history_sample samples[] = {
                { T0, { 1000, NAN }, 0, false },
                { T0 + HOUR, { 1040, NAN }, 0, false },
                { T0 + 2 * HOUR, { 5, NAN }, 0, false }, /* another meter */
                { T0 + 3 * HOUR, { 45, NAN }, 0, false },
                { T0 + 8 * HOUR, { 245, NAN }, 0, false },
                { T0 + 9 * HOUR, { 285, NAN }, 0, false },
                { T0 + 9 * HOUR, { 0, NAN }, 0, true }, /* counted from anew */
                { T0 + 10 * HOUR, { 33, NAN }, 0, false },
        };
        int64_t have[HOURS];
        static const int64_t want[HOURS] = { 40, -1, 40, -1, -1, -1, -1, -1, 40, 33, -1, -1 };

        (void)import(file, &(struct history_import){ 0 }, samples, ELEMENTSOF(samples));
        sum(file, have);
        for (int hour = 0; hour < HOURS; hour++)
                assert_int_equal(have[hour], want[hour]);
        history_file_free(file);
}

/* The tariff of a sample is that since the one before: in quarters, in hours, and over a gap. */
static void test_tariffs_are_of_the_time_before(void **state)
{
        static const struct history_sample samples[] = {
                { T0, { 0, NAN }, 7, true },
                { T0 + 900, { 1, NAN }, 1, false },
                { T0 + 1800, { 3, NAN }, 2, false },
                { T0 + 2700, { 7, NAN }, 1, false },
                { T0 + 3600, { 15, NAN }, 2, false },
                { T0 + 2 * HOUR, { 31, NAN }, 1, false },
                { T0 + 3 * HOUR, { 63, NAN }, 2, false },
                { T0 + 8 * HOUR, { 127, NAN }, 1, false },
                { T0 + 11 * HOUR, { 255, NAN }, 2, false },
        };
        static const int64_t first[HOURS] = { 1 + 4, 16, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1 };
        static const int64_t second[HOURS] = { 2 + 8, -1, 32, -1, -1, -1, -1, -1, 43, 42, 43, -1 };
        struct history_file *file = open_file();
        struct history_point *points;
        struct history_unit unit;
        int64_t have[HOURS], in_gap = 0;
        size_t n;

        (void)import(file, &(struct history_import){ 0 }, samples, ELEMENTSOF(samples));
        sum_of(file, 1, have);
        assert_memory_equal(have, first, sizeof(have));
        sum_of(file, 2, have);
        for (int hour = 0; hour < HOURS; hour++)
                assert_true(have[hour] - second[hour] <= 1 && second[hour] - have[hour] <= 1);
        /* What was counted in the gap of five hours is of its tariff. */
        assert_int_equal(history_file_read(file, "M", T0, T0 + HOURS * HOUR, &points, &n, &unit),
                         0);
        for (size_t i = 1; i < n; i++)
                if (points[i].broken == QUARTER_GAP && points[i].tariff == 1)
                        in_gap += points[i].counters[0] - points[i - 1].counters[0];
        assert_int_equal(in_gap, 64);
        free(points);
        history_file_free(file);
}

static void test_power_that_was_measured_beside_it_stays(void **state)
{
        struct history_file *file = open_file();
        struct history_entry row = row_at(T0 / 900 + 5, QUARTER_UNKNOWN);
        struct history_sample samples[HOURS + 1];
        struct history_point *points;
        struct history_unit unit;
        size_t n, with_power = 0;
        int64_t have[HOURS];

        assert_int_equal(history_file_put(file, &row, 1), 0);
        for (int round = 0; round < 2; round++)
                (void)import(file, &(struct history_import){ 0 }, samples,
                             hours(samples, 0, 3, 10));
        sum(file, have);
        assert_int_equal(have[1], 40);
        assert_int_equal(history_file_read(file, "M", T0, T0 + 3 * HOUR, &points, &n, &unit), 0);
        for (size_t i = 0; i < n; i++)
                with_power += points[i].has_power && points[i].mean == 7;
        assert_int_equal(with_power, 1);
        free(points);
        history_file_free(file);
}

static void test_another_unit_is_refused_and_where_it_ended_is_measured(void **state)
{
        struct history_file *file = open_file();
        struct history_sample samples[HOURS + 1];
        struct history_imported result;
        struct history_unit unit;
        int64_t time, counters[QUARTER_N_COUNTERS];
        struct history_import cubic = { .meter = "M", .unit = { "m³", -3 }, .newest = NEVER };

        measure(file, 0, 1, 0);
        cubic.samples = samples;
        cubic.n = hours(samples, 2, 4, 0);
        assert_int_equal(history_file_import(file, &cubic, &result), -EMEDIUMTYPE);
        (void)import(file, &(struct history_import){ 0 }, samples, hours(samples, 2, 9, 0));
        assert_int_equal(history_file_last(file, "M", &time, counters, &unit), 1);
        assert_int_equal(time, T0 + HOUR);
        history_file_free(file);
}

static void test_a_file_of_the_release_before_is_brought_up_to_date(void **state)
{
        static const char sql[] =
                "CREATE TABLE meter (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
                " unit TEXT NOT NULL, exponent INTEGER NOT NULL);"
                "CREATE TABLE quarter (meter INTEGER NOT NULL, slot INTEGER NOT NULL,"
                " import INTEGER, export INTEGER, least INTEGER, mean INTEGER, greatest INTEGER,"
                " tariff INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (meter, slot)) WITHOUT ROWID;"
                "CREATE TABLE gap (meter INTEGER NOT NULL, ends INTEGER NOT NULL,"
                " begins INTEGER NOT NULL, kind INTEGER NOT NULL, import_before INTEGER,"
                " export_before INTEGER, import_after INTEGER, export_after INTEGER,"
                " PRIMARY KEY (meter, ends, begins, kind)) WITHOUT ROWID;"
                "INSERT INTO meter VALUES (1, 'M', 'Wh', 0);"
                "INSERT INTO quarter VALUES (1, 1767225600 / 900, 100, NULL, 1, 2, 3, 0);"
                "INSERT INTO quarter VALUES (1, 1767225600 / 900 + 1, 150, NULL, 1, 2, 3, 0);"
                "PRAGMA user_version = 1;";
        struct history_sample samples[HOURS + 1];
        struct history_imported got;
        struct history_file *file;
        int64_t have[HOURS];
        sqlite3 *db;

        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        (void)sqlite3_close(db);
        file = open_file();
        got = import(file, &(struct history_import){ 0 }, samples, hours(samples, 0, 2, 0));
        assert_int_equal(got.measured, 2);
        assert_int_equal(got.written, 6);
        sum(file, have);
        assert_int_equal(have[0], 50 + 20);
        assert_int_equal(have[1], 40);
        history_file_free(file);
}

static struct fault_case {
        const char *name;
        struct history_sample samples[3];
        const char *want; /* NULL: there is none */
        size_t at;
} faults[] = {
        { "none", { { 10, { 1, NAN }, 0, false }, { 20, { 1, 2 }, 8, false } }, NULL, 0 },
        { "one that begins at the end of another",
          { { 10, { 1, NAN }, 0, false }, { 10, { 0, 2 }, 8, true } },
          NULL,
          0 },
        { "not later",
          { { 10, { 1, NAN }, 0, false }, { 10, { 1, 2 }, 0, false } },
          "not later",
          1 },
        { "less than nothing", { { 10, { -1, NAN }, 0, false } }, "counter", 0 },
        { "without an end", { { 10, { INFINITY, NAN }, 0, false } }, "counter", 0 },
        { "a ninth tariff", { { 10, { 1, NAN }, 9, false } }, "tariff", 0 },
        { "a year of five digits", { { INT64_C(1) << 50, { 1, NAN }, 0, false } }, "9999", 0 },
};

static void run_fault(void **state)
{
        const struct fault_case *c = *state;
        size_t n = c->samples[1].time ? 2 : 1, at = 0;
        const char *got = history_samples_fault(c->samples, n, &at);

        if (!c->want) {
                assert_null(got);
                return;
        }
        assert_non_null(got);
        assert_non_null(strstr(got, c->want));
        assert_int_equal(at, c->at);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
        struct CMUnitTest more[32] = {
                WITH_FOLDER(test_a_gap_of_the_service_is_filled),
                WITH_FOLDER(test_a_later_file_goes_on_where_an_earlier_ended),
                WITH_FOLDER(test_a_reset_counts_nothing_and_a_silence_is_a_gap),
                WITH_FOLDER(test_tariffs_are_of_the_time_before),
                WITH_FOLDER(test_power_that_was_measured_beside_it_stays),
                WITH_FOLDER(test_another_unit_is_refused_and_where_it_ended_is_measured),
                WITH_FOLDER(test_a_file_of_the_release_before_is_brought_up_to_date),
        };
        size_t n = 0;

        while (more[n].name)
                n++;
        n = test_add_rows(more, n, faults, ELEMENTSOF(faults), sizeof(faults[0]), run_fault);
        return test_run_rows_and("history-import", cases, ELEMENTSOF(cases), sizeof(cases[0]),
                                 run_import, more, n);
}
