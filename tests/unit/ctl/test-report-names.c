/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <string.h>

#include "ctl/report/report-names.h"
#include "tests/unit/test.h"

#define ID "LGZ1030655933512"

/* What stands in a telegram of the meter ID, whose number is 1030655933512. */
static struct names_case {
        const char *name;
        struct slice bytes;
        bool found; /* and replaced */
} cases[] = {
        { "as it is", TEXT("id " ID "."), true },
        { "in small letters", TEXT("lgz1030655933512"), true },
        { "backwards", TEXT("2153395560301ZGL"), true },
        { "in hex", TEXT("4c475a31303330363535393333353132"), true },
        { "without the maker", TEXT("(1030655933512)"), true },
        { "packed digits", BYTES(0, 0x01, 0x03, 0x06, 0x55, 0x93, 0x35, 0x12), true },
        { "packed digits, backwards", BYTES(0x12, 0x35, 0x93, 0x55, 0x06, 0x03, 0x01), true },
        { "a binary number", BYTES(0xef, 0xf7, 0xe1, 0x7c, 0x48), true },
        { "the number of a reading", TEXT("1.8.0(103065.593*kWh)"), false },
        { "the maker alone", TEXT("LGZ"), false },
        { "nothing", { 0 }, false },
};

static void run_case(void **state)
{
        const struct names_case *c = *state;
        struct report_names names = { 0 };
        uint8_t copy[64];

        assert_int_equal(report_names_add(&names, slice_of_string(ID)), 0);
        assert_int_equal(report_names_choose(&names), 0);
        assert_int_equal(report_names_find(&names, c->bytes) != NULL, c->found);
        assert_in_range(c->bytes.len, 0, sizeof(copy));
        if (c->bytes.len > 0)
                memcpy(copy, c->bytes.data, c->bytes.len);
        report_names_replace(&names, copy, c->bytes.len);
        assert_null(report_names_find(&names, (struct slice){ copy, c->bytes.len }));
        if (!c->found && c->bytes.len > 0)
                assert_memory_equal(copy, c->bytes.data, c->bytes.len);
        report_names_done(&names);
}

static struct kept_case {
        const char *name, *text, *kept; /* '?': another character of the same kind */
} kept[] = {
        { "logical device name", ID, "LGZ?????????????" },
        { "system title in hex", "4c475a6774220695", "4c475a??????????" },
        { "server id of DIN 43863-5", "0a0149534b0004325ec5", "0a0149534b00????????" },
        { "number of DIN 43863-5", "1EBZ0100000017", "1EBZ??????????" },
        { "zeros in front", "0000012345678", "00000????????" },
        { "separators", "LGZ 10+30#51", "LGZ ??+??#??" },
};

static void keeps(void **state)
{
        const struct kept_case *c = *state;
        struct report_names names = { 0 };

        assert_int_equal(report_names_add(&names, slice_of_string(c->text)), 0);
        assert_int_equal(report_names_choose(&names), 0);
        for (size_t i = 0; i < names.n; i++) {
                const struct report_name *name = &names.items[i];

                if (name->n != strlen(c->text))
                        continue; /* its number alone */
                for (size_t k = 0; k < name->n; k++)
                        if (c->kept[k] != '?')
                                assert_int_equal(name->substitute[k], c->kept[k]);
                        else
                                assert_true(isalnum(name->substitute[k]));
        }
        report_names_done(&names);
}

static void a_number_inside_another_is_replaced_as_it_is_there(void **state)
{
        struct report_names names = { 0 };
        uint8_t text[] = ID "/0655933512";

        assert_int_equal(report_names_add(&names, slice_of_string("0655933512")), 0);
        assert_int_equal(report_names_add(&names, slice_of_string(ID)), 0);
        assert_int_equal(report_names_choose(&names), 0);
        report_names_replace(&names, text, sizeof(text) - 1);
        assert_memory_equal(text + 6, text + 17, 10);
        report_names_done(&names);
}

static void a_key_is_found_and_not_replaced(void **state)
{
        struct report_names names = { 0 };
        const uint8_t key[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };

        assert_int_equal(report_names_add_secret(&names, (struct slice){ key, sizeof(key) }), 0);
        assert_non_null(report_names_find(&names, (struct slice){ key, sizeof(key) }));
        assert_non_null(
                report_names_find(&names, slice_of_string("key 0102030405060708090A0B0C0D0E0F10")));
        assert_null(report_names_find(&names, slice_of_string("0102030405060708")));
        report_names_done(&names);
}

static void what_tells_nothing_is_no_name(void **state)
{
        static const char *const texts[] = { "", "1234", "0000000000000000",
                                             "ffffffffffffffffffff" };
        struct report_names names = { 0 };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                assert_int_equal(report_names_add(&names, slice_of_string(texts[i])), 0);
        assert_int_equal(names.n, 0);
        report_names_done(&names);
}

int main(void)
{
        static struct CMUnitTest tests[ELEMENTSOF(cases) + ELEMENTSOF(kept) + 3];
        size_t n = test_add_rows(tests, 0, cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case);

        n = test_add_rows(tests, n, kept, ELEMENTSOF(kept), sizeof(kept[0]), keeps);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(
                a_number_inside_another_is_replaced_as_it_is_there);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(a_key_is_found_and_not_replaced);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(what_tells_nothing_is_no_name);
        return _cmocka_run_group_tests("names", tests, n, NULL, NULL);
}
