/* SPDX-License-Identifier: MIT */
/* Line detection: the order of the sweep, and when a candidate is left. */
#include "tests/unit/test.h"

#include "daemon/converter/line.h"

#define S UINT64_C(1000000)

static const struct serial_line learned = { 38400, 8, PARITY_NONE, 1 };
static const struct serial_line odd = { 4800, 7, PARITY_ODD, 2 };

static struct order_case {
        const char *name;
        const struct serial_line *learned, *profile;
        const char *want; /* the first ones */
        size_t want_n;
} order_cases[] = {
        { "nothing known", NULL, NULL, "2400 8E1,2400 8N1,9600 8N1,115200 8N1,38400 8N1,9600 7E1",
          7 },
        { "what worked last is first", &learned, NULL, "38400 8N1,2400 8E1,2400 8N1,9600 8N1", 7 },
        { "then the profile's", &learned, &odd, "38400 8N1,4800 7O2,2400 8E1", 8 },
        { "the profile's first, where nothing was learned", NULL, &odd, "4800 7O2,2400 8E1", 8 },
        { "none twice", &learned, &learned,
          "38400 8N1,2400 8E1,2400 8N1,9600 8N1,115200 8N1,9600 7E1", 7 },
};

static void run_order(void **state)
{
        const struct order_case *c = *state;
        struct line_sweep sweep;
        char got[256] = "", text[SERIAL_LINE_TEXT_MAX];

        line_sweep_begin(&sweep, c->learned, c->profile, 300 * S, S);
        for (size_t i = 0; i < sweep.n; i++) {
                if (i > 0)
                        (void)strcat(got, ",");
                (void)strcat(got, serial_line_print(line_sweep_get(&sweep), text));
                line_sweep_advance(&sweep);
        }
        assert_int_equal(sweep.n, c->want_n);
        assert_memory_equal(got, c->want, strlen(c->want));
        assert_string_equal(
                serial_line_print(line_sweep_get(&sweep), text),
                serial_line_print(&sweep.candidates[0], (char[SERIAL_LINE_TEXT_MAX]){ 0 }));
}

static struct assess_case {
        const char *name;
        size_t tried;
        bool seen;
        struct line_evidence evidence;
        uint64_t now;
        enum line_result want;
} assess_cases[] = {
        { "nothing came yet", 0, false, { .since_usec = S }, 2 * S, LINE_WAIT },
        { "a telegram is coming",
          0,
          false,
          { .since_usec = S, .first_byte_usec = 2 * S, .last_byte_usec = 4 * S, .bytes = 500 },
          4 * S,
          LINE_WAIT },
        { "half of the bytes have a wrong parity",
          0,
          false,
          { .since_usec = S,
            .first_byte_usec = S,
            .last_byte_usec = S,
            .bytes = 10,
            .line_errors = 9 },
          2 * S,
          LINE_REJECT },
        { "seven damaged bytes may be the plug",
          0,
          false,
          { .since_usec = S,
            .first_byte_usec = S,
            .last_byte_usec = S,
            .bytes = 1,
            .line_errors = 7 },
          2 * S,
          LINE_WAIT },
        { "eight damaged of a thousand are noise",
          0,
          false,
          { .since_usec = S,
            .first_byte_usec = S,
            .last_byte_usec = S,
            .bytes = 1000,
            .line_errors = 8 },
          2 * S,
          LINE_WAIT },
        { "no frame in 3 kB",
          0,
          false,
          { .since_usec = S, .first_byte_usec = S, .last_byte_usec = 2 * S, .bytes = 3072 },
          2 * S,
          LINE_REJECT },
        { "one whole burst without a frame, where frames were before",
          0,
          false,
          { .since_usec = S,
            .first_byte_usec = S,
            .last_byte_usec = S,
            .bytes = 90,
            .whole_bursts = 1 },
          3 * S,
          LINE_WAIT },
        { "two of them",
          0,
          false,
          { .since_usec = S,
            .first_byte_usec = S,
            .last_byte_usec = S,
            .bytes = 90,
            .whole_bursts = 2 },
          3 * S,
          LINE_REJECT },
        { "one is enough at a guess",
          1,
          true,
          { .since_usec = S,
            .first_byte_usec = S,
            .last_byte_usec = S,
            .bytes = 90,
            .whole_bursts = 1 },
          3 * S,
          LINE_REJECT },
        { "bytes for 20 s without a pause and without a frame",
          0,
          false,
          { .since_usec = S, .first_byte_usec = S, .last_byte_usec = 21 * S, .bytes = 400 },
          21 * S,
          LINE_REJECT },
        { "a silent line has its share of the time",
          0,
          false,
          { .since_usec = S },
          44 * S,
          LINE_REJECT },
        { "a meter once heard may push once a minute",
          1,
          true,
          { .since_usec = S },
          44 * S,
          LINE_WAIT },
};

static void run_assess(void **state)
{
        const struct assess_case *c = *state;
        struct line_sweep sweep;

        line_sweep_begin(&sweep, NULL, NULL, 300 * S, S);
        sweep.tried = c->tried;
        sweep.bytes_seen = c->seen;
        assert_int_equal(line_assess(&sweep, &c->evidence, c->now), c->want);
}

static struct over_case {
        const char *name;
        size_t tried;
        bool seen;
        uint64_t elapsed;
        bool want;
} over_cases[] = {
        { "before DetectTimeout", 7, true, 299 * S, false },
        { "silence for DetectTimeout", 6, false, 300 * S, true },
        { "a sweep that is not through has more time", 6, true, 300 * S, false },
        { "a sweep that is through", 7, true, 300 * S, true },
        { "but not for ever", 2, true, 900 * S, true },
};

static void run_over(void **state)
{
        const struct over_case *c = *state;
        struct line_sweep sweep;

        line_sweep_begin(&sweep, NULL, NULL, 300 * S, S);
        sweep.tried = c->tried;
        sweep.bytes_seen = c->seen;
        assert_int_equal(line_sweep_is_over(&sweep, S + c->elapsed), c->want);
}

static void configured_line_is_never_left(void **state)
{
        struct line_sweep sweep;
        struct line_evidence evidence = { .since_usec = S, .bytes = 9999, .line_errors = 9999 };

        line_sweep_fixed(&sweep, &odd, 300 * S, S);
        assert_true(serial_line_equal(line_sweep_get(&sweep), &odd));
        assert_int_equal(line_assess(&sweep, &evidence, 9999 * S), LINE_WAIT);
        assert_false(line_sweep_is_over(&sweep, 9999 * S));
        assert_true(line_deadline(&sweep, &evidence, 9999 * S) == UINT64_MAX);
}

/* A deadline in the past would make the loop spin. */
static void waiting_always_has_a_deadline_ahead(void **state)
{
        for (unsigned int seen = 0; seen < 2; seen++)
                for (uint64_t now = S; now < 1000 * S; now += S / 2) {
                        struct line_evidence evidence = { .since_usec =
                                                                  now > 20 * S ? now - 20 * S : S };
                        struct line_sweep sweep;

                        line_sweep_begin(&sweep, NULL, NULL, 300 * S, S);
                        sweep.bytes_seen = seen;
                        if (line_sweep_is_over(&sweep, now) ||
                            line_assess(&sweep, &evidence, now) == LINE_REJECT)
                                continue;
                        assert_true(line_deadline(&sweep, &evidence, now) > now);
                }
}

int main(void)
{
        static struct CMUnitTest tests[TEST_ROWS_MAX] = {
                cmocka_unit_test(configured_line_is_never_left),
                cmocka_unit_test(waiting_always_has_a_deadline_ahead),
        };
        size_t n = 2;

        n = test_add_rows(tests, n, order_cases, ELEMENTSOF(order_cases), sizeof(order_cases[0]),
                          run_order);
        n = test_add_rows(tests, n, assess_cases, ELEMENTSOF(assess_cases), sizeof(assess_cases[0]),
                          run_assess);
        n = test_add_rows(tests, n, over_cases, ELEMENTSOF(over_cases), sizeof(over_cases[0]),
                          run_over);
        return _cmocka_run_group_tests("line", tests, n, NULL, NULL);
}
