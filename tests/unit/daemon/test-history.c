/* SPDX-License-Identifier: MIT */
/* Quarters, gaps, sums over calendar steps, and the file they are kept in. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/history/history-file.h"
#include "daemon/history/history-points.h"
#include "daemon/history/history-sum.h"
#include "daemon/history/quarter.h"
#include "tests/unit/test.h"

#define NONE QUARTER_UNKNOWN
#define T0   INT64_C(1767225600) /* 2026-01-01 00:00 UTC */

struct log {
        struct history_entry entries[8192];
        size_t n;
};

static void on_row(const struct quarter_row *row, void *userdata)
{
        struct log *log = userdata;

        assert_true(log->n < ELEMENTSOF(log->entries));
        log->entries[log->n++] =
                (struct history_entry){ .meter = "M", .unit = { "Wh", 0 }, .row = *row };
}

static void on_gap(const struct quarter_gap *gap, void *userdata)
{
        struct log *log = userdata;

        assert_true(log->n < ELEMENTSOF(log->entries));
        log->entries[log->n++] =
                (struct history_entry){ .meter = "M", .unit = { "Wh", 0 }, .gap = *gap };
}

static const struct quarter_ops ops = { on_row, on_gap };

struct feed {
        int64_t after; /* seconds since T0 */
        int64_t import;
        int32_t power; /* -1: none */
        uint32_t interval;
};

struct want {
        int kind; /* 0: a row */
        int64_t slot_or_from, import_or_before, to, after;
        int32_t least, mean, greatest;
};

static struct quarter_case {
        const char *name;
        struct feed feeds[12];
        struct want wants[8];
} quarter_cases[] = {
        { "a counter at the end of a quarter lies between the samples around it",
          { { 0, 1000, 100, 10 }, { 890, 1100, 300, 890 }, { 910, 1120, 500, 890 } },
          { { QUARTER_BEGIN, 0, 1000, 0, 1000 }, { 0, 0, 1110, 0, 0, 100, 200, 300 } } },
        { "silence is a gap with its edges, and no quarter in it has counters",
          { { 0, 1000, 10, 10 },
            { 100, 1001, 30, 10 },
            { 4000, 1100, 50, 10 },
            { 4510, 1110, 50, 510 } },
          { { QUARTER_BEGIN, 0, 1000, 0, 1000 },
            { 0, 0, NONE, 0, 0, 10, 20, 30 },
            { QUARTER_GAP, 100, 1001, 4000, 1100 },
            { 0, 4, 1109, 0, 0, 50, 50, 50 } } },
        { "a meter that counts once an hour has quarters between",
          { { 5, 1000, -1, 3600 }, { 3605, 1400, -1, 3600 } },
          { { QUARTER_BEGIN, 5, 1000, 5, 1000 },
            { 0, 0, 1099 },
            { 0, 1, 1199 },
            { 0, 2, 1299 },
            { 0, 3, 1399 } } },
        { "a counter that fell is an exchange",
          { { 0, 5000, -1, 10 }, { 10, 3, -1, 10 }, { 910, 13, -1, 300 } },
          { { QUARTER_BEGIN, 0, 5000, 0, 5000 },
            { QUARTER_EXCHANGE, 0, 5000, 10, 3 },
            { 0, 0, 12 } } },
        { "a clock set forward is a gap, whatever it hid",
          { { 800, 10, 50, 10 }, { 8810, 12, 50, 10 } },
          { { QUARTER_BEGIN, 800, 10, 800, 10 },
            { 0, 0, NONE, 0, 0, 50, 50, 50 },
            { QUARTER_GAP, 800, 10, 8810, 12 } } },
        { "a counter that was reset between two hours of a slow meter",
          { { 5, 1000, -1, 3600 }, { 3605, 4, -1, 3600 }, { 7205, 404, -1, 3600 } },
          { { QUARTER_BEGIN, 5, 1000, 5, 1000 },
            { QUARTER_EXCHANGE, 5, 1000, 3605, 4 },
            { 0, 4, 103 },
            { 0, 5, 203 },
            { 0, 6, 303 },
            { 0, 7, 403 } } },
        { "a clock set back is told, and history goes on from there",
          { { 2000, 10, -1, 10 }, { 1000, 12, -1, 10 } },
          { { QUARTER_BEGIN, 2000, 10, 2000, 10 }, { QUARTER_CLOCK, 1000, 10, 1000, 12 } } },
        { "power alone waits for its counters",
          { { 0, 100, 10, 3600 },
            { 1000, NONE, 20, 3600 },
            { 2000, NONE, 40, 3600 },
            { 3600, 136, 60, 3600 } },
          { { QUARTER_BEGIN, 0, 100, 0, 100 },
            { 0, 0, 109, 0, 0, 10, 10, 10 },
            { 0, 1, 118, 0, 0, 20, 20, 20 },
            { 0, 2, 127, 0, 0, 40, 40, 40 },
            { 0, 3, 136, 0, 0, 0, 0, 0 } } },
};

static void check_entry(const struct history_entry *e, const struct want *w)
{
        assert_int_equal(e->gap.kind, w->kind);
        if (w->kind) {
                assert_int_equal(e->gap.from, T0 + w->slot_or_from);
                assert_int_equal(e->gap.to, T0 + w->to);
                assert_int_equal(e->gap.before[QUARTER_IMPORT], w->import_or_before);
                assert_int_equal(e->gap.after[QUARTER_IMPORT], w->after);
                return;
        }
        assert_int_equal(e->row.slot, T0 / QUARTER_SECONDS + w->slot_or_from);
        assert_int_equal(e->row.counters[QUARTER_IMPORT], w->import_or_before);
        assert_int_equal(e->row.counters[QUARTER_EXPORT], NONE);
        assert_int_equal(e->row.has_power, w->greatest != 0);
        assert_int_equal(e->row.least, w->least);
        assert_int_equal(e->row.mean, w->mean);
        assert_int_equal(e->row.greatest, w->greatest);
}

static void run_quarter(void **state)
{
        const struct quarter_case *c = *state;
        static struct quarter q;
        static struct log log;
        size_t n_wants = 0;

        log.n = 0;
        quarter_init(&q, &ops, &log);
        for (size_t i = 0; i < ELEMENTSOF(c->feeds) && c->feeds[i].interval; i++)
                quarter_feed(&q, &(struct quarter_sample){ .time = T0 + c->feeds[i].after,
                                                           .counters = { c->feeds[i].import, NONE },
                                                           .has_power = c->feeds[i].power >= 0,
                                                           .power = c->feeds[i].power,
                                                           .interval = c->feeds[i].interval });
        while (n_wants < ELEMENTSOF(c->wants) &&
               (c->wants[n_wants].kind || c->wants[n_wants].import_or_before))
                n_wants++;
        assert_int_equal(log.n, n_wants);
        for (size_t i = 0; i < n_wants; i++)
                check_entry(&log.entries[i], &c->wants[i]);
}

/* ---- the file ---- */

static char folder[64], path[96];

static int make_folder(void **state)
{
        (void)snprintf(folder, sizeof(folder), "/tmp/test-history.XXXXXX");
        if (!mkdtemp(folder))
                return -1;
        (void)snprintf(path, sizeof(path), "%s/history.db", folder);
        return setenv("TZ", "Europe/Zurich", 1);
}

static int remove_folder(void **state)
{
        char other[112];

        static const char *const endings[] = { "", "-journal", ".corrupt" };

        for (size_t i = 0; i < ELEMENTSOF(endings); i++) {
                (void)snprintf(other, sizeof(other), "%s%s", path, endings[i]);
                (void)unlink(other);
        }
        return rmdir(folder);
}

/* 300 W at night, 1200 W by day, of local clock; in mWs so that nothing is rounded twice. */
static int64_t power_at(int64_t t)
{
        time_t time = (time_t)t;
        struct tm tm;

        (void)localtime_r(&time, &tm);
        return tm.tm_hour >= 7 && tm.tm_hour < 21 ? 1200 : 300;
}

static void put_all(struct history_file *file, struct log *log)
{
        assert_int_equal(history_file_put(file, log->entries, log->n), 0);
        log->n = 0;
}

/* A year of minutes, from 2026-01-01 00:00 local time. */
static void fill_year(struct history_file *file, int64_t begin, int64_t end)
{
        static struct quarter q;
        static struct log log;
        int64_t energy_ws = 0;

        quarter_init(&q, &ops, &log);
        for (int64_t t = begin; t <= end; t += 60) {
                quarter_feed(&q, &(struct quarter_sample){ .time = t,
                                                           .counters = { energy_ws / 3600, NONE },
                                                           .has_power = true,
                                                           .power = (int32_t)power_at(t),
                                                           .interval = 60,
                                                           .tariff = power_at(t) == 300 ? 2 : 1 });
                energy_ws += power_at(t) * 60;
                if (log.n > 8000)
                        put_all(file, &log);
        }
        put_all(file, &log);
}

static void check_days(const struct history_step *days, size_t n)
{
        assert_int_equal(n, 365);
        for (size_t i = 0; i < n; i++) {
                int64_t hours = (days[i].to - days[i].from) / 3600, want = 0;

                for (int64_t t = days[i].from; t < days[i].to; t += 900)
                        want += power_at(t) / 4;
                assert_true(hours >= 23 && hours <= 25);
                assert_true(days[i].has_energy[QUARTER_IMPORT]);
                assert_int_equal(days[i].energy[QUARTER_IMPORT], want);
                assert_false(days[i].has_energy[QUARTER_EXPORT]);
                assert_int_equal(days[i].least, 300);
                assert_int_equal(days[i].greatest, 1200);
        }
        /* 2026-03-29 lacks an hour of the night, 2026-10-25 has one twice. */
        assert_int_equal(days[87].to - days[87].from, 23 * 3600);
        assert_int_equal(days[87].energy[QUARTER_IMPORT], 14 * 1200 + 9 * 300);
        assert_int_equal(days[297].to - days[297].from, 25 * 3600);
        assert_int_equal(days[297].energy[QUARTER_IMPORT], 14 * 1200 + 11 * 300);
}

static void sum_year(struct history_file *file, int64_t begin, int64_t end,
                     enum history_calendar calendar, uint8_t tariff, struct history_step **ret,
                     size_t *ret_n)
{
        struct history_point *points;
        struct history_unit unit;
        size_t n;

        assert_int_equal(history_file_read(file, "M", begin, end, &points, &n, &unit), 0);
        assert_string_equal(unit.unit, "Wh");
        assert_int_equal(history_steps_new(begin, end, calendar, 0, ret, ret_n), 0);
        history_sum(*ret, *ret_n, points, n, tariff, NULL);
        free(points);
}

static void test_year_has_days_of_23_and_25_hours(void **state)
{
        const int64_t begin = T0 - 3600, end = begin + INT64_C(365) * 86400;
        struct history_file *file;
        struct history_step *steps;
        bool damaged;
        size_t n;

        tzset();
        assert_int_equal(history_file_new(path, &file, &damaged), 0);
        assert_false(damaged);
        fill_year(file, begin, end);
        sum_year(file, begin, end, HISTORY_DAY, 0, &steps, &n);
        check_days(steps, n);
        free(steps);
        sum_year(file, begin, end, HISTORY_MONTH, 0, &steps, &n);
        assert_int_equal(n, 12);
        assert_int_equal(steps[1].energy[QUARTER_IMPORT], 28 * (14 * 1200 + 10 * 300));
        free(steps);
        sum_year(file, begin, end, HISTORY_YEAR, 2, &steps, &n);
        assert_int_equal(n, 1);
        assert_int_equal(steps[0].energy[QUARTER_IMPORT], 365 * 10 * 300);
        free(steps);
        history_file_free(file);
}

static void test_what_a_gap_hid_is_in_the_month_and_in_no_day(void **state)
{
        static struct quarter q;
        static struct log log;
        const int64_t day = T0 - 3600 + 86400;
        struct history_file *file;
        struct history_point *points;
        struct history_unit unit;
        struct history_step *steps;
        bool damaged;
        size_t n, n_steps;

        log.n = 0;
        assert_int_equal(history_file_new(path, &file, &damaged), 0);
        quarter_init(&q, &ops, &log);
        for (int64_t t = day; t < day + 43200; t += 600)
                quarter_feed(&q, &(struct quarter_sample){ .time = t,
                                                           .counters = { (t - day) / 60, NONE },
                                                           .interval = 600 });
        put_all(file, &log);
        for (int64_t t = day + 129600; t < day + 172800; t += 600)
                quarter_feed(&q, &(struct quarter_sample){ .time = t,
                                                           .counters = { (t - day) / 60, NONE },
                                                           .interval = 600 });
        put_all(file, &log);
        assert_int_equal(history_file_read(file, "M", day, day + 172800, &points, &n, &unit), 0);
        assert_int_equal(history_steps_new(day, day + 172800, HISTORY_DAY, 0, &steps, &n_steps), 0);
        history_sum(steps, n_steps, points, n, 0, NULL);
        assert_int_equal(n_steps, 2);
        assert_int_equal(steps[0].energy[QUARTER_IMPORT], 710);
        assert_int_equal(steps[1].energy[QUARTER_IMPORT], 705); /* the last quarter is still open */
        free(steps);
        assert_int_equal(history_steps_new(day, day + 172800, HISTORY_MONTH, 0, &steps, &n_steps),
                         0);
        history_sum(steps, n_steps, points, n, 0, NULL);
        assert_int_equal(steps[0].energy[QUARTER_IMPORT], 2865);
        free(steps);
        free(points);
        history_file_free(file);
}

/* Counters of a quarter each, of tariff 1, 2 and none; the middle one follows a gap. */
static struct cost_case {
        const char *name;
        uint8_t tariffs[3];
        bool has_price[2];
        uint8_t asked;
        bool has_cost;
        double cost;
        int64_t unpriced;
} cost_cases[] = {
        { "each tariff at its price", { 1, 2, 1 }, { true, true }, 0, true, 4 * 0.5 + 2 * 0.25, 0 },
        { "one tariff alone", { 1, 2, 1 }, { true, true }, 2, true, 2 * 0.25, 0 },
        { "a tariff without a price is told apart", { 1, 2, 1 }, { true }, 0, true, 2, 2000 },
        { "the only price holds for no tariff", { 0, 0, 0 }, { true }, 0, true, 3, 0 },
        { "of two prices none holds for no tariff",
          { 0, 0, 1 },
          { true, true },
          0,
          true,
          1.5,
          3000 },
        { "a second price alone is not for no tariff",
          { 0, 0, 0 },
          { false, true },
          0,
          false,
          0,
          6000 },
        { "a ninth tariff has no price", { 9, 9, 9 }, { true, true }, 0, false, 0, 6000 },
};

static void run_cost(void **state)
{
        const struct cost_case *c = *state;
        struct tariff_settings prices = { .price = { 0.5, 0.25 } };
        struct history_step step = { .from = T0, .to = T0 + 3600 };
        const int64_t counters[] = { 0, 1000, 3000, 6000 };
        struct history_point points[ELEMENTSOF(counters)];

        memcpy(prices.has_price, c->has_price, sizeof(c->has_price));
        assert_true(history_has_prices(&prices));
        for (size_t i = 0; i < ELEMENTSOF(points); i++)
                points[i] = (struct history_point){ .time = T0 + (int64_t)i * 900,
                                                    .counters = { counters[i], NONE },
                                                    .tariff = i ? c->tariffs[i - 1] : 0 };
        history_sum(&step, 1, points, ELEMENTSOF(points), c->asked, &prices);
        assert_int_equal(step.has_cost, c->has_cost);
        assert_true(step.cost > c->cost - 1e-9 && step.cost < c->cost + 1e-9);
        assert_int_equal(step.unpriced, c->unpriced);
}

static void test_edges_have_the_tariff_around_them(void **state)
{
        struct history_point list[] = {
                { .time = T0, .tariff = 1 },
                { .time = T0 + 100 }, /* the service ended, in a quarter of tariff 2 */
                { .time = T0 + 900, .tariff = 2 },
                { .time = T0 + 1000 }, /* a short gap, no quarter behind its first edge */
                { .time = T0 + 2000, .broken = QUARTER_GAP },
                { .time = T0 + 2700, .tariff = 2 },
                { .time = T0 + 2800 },
                { .time = T0 + 2700 + 7200, .broken = QUARTER_GAP }, /* too long */
                { .time = T0 + 2700 + 7300 },
                { .time = T0 + 2700 + 8100, .tariff = 1 },
                { .time = T0 + 2700 + 9000, .broken = QUARTER_GAP }, /* 1 before, 2 after */
                { .time = T0 + 2700 + 9900, .tariff = 2 },
        };
        static const uint8_t want[] = { 1, 2, 2, 2, 2, 2, 2, 0, 1, 1, 0, 2 };
        struct history_points points = { list, ELEMENTSOF(list), ELEMENTSOF(list) };

        history_points_fill_tariffs(&points);
        for (size_t i = 0; i < ELEMENTSOF(list); i++)
                assert_int_equal(list[i].tariff, want[i]);
}

static void test_nothing_has_a_price_by_itself(void **state)
{
        const struct tariff_settings settings = { .fallback = 1 };

        assert_false(history_has_prices(NULL));
        assert_false(history_has_prices(&settings));
}

static void test_last_counters_are_found_again(void **state)
{
        struct history_entry e = { .meter = "M",
                                   .unit = { "m³", -3 },
                                   .row = { .slot = 7, .counters = { 12345, NONE } } };
        struct history_file *file;
        struct history_unit unit;
        int64_t time, counters[QUARTER_N_COUNTERS];
        bool damaged;

        assert_int_equal(history_file_new(path, &file, &damaged), 0);
        assert_int_equal(history_file_last(file, "M", &time, counters, &unit), 0);
        assert_int_equal(history_file_put(file, &e, 1), 0);
        history_file_free(file);
        assert_int_equal(history_file_new(path, &file, &damaged), 0);
        assert_int_equal(history_file_last(file, "M", &time, counters, &unit), 1);
        assert_int_equal(time, 8 * 900);
        assert_int_equal(counters[QUARTER_IMPORT], 12345);
        assert_int_equal(counters[QUARTER_EXPORT], NONE);
        assert_string_equal(unit.unit, "m³");
        assert_int_equal(unit.exponent, -3);
        assert_int_equal(history_file_prune(file, 9 * 900), 0);
        assert_int_equal(history_file_last(file, "M", &time, counters, &unit), 0);
        history_file_free(file);
}

static void test_damaged_file_is_put_aside(void **state)
{
        struct history_file *file;
        bool damaged;
        FILE *f = fopen(path, "w");

        assert_non_null(f);
        for (int i = 0; i < 2000; i++)
                assert_true(fputs("no database", f) >= 0);
        assert_int_equal(fclose(f), 0);
        assert_int_equal(history_file_new(path, &file, &damaged), 0);
        assert_true(damaged);
        history_file_free(file);
}

static void test_steps_that_cannot_be(void **state)
{
        struct history_step *steps;
        enum history_calendar calendar;
        size_t n;

        assert_int_equal(history_steps_new(100, 100, HISTORY_FIXED, 900, &steps, &n), -EINVAL);
        assert_int_equal(history_steps_new(0, 900, HISTORY_FIXED, 0, &steps, &n), -EINVAL);
        assert_int_equal(history_steps_new(0, 900, HISTORY_FIXED, 61, &steps, &n), -EINVAL);
        assert_int_equal(history_steps_new(0, INT64_C(1) << 36, HISTORY_FIXED, 60, &steps, &n),
                         -E2BIG);
        assert_int_equal(history_calendar_parse("fortnight", &calendar), -EINVAL);
        assert_int_equal(history_calendar_parse("week", &calendar), 0);
        /* 2026-01-01 is a Thursday: its week began on 2025-12-29. */
        tzset();
        assert_int_equal(history_steps_new(T0, T0 + 86400, HISTORY_WEEK, 0, &steps, &n), 0);
        assert_int_equal(steps[0].from, T0 - 3600 - 3 * 86400);
        free(steps);
}

/* Days are of the zone: with half an hour more or less, or beginning at half an hour of UTC. */
static struct zone_case {
        const char *name, *zone;
        int64_t in_day; /* a moment of it */
        int64_t from, hours_x2;
} zone_cases[] = {
        { "23 hours", ":Europe/Zurich", 1774785600, 1774738800, 46 },
        { "25 hours", ":Europe/Zurich", 1792915200, 1792879200, 50 },
        { "24 and a half", ":Australia/Lord_Howe", 1775340000, 1775307600, 49 },
        { "23 and a half", ":Australia/Lord_Howe", 1791060000, 1791034200, 47 },
        { "from half past", ":Asia/Kolkata", 1774785600, 1774722600, 48 },
        { "from a quarter past", ":Asia/Kathmandu", 1774785600, 1774721700, 48 },
};

static void run_zone(void **state)
{
        const struct zone_case *c = *state;
        struct history_step *steps;
        size_t n;

        assert_int_equal(setenv("TZ", c->zone, 1), 0);
        tzset();
        assert_int_equal(history_steps_new(c->in_day, c->in_day + 1, HISTORY_DAY, 0, &steps, &n),
                         0);
        assert_int_equal(n, 1);
        assert_int_equal(steps[0].from, c->from);
        assert_int_equal(steps[0].to - steps[0].from, c->hours_x2 * 1800);
        free(steps);
        assert_int_equal(setenv("TZ", ":Europe/Zurich", 1), 0);
        tzset();
}

int main(void)
{
        struct CMUnitTest more[48] = {
                cmocka_unit_test_setup_teardown(test_year_has_days_of_23_and_25_hours, make_folder,
                                                remove_folder),
                cmocka_unit_test_setup_teardown(test_what_a_gap_hid_is_in_the_month_and_in_no_day,
                                                make_folder, remove_folder),
                cmocka_unit_test(test_edges_have_the_tariff_around_them),
                cmocka_unit_test(test_nothing_has_a_price_by_itself),
                cmocka_unit_test_setup_teardown(test_last_counters_are_found_again, make_folder,
                                                remove_folder),
                cmocka_unit_test_setup_teardown(test_damaged_file_is_put_aside, make_folder,
                                                remove_folder),
                cmocka_unit_test_setup_teardown(test_steps_that_cannot_be, make_folder,
                                                remove_folder),
        };
        size_t n = 0;

        while (more[n].name)
                n++;
        n = test_add_rows(more, n, zone_cases, ELEMENTSOF(zone_cases), sizeof(zone_cases[0]),
                          run_zone);
        n = test_add_rows(more, n, cost_cases, ELEMENTSOF(cost_cases), sizeof(cost_cases[0]),
                          run_cost);
        return test_run_rows_and("history", quarter_cases, ELEMENTSOF(quarter_cases),
                                 sizeof(quarter_cases[0]), run_quarter, more, n);
}
