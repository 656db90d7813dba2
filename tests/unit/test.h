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

#include "base/util.h"

/*
 * Runs one cmocka test per row of a table whose first member is `const char *name`.
 * main() of a table test is: return test_run_rows("hdlc", cases, ELEMENTSOF(cases),
 * sizeof(cases[0]), run_case);
 */
#define TEST_ROWS_MAX 512
/* The same, with further tests in the same group: TAP allows one plan per program. */
static inline int test_run_rows_and(const char *group, void *rows, size_t n, size_t size,
                                    CMUnitTestFunction function, const struct CMUnitTest *more,
                                    size_t n_more)
{
        static struct CMUnitTest tests[TEST_ROWS_MAX];
        size_t n_tests = 0;

        for (size_t i = 0; i < n && n_tests < TEST_ROWS_MAX; i++) {
                char *row = (char *)rows + i * size;

                tests[n_tests++] = (struct CMUnitTest){ *(const char **)(void *)row, function, NULL,
                                                        NULL, row };
        }
        for (size_t i = 0; i < n_more && n_tests < TEST_ROWS_MAX; i++)
                tests[n_tests++] = more[i];
        return _cmocka_run_group_tests(group, tests, n_tests, NULL, NULL);
}

static inline int test_run_rows(const char *group, void *rows, size_t n, size_t size,
                                CMUnitTestFunction function)
{
        return test_run_rows_and(group, rows, n, size, function, NULL, 0);
}

/* For several tables in one program: appends one test per row to `tests`, returns the new count. */
static inline size_t test_add_rows(struct CMUnitTest *tests, size_t n_tests, void *rows, size_t n,
                                   size_t size, CMUnitTestFunction function)
{
        for (size_t i = 0; i < n; i++) {
                char *row = (char *)rows + i * size;

                tests[n_tests++] = (struct CMUnitTest){ *(const char **)(void *)row, function, NULL,
                                                        NULL, row };
        }
        return n_tests;
}
