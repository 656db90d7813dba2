/* SPDX-License-Identifier: MIT */
/* Whether counters may be what they say: every rule of docs/design.md §4 is a row. */
#include "meter-fixture.h"

#include "lib/model/plausibility.h"

struct sample {
        uint64_t at_s; /* 0: no more */
        struct decimal value;
        bool want_accepted;
        struct decimal want_shown;
};

static struct plausibility_case {
        const char *name;
        const char *code;
        int64_t max_power_w; /* of the configuration; 0: the default of 1 MW */
        struct sample samples[7];
} plausibility_cases[] = {
        { "rises as the power allows",
          "1.8.0",
          10000,
          { { 10, { 100000, 0 }, true, { 100000, 0 } },
            { 20, { 100027, 0 }, true, { 100027, 0 } } } },
        { "the first value is believed",
          "1.8.0",
          10000,
          { { 10, { 999999999, 0 }, true, { 999999999, 0 } } } },
        { "falls",
          "1.8.0",
          10000,
          { { 10, { 100000, 0 }, true, { 100000, 0 } },
            { 20, { 99999, 0 }, false, { 100000, 0 } },
            { 30, { 100001, 0 }, true, { 100001, 0 } } } },
        { "falls to zero",
          "1.8.0",
          10000,
          { { 10, { 123456, 0 }, true, { 123456, 0 } },
            { 20, { 0, 0 }, false, { 123456, 0 } },
            { 30, { 123457, 0 }, true, { 123457, 0 } } } },
        { "rises too fast",
          "1.8.0",
          10000,
          { { 10, { 100001, 0 }, true, { 100001, 0 } },
            { 20, { 100031, 0 }, false, { 100001, 0 } },
            { 30, { 100029, 0 }, true, { 100029, 0 } } } },
        { "ten times as much, by the default power",
          "1.8.0",
          0,
          { { 10, { 100000, 0 }, true, { 100000, 0 } },
            { 20, { 1000000, 0 }, false, { 100000, 0 } } } },
        { "a CT meter at 250 kW, by the default power",
          "1.8.0",
          0,
          { { 10, { 100000, 0 }, true, { 100000, 0 } },
            { 20, { 100695, 0 }, true, { 100695, 0 } } } },
        { "time since the last accepted value counts",
          "1.8.0",
          10000,
          { { 10, { 100001, 0 }, true, { 100001, 0 } },
            { 3610, { 110001, 0 }, true, { 110001, 0 } } } },
        { "also while suspects come",
          "1.8.0",
          10000,
          { { 10, { 100001, 0 }, true, { 100001, 0 } },
            { 20, { 200003, 0 }, false, { 100001, 0 } },
            { 3610, { 110001, 0 }, true, { 110001, 0 } } } },
        { "a step of 10 Wh at once",
          "1.8.0",
          10000,
          { { 10, { 10000, 1 }, true, { 10000, 1 } }, { 11, { 10001, 1 }, true, { 10001, 1 } } } },
        { "two steps of 10 Wh at once",
          "1.8.0",
          10000,
          { { 10, { 10000, 1 }, true, { 10000, 1 } }, { 11, { 10002, 1 }, false, { 10000, 1 } } } },
        { "a step of 1 kWh, sent in tenths of Wh",
          "1.8.0",
          10000,
          { { 10, { 123450000, -1 }, true, { 123450000, -1 } },
            { 11, { 123460000, -1 }, true, { 123460000, -1 } } } },
        { "two steps of 1 kWh at once",
          "1.8.0",
          10000,
          { { 10, { 123450000, -1 }, true, { 123450000, -1 } },
            { 11, { 123470000, -1 }, false, { 123450000, -1 } } } },
        { "the same value again and again",
          "1.8.0",
          10000,
          { { 10, { 100000, 0 }, true, { 100000, 0 } },
            { 20, { 100000, 0 }, true, { 100000, 0 } },
            { 30, { 100000, 0 }, true, { 100000, 0 } },
            { 40, { 100000, 0 }, true, { 100000, 0 } } } },
        { "three consistent: an exchanged meter",
          "1.8.0",
          10000,
          { { 10, { 900000, 0 }, true, { 900000, 0 } },
            { 20, { 17, 0 }, false, { 900000, 0 } },
            { 30, { 18, 0 }, false, { 900000, 0 } },
            { 40, { 19, 0 }, true, { 19, 0 } },
            { 50, { 20, 0 }, true, { 20, 0 } } } },
        { "three consistent, without consumption",
          "1.8.0",
          10000,
          { { 10, { 900000, 0 }, true, { 900000, 0 } },
            { 20, { 17, 0 }, false, { 900000, 0 } },
            { 30, { 17, 0 }, false, { 900000, 0 } },
            { 40, { 17, 0 }, true, { 17, 0 } } } },
        { "three consistent and higher",
          "1.8.0",
          10000,
          { { 10, { 100, 0 }, true, { 100, 0 } },
            { 20, { 5000001, 0 }, false, { 100, 0 } },
            { 30, { 5000002, 0 }, false, { 100, 0 } },
            { 40, { 5000003, 0 }, true, { 5000003, 0 } } } },
        { "suspects that contradict each other",
          "1.8.0",
          10000,
          { { 10, { 900001, 0 }, true, { 900001, 0 } },
            { 20, { 17, 0 }, false, { 900001, 0 } },
            { 30, { 5000001, 0 }, false, { 900001, 0 } },
            { 40, { 18, 0 }, false, { 900001, 0 } },
            { 50, { 5000003, 0 }, false, { 900001, 0 } },
            { 60, { 19, 0 }, false, { 900001, 0 } },
            { 70, { 900002, 0 }, true, { 900002, 0 } } } },
        { "a good value between ends the row",
          "1.8.0",
          10000,
          { { 10, { 900001, 0 }, true, { 900001, 0 } },
            { 20, { 17, 0 }, false, { 900001, 0 } },
            { 30, { 17, 0 }, false, { 900001, 0 } },
            { 40, { 900002, 0 }, true, { 900002, 0 } },
            { 50, { 17, 0 }, false, { 900002, 0 } },
            { 60, { 17, 0 }, false, { 900002, 0 } } } },
        { "a fall with two good values between is a glitch each time",
          "1.8.0",
          10000,
          { { 10, { 900001, 0 }, true, { 900001, 0 } },
            { 20, { 0, 0 }, false, { 900001, 0 } },
            { 30, { 900001, 0 }, true, { 900001, 0 } },
            { 40, { 0, 0 }, false, { 900001, 0 } },
            { 50, { 900001, 0 }, true, { 900001, 0 } },
            { 60, { 0, 0 }, false, { 900001, 0 } } } },
        { "the short list is coarser",
          "1.8.0",
          10000,
          { { 10, { 12345678, -1 }, true, { 12345678, -1 } },
            { 20, { 123456, 1 }, true, { 12345678, -1 } },
            { 30, { 12345688, -1 }, true, { 12345688, -1 } } } },
        { "a coarser value that really falls",
          "1.8.0",
          10000,
          { { 10, { 12345678, -1 }, true, { 12345678, -1 } },
            { 20, { 123455, 1 }, false, { 12345678, -1 } } } },
        { "cut to kWh when the PIN is forgotten",
          "1.8.0",
          10000,
          { { 10, { 123456789, -1 }, true, { 123456789, -1 } },
            { 20, { 123450000, -1 }, true, { 123456789, -1 } },
            { 500, { 123460000, -1 }, true, { 123460000, -1 } } } },
        { "export register",
          "2.8.0",
          10000,
          { { 10, { 500, 0 }, true, { 500, 0 } }, { 20, { 499, 0 }, false, { 500, 0 } } } },
        { "tariff register",
          "1.8.2",
          10000,
          { { 10, { 500, 0 }, true, { 500, 0 } }, { 20, { 499, 0 }, false, { 500, 0 } } } },
        { "reactive register",
          "3.8.0",
          10000,
          { { 10, { 500, 0 }, true, { 500, 0 } }, { 20, { 499, 0 }, false, { 500, 0 } } } },
        { "net energy may fall",
          "16.8.0",
          10000,
          { { 10, { 500, 0 }, true, { 500, 0 } }, { 20, { 499, 0 }, true, { 499, 0 } } } },
        { "power may do what it likes",
          "1.7.0",
          10000,
          { { 10, { 500, 0 }, true, { 500, 0 } },
            { 20, { 90000, 0 }, true, { 90000, 0 } },
            { 30, { 0, 0 }, true, { 0, 0 } } } },
        { "the past billing period may be replaced",
          "1-0:1.8.0*1",
          10000,
          { { 10, { 500, 0 }, true, { 500, 0 } }, { 20, { 499, 0 }, true, { 499, 0 } } } },
        { "an unknown code is not assessed",
          "1-0:1.29.0",
          10000,
          { { 10, { 500, 0 }, true, { 500, 0 } }, { 20, { 499, 0 }, true, { 499, 0 } } } },
};

static void run_plausibility_case(void **state)
{
        const struct plausibility_case *c = *state;
        struct meter_settings settings = { .max_power_w = c->max_power_w };
        struct meter *m = new_meter();
        uint64_t suspects = 0;

        meter_configure(m, &settings);
        for (size_t i = 0; i < ELEMENTSOF(c->samples) && c->samples[i].at_s; i++) {
                const struct sample *s = &c->samples[i];
                struct meter_update update;

                begin();
                add(c->code, s->value.mantissa, s->value.exponent);
                update = take(m, s->at_s);
                suspects += !s->want_accepted;
                assert_int_equal(update.n_values, s->want_accepted);
                assert_int_equal(update.n_suspects, !s->want_accepted);
                assert_int_equal(m->values[0].reading.value.mantissa, s->want_shown.mantissa);
                assert_int_equal(m->values[0].reading.value.exponent, s->want_shown.exponent);
                assert_int_equal(m->values[0].flags & METER_VALUE_SUSPECT,
                                 s->want_accepted ? 0 : METER_VALUE_SUSPECT);
                if (s->want_accepted)
                        assert_int_equal(m->values[0].host_usec, WALL + s->at_s * SEC);
        }
        assert_int_equal(m->statistics.suspects, suspects);
        meter_free(m);
}

static void test_volume_falls_but_has_no_speed(void **state)
{
        assert_int_equal(plausibility_assess((struct decimal){ 1500, -3 },
                                             (struct decimal){ 999999999, -3 }, 1000, 0),
                         PLAUSIBILITY_OK);
        assert_int_equal(plausibility_assess((struct decimal){ 1500, 0 },
                                             (struct decimal){ 1000, 0 }, 1000, 0),
                         PLAUSIBILITY_FALLS);
}

static void test_long_absence_allows_everything_that_rises(void **state)
{
        assert_int_equal(plausibility_assess((struct decimal){ 1, 0 },
                                             (struct decimal){ INT64_MAX, 0 }, UINT64_MAX, 10000),
                         PLAUSIBILITY_OK);
        assert_int_equal(plausibility_assess((struct decimal){ 1, 0 }, (struct decimal){ 2, 0 },
                                             INT64_MAX, 10000),
                         PLAUSIBILITY_OK);
}

/* Telegrams that were stored up come at once: the meter's own clock shows their distance. */
static void test_the_clock_of_the_meter_counts(void **state)
{
        struct meter_settings settings = { .max_power_w = 10000 };
        struct meter *m = new_meter();
        struct meter_update update;

        meter_configure(m, &settings);
        for (int64_t hour = 0; hour < 3; hour++) {
                begin();
                add("1.8.0", 100001 + hour * 9999, 0);
                assert_int_equal(meter_update(m, &telegram, WALL, 1000 * SEC + (uint64_t)hour,
                                              (int64_t)WALL + hour * 3600 * (int64_t)SEC, NULL,
                                              &update),
                                 0);
                assert_int_equal(update.n_values, 1);
        }
        begin();
        add("1.8.0", 999999, 0);
        assert_int_equal(take(m, 10).n_suspects, 1);
        meter_free(m);
}

static void test_numbers_too_far_apart_are_too_fast(void **state)
{
        assert_int_equal(plausibility_assess((struct decimal){ 1, -13 },
                                             (struct decimal){ INT64_MAX, 0 }, 1000, 10000),
                         PLAUSIBILITY_TOO_FAST);
}

int main(void)
{
        const struct CMUnitTest more[] = {
                cmocka_unit_test(test_volume_falls_but_has_no_speed),
                cmocka_unit_test(test_long_absence_allows_everything_that_rises),
                cmocka_unit_test(test_the_clock_of_the_meter_counts),
                cmocka_unit_test(test_numbers_too_far_apart_are_too_fast),
        };

        return test_run_rows_and("plausibility", plausibility_cases, ELEMENTSOF(plausibility_cases),
                                 sizeof(plausibility_cases[0]), run_plausibility_case, more,
                                 ELEMENTSOF(more));
}
