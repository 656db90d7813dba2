/* SPDX-License-Identifier: MIT */
#include "tests/unit/test.h"

#include "base/suggest.h"

static const char *const words[] = { "status", "list-meters", "list-converters",
                                     "decode", "show",        "LGZ1030655933512" };

static struct suggest_case {
        const char *name;
        const char *word;
        const char *want; /* NULL: none is near */
} cases[] = {
        { "two letters swapped", "satus", "status" },
        { "a letter missing", "decde", "decode" },
        { "a letter wrong", "shov", "show" },
        { "a letter too many", "sttatus", "status" },
        { "cut short", "dec", "decode" },
        { "case does not matter", "STATSU", "status" },
        { "the nearer of two", "list-metres", "list-meters" },
        { "an id", "LGZ1030655933521", "LGZ1030655933512" },
        { "nothing like it", "frobnicate", NULL },
        { "one letter says nothing", "s", NULL },
        { "empty", "", NULL },
        { "longer than any word",
          "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
          "xxxxxxxxxxxxxxxxxxxx",
          NULL },
};

static void run_case(void **state)
{
        const struct suggest_case *c = *state;
        const char *got = suggest(c->word, words, ELEMENTSOF(words));

        if (!c->want)
                assert_null(got);
        else
                assert_string_equal(got ? got : "", c->want);
}

int main(void)
{
        return test_run_rows("suggest", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case);
}
