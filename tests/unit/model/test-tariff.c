/* SPDX-License-Identifier: MIT */
/* Which tariff is active: by indicator, by register, by the clock; a row for every rule. */
#include "tests/unit/test.h"

#include <time.h>

#include "lib/model/tariff.h"
#include "lib/value/telegram.h"

#define SEC 1000000ull

/* ---- schedule: a zone of the test's own, CET and CEST of 2026 ---- */

#define SUMMER_BEGINS 1774746000 /* 2026-03-29 01:00 UTC */
#define SUMMER_ENDS   1792890000 /* 2026-10-25 01:00 UTC */

static struct datetime zone_to_local(int64_t epoch_s, void *userdata)
{
        int offset_min = epoch_s >= SUMMER_BEGINS && epoch_s < SUMMER_ENDS ? 120 : 60;
        time_t t = epoch_s + offset_min * 60;
        struct datetime d;
        struct tm tm;

        assert_non_null(gmtime_r(&t, &tm));
        d = datetime_of_fields(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
                               tm.tm_sec);
        d.has_offset = true;
        d.offset_min = (int16_t)offset_min;
        return d;
}

/* As mktime() does: a time in the gap lands after it, one that comes twice is its first. */
static int64_t zone_to_epoch(const struct datetime *local, void *userdata)
{
        struct datetime utc = *local;
        int64_t s;

        utc.has_offset = false;
        s = datetime_to_epoch(&utc);
        if (s - 7200 >= SUMMER_BEGINS && s - 7200 < SUMMER_ENDS)
                return s - 7200;
        return s - 3600;
}

static const struct tariff_zone zone = { zone_to_local, zone_to_epoch, NULL };

static struct schedule_case {
        const char *name;
        const char *slots[4];
        uint8_t fallback;
        int at[5]; /* UTC: year month day hour minute */
        uint8_t want;
        int want_next[5]; /* UTC; all zero: none */
} schedule_cases[] = {
        { "in a slot",
          { "1 Mon..Fri 07:00-20:00" },
          2,
          { 2026, 1, 5, 11, 0 },
          1,
          { 2026, 1, 5, 19, 0 } },
        { "before it",
          { "1 Mon..Fri 07:00-20:00" },
          2,
          { 2026, 1, 5, 5, 59 },
          2,
          { 2026, 1, 5, 6, 0 } },
        { "its first minute",
          { "1 Mon..Fri 07:00-20:00" },
          2,
          { 2026, 1, 5, 6, 0 },
          1,
          { 2026, 1, 5, 19, 0 } },
        { "its end is exclusive",
          { "1 Mon..Fri 07:00-20:00" },
          2,
          { 2026, 1, 5, 19, 0 },
          2,
          { 2026, 1, 6, 6, 0 } },
        { "over the weekend",
          { "1 Mon..Fri 07:00-20:00" },
          2,
          { 2026, 1, 9, 19, 0 },
          2,
          { 2026, 1, 12, 6, 0 } },
        { "past midnight, evening",
          { "2 22:00-06:00" },
          1,
          { 2026, 1, 5, 22, 30 },
          2,
          { 2026, 1, 6, 5, 0 } },
        { "past midnight, morning",
          { "2 22:00-06:00" },
          1,
          { 2026, 1, 5, 3, 0 },
          2,
          { 2026, 1, 5, 5, 0 } },
        { "the weekday is where the slot begins",
          { "2 Fri 22:00-06:00" },
          1,
          { 2026, 1, 10, 4, 59 },
          2,
          { 2026, 1, 10, 5, 0 } },
        { "and not where it ends",
          { "2 Fri 22:00-06:00" },
          1,
          { 2026, 1, 9, 4, 0 },
          1,
          { 2026, 1, 9, 21, 0 } },
        { "past the end of the year",
          { "2 *-12-31 22:00-06:00" },
          1,
          { 2026, 1, 1, 3, 0 },
          2,
          { 2026, 1, 1, 5, 0 } },
        { "past the end of February",
          { "2 2028-02-29 22:00-06:00" },
          1,
          { 2028, 3, 1, 3, 0 },
          2,
          { 2028, 3, 1, 5, 0 } },
        { "the later slot wins",
          { "1 Mon..Fri 07:00-20:00", "2 *-01-01" },
          2,
          { 2026, 1, 1, 11, 0 },
          2,
          { 2026, 1, 2, 6, 0 } },
        { "even inside the earlier one",
          { "1 Mon..Fri 07:00-20:00", "3 12:00-13:00" },
          2,
          { 2026, 1, 5, 11, 0 },
          3,
          { 2026, 1, 5, 12, 0 } },
        { "no slot and no default",
          { "1 Mon 07:00-20:00" },
          0,
          { 2026, 1, 6, 11, 0 },
          0,
          { 2026, 1, 12, 6, 0 } },
        { "two slots that touch make no switch",
          { "1 00:00-12:00", "1 12:00-24:00" },
          2,
          { 2026, 1, 6, 11, 0 },
          1,
          { 0 } },
        { "a date months ahead",
          { "2 *-08-01" },
          1,
          { 2026, 1, 6, 11, 0 },
          1,
          { 2026, 7, 31, 22, 0 } },
        { "summer time", { "1 07:00-20:00" }, 2, { 2026, 7, 6, 4, 59 }, 2, { 2026, 7, 6, 5, 0 } },
        { "a slot over the gap",
          { "1 01:00-04:00" },
          2,
          { 2026, 3, 29, 0, 30 },
          1,
          { 2026, 3, 29, 2, 0 } },
        { "a slot that begins in the gap",
          { "1 02:30-05:00" },
          2,
          { 2026, 3, 29, 0, 30 },
          2,
          { 2026, 3, 29, 1, 0 } },
        { "a slot that ends in the gap",
          { "1 01:00-02:30" },
          2,
          { 2026, 3, 29, 0, 30 },
          1,
          { 2026, 3, 29, 1, 0 } },
        { "the hour that comes twice, first",
          { "1 00:00-02:30" },
          2,
          { 2026, 10, 25, 0, 10 },
          1,
          { 2026, 10, 25, 0, 30 } },
        { "the hour that comes twice, second",
          { "1 00:00-02:30" },
          2,
          { 2026, 10, 25, 1, 10 },
          1,
          { 0 } },
};

static uint64_t usec_of(const int at[5])
{
        struct datetime d = datetime_of_fields(at[0], at[1], at[2], at[3], at[4], 0);

        return d.valid ? (uint64_t)datetime_to_epoch(&d) * SEC : 0;
}

static void run_schedule_case(void **state)
{
        const struct schedule_case *c = *state;
        struct tariff_settings settings = { .fallback = c->fallback };
        struct tariff tariff = { 0 };
        const char *fault = "";

        for (size_t i = 0; i < ELEMENTSOF(c->slots) && c->slots[i]; i++)
                assert_int_equal(tariff_slot_parse(&settings, c->slots[i], &fault), 0);
        tariff_configure(&tariff, &settings);
        assert_true(tariff_tick(&tariff, usec_of(c->at), &zone));
        assert_int_equal(tariff.active, c->want);
        assert_int_equal(tariff.source, TARIFF_SOURCE_SCHEDULE);
        if (c->want_next[0])
                assert_int_equal(tariff.next_usec, usec_of(c->want_next));
        assert_false(tariff_tick(&tariff, usec_of(c->at) + SEC, &zone));
}

static void test_tick_switches_at_next(void **state)
{
        struct tariff_settings settings = { .fallback = 2 };
        struct tariff tariff = { 0 };
        const char *fault = "";
        uint64_t at = usec_of((const int[]){ 2026, 1, 5, 5, 0 });

        assert_int_equal(tariff_slot_parse(&settings, "1 Mon..Fri 07:00-20:00", &fault), 0);
        tariff_configure(&tariff, &settings);
        assert_true(tariff_tick(&tariff, at, &zone));
        assert_int_equal(tariff.since_usec, at);
        at = tariff.next_usec;
        assert_false(tariff_tick(&tariff, at - 1, &zone));
        assert_true(tariff_tick(&tariff, at, &zone));
        assert_int_equal(tariff.active, 1);
        assert_int_equal(tariff.since_usec, at);
        assert_true(tariff.next_usec > at);
        /* Without slots the schedule has no word any more. */
        tariff_configure(&tariff, NULL);
        assert_int_equal(tariff.source, TARIFF_SOURCE_NONE);
        assert_int_equal(tariff.active, 0);
        assert_false(tariff_tick(&tariff, at, &zone));
}

/* ---- registers and indicators: up to six telegrams ---- */

struct step {
        uint64_t at_s;
        const char *indicator; /* NULL: none; "PTEC HP.." with a label */
        int64_t import[3];     /* 1.8.1 .. 1.8.3, 0: not sent */
        int64_t export[3];
        uint8_t want;
        enum tariff_source want_source;
};

static struct register_case {
        const char *name;
        struct step steps[6];
} register_cases[] = {
        { "the first telegram only teaches",
          { { 10, NULL, { 1000, 2000 }, { 300, 400 }, 0, TARIFF_SOURCE_NONE } } },
        { "the register that advanced",
          { { 10, NULL, { 1000, 2000 }, { 0 }, 0, TARIFF_SOURCE_NONE },
            { 20, NULL, { 1000, 2001 }, { 0 }, 2, TARIFF_SOURCE_REGISTER },
            { 30, NULL, { 1001, 2001 }, { 0 }, 1, TARIFF_SOURCE_REGISTER } } },
        { "no consumption changes nothing",
          { { 10, NULL, { 1000, 2000 }, { 0 }, 0, TARIFF_SOURCE_NONE },
            { 20, NULL, { 1000, 2000 }, { 0 }, 0, TARIFF_SOURCE_NONE },
            { 30, NULL, { 1001, 2000 }, { 0 }, 1, TARIFF_SOURCE_REGISTER },
            { 40, NULL, { 1001, 2000 }, { 0 }, 1, TARIFF_SOURCE_REGISTER } } },
        { "export while nothing is drawn",
          { { 10, NULL, { 1000, 2000 }, { 300, 400 }, 0, TARIFF_SOURCE_NONE },
            { 20, NULL, { 1000, 2000 }, { 300, 401 }, 2, TARIFF_SOURCE_REGISTER } } },
        { "import decides over export",
          { { 10, NULL, { 1000, 2000 }, { 300, 400 }, 0, TARIFF_SOURCE_NONE },
            { 20, NULL, { 1001, 2000 }, { 300, 401 }, 1, TARIFF_SOURCE_REGISTER } } },
        { "both advanced within the hour: switched to the other",
          { { 10, NULL, { 1000, 2000 }, { 0 }, 0, TARIFF_SOURCE_NONE },
            { 20, NULL, { 1001, 2000 }, { 0 }, 1, TARIFF_SOURCE_REGISTER },
            { 920, NULL, { 1002, 2001 }, { 0 }, 2, TARIFF_SOURCE_REGISTER } } },
        { "both advanced in a long gap: the next one tells",
          { { 10, NULL, { 1000, 2000 }, { 0 }, 0, TARIFF_SOURCE_NONE },
            { 20, NULL, { 1001, 2000 }, { 0 }, 1, TARIFF_SOURCE_REGISTER },
            { 90000, NULL, { 1500, 2500 }, { 0 }, 1, TARIFF_SOURCE_REGISTER },
            { 90010, NULL, { 1500, 2501 }, { 0 }, 2, TARIFF_SOURCE_REGISTER } } },
        { "both advanced and none known: not known",
          { { 10, NULL, { 1000, 2000 }, { 0 }, 0, TARIFF_SOURCE_NONE },
            { 20, NULL, { 1001, 2001 }, { 0 }, 0, TARIFF_SOURCE_NONE },
            { 30, NULL, { 1001, 2002 }, { 0 }, 2, TARIFF_SOURCE_REGISTER } } },
        { "three advanced: as it was",
          { { 10, NULL, { 1000, 2000, 3000 }, { 0 }, 0, TARIFF_SOURCE_NONE },
            { 20, NULL, { 1001, 2000, 3000 }, { 0 }, 1, TARIFF_SOURCE_REGISTER },
            { 30, NULL, { 1002, 2001, 3001 }, { 0 }, 1, TARIFF_SOURCE_REGISTER } } },
        { "a list without registers between",
          { { 10, NULL, { 1000, 2000 }, { 0 }, 0, TARIFF_SOURCE_NONE },
            { 20, NULL, { 0 }, { 0 }, 0, TARIFF_SOURCE_NONE },
            { 30, NULL, { 1000, 2001 }, { 0 }, 2, TARIFF_SOURCE_REGISTER } } },
        { "an exchanged meter that shows less is not an advance",
          { { 10, NULL, { 1000, 2000 }, { 0 }, 0, TARIFF_SOURCE_NONE },
            { 20, NULL, { 1000, 2001 }, { 0 }, 2, TARIFF_SOURCE_REGISTER },
            { 30, NULL, { 5, 7 }, { 0 }, 2, TARIFF_SOURCE_REGISTER },
            { 40, NULL, { 6, 7 }, { 0 }, 1, TARIFF_SOURCE_REGISTER } } },
        { "indicator 0002", { { 10, "0002", { 0 }, { 0 }, 2, TARIFF_SOURCE_INDICATOR } } },
        { "indicator T2", { { 10, "T2", { 0 }, { 0 }, 2, TARIFF_SOURCE_INDICATOR } } },
        { "indicator RATE2", { { 10, "RATE2", { 0 }, { 0 }, 2, TARIFF_SOURCE_INDICATOR } } },
        { "indicator with a blank behind",
          { { 10, "T4 ", { 0 }, { 0 }, 4, TARIFF_SOURCE_INDICATOR } } },
        { "indicator 0 tells nothing", { { 10, "0000", { 0 }, { 0 }, 0, TARIFF_SOURCE_NONE } } },
        { "indicator 9 tells nothing", { { 10, "9", { 0 }, { 0 }, 0, TARIFF_SOURCE_NONE } } },
        { "indicator in words tells nothing",
          { { 10, "peak", { 0 }, { 0 }, 0, TARIFF_SOURCE_NONE } } },
        { "indicator of many digits", { { 10, "99999999999999999992", { 0 }, { 0 }, 0, 0 } } },
        { "another text of TIC tells nothing",
          { { 10, "ISOUSC 45", { 0 }, { 0 }, 0, TARIFF_SOURCE_NONE } } },
        { "the indicator is believed over registers",
          { { 10, "0001", { 1000, 2000 }, { 0 }, 1, TARIFF_SOURCE_INDICATOR },
            { 20, "0001", { 1000, 2001 }, { 0 }, 1, TARIFF_SOURCE_INDICATOR },
            { 30, NULL, { 1000, 2002 }, { 0 }, 1, TARIFF_SOURCE_INDICATOR },
            { 40, "0002", { 1000, 2002 }, { 0 }, 2, TARIFF_SOURCE_INDICATOR } } },
        { "the indicator takes over from a register",
          { { 10, NULL, { 1000, 2000 }, { 0 }, 0, TARIFF_SOURCE_NONE },
            { 20, NULL, { 1001, 2000 }, { 0 }, 1, TARIFF_SOURCE_REGISTER },
            { 30, "0001", { 1001, 2000 }, { 0 }, 1, TARIFF_SOURCE_INDICATOR } } },
};

static void build(struct telegram *t, const struct step *s)
{
        static const struct obis indicator = { 0, 0, 96, 14, 0, 255 };
        const char *blank = s->indicator ? strchr(s->indicator, ' ') : NULL;

        telegram_reset(t, "hdlc");
        if (blank && blank[1]) {
                char label[10] = "";

                memcpy(label, s->indicator, (size_t)(blank - s->indicator));
                telegram_add_labelled(t, label, slice_of_string(blank + 1));
        } else if (s->indicator) {
                telegram_add_text(t, indicator, slice_of_string(s->indicator));
        }
        for (uint8_t e = 0; e < 3; e++) {
                struct obis import = { 1, 1, 1, 8, (uint8_t)(e + 1), 255 };
                struct obis export = { 1, 1, 2, 8, (uint8_t)(e + 1), 255 };

                if (s->import[e])
                        telegram_add_reading(t, import, (struct decimal){ s->import[e], 0 },
                                             UNIT_WH, SCALE_WIRE);
                if (s->export[e])
                        telegram_add_reading(t, export, (struct decimal){ s->export[e], 0 },
                                             UNIT_WH, SCALE_WIRE);
        }
}

static bool play(struct tariff *tariff, const struct step *s, const struct tariff_zone *z)
{
        static struct telegram t;
        const struct reading *accepted[TELEGRAM_READINGS_MAX];

        build(&t, s);
        for (size_t i = 0; i < t.n_readings; i++)
                accepted[i] = &t.readings[i];
        return tariff_update(tariff, &t, accepted, t.n_readings, s->at_s * SEC, z);
}

static void run_register_case(void **state)
{
        const struct register_case *c = *state;
        struct tariff tariff = { 0 };

        for (size_t i = 0; i < ELEMENTSOF(c->steps) && c->steps[i].at_s; i++) {
                const struct step *s = &c->steps[i];
                struct tariff before = tariff;
                bool changed = play(&tariff, s, NULL);

                assert_int_equal(tariff.active, s->want);
                assert_int_equal(tariff.source, s->want_source);
                assert_int_equal(changed,
                                 before.active != s->want || before.source != s->want_source);
                if (before.active != s->want)
                        assert_int_equal(tariff.since_usec, s->at_s * SEC);
        }
}

static void test_numeric_indicator(void **state)
{
        static struct telegram t;
        struct tariff tariff = { 0 };

        telegram_reset(&t, "hdlc");
        telegram_add_reading(&t, (struct obis){ 0, 0, 96, 14, 0, 255 }, (struct decimal){ 3, 0 },
                             UNIT_UNSAID, SCALE_WIRE);
        assert_true(tariff_update(&tariff, &t, NULL, 0, SEC, NULL));
        assert_int_equal(tariff.active, 3);
}

static void test_registers_take_over_from_the_schedule(void **state)
{
        static const struct step first = { 1767610800, NULL, { 1000, 2000 }, { 0 }, 0, 0 };
        static const struct step second = { 1767610810, NULL, { 1000, 2001 }, { 0 }, 0, 0 };
        struct tariff_settings settings = { .fallback = 1, .label = { "HP", "HC" } };
        struct tariff tariff = { 0 };
        const char *fault = "";

        assert_int_equal(tariff_slot_parse(&settings, "1 00:00-24:00", &fault), 0);
        tariff_configure(&tariff, &settings);
        assert_string_equal(tariff_label(&tariff), "");
        assert_true(play(&tariff, &first, &zone));
        assert_int_equal(tariff.source, TARIFF_SOURCE_SCHEDULE);
        assert_string_equal(tariff_label(&tariff), "HP");
        assert_true(play(&tariff, &second, &zone));
        assert_int_equal(tariff.source, TARIFF_SOURCE_REGISTER);
        assert_string_equal(tariff_label(&tariff), "HC");
        settings.label[1][0] = '\0';
        assert_string_equal(tariff_label(&tariff), "2");
        assert_false(tariff_tick(&tariff, 1767610820 * SEC, &zone));
        assert_int_equal(tariff.active, 2);
}

static void test_source_names(void **state)
{
        assert_string_equal(tariff_source_name(TARIFF_SOURCE_NONE), "none");
        assert_string_equal(tariff_source_name(TARIFF_SOURCE_INDICATOR), "indicator");
        assert_string_equal(tariff_source_name(TARIFF_SOURCE_REGISTER), "register");
        assert_string_equal(tariff_source_name(TARIFF_SOURCE_SCHEDULE), "schedule");
}

int main(void)
{
        static struct CMUnitTest more[128] = {
                cmocka_unit_test(test_tick_switches_at_next),
                cmocka_unit_test(test_numeric_indicator),
                cmocka_unit_test(test_registers_take_over_from_the_schedule),
                cmocka_unit_test(test_source_names),
        };
        size_t n_more = 4;

        for (size_t i = 0; i < ELEMENTSOF(register_cases); i++)
                more[n_more++] = (struct CMUnitTest){ register_cases[i].name, run_register_case,
                                                      NULL, NULL, &register_cases[i] };
        return test_run_rows_and("tariff", schedule_cases, ELEMENTSOF(schedule_cases),
                                 sizeof(schedule_cases[0]), run_schedule_case, more, n_more);
}
