/* SPDX-License-Identifier: MIT */
#include "lib/value/obis.h"
#include "tests/unit/test.h"

static struct obis_case {
        const char *name;
        const char *text;
        int want_r; /* bytes read, or -EINVAL */
        struct obis want;
        const char *want_text;
} cases[] = {
        { "whole", "1-0:1.8.0*255", 13, OBIS_OF(1, 0, 1, 8, 0, 255), "1-0:1.8.0" },
        { "billing period", "1-0:1.8.0*1", 11, OBIS_OF(1, 0, 1, 8, 0, 1), "1-0:1.8.0*1" },
        { "billing period with &", "1-0:1.8.0&1", 11, OBIS_OF(1, 0, 1, 8, 0, 1), "1-0:1.8.0*1" },
        { "followed by a value", "1-1:32.7.0(230.1*V)", 10, OBIS_OF(1, 1, 32, 7, 0, 255),
          "1-1:32.7.0" },
        { "short form", "1.8.0", 5, OBIS_OF(1, 0, 1, 8, 0, 255), "1-0:1.8.0" },
        { "two groups", "14.7(50)", 4, OBIS_OF(1, 0, 14, 7, 0, 255), "1-0:14.7.0" },
        { "six dotted groups", "0.0.96.1.0.255", 14, OBIS_OF(0, 0, 96, 1, 0, 255), "0-0:96.1.0" },
        { "largest", "255-255:255.255.255*254", 23, OBIS_OF(255, 255, 255, 255, 255, 254),
          "255-255:255.255.255*254" },
        { "group beyond 255", "1-0:256.7.0", -22, { 0 }, NULL },
        { "one group", "42", -22, { 0 }, NULL },
        { "no digit", "abc", -22, { 0 }, NULL },
        { "four groups", "1.2.3.4", -22, { 0 }, NULL },
        { "empty", "", -22, { 0 }, NULL },
};

static void run_case(void **state)
{
        const struct obis_case *c = *state;
        struct obis got = { 0 };
        char text[OBIS_TEXT_MAX];

        assert_int_equal(obis_parse(slice_of_string(c->text), &got), c->want_r);
        if (c->want_r < 0)
                return;
        assert_true(obis_equal(got, c->want));
        assert_string_equal(obis_print(got, text), c->want_text);
}

static void test_phases_fold_to_one_quantity(void **state)
{
        assert_int_equal(obis_phaseless(1), 1);
        assert_int_equal(obis_phaseless(31), 11);
        assert_int_equal(obis_phaseless(52), 12);
        assert_int_equal(obis_phaseless(80), 20);
        assert_int_equal(obis_phaseless(81), 81);
}

static void test_quantity_is_printed_alone(void **state)
{
        char text[OBIS_TEXT_MAX];
        const char *end = obis_print_quantity((struct obis){ 1, 2, 30, 7, 0, 101 }, text);

        assert_string_equal(text, "30.7.0");
        assert_ptr_equal(end, text + 6);
        (void)obis_print_quantity((struct obis){ 1, 0, 255, 255, 255, 255 }, text);
        assert_string_equal(text, "255.255.255");
}

int main(void)
{
        const struct CMUnitTest more[] = { cmocka_unit_test(test_phases_fold_to_one_quantity),
                                           cmocka_unit_test(test_quantity_is_printed_alone) };

        return test_run_rows_and("obis", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case, more,
                                 ELEMENTSOF(more));
}
