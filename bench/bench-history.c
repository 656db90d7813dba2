/* SPDX-License-Identifier: MIT */
/*
 * How long the history of a year takes to be added up, and how large its file is: two years of four
 * meters, quarter hours with power and two tariffs, a gap in each week. The floor is SQLite alone,
 * which steps over the same rows of the same file and reads their columns, in the same run. Then
 * what a meter takes of memory, and how long a year from elsewhere takes to be taken in.
 */
#include <inttypes.h>
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/database.h"
#include "base/util.h"
#include "daemon/history/history-file.h"
#include "daemon/history/history-points.h"
#include "daemon/history/history-sink.h"
#include "daemon/history/history-sum.h"

#define ROUNDS  15
#define METERS  4
#define BEGIN   INT64_C(1735689600) /* 2025-01-01 00:00 UTC */
#define YEAR    (INT64_C(365) * 86400)
#define A_WEEK  672 /* quarters */
#define ENTRIES 4096

static struct history_entry entries[ENTRIES];

static void must(bool good, const char *what)
{
        if (good)
                return;
        (void)fprintf(stderr, "bench-history: %s\n", what);
        exit(EXIT_FAILURE);
}

static double now_ms(void)
{
        struct timespec now;

        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static struct history_entry entry_at(int meter, int64_t slot, int64_t n)
{
        int32_t power = (int32_t)(n * 7919 % 3000);
        struct history_entry e = {
                .unit = { "Wh", 0 },
                .row = { .slot = slot,
                         .counters = { 40000000 + n * 375, 1000000 + n * 40 },
                         .has_power = true,
                         .least = power / 2,
                         .mean = power,
                         .greatest = power * 2,
                         .tariff = slot % 96 < 28 ? 2 : 1 },
        };

        (void)snprintf(e.meter, sizeof(e.meter), "BENCH%d", meter);
        if (n % A_WEEK == A_WEEK - 1) {
                e.gap = (struct quarter_gap){ .kind = QUARTER_GAP,
                                              .from = slot * QUARTER_SECONDS + 100,
                                              .to = slot * QUARTER_SECONDS + 700,
                                              .before = { 40000000 + n * 375 - 300, 1000000 },
                                              .after = { 40000000 + n * 375 - 100, 1000000 } };
        }
        return e;
}

static void fill(struct history_file *file)
{
        int64_t first = BEGIN / QUARTER_SECONDS, last = (BEGIN + 2 * YEAR) / QUARTER_SECONDS;
        size_t n = 0;

        for (int64_t slot = first; slot < last; slot++)
                for (int meter = 0; meter < METERS; meter++) {
                        entries[n++] = entry_at(meter, slot, slot - first);
                        if (n == ENTRIES || (slot == last - 1 && meter == METERS - 1)) {
                                must(history_file_put(file, entries, n) == 0, "cannot write");
                                n = 0;
                        }
                }
}

/* As the service answers `smctl history METER --year`. */
static double year_ms(struct history_file *file, enum history_calendar calendar,
                      const struct tariff_settings *prices)
{
        const int64_t from = BEGIN + YEAR, to = BEGIN + 2 * YEAR;
        struct history_points points = { 0 };
        struct history_step *steps;
        struct history_unit unit;
        double begin = now_ms();
        size_t n_steps;

        must(history_file_read(file, "BENCH2", from, to, &points.list, &points.n, &unit) == 0,
             "cannot read");
        must(history_steps_new(from, to, calendar, 0, &steps, &n_steps) == 0, "no steps");
        history_points_sort(&points);
        history_points_fill_tariffs(&points);
        history_sum(steps, n_steps, points.list, points.n, 0, prices);
        must(steps[n_steps - 1].energy[QUARTER_IMPORT] > 0, "nothing was added up");
        free(steps);
        free(points.list);
        return now_ms() - begin;
}

static double floor_ms(sqlite3 *db)
{
        static const char sql[] = "SELECT slot, import, export, least, mean, greatest, tariff"
                                  " FROM quarter WHERE meter = 3 AND slot BETWEEN ?1 AND ?2";
        OWNED(statement) sqlite3_stmt *s = NULL;
        double begin = now_ms();
        int64_t sum = 0;

        must(database_prepare(db, sql, &s) == 0, "cannot prepare");
        (void)sqlite3_bind_int64(s, 1, (BEGIN + YEAR) / QUARTER_SECONDS);
        (void)sqlite3_bind_int64(s, 2, (BEGIN + 2 * YEAR) / QUARTER_SECONDS);
        while (database_step(s) > 0)
                for (int i = 0; i < 7; i++)
                        sum += sqlite3_column_int64(s, i);
        must(sum > 0, "the floor found nothing");
        return now_ms() - begin;
}

static void measure(struct history_file *file, sqlite3 *db)
{
        static const struct tariff_settings prices = { .has_price = { true, true },
                                                       .price = { 0.3, 0.2 } };
        double base = 1e9, months = 1e9, days = 1e9, costs = 1e9;

        for (int i = 0; i < ROUNDS; i++) {
                base = MIN(base, floor_ms(db));
                months = MIN(months, year_ms(file, HISTORY_MONTH, NULL));
                days = MIN(days, year_ms(file, HISTORY_DAY, NULL));
                costs = MIN(costs, year_ms(file, HISTORY_MONTH, &prices));
        }
        puts("| a year of one meter | ms of CPU | × floor |\n|---|---|---|");
        printf("| floor: SQLite steps over the rows | %.1f | 1 |\n", base);
        printf("| by month | %.1f | %.2f |\n", months, months / base);
        printf("| by day | %.1f | %.2f |\n", days, days / base);
        printf("| by month, with costs | %.1f | %.2f |\n", costs, costs / base);
}

/* Entries that wait for the hourly commit. */
static void on_row(const struct quarter_row *row, void *userdata)
{
        struct history_points *waiting = userdata;

        waiting->n++;
}

static void on_gap(const struct quarter_gap *gap, void *userdata)
{
        struct history_points *waiting = userdata;

        waiting->n++;
}

/* A meter as the output has it, a day long with power each 5 s, and the rows of an hour. */
static void measure_memory(void)
{
        static const struct quarter_ops ops = { on_row, on_gap };
        struct history_points rows = { 0 };
        size_t before = mallinfo2().uordblks, hourly;
        struct history_meter *hm = calloc(1, sizeof(*hm));
        struct history_entry *waiting;

        must(hm != NULL, "no memory");
        quarter_init(&hm->quarter, &ops, &rows);
        for (int64_t t = 0; t < 86400; t += 5)
                quarter_feed(&hm->quarter, &(struct quarter_sample){
                                                   .time = BEGIN + t,
                                                   .counters = { t, t / 2 },
                                                   .has_power = true,
                                                   .power = (int32_t)t,
                                                   .interval = 5,
                                           });
        must(quarter_minute_find(&hm->quarter, BEGIN + 60) != NULL, "a minute is missing");
        hourly = rows.n / 24 + 1;
        waiting = calloc(hourly, sizeof(*waiting));
        must(waiting != NULL, "no memory");
        printf("memory of a meter: %.1f kB, of which %zu rows of an hour %.1f kB\n",
               (double)(mallinfo2().uordblks - before) / 1e3, hourly,
               (double)(hourly * sizeof(*waiting)) / 1e3);
        free(waiting);
        free(hm);
}

/* A year of quarter hours of another meter, in parts as smctl sends them. */
static void measure_import(struct history_file *file)
{
        static struct history_sample samples[5001];
        struct history_imported got;
        uint32_t written = 0;
        double begin = now_ms();

        for (int64_t at = 0; at < YEAR / QUARTER_SECONDS; at += 5000) {
                struct history_import import = { .meter = "ELSEWHERE",
                                                 .unit = { "Wh", 0 },
                                                 .interval = QUARTER_SECONDS,
                                                 .newest = INT64_MAX,
                                                 .samples = samples };

                for (; import.n < ELEMENTSOF(samples) && at + (int64_t)import.n <= YEAR / 900;
                     import.n++)
                        samples[import.n] = (struct history_sample){
                                .time = BEGIN + (at + (int64_t)import.n) * QUARTER_SECONDS,
                                .counters = { (double)(at + (int64_t)import.n) * 250, NAN },
                        };
                must(history_file_import(file, &import, &got) == 0, "cannot import");
                written += got.written;
        }
        printf("a year from elsewhere: %u quarter hours in %.0f ms\n", written, now_ms() - begin);
}

int main(void)
{
        char folder[] = "/tmp/bench-history.XXXXXX", path[64];
        struct history_file *file;
        struct stat st = { 0 };
        bool damaged;
        sqlite3 *db;

        must(mkdtemp(folder) != NULL, "no folder in /tmp");
        (void)snprintf(path, sizeof(path), "%s/history.db", folder);
        must(history_file_new(path, &file, &damaged) == 0, "cannot make the file");
        fill(file);
        /* With SQLite's defaults: the floor of docs/performance.md was measured with them. */
        must(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK, "cannot open");
        must(database_execute(db, "PRAGMA cache_size = -256") == 0, "cannot set the cache");
        measure(file, db);
        (void)stat(path, &st); /* else it says 0 */
        printf("\ntwo years of %d meters: %.1f MB\n", METERS, (double)st.st_size / 1e6);
        (void)sqlite3_close(db); /* no statement is left */
        measure_memory();
        measure_import(file);
        history_file_free(file);
        (void)unlink(path);
        (void)strcat(path, "-journal");
        (void)unlink(path);
        return rmdir(folder) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
