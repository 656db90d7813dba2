/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "lib/value/decimal.h"
#include "tests/unit/test.h"

static struct decimal_case {
        const char *name;
        const char *text;
        int want_r;
        struct decimal want;
        const char *want_text;
        const char *want_float;
} cases[] = {
        { "tenths", "230.1", 5, { 2301, -1 }, "230.1", "230.1" },
        { "whole", "28", 2, { 28, 0 }, "28", "28.0" },
        { "leading zeros", "000482.939", 10, { 482939, -3 }, "482.939", "482.939" },
        { "trailing zeros", "230.00", 6, { 23000, -2 }, "230.00", "230.0" },
        { "below one", "0.04", 4, { 4, -2 }, "0.04", "0.04" },
        { "negative", "-80.7", 5, { -807, -1 }, "-80.7", "-80.7" },
        { "plus", "+7", 2, { 7, 0 }, "7", "7.0" },
        { "zero", "0", 1, { 0, 0 }, "0", "0.0" },
        { "stops at the unit", "1.5*kWh", 3, { 15, -1 }, "1.5", "1.5" },
        { "largest",
          "9223372036854775807",
          19,
          { INT64_MAX, 0 },
          "9223372036854775807",
          "9223372036854775807.0" },
        { "too large", "9223372036854775808", -ERANGE, { 0 }, NULL, NULL },
        { "too fine", "0.00000000000001", -ERANGE, { 0 }, NULL, NULL },
        { "no digit", "-", -EINVAL, { 0 }, NULL, NULL },
        { "only a point", ".", -EINVAL, { 0 }, NULL, NULL },
        { "empty", "", -EINVAL, { 0 }, NULL, NULL },
};

static void run_case(void **state)
{
        const struct decimal_case *c = *state;
        struct decimal got = { 0 };
        char text[DECIMAL_TEXT_MAX];

        assert_int_equal(decimal_parse(slice_of_string(c->text), &got), c->want_r);
        if (c->want_r < 0)
                return;
        assert_int_equal(got.mantissa, c->want.mantissa);
        assert_int_equal(got.exponent, c->want.exponent);
        assert_int_equal(decimal_print(got, text), strlen(c->want_text));
        assert_string_equal(text, c->want_text);
        assert_int_equal(decimal_print_float(got, text), strlen(c->want_float));
        assert_string_equal(text, c->want_float);
}

static void test_positive_exponents_print_their_zeros(void **state)
{
        char text[DECIMAL_TEXT_MAX];

        (void)decimal_print((struct decimal){ 42724, 1 }, text);
        assert_string_equal(text, "427240");
        (void)decimal_print((struct decimal){ 0, 3 }, text);
        assert_string_equal(text, "0");
        (void)decimal_print((struct decimal){ INT64_MIN, DECIMAL_EXPONENT_MAX }, text);
        assert_string_equal(text, "-92233720368547758080000000000000");
        (void)decimal_print((struct decimal){ INT64_MIN, -DECIMAL_EXPONENT_MAX }, text);
        assert_string_equal(text, "-922337.2036854775808");
}

static void test_comparison_is_by_value(void **state)
{
        assert_int_equal(decimal_compare((struct decimal){ 10, -1 }, (struct decimal){ 1, 0 }), 0);
        assert_true(decimal_compare((struct decimal){ 9, -1 }, (struct decimal){ 1, 0 }) < 0);
        assert_true(decimal_compare((struct decimal){ INT64_MAX, 10 },
                                    (struct decimal){ INT64_MAX, -3 }) > 0);
        assert_true(decimal_compare((struct decimal){ -INT64_MAX, 10 },
                                    (struct decimal){ 1, -10 }) < 0);
        assert_true(decimal_compare((struct decimal){ 1, -10 }, (struct decimal){ INT64_MAX, 10 }) <
                    0);
}

static void test_sums_are_exact_or_refused(void **state)
{
        struct decimal got = { 0 };

        assert_int_equal(decimal_add((struct decimal){ 1, 0 }, (struct decimal){ 1, -1 }, &got), 0);
        assert_int_equal(got.mantissa, 11);
        assert_int_equal(got.exponent, -1);
        assert_int_equal(decimal_subtract((struct decimal){ 5, 1 }, (struct decimal){ 5, 0 }, &got),
                         0);
        assert_int_equal(got.mantissa, 45);
        assert_int_equal(
                decimal_add((struct decimal){ INT64_MAX, 0 }, (struct decimal){ 1, 0 }, &got),
                -ERANGE);
        assert_int_equal(
                decimal_add((struct decimal){ INT64_MAX, 1 }, (struct decimal){ 1, 0 }, &got),
                -ERANGE);
        assert_int_equal(
                decimal_subtract((struct decimal){ 1, 0 }, (struct decimal){ INT64_MIN, 0 }, &got),
                -ERANGE);
        assert_int_equal(decimal_shift((struct decimal){ 1, 10 }, 4, &got), -ERANGE);
        assert_int_equal(decimal_shift((struct decimal){ 123, 0 }, 3, &got), 0);
        assert_int_equal(got.exponent, 3);
}

static void test_whole_numbers_fit_or_are_refused(void **state)
{
        int64_t got = 0;

        assert_int_equal(decimal_to_whole((struct decimal){ 12999, -1 }, 0, &got), 0);
        assert_int_equal(got, 1299);
        assert_int_equal(decimal_to_whole((struct decimal){ -12999, -1 }, 0, &got), 0);
        assert_int_equal(got, -1299);
        assert_int_equal(decimal_to_whole((struct decimal){ 12, 0 }, -3, &got), 0);
        assert_int_equal(got, 12000);
        assert_int_equal(decimal_to_whole((struct decimal){ INT64_MIN, -30 }, 0, &got), 0);
        assert_int_equal(got, 0);
        assert_int_equal(decimal_to_whole((struct decimal){ 0, 40 }, 0, &got), 0);
        assert_int_equal(got, 0);
        assert_int_equal(decimal_to_whole((struct decimal){ INT64_MAX, 1 }, 0, &got), -ERANGE);
        assert_int_equal(decimal_to_whole((struct decimal){ 1, 19 }, 0, &got), -ERANGE);
}

static void test_doubles_are_the_nearest(void **state)
{
        assert_true(decimal_to_double((struct decimal){ 2347, -1 }) == 234.7);
        assert_true(decimal_to_double((struct decimal){ 941, -3 }) == 0.941);
        assert_true(decimal_to_double((struct decimal){ 5, 3 }) == 5000.0);
}

int main(void)
{
        const struct CMUnitTest more[] = {
                cmocka_unit_test(test_positive_exponents_print_their_zeros),
                cmocka_unit_test(test_comparison_is_by_value),
                cmocka_unit_test(test_sums_are_exact_or_refused),
                cmocka_unit_test(test_whole_numbers_fit_or_are_refused),
                cmocka_unit_test(test_doubles_are_the_nearest),
        };

        return test_run_rows_and("decimal", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case,
                                 more, ELEMENTSOF(more));
}
