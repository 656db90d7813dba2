/* SPDX-License-Identifier: MIT */
#include "ctl/input.h"
#include "tests/unit/test.h"

static struct input_case {
        const char *name;
        struct slice in;
        enum input_kind want_kind;
        struct slice want; /* of hex text: the bytes */
        size_t want_bad;
} cases[] = {
        { "digits", TEXT("7ea0"), INPUT_HEX, BYTES(0x7e, 0xa0), 0 },
        { "upper case and blanks", TEXT("7E A0\n 84\t1b\r\n"), INPUT_HEX,
          BYTES(0x7e, 0xa0, 0x84, 0x1b), 0 },
        { "comments", TEXT("# made 2024 by ab\n7e # cd\nff"), INPUT_HEX, BYTES(0x7e, 0xff), 0 },
        { "colons, commas, dashes", TEXT("7e:a0,84-1b;00"), INPUT_HEX,
          BYTES(0x7e, 0xa0, 0x84, 0x1b, 0x00), 0 },
        { "0x before each byte", TEXT("0x7e, 0xA0"), INPUT_HEX, BYTES(0x7e, 0xa0), 0 },
        { "only a comment", TEXT("# nothing"), INPUT_HEX, { 0 }, 0 },
        { "a bad letter later", TEXT("000102030405060708090a0b0c0d0e0f\nzz\nff"), INPUT_HEX,
          BYTES(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0xff), 2 },
        { "two digits and then text", TEXT("7e\n1-0:1.8.0("), INPUT_RAW, { 0 }, 0 },
        { "HDLC flag", BYTES(0x7e, 0xa0, 0x01), INPUT_RAW, { 0 }, 0 },
        { "P1 text", TEXT("/LGZ5E360\r\n\r\n1-0:1.8.0"), INPUT_RAW, { 0 }, 0 },
        { "middle of a P1 text", TEXT("1-0:1.8.0(0001.2*kWh)"), INPUT_RAW, { 0 }, 0 },
        { "SML escape", BYTES(0x1b, 0x1b, 0x1b, 0x1b, 1, 1, 1, 1), INPUT_RAW, { 0 }, 0 },
        { "words", TEXT("hello"), INPUT_RAW, { 0 }, 0 },
        { "a line of odd digits", TEXT("123\n45"), INPUT_RAW, { 0 }, 0 },
        { "empty", { 0 }, INPUT_RAW, { 0 }, 0 },
};

/* Hex text comes in pieces as a pipe gives them: every split gives the same bytes. */
static void run_case(void **state)
{
        const struct input_case *c = *state;

        assert_int_equal(input_sniff(c->in), c->want_kind);
        if (c->want_kind == INPUT_RAW)
                return;
        for (size_t split = 0; split <= c->in.len; split++) {
                struct input_hex hex = { 0 };
                uint8_t out[64];
                size_t n;

                n = input_hex_decode(&hex, slice_first(c->in, split), out);
                n += input_hex_decode(&hex, slice_from(c->in, split), out + n);
                assert_int_equal(n, c->want.len);
                assert_true(slice_equal((struct slice){ out, n }, c->want));
                assert_int_equal(hex.n_bad, c->want_bad);
                assert_false(hex.have_high);
        }
}

int main(void)
{
        return test_run_rows("input", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case);
}
