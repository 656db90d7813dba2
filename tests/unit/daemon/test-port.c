/* SPDX-License-Identifier: MIT */
/* PARMRK undone, wherever the bytes are cut. */
#include "tests/unit/test.h"

#include "daemon/converter/port.h"

static struct unescape_case {
        const char *name;
        size_t len;
        uint8_t in[8];
        size_t want_len;
        uint8_t want[8];
        uint64_t want_errors;
} unescape_cases[] = {
        { "plain bytes", 3, { 1, 2, 3 }, 3, { 1, 2, 3 }, 0 },
        { "nothing", 0, { 0 }, 0, { 0 }, 0 },
        { "FF is doubled", 4, { 1, 0xff, 0xff, 2 }, 3, { 1, 0xff, 2 }, 0 },
        { "two FF", 4, { 0xff, 0xff, 0xff, 0xff }, 2, { 0xff, 0xff }, 0 },
        { "a damaged byte spoils its place and is counted",
          5,
          { 1, 0xff, 0, 0x55, 2 },
          3,
          { 1, 0xff, 2 },
          1 },
        { "a break", 3, { 0xff, 0, 0 }, 1, { 0xff }, 1 },
        { "a damaged FF", 4, { 0xff, 0, 0xff, 7 }, 2, { 0xff, 7 }, 1 },
        { "two damaged bytes", 6, { 0xff, 0, 1, 0xff, 0, 2 }, 2, { 0xff, 0xff }, 2 },
        { "what no driver sends is kept", 3, { 0xff, 9, 1 }, 2, { 9, 1 }, 0 },
};

static void run_whole(void **state)
{
        const struct unescape_case *c = *state;
        uint8_t buf[8], mark = 0;
        uint64_t errors = 0;

        memcpy(buf, c->in, sizeof(buf));
        assert_int_equal(port_unescape(buf, c->len, &mark, &errors), c->want_len);
        assert_memory_equal(buf, c->want, c->want_len);
        assert_int_equal(errors, c->want_errors);
        assert_int_equal(mark, 0);
}

static void run_byte_by_byte(void **state)
{
        const struct unescape_case *c = *state;
        uint8_t got[8], mark = 0;
        uint64_t errors = 0;
        size_t n = 0;

        for (size_t i = 0; i < c->len; i++) {
                uint8_t byte = c->in[i];

                if (port_unescape(&byte, 1, &mark, &errors) > 0)
                        got[n++] = byte;
        }
        assert_int_equal(n, c->want_len);
        assert_memory_equal(got, c->want, n);
        assert_int_equal(errors, c->want_errors);
}

int main(void)
{
        static struct CMUnitTest tests[TEST_ROWS_MAX];
        size_t n = 0;

        n = test_add_rows(tests, n, unescape_cases, ELEMENTSOF(unescape_cases),
                          sizeof(unescape_cases[0]), run_whole);
        n = test_add_rows(tests, n, unescape_cases, ELEMENTSOF(unescape_cases),
                          sizeof(unescape_cases[0]), run_byte_by_byte);
        return _cmocka_run_group_tests("port", tests, n, NULL, NULL);
}
