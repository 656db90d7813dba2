/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "lib/value/axdr.h"
#include "tests/unit/test.h"

static struct axdr_case {
        const char *name;
        struct slice in;
        bool want_ok;
        int64_t want_number;
        size_t want_count, want_bytes;
} cases[] = {
        { "null", BYTES(0), true, 0, 0, 0 },
        { "boolean", BYTES(3, 1), true, 1, 0, 0 },
        { "int8", BYTES(15, 0xff), true, -1, 0, 0 },
        { "int16", BYTES(16, 0xff, 0xfe), true, -2, 0, 0 },
        { "uint16", BYTES(18, 0x09, 0x2b), true, 2347, 0, 0 },
        { "int32", BYTES(5, 0xff, 0xff, 0xff, 0xfd), true, -3, 0, 0 },
        { "uint32", BYTES(6, 0xff, 0xff, 0xff, 0xff), true, 4294967295, 0, 0 },
        { "uint64", BYTES(21, 0, 0, 0, 0, 0, 0x27, 0xc9, 0x17), true, 2607383, 0, 0 },
        { "int64", BYTES(20, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), true, -1, 0, 0 },
        { "uint64 beyond int64", BYTES(21, 0x80, 0, 0, 0, 0, 0, 0, 0), true, 0, 0, 0 },
        { "octet string", BYTES(9, 2, 1, 2), true, 0, 0, 2 },
        { "long form of a length", BYTES(9, 0x81, 1, 7), true, 0, 0, 1 },
        { "length in two bytes", BYTES(9, 0x82, 0, 1, 7), true, 0, 0, 1 },
        { "length in three bytes", BYTES(9, 0x83, 0, 0, 1, 7), true, 0, 0, 1 },
        { "don't-care", BYTES(0xff), true, 0, 0, 0 },
        { "compact array", BYTES(19, 2, 2, 18, 6, 2, 1, 2), true, 0, 0, 0 },
        { "delta of a double-long", BYTES(0x1e, 1, 2, 3, 4), true, 0, 0, 0 },
        { "length of a form that does not exist", BYTES(9, 0x85, 0, 0, 0, 0, 1, 7), false, 0, 0,
          0 },
        { "bit string", BYTES(4, 9, 0xff, 0x80), true, 0, 0, 2 },
        { "structure", BYTES(2, 17), true, 0, 17, 0 },
        { "date-time", BYTES(25, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12), true, 0, 0, 12 },
        { "array of 65535", BYTES(1, 0x82, 0xff, 0xff), false, 0, 0, 0 },
        { "unknown tag", BYTES(0x77, 0, 0), false, 0, 0, 0 },
        { "string cut short", BYTES(9, 5, 1, 2), false, 0, 0, 0 },
        { "number cut short", BYTES(6, 1, 2), false, 0, 0, 0 },
        { "empty", { 0 }, true, 0, 0, 0 },
};

static void run_case(void **state)
{
        const struct axdr_case *c = *state;
        struct reader r = reader_over(c->in);
        struct axdr_value got;

        axdr_next(&r, &got);
        if (c->in.len == 0) {
                assert_false(reader_ok(&r));
                assert_true(r.ended);
                return;
        }
        assert_int_equal(reader_ok(&r), c->want_ok);
        assert_int_equal(got.number, c->want_number);
        assert_int_equal(got.count, c->want_count);
        assert_int_equal(got.bytes.len, c->want_bytes);
        if (c->want_ok)
                assert_int_equal(r.left.len, 0);
}

static struct scaler_case {
        const char *name;
        struct slice in;
        int want_r;
        int8_t want_exponent;
        uint8_t want_unit;
} scalers[] = {
        { "kilowatt-hours", BYTES(2, 2, 15, 3, 22, 30), 0, 3, 30 },
        { "negative exponent", BYTES(2, 2, 15, 0xff, 22, 35), 0, -1, 35 },
        { "cut after the tag", BYTES(2, 2, 15), -EBADMSG, 0, 0 },
        { "not an integer", BYTES(2, 2, 16, 0, 1, 22, 35), -EBADMSG, 0, 0 },
        { "not an enum", BYTES(2, 2, 15, 0, 17, 35), -EBADMSG, 0, 0 },
        { "no scaler at all", { 0 }, -EBADMSG, 0, 0 },
};

static void run_scaler(void **state)
{
        const struct scaler_case *c = *state;
        struct reader r = reader_over(c->in);
        struct scaler got = { 0 };

        assert_int_equal(scaler_decode(&r, &got), c->want_r);
        assert_int_equal(got.exponent, c->want_exponent);
        assert_int_equal(got.unit, c->want_unit);
}

static void test_nesting_is_bounded(void **state)
{
        uint8_t deep[64];
        struct reader r;

        for (size_t i = 0; i < sizeof(deep); i += 2) {
                deep[i] = AXDR_STRUCTURE;
                deep[i + 1] = 1;
        }
        r = reader_over((struct slice){ deep, sizeof(deep) });
        axdr_skip(&r);
        assert_false(reader_ok(&r));
        assert_false(r.ended);
}

static void test_skip_passes_over_one_value(void **state)
{
        const uint8_t bytes[] = { 2, 2, 1, 1, 18, 0, 1, 9, 1, 7, 0x16, 5 };
        struct reader r = reader_over((struct slice){ bytes, sizeof(bytes) });

        axdr_skip(&r);
        assert_true(reader_ok(&r));
        assert_int_equal(r.left.len, 2);
}

int main(void)
{
        static struct CMUnitTest tests[64];
        size_t n = test_add_rows(tests, 0, cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case);

        n = test_add_rows(tests, n, scalers, ELEMENTSOF(scalers), sizeof(scalers[0]), run_scaler);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_nesting_is_bounded);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_skip_passes_over_one_value);
        return _cmocka_run_group_tests("axdr", tests, n, NULL, NULL);
}
