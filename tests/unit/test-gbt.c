/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "lib/gbt.h"
#include "test.h"

/* A sequence of blocks: number, first byte of data; the verdict on the last one. */
static struct gbt_case {
        const char *name;
        struct {
                uint16_t number;
                uint8_t data;
        } blocks[6];
        size_t n;
        enum gbt_verdict want;
        const char *want_collected; /* digits of the data collected in the end */
} cases[] = {
        { "in order", { { 1, 1 }, { 2, 2 }, { 3, 3 } }, 3, GBT_NEXT, "123" },
        { "one lost", { { 1, 1 }, { 3, 3 } }, 2, GBT_BROKEN, "" },
        { "begins in the middle", { { 2, 2 } }, 1, GBT_BROKEN, "" },
        { "out of order", { { 1, 1 }, { 3, 3 }, { 2, 2 } }, 3, GBT_BROKEN, "" },
        { "repeated, the same", { { 1, 1 }, { 2, 2 }, { 2, 2 } }, 3, GBT_REPEATED, "12" },
        { "goes on after a repetition",
          { { 1, 1 }, { 2, 2 }, { 2, 2 }, { 3, 3 } },
          4,
          GBT_NEXT,
          "123" },
        { "repeated, with other data", { { 1, 1 }, { 2, 2 }, { 2, 7 } }, 3, GBT_BROKEN, "" },
        { "one before the last repeated",
          { { 1, 1 }, { 2, 2 }, { 3, 3 }, { 2, 2 } },
          4,
          GBT_BROKEN,
          "" },
        { "begun anew", { { 1, 1 }, { 2, 2 }, { 1, 5 } }, 3, GBT_FIRST, "5" },
        { "begun anew and whole", { { 1, 1 }, { 2, 2 }, { 1, 5 }, { 2, 6 } }, 4, GBT_NEXT, "56" },
        { "waits for 1 after a break", { { 1, 1 }, { 3, 3 }, { 4, 4 } }, 3, GBT_BROKEN, "" },
};

static void run_case(void **state)
{
        const struct gbt_case *c = *state;
        struct gbt gbt = { 0 };
        uint8_t collected[8];
        enum gbt_verdict verdict = GBT_BROKEN;
        size_t len = 0;

        for (size_t i = 0; i < c->n; i++) {
                struct gbt_block block = { .number = c->blocks[i].number,
                                           .data = { &c->blocks[i].data, 1 } };

                verdict = gbt_accept(&gbt, &block, (struct slice){ collected, len });
                if (verdict == GBT_FIRST || verdict == GBT_BROKEN)
                        len = 0;
                if (verdict == GBT_FIRST || verdict == GBT_NEXT)
                        collected[len++] = c->blocks[i].data;
        }
        assert_int_equal(verdict, c->want);
        assert_int_equal(len, strlen(c->want_collected));
        for (size_t i = 0; i < len; i++)
                assert_int_equal(collected[i], c->want_collected[i] - '0');
}

static struct parse_case {
        const char *name;
        struct slice in;
        int want_r;
        bool want_last;
        uint16_t want_number;
        size_t want_data, want_bytes;
} parses[] = {
        { "more follow", BYTES(0xe0, 0x40, 0, 1, 0, 0, 2, 7, 8), 0, false, 1, 2, 9 },
        { "last", BYTES(0xe0, 0xc0, 0, 4, 0, 0, 1, 7), 0, true, 4, 1, 8 },
        { "streaming window", BYTES(0xe0, 0x86, 0, 4, 0, 3, 1, 7), 0, true, 4, 1, 8 },
        { "another block behind", BYTES(0xe0, 0x40, 0, 1, 0, 0, 1, 7, 0xe0), 0, false, 1, 1, 8 },
        { "empty block", BYTES(0xe0, 0xc0, 0, 2, 0, 0, 0), 0, true, 2, 0, 7 },
        { "number 0", BYTES(0xe0, 0x40, 0, 0, 0, 0, 1, 7), -EBADMSG, false, 0, 0, 0 },
        { "longer than the frame", BYTES(0xe0, 0x40, 0, 1, 0, 0, 9, 7), -EBADMSG, false, 0, 0, 0 },
        { "cut in the header", BYTES(0xe0, 0x40, 0), -EBADMSG, false, 0, 0, 0 },
        { "no block", BYTES(0x0f, 0x40, 0, 1, 0, 0, 1, 7), -EBADMSG, false, 0, 0, 0 },
};

static void run_parse(void **state)
{
        const struct parse_case *c = *state;
        struct gbt_block got = { 0 };
        const char *fault = NULL;

        assert_int_equal(gbt_parse(c->in, &got, &fault), c->want_r);
        assert_int_equal(got.last, c->want_last);
        assert_int_equal(got.number, c->want_number);
        assert_int_equal(got.data.len, c->want_data);
        assert_int_equal(got.bytes, c->want_bytes);
        assert_int_equal(fault != NULL, c->want_r < 0);
}

int main(void)
{
        static struct CMUnitTest tests[32];
        size_t n = test_add_rows(tests, 0, cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case);

        n = test_add_rows(tests, n, parses, ELEMENTSOF(parses), sizeof(parses[0]), run_parse);
        return _cmocka_run_group_tests("gbt", tests, n, NULL, NULL);
}
