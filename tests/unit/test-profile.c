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

static struct claim_case {
        const char *name;
        enum link_type framing;
        const char *manufacturer;
        struct telegram_hints hints;
        const char *want;
} claims[] = {
        { "E450, first push",
          LINK_HDLC,
          "LGZ",
          { .has_push = true, .push_channel = 8 },
          "lgz-e450" },
        { "E450, its hourly push, no maker named",
          LINK_HDLC,
          "",
          { .has_push = true, .push_channel = 11 },
          "lgz-e450" },
        { "E450 of Styria, by its title", LINK_HDLC, "LGZ", { .blocks = true }, "lgz-e450" },
        { "E360", LINK_HDLC, "LGZ", { .has_push = true, .push_channel = 6 }, "lgz-e360" },
        { "E570",
          LINK_HDLC,
          "LGZ",
          { .has_push = true, .push_channel = 8, .wide = true },
          "lgz-e570" },
        { "AM550", LINK_HDLC, "ISK", { .has_push = true, .push_channel = 6 }, "iskra-am550" },
        { "an Iskra meter that speaks SML", LINK_SML, "ISK", { 0 }, NULL },
        { "OMNIPOWER", LINK_HDLC, "", { .list_id = "Kamstrup_V0001" }, "kamstrup-omnipower" },
        { "a P1 port without a maker",
          LINK_HDLC,
          "",
          { .has_push = true, .push_channel = 6 },
          NULL },
};

static void run_claim(void **state)
{
        const struct claim_case *c = *state;
        static struct telegram t;
        const struct meter_profile *got;

        telegram_reset(&t, c->framing);
        (void)snprintf(t.manufacturer, sizeof(t.manufacturer), "%s", c->manufacturer);
        t.hints = c->hints;
        got = profile_match(&t);
        assert_string_equal(got ? got->name : "-", c->want ? c->want : "-");
}

static void test_nobody_claims_an_empty_telegram(void **state)
{
        static struct telegram t;

        telegram_reset(&t, LINK_HDLC);
        assert_null(profile_match(&t));
}

int main(void)
{
        static struct CMUnitTest tests[40];
        size_t n = test_add_rows(tests, 0, cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case);

        n = test_add_rows(tests, n, claims, ELEMENTSOF(claims), sizeof(claims[0]), run_claim);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_every_profile_is_complete);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(
                test_first_class_profiles_have_the_lines_of_the_design);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_nobody_claims_an_empty_telegram);
        return _cmocka_run_group_tests("profile", tests, n, NULL, NULL);
}
