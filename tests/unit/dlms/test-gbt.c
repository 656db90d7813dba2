/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "lib/dlms/gbt.h"
#include "tests/unit/test.h"

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
        struct link_piece got = { 0 };
        const char *fault = NULL;
        size_t bytes = 0;

        assert_int_equal(gbt_parse(c->in, &got, &bytes, &fault), c->want_r);
        assert_int_equal(got.last, c->want_last);
        assert_int_equal(got.number, c->want_number);
        assert_int_equal(got.bytes.len, c->want_data);
        assert_int_equal(bytes, c->want_bytes);
        assert_int_equal(got.first, c->want_r == 0 && c->want_number == 1);
        assert_int_equal(fault != NULL, c->want_r < 0);
}

int main(void)
{
        return test_run_rows("gbt", parses, ELEMENTSOF(parses), sizeof(parses[0]), run_parse);
}
