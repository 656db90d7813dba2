/* SPDX-License-Identifier: MIT */
#include "tests/unit/test.h"

#include "base/sorted.h"

static const int odd[] = { 1, 3, 5, 7, 9 };

static struct sorted_case {
        const char *name;
        size_t n;
        int key;
        size_t want;
        bool want_found;
} cases[] = {
        { "nothing there", 0, 5, 0, false },
        { "the only one", 1, 1, 0, true },
        { "before the only one", 1, 0, 0, false },
        { "behind the only one", 1, 2, 1, false },
        { "the first", 5, 1, 0, true },
        { "the middle one", 5, 5, 2, true },
        { "the last", 5, 9, 4, true },
        { "before the first", 5, 0, 0, false },
        { "behind the last", 5, 10, 5, false },
        { "between two", 5, 6, 3, false },
        { "the last of four", 4, 7, 3, true },
        { "behind the last of four", 4, 9, 4, false },
};

static int compare(const void *elements, size_t at, const void *key)
{
        return ((const int *)elements)[at] - *(const int *)key;
}

static void run_case(void **state)
{
        const struct sorted_case *c = *state;
        bool found = !c->want_found;

        assert_int_equal(sorted_place(odd, c->n, &c->key, compare, &found), c->want);
        assert_int_equal(found, c->want_found);
}

int main(void)
{
        return test_run_rows("sorted", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case);
}
