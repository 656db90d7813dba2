/* SPDX-License-Identifier: MIT */
#include "lib/value/id.h"
#include "tests/unit/test.h"

static struct id_case {
        const char *name;
        const char *from;
        const char *want;
} cases[] = {
        { "kept whole", "LGZ1030655933512", "LGZ1030655933512" },
        { "all that is kept", "aZ09._:-", "aZ09._:-" },
        { "blanks, plus, hash", "LGZ 10+30#5", "LGZ_10_30_5" },
        { "slashes", "a/b/../c", "a_b_.._c" },
        { "quotes, dollars, back ticks", "$(x)`y`'\"", "__x__y___" },
        { "wildcards of a shell", "*?[a]", "___a_" },
        { "no option", "--rf", "_-rf" },
        { "blanks around it go", "  7 \t", "7" },
        { "control characters", "a\x01\x1b[31m", "a___31m" },
        { "one letter, one underscore", "Z\xc3\xa4hler", "Z_hler" },
        { "three bytes, one underscore",
          "a\xe2\x82\xac"
          "b",
          "a_b" },
        { "continued nowhere", "a\x80\x80", "a_" },
        { "nothing", "", "" },
        { "cut", "0123456789012345678901234", "01234567890123456789012" },
};

static void run_case(void **state)
{
        const struct id_case *c = *state;
        char got[24];

        assert_int_equal(id_clean(got, sizeof(got), slice_of_string(c->from)), strlen(c->want));
        assert_string_equal(got, c->want);
}

static void test_empty_slots(void **state)
{
        (void)state;
        assert_true(id_is_empty(slice_of_string("")));
        assert_true(id_is_empty(slice_of_string("00000000 ")));
        assert_true(id_is_empty((struct slice)BYTES(0, 0, 0)));
        assert_false(id_is_empty(slice_of_string("0000100")));
}

static void test_utf8(void **state)
{
        static const struct {
                const char *bytes;
                bool want;
        } rows[] = {
                { "Z\xc3\xa4hler m\xc2\xb3 \xe2\x82\xac \xf0\x9f\x94\x8c", true },
                { "", true },
                { "\xff\xff", false },
                { "\xc3", false },
                { "\xc3(", false },
                { "\xc0\xaf", false },
                { "\xe0\x80\xaf", false },
                { "\xed\xa0\x80", false },
                { "\xf4\x90\x80\x80", false },
                { "\xf8\x88\x80\x80\x80", false },
                { "a\nb", false },
                { "\x7f", false },
                { "\xc2\x9b", false },
                { "\x80", false },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                assert_int_equal(utf8_is_text(slice_of_string(rows[i].bytes)), rows[i].want);
}

static void test_cut_at_letters(void **state)
{
        struct slice text = slice_of_string("a\xe2\x82\xac"
                                            "b");

        (void)state;
        assert_int_equal(utf8_cut(text, 9), 5);
        assert_int_equal(utf8_cut(text, 4), 4);
        assert_int_equal(utf8_cut(text, 3), 1);
        assert_int_equal(utf8_cut(text, 1), 1);
        assert_int_equal(utf8_cut(text, 0), 0);
}

int main(void)
{
        const struct CMUnitTest more[] = {
                cmocka_unit_test(test_empty_slots),
                cmocka_unit_test(test_utf8),
                cmocka_unit_test(test_cut_at_letters),
        };

        return test_run_rows_and("id", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case, more,
                                 ELEMENTSOF(more));
}
