/* SPDX-License-Identifier: MIT */
#include "lib/link/link.h"
#include "link-read.h"
#include "tests/unit/test.h"

static const struct slice none;

static struct mbus_case {
        const char *name;
        struct slice in;
        enum link_result want;
        size_t want_len;
        bool want_dlms;
        uint8_t want_segment;
        bool want_last;
        size_t want_data;
} cases[] = {
        { "only segment",
          BYTES(0x68, 7, 7, 0x68, 0x53, 0xff, 0x10, 1, 0x67, 0xaa, 0xbb, 0x2f, 0x16), LINK_WHOLE,
          13, true, 0, true, 2 },
        { "first of several", BYTES(0x68, 6, 6, 0x68, 0x53, 0xff, 0x00, 1, 0x67, 0xaa, 0x64, 0x16),
          LINK_WHOLE, 12, true, 0, false, 1 },
        { "last of several, frame count bit set",
          BYTES(0x68, 6, 6, 0x68, 0x73, 0xff, 0x11, 1, 0x67, 0xaa, 0x95, 0x16), LINK_WHOLE, 12,
          true, 1, true, 1 },
        { "a meter's ordinary answer",
          BYTES(0x68, 6, 6, 0x68, 0x08, 0xff, 0x72, 1, 0x67, 0xaa, 0x8b, 0x16), LINK_WHOLE, 12,
          false, 0, false, 0 },
        { "short frame between", BYTES(0x10, 0x40, 0x01, 0x41, 0x16), LINK_WHOLE, 5, false, 0,
          false, 0 },
        { "short frame, wrong sum", BYTES(0x10, 0x40, 0x01, 0x42, 0x16), LINK_NONE, 0, false, 0,
          false, 0 },
        { "short frame of no master", BYTES(0x10, 0x00, 0x16, 0x16, 0x16), LINK_NONE, 0, false, 0,
          false, 0 },
        { "lengths that differ", BYTES(0x68, 7, 8, 0x68), LINK_NONE, 0, false, 0, false, 0 },
        { "no second start", BYTES(0x68, 7, 7, 0x67), LINK_NONE, 0, false, 0, false, 0 },
        { "not all there", BYTES(0x68, 0x40, 0x40, 0x68, 0x53), LINK_MORE, 0, false, 0, false, 0 },
        { "a start alone", BYTES(0x68), LINK_MORE, 0, false, 0, false, 0 },
};

static void run_case(void **state)
{
        const struct mbus_case *c = *state;
        struct link_piece piece;

        assert_int_equal(link_ask(&link_mbus, c->in, none), c->want);
        assert_int_equal(link_length(&link_mbus, c->in, none), c->want_len);
        if (c->want != LINK_WHOLE)
                return;
        link_mbus.open(c->in, &piece);
        assert_int_equal(piece.bytes.len > 0, c->want_dlms);
        assert_int_equal(piece.number, c->want_segment);
        assert_int_equal(piece.last, c->want_last);
        assert_int_equal(piece.bytes.len, c->want_data);
}

static size_t make(uint8_t *buf, size_t length, uint8_t written)
{
        uint8_t sum = 0;

        buf[0] = buf[3] = 0x68;
        buf[1] = buf[2] = written;
        for (size_t i = 0; i < length; i++) {
                buf[4 + i] = (uint8_t)(i * 7);
                sum = (uint8_t)(sum + buf[4 + i]);
        }
        buf[4 + length] = sum;
        buf[5 + length] = 0x16;
        return length + 6;
}

/* Early Sagemcom T210-D firmware: 257 bytes, the length field says 1. */
static void test_an_overflown_length_is_understood(void **state)
{
        uint8_t buf[300];
        size_t n = make(buf, 257, 1);

        assert_int_equal(link_ask(&link_mbus, (struct slice){ buf, n - 1 }, none), LINK_MORE);
        assert_int_equal(link_length(&link_mbus, (struct slice){ buf, n }, none), n);
}

static void test_a_wrong_sum_is_damage(void **state)
{
        uint8_t buf[300];
        struct link_found found = { 0 };
        size_t n = make(buf, 200, 200);

        buf[100] ^= 1;
        assert_int_equal(link_mbus.probe((struct slice){ buf, n }, none, &found), LINK_DAMAGED);
        assert_non_null(found.fault);
        assert_int_equal(found.len, n);
}

int main(void)
{
        const struct CMUnitTest more[] = {
                cmocka_unit_test(test_an_overflown_length_is_understood),
                cmocka_unit_test(test_a_wrong_sum_is_damage),
        };

        return test_run_rows_and("link-mbus", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case,
                                 more, ELEMENTSOF(more));
}
