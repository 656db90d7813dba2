/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "lib/profile.h"
#include "test.h"

static struct line_case {
        const char *name;
        const char *text;
        int want_r;
        struct serial_line want;
        const char *want_text;
} cases[] = {
        { "M-Bus", "2400 8E1", 0, { 2400, 8, PARITY_EVEN, 1 }, "2400 8E1" },
        { "P1", "115200 8N1", 0, { 115200, 8, PARITY_NONE, 1 }, "115200 8N1" },
        { "lower case, comma", "9600,7e1", 0, { 9600, 7, PARITY_EVEN, 1 }, "9600 7E1" },
        { "odd, two stop bits", "300 7O2", 0, { 300, 7, PARITY_ODD, 2 }, "300 7O2" },
        { "no baud rate", "8E1", -EINVAL, { 0 }, NULL },
        { "parity unheard of", "2400 8X1", -EINVAL, { 0 }, NULL },
        { "nine bits", "2400 9N1", -EINVAL, { 0 }, NULL },
        { "three stop bits", "2400 8N3", -EINVAL, { 0 }, NULL },
        { "something after it", "2400 8N1 x", -EINVAL, { 0 }, NULL },
        { "too slow", "10 8N1", -EINVAL, { 0 }, NULL },
        { "empty", "", -EINVAL, { 0 }, NULL },
};

static void run_case(void **state)
{
        const struct line_case *c = *state;
        struct serial_line got = { 0 };
        char text[SERIAL_LINE_TEXT_MAX];

        assert_int_equal(serial_line_parse(c->text, &got), c->want_r);
        if (c->want_r < 0)
                return;
        assert_true(serial_line_equal(&got, &c->want));
        assert_string_equal(serial_line_print(&got, text), c->want_text);
}

static void test_every_profile_is_complete(void **state)
{
        for (size_t i = 0; profile_table[i]; i++) {
                const struct meter_profile *p = profile_table[i];

                assert_ptr_equal(profile_find(p->name), p);
                assert_non_null(p->model);
                assert_int_equal(strlen(p->manufacturer), 3);
                assert_non_null(p->medium);
                assert_non_null(p->claims);
                assert_true(p->line.baud > 0 && p->max_power_w > 0 && p->interval_s > 0);
                for (size_t j = 0; j < p->n_lists; j++)
                        assert_true(p->lists[j].n_items > 0 && p->lists[j].name);
        }
        assert_null(profile_find("acme-none"));
}

static void test_first_class_profiles_have_the_lines_of_the_design(void **state)
{
        static const struct {
                const char *name, *line;
        } lines[] = {
                { "lgz-e360", "9600 8N1" },           { "lgz-e450", "2400 8E1" },
                { "lgz-e570", "2400 8E1" },           { "iskra-am550", "115200 8N1" },
                { "kamstrup-omnipower", "2400 8N1" },
        };
        char text[SERIAL_LINE_TEXT_MAX];

        for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
                const struct meter_profile *p = profile_find(lines[i].name);

                assert_non_null(p);
                assert_string_equal(serial_line_print(&p->line, text), lines[i].line);
        }
}

static void test_nobody_claims_an_empty_telegram(void **state)
{
        static struct telegram t;

        telegram_reset(&t, LINK_HDLC);
        assert_null(profile_match(&t));
}

int main(void)
{
        const struct CMUnitTest more[] = {
                cmocka_unit_test(test_every_profile_is_complete),
                cmocka_unit_test(test_first_class_profiles_have_the_lines_of_the_design),
                cmocka_unit_test(test_nobody_claims_an_empty_telegram),
        };

        return test_run_rows_and("profile", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case,
                                 more, ELEMENTSOF(more));
}
