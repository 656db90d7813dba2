/* SPDX-License-Identifier: MIT */
/* What is no meter is recognised by three check sums, and a meter never is. */
#include "tests/unit/test.h"

#include "daemon/converter/foreign.h"

#define GGA "$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n"
/* Modbus over Serial Line: read two registers of slave 17, and the answer */
#define REQUEST "\x11\x03\x00\x6b\x00\x03\x76\x87"
#define ANSWER  "\x11\x03\x06\xae\x41\x56\x52\x43\x40\x49\xad"

static struct foreign_case {
        const char *name;
        const char *in;
        size_t len;
        const char *want;
} cases[] = {
#define ROW(name, text, want)                      \
        {                                          \
                name, text, sizeof(text) - 1, want \
        }
        ROW("a GPS mouse", GGA GGA GGA, "gps"),
        ROW("two sentences are not enough", GGA GGA, NULL),
        ROW("begun in the middle", "38,N,01131*2A\r\n" GGA GGA GGA, "gps"),
        ROW("damaged sentences", "$GPGGA,1*00\r\n$GPGGA,1*01\r\n$GPGGA,1*02\r\n", NULL),
        ROW("a Modbus master and its meter", REQUEST ANSWER REQUEST ANSWER, "modbus"),
        ROW("a master alone", REQUEST REQUEST REQUEST, "modbus"),
        ROW("one exchange is not enough", REQUEST ANSWER, NULL),
        ROW("a readout", "/LGZ5E360\r\n\r\n1-0:1.8.0(000123.456*kWh)\r\n!1234\r\n", NULL),
};

static void run_whole(void **state)
{
        const struct foreign_case *c = *state;
        struct foreign foreign = { 0 };
        const char *got = foreign_feed(&foreign, (struct slice){ (const uint8_t *)c->in, c->len });

        assert_string_equal(got ? got : "", c->want ? c->want : "");
}

static void run_byte_by_byte(void **state)
{
        const struct foreign_case *c = *state;
        struct foreign foreign = { 0 };
        const char *got = NULL;

        for (size_t i = 0; i < c->len; i++)
                got = foreign_feed(&foreign, (struct slice){ (const uint8_t *)c->in + i, 1 });
        assert_string_equal(got ? got : "", c->want ? c->want : "");
}

int main(void)
{
        static struct CMUnitTest tests[TEST_ROWS_MAX];
        size_t n = 0;

        n = test_add_rows(tests, n, cases, ELEMENTSOF(cases), sizeof(cases[0]), run_whole);
        n = test_add_rows(tests, n, cases, ELEMENTSOF(cases), sizeof(cases[0]), run_byte_by_byte);
        return _cmocka_run_group_tests("foreign", tests, n, NULL, NULL);
}
