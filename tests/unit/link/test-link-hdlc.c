/* SPDX-License-Identifier: MIT */
#include "lib/link/crc.h"
#include "lib/link/link.h"
#include "link-read.h"
#include "tests/unit/test.h"

static const struct slice none;

/* Writes a frame: flag, format, the addresses given, UI, HCS, information, FCS. Returns its end. */
static size_t make(uint8_t *buf, struct slice addresses, struct slice information, bool more)
{
        size_t header = 2 + addresses.len + 1;
        size_t length = header + 2 + information.len + 2;
        uint16_t check;

        buf[0] = 0x7e;
        buf[1] = (uint8_t)(0xa0 | (more ? 0x08 : 0) | length >> 8);
        buf[2] = (uint8_t)length;
        memcpy(buf + 3, addresses.data, addresses.len);
        buf[header] = 0x13;
        check = crc16_x25((struct slice){ buf + 1, header });
        buf[header + 1] = (uint8_t)check;
        buf[header + 2] = (uint8_t)(check >> 8);
        memcpy(buf + header + 3, information.data, information.len);
        check = crc16_x25((struct slice){ buf + 1, length - 2 });
        buf[length - 1] = (uint8_t)check;
        buf[length] = (uint8_t)(check >> 8);
        return length + 1;
}

static struct hdlc_case {
        const char *name;
        struct slice addresses, information;
        bool more;
} cases[] = {
        { "addresses of one byte", BYTES(0x41, 0x03), BYTES(0xe6, 0xe7, 0, 15), false },
        { "two and one", BYTES(0xce, 0xff, 0x03), BYTES(1, 2, 3), false },
        { "one and two", BYTES(0xcf, 0x02, 0x23), BYTES(1, 2, 3), true },
        { "one and four", BYTES(0xcf, 0x00, 0x02, 0x00, 0x23), BYTES(1, 2, 3), false },
        { "flags inside", BYTES(0x41, 0x03), BYTES(0x7e, 0xa0, 0x7e, 0x7e), false },
};

static void run_case(void **state)
{
        const struct hdlc_case *c = *state;
        uint8_t buf[64];
        size_t n = make(buf, c->addresses, c->information, c->more);
        struct link_piece piece;

        for (size_t i = 1; i < n; i++)
                assert_int_equal(link_ask(&link_hdlc, (struct slice){ buf, i }, none), LINK_MORE);
        assert_int_equal(link_length(&link_hdlc, (struct slice){ buf, n }, none), n);
        link_hdlc.open((struct slice){ buf, n }, &piece);
        assert_true(slice_equal(piece.bytes, c->information));
        assert_true(slice_equal(piece.sender, c->addresses));
        assert_int_equal(piece.last, !c->more);
}

static void test_any_damage_is_seen(void **state)
{
        uint8_t buf[64];
        size_t n = make(buf, (struct slice)BYTES(0xce, 0xff, 0x03), (struct slice)BYTES(1, 2, 3, 4),
                        false);

        for (size_t bit = 8; bit < n * 8; bit++) {
                buf[bit / 8] ^= (uint8_t)(1U << bit % 8);
                assert_int_not_equal(link_ask(&link_hdlc, (struct slice){ buf, n }, none),
                                     LINK_WHOLE);
                buf[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
}

static void test_the_header_is_checked_before_its_length_is_trusted(void **state)
{
        uint8_t buf[64];

        (void)make(buf, (struct slice)BYTES(0xce, 0xff, 0x03), (struct slice)BYTES(1, 2, 3, 4),
                   false);
        buf[2] = 0xf0; /* a length that would make us wait */
        assert_int_equal(link_ask(&link_hdlc, (struct slice){ buf, 10 }, none), LINK_DAMAGED);
}

static const struct slice not_frames[] = {
        BYTES(0x7e, 0x7e),
        BYTES(0x7e, 0x10),
        BYTES(0x7e, 0xa0, 0x03),
        BYTES(0x7e, 0xa0, 0x40, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2),
};

static void test_what_cannot_be_a_frame_is_left_at_once(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(not_frames); i++)
                assert_int_equal(link_ask(&link_hdlc, not_frames[i], none), LINK_NONE);
}

int main(void)
{
        const struct CMUnitTest more[] = {
                cmocka_unit_test(test_any_damage_is_seen),
                cmocka_unit_test(test_the_header_is_checked_before_its_length_is_trusted),
                cmocka_unit_test(test_what_cannot_be_a_frame_is_left_at_once),
        };

        return test_run_rows_and("link-hdlc", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case,
                                 more, ELEMENTSOF(more));
}
