/* SPDX-License-Identifier: MIT */
/* A meter's local time on the host's time line, summer time switches included. */
#include "tests/unit/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/meters/zone.h"

#define WINTER DATETIME_DST_WINTER
#define SUMMER DATETIME_DST_SUMMER

static struct resolve_case {
        const char *name;
        struct datetime time;
        int64_t host_s, want_s;
} resolve_cases[] = {
        { "no time", { 0 }, 1000, 0 },
        { "with an offset the zone does not matter",
          { .valid = true,
            .has_offset = true,
            .offset_min = 120,
            .year = 2026,
            .month = 1,
            .day = 5,
            .hour = 12 },
          0,
          1767607200 },
        { "winter",
          { .valid = true, .year = 2026, .month = 1, .day = 5, .hour = 12 },
          0,
          1767610800 },
        { "summer",
          { .valid = true, .year = 2026, .month = 7, .day = 5, .hour = 12 },
          0,
          1783245600 },
        /* 25 October 2026: 03:00 CEST becomes 02:00 CET at 01:00 UTC, 1792890000 */
        { "the doubled hour, marked summer",
          { .valid = true,
            .year = 2026,
            .month = 10,
            .day = 25,
            .hour = 2,
            .minute = 30,
            .dst = SUMMER },
          1792891800,
          1792888200 },
        { "the doubled hour, marked winter",
          { .valid = true,
            .year = 2026,
            .month = 10,
            .day = 25,
            .hour = 2,
            .minute = 30,
            .dst = WINTER },
          1792888200,
          1792891800 },
        { "the doubled hour, the host is in summer",
          { .valid = true, .year = 2026, .month = 10, .day = 25, .hour = 2, .minute = 30 },
          1792888205,
          1792888200 },
        { "the doubled hour, the host is in winter",
          { .valid = true, .year = 2026, .month = 10, .day = 25, .hour = 2, .minute = 30 },
          1792891805,
          1792891800 },
        { "a mark that is wrong does not move the clock",
          { .valid = true, .year = 2026, .month = 7, .day = 5, .hour = 12, .dst = WINTER },
          0,
          1783245600 },
        { "W of P1 is the zone's standard time, also in summer",
          { .valid = true,
            .has_offset = true,
            .offset_of_mark = true,
            .offset_min = 120,
            .year = 2026,
            .month = 7,
            .day = 5,
            .hour = 12,
            .dst = WINTER },
          0,
          1783249200 },
        { "S of P1 is its summer time",
          { .valid = true,
            .has_offset = true,
            .offset_of_mark = true,
            .offset_min = 180,
            .year = 2026,
            .month = 7,
            .day = 5,
            .hour = 12,
            .dst = SUMMER },
          0,
          1783245600 },
        { "winter after 2038",
          { .valid = true, .year = 2045, .month = 1, .day = 5, .hour = 12 },
          0,
          2367226800 },
        { "summer after 2038",
          { .valid = true, .year = 2045, .month = 7, .day = 5, .hour = 12 },
          0,
          2382861600 },
};

static void run_resolve(void **state)
{
        const struct resolve_case *c = *state;

        assert_int_equal(zone_set("Europe/Zurich"), 0);
        assert_int_equal(zone_resolve(&c->time, (uint64_t)c->host_s * 1000000),
                         c->want_s * 1000000);
}

static void unknown_zone_is_refused(void **state)
{
        assert_int_equal(zone_set("Europe/Zurich"), 0);
        assert_int_equal(zone_set("Europe/Nowhere"), -EINVAL);
        assert_int_equal(zone_set("../../etc/passwd"), -EINVAL);
        assert_int_equal(zone_set("/etc/localtime"), -EINVAL);
        /* and the one before still holds */
        assert_int_equal(zone_get()->to_local(1783245600, NULL).hour, 12);
}

static void zone_has_its_name(void **state)
{
        assert_int_equal(zone_set("Asia/Kathmandu"), 0);
        assert_string_equal(zone_name(), "Asia/Kathmandu");
        assert_int_equal(setenv("TZ", "CET-1CEST", 1), 0); /* rules, and no name */
        assert_string_equal(zone_name(), "");
        assert_int_equal(setenv("TZ", "Europe/Zurich", 1), 0);
        assert_string_equal(zone_name(), "Europe/Zurich");
        assert_int_equal(zone_set(NULL), 0);
        /* The machine's: a file of the database, or nothing. */
        if (*zone_name()) {
                char path[200];

                (void)snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", zone_name());
                assert_int_equal(access(path, R_OK), 0);
        }
}

/* Other threads look through the environment meanwhile, without a lock. */
static void environment_keeps_its_place(void **state)
{
        static const char *const zones[] = { NULL, "Europe/Zurich", "UTC", NULL };
        char **begin;
        size_t n = 0;

        assert_int_equal(zone_set(NULL), 0); /* before there are any */
        begin = environ;
        while (environ[n])
                n++;
        for (size_t i = 0; i < ELEMENTSOF(zones); i++) {
                assert_int_equal(zone_set(zones[i]), 0);
                assert_ptr_equal(environ, begin);
                assert_non_null(environ[n - 1]);
                assert_null(environ[n]);
        }
}

/* libc looks at the machine's file only when TZ has changed, and the file may have by then. */
static void machine_may_be_moved(void **state)
{
        const struct datetime noon = {
                .valid = true, .year = 2026, .month = 7, .day = 1, .hour = 12
        };
        struct datetime later = noon;
        char before[64];

        later.day++;
        assert_int_equal(zone_set(NULL), 0);
        (void)zone_resolve(&noon, 0);
        (void)snprintf(before, sizeof(before), "%s", getenv("TZ"));
        (void)zone_resolve(&noon, 0); /* of the same quarter */
        assert_string_equal(getenv("TZ"), before);
        (void)zone_resolve(&later, 0);
        assert_string_not_equal(getenv("TZ"), before);
        if (*zone_name()) {
                char path[200];

                (void)snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", zone_name());
                assert_int_equal(access(path, R_OK), 0);
        }
}

static void local_time_has_its_offset(void **state)
{
        struct datetime t;

        assert_int_equal(zone_set("Europe/Zurich"), 0);
        t = zone_get()->to_local(1767610800, NULL);
        assert_int_equal(t.hour, 12);
        assert_int_equal(t.offset_min, 60);
        assert_int_equal(t.dst, WINTER);
        assert_int_equal(zone_get()->to_epoch(&t, NULL), 1767610800);
}

/* What was found for one quarter of an hour must not be taken for the next. */
static void clock_change_is_seen_at_its_second(void **state)
{
        const int64_t change = 1774746000; /* 2026-03-29 01:00 UTC: summer time begins */
        struct datetime before, after;

        assert_int_equal(zone_set("Europe/Zurich"), 0);
        for (int turn = 0; turn < 2; turn++) {
                before = zone_get()->to_local(change - 1, NULL);
                after = zone_get()->to_local(change, NULL);
                assert_int_equal(before.hour, 1);
                assert_int_equal(before.offset_min, 60);
                assert_int_equal(after.hour, 3);
                assert_int_equal(after.offset_min, 120);
                before.has_offset = after.has_offset = false;
                assert_int_equal(zone_get()->to_epoch(&before, NULL), change - 1);
                assert_int_equal(zone_get()->to_epoch(&after, NULL), change);
        }
        assert_int_equal(zone_set("UTC"), 0);
        assert_int_equal(zone_get()->to_local(change, NULL).hour, 1);
}

int main(void)
{
        static struct CMUnitTest tests[TEST_ROWS_MAX] = {
                cmocka_unit_test(unknown_zone_is_refused),
                cmocka_unit_test(zone_has_its_name),
                cmocka_unit_test(environment_keeps_its_place),
                cmocka_unit_test(machine_may_be_moved),
                cmocka_unit_test(local_time_has_its_offset),
                cmocka_unit_test(clock_change_is_seen_at_its_second),
        };
        size_t n = 4;

        n = test_add_rows(tests, n, resolve_cases, ELEMENTSOF(resolve_cases),
                          sizeof(resolve_cases[0]), run_resolve);
        return _cmocka_run_group_tests("zone", tests, n, NULL, NULL);
}
