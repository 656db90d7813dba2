/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "ctl/view/spark.h"
#include "tests/unit/test.h"

static struct spark_case {
        const char *name;
        double values[8];
        size_t n, cells;
        bool ascii;
        const char *want;
} cases[] = {
        { "rises from zero", { 0, 1, 2, 3, 4, 5, 6, 7 }, 8, 8, false, "▁▂▃▄▅▆▇█" },
        { "zero is in the picture", { 100, 101 }, 2, 2, false, "██" },
        { "export lies below zero", { -7, 0, 7 }, 3, 3, false, "▁▅█" },
        { "newest at the right edge", { 1 }, 1, 4, false, "   █" },
        { "the oldest fall off", { 7, 0, 7 }, 3, 2, false, "▁█" },
        { "gaps are blank", { 7, NAN, 7 }, 3, 3, false, "█ █" },
        { "all the same at zero", { 0, 0 }, 2, 2, false, "▁▁" },
        { "nothing yet", { 0 }, 0, 3, false, "   " },
        { "nothing but gaps", { NAN, NAN }, 2, 2, false, "  " },
        { "without UTF-8", { 0, 3, 7 }, 3, 3, true, "_-#" },
};

static void run_case(void **state)
{
        const struct spark_case *c = *state;
        char got[SPARK_TEXT_MAX];

        spark_print(c->values, c->n, c->cells, !c->ascii, got);
        assert_string_equal(got, c->want);
}

int main(void)
{
        return test_run_rows("spark", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case);
}
