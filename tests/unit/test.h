/* SPDX-License-Identifier: MIT */
/*
 * What every unit test includes instead of cmocka.h, which is not self-contained and would break
 * sorted includes.
 */
#pragma once

/* cmocka wants these first, in this order. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <string.h>

#include "lib/util.h"

/*
 * Runs one cmocka test per row of a table whose first member is `const char *name`.
 * main() of a table test is: return test_run_rows("hdlc", cases, ELEMENTSOF(cases),
 * sizeof(cases[0]), run_case);
 */
#define TEST_ROWS_MAX 512
static inline int test_run_rows(const char *group, void *rows, size_t n, size_t size,
                                CMUnitTestFunction function)
{
        static struct CMUnitTest tests[TEST_ROWS_MAX];

        for (size_t i = 0; i < n && i < TEST_ROWS_MAX; i++) {
                char *row = (char *)rows + i * size;

                tests[i] = (struct CMUnitTest){ *(const char **)(void *)row, function, NULL, NULL,
                                                row };
        }
        return _cmocka_run_group_tests(group, tests, n < TEST_ROWS_MAX ? n : TEST_ROWS_MAX, NULL,
                                       NULL);
}
