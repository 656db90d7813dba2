/* SPDX-License-Identifier: MIT */
/* Silence: no byte in max(3 × interval, 15 s) → reopen → reset → silent. */
#include "tests/unit/test.h"

#include "daemon/converter/silence.h"

#define S     UINT64_C(1000000)
#define START (1000 * S)

struct step {
        uint64_t after_s; /* since the last byte, or since the step before */
        enum silence_step want;
};

/* Bytes came at START; from then on there is nothing. */
static struct silence_case {
        const char *name;
        uint64_t interval_s;
        uint64_t reset_before_s; /* so long before START was a USB reset; 0: never */
        bool may_reset;
        struct step steps[6];
} cases[] = {
        { "15 s at least", 2, 0, false, { { 14, SILENCE_NOTHING }, { 1, SILENCE_REOPEN } } },
        { "60 s when no interval is known",
          0,
          0,
          false,
          { { 59, SILENCE_NOTHING }, { 1, SILENCE_REOPEN } } },
        { "20 s make 60 s", 20, 0, false, { { 59, SILENCE_NOTHING }, { 1, SILENCE_REOPEN } } },
        { "three intervals of 15 min",
          900,
          0,
          false,
          { { 60, SILENCE_NOTHING }, { 2639, SILENCE_NOTHING }, { 1, SILENCE_REOPEN } } },
        { "an hour's push is waited for",
          3600,
          0,
          false,
          { { 10799, SILENCE_NOTHING }, { 1, SILENCE_REOPEN } } },
        { "a pause of a day is no interval: 6 h at most",
          86400,
          0,
          false,
          { { 21599, SILENCE_NOTHING }, { 1, SILENCE_REOPEN } } },
        { "without UsbReset= it is never reset",
          20,
          0,
          false,
          { { 60, SILENCE_REOPEN }, { 59, SILENCE_NOTHING }, { 1, SILENCE_SILENT } } },
        { "with UsbReset= after reopening",
          20,
          0,
          true,
          { { 60, SILENCE_REOPEN },
            { 59, SILENCE_NOTHING },
            { 1, SILENCE_USB_RESET },
            { 59, SILENCE_NOTHING },
            { 1, SILENCE_SILENT } } },
        { "reset at most once in ten minutes",
          20,
          479,
          true,
          { { 60, SILENCE_REOPEN }, { 60, SILENCE_SILENT } } },
        { "again after ten minutes",
          20,
          480,
          true,
          { { 60, SILENCE_REOPEN }, { 60, SILENCE_USB_RESET } } },
        { "silent stays silent",
          20,
          0,
          false,
          { { 60, SILENCE_REOPEN },
            { 60, SILENCE_SILENT },
            { 60, SILENCE_NOTHING },
            { 86400, SILENCE_NOTHING } } },
};

static void test_steps(void **state)
{
        const struct silence_case *c = *state;
        struct silence silence = { 0 };
        uint64_t now = START;

        silence_ended(&silence, c->interval_s * S);
        if (c->reset_before_s > 0)
                silence.reset_usec = START - c->reset_before_s * S;
        for (size_t i = 0; i < ELEMENTSOF(c->steps) && c->steps[i].after_s > 0; i++) {
                uint64_t deadline = silence_deadline(&silence, START);

                now += c->steps[i].after_s * S;
                /* the timer is set by the deadline: both have to agree */
                assert_int_equal(now >= deadline, c->steps[i].want != SILENCE_NOTHING);
                assert_int_equal(silence_next(&silence, now, START, c->may_reset),
                                 c->steps[i].want);
        }
}

static void test_bytes_end_it_and_their_pause_is_no_interval(void **state)
{
        struct silence silence = { 0 };

        silence_ended(&silence, 20 * S);
        assert_int_equal(silence_next(&silence, START + 60 * S, START, false), SILENCE_REOPEN);
        silence_ended(&silence, 70 * S);
        assert_int_equal(silence_limit(&silence), 60 * S);
        assert_int_equal(silence_next(&silence, START + 131 * S, START + 70 * S, false),
                         SILENCE_REOPEN);
}

static void test_one_long_pause_is_forgotten_slowly(void **state)
{
        struct silence silence = { 0 };

        silence_ended(&silence, 900 * S);
        silence_ended(&silence, 5 * S);
        assert_in_range(silence_limit(&silence), 2000 * S, 2699 * S);
        for (int i = 0; i < 50; i++)
                silence_ended(&silence, 5 * S);
        assert_int_equal(silence_limit(&silence), 15 * S);
}

static void test_reset_that_fails_is_silent(void **state)
{
        struct silence silence = { .interval_usec = 20 * S };

        (void)silence_next(&silence, START + 60 * S, START, true);
        assert_int_equal(silence_next(&silence, START + 120 * S, START, true), SILENCE_USB_RESET);
        silence_reset_failed(&silence);
        assert_int_equal(silence_deadline(&silence, START), UINT64_MAX);
        assert_int_equal(silence_next(&silence, START + 720 * S, START, true), SILENCE_NOTHING);
}

static void test_own_reset_is_no_replug(void **state)
{
        struct silence silence = { .interval_usec = 20 * S };

        (void)silence_next(&silence, START + 60 * S, START, true);
        assert_false(silence_outlives_unplug(&silence, START + 61 * S));
        (void)silence_next(&silence, START + 120 * S, START, true);
        assert_true(silence_outlives_unplug(&silence, START + 121 * S));
        assert_false(silence_outlives_unplug(&silence, START + 130 * S));
        silence_forget(&silence);
        assert_false(silence_outlives_unplug(&silence, START + 121 * S));
}

/* A meter that pushes each 15 minutes is taken for silent twice, and not a third time. */
static void test_regular_silences_are_the_interval(void **state)
{
        struct silence silence = { 0 };
        uint64_t last = START;

        for (int i = 0; i < 2; i++) {
                assert_int_equal(silence_next(&silence, last + 60 * S, last, false),
                                 SILENCE_REOPEN);
                assert_int_equal(silence_next(&silence, last + 120 * S, last, false),
                                 SILENCE_SILENT);
                last += 900 * S;
                silence_ended(&silence, 900 * S);
        }
        assert_int_equal(silence_limit(&silence), 2700 * S);
        assert_int_equal(silence_next(&silence, last + 900 * S, last, false), SILENCE_NOTHING);
}

int main(void)
{
        const struct CMUnitTest more[] = {
                cmocka_unit_test(test_bytes_end_it_and_their_pause_is_no_interval),
                cmocka_unit_test(test_one_long_pause_is_forgotten_slowly),
                cmocka_unit_test(test_reset_that_fails_is_silent),
                cmocka_unit_test(test_own_reset_is_no_replug),
                cmocka_unit_test(test_regular_silences_are_the_interval),
        };

        return test_run_rows_and("silence", cases, ELEMENTSOF(cases), sizeof(cases[0]), test_steps,
                                 more, ELEMENTSOF(more));
}
