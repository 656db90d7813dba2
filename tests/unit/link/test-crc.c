/* SPDX-License-Identifier: MIT */
/* Check sums against published check values, and against a bit-by-bit division. */
#include "tests/unit/test.h"

#include "lib/link/crc.h"

static struct crc_case {
        const char *name;
        struct slice in;
        uint16_t x25, kermit, arc;
        uint8_t sum;
} cases[] = {
        /* The check value of the CRC catalogues. */
        { "digits 1 to 9", TEXT("123456789"), 0x906e, 0x2189, 0xbb3d, 0xdd },
        { "empty", { 0 }, 0x0000, 0x0000, 0x0000, 0 },
        { "one zero", BYTES(0), 0xf078, 0x0000, 0x0000, 0 },
        { "one 0x01", BYTES(1), 0xe1f1, 0x1189, 0xc0c1, 1 },
        { "one 0x80", BYTES(0x80), 0x7470, 0x8408, 0xa001, 0x80 },
};

/* The definition, a bit at a time: nothing shared with the code under test. */
static uint16_t divide(uint16_t polynomial, uint16_t crc, struct slice bytes)
{
        for (size_t i = 0; i < bytes.len; i++) {
                crc ^= bytes.data[i];
                for (int bit = 0; bit < 8; bit++)
                        crc = (uint16_t)(crc & 1 ? crc >> 1 ^ polynomial : crc >> 1);
        }
        return crc;
}

static void run_case(void **state)
{
        const struct crc_case *c = *state;

        assert_int_equal(crc_mbus_sum(c->in), c->sum);
        assert_int_equal(crc16_x25(c->in), c->x25);
        assert_int_equal(crc16_kermit(c->in), c->kermit);
        assert_int_equal(crc16_arc(c->in), c->arc);
}

static void check_divided(struct slice s)
{
        assert_int_equal(crc16_x25(s), (uint16_t)~divide(0x8408, 0xffff, s));
        assert_int_equal(crc16_kermit(s), divide(0x8408, 0, s));
        assert_int_equal(crc16_arc(s), divide(0xa001, 0, s));
}

/* Alone, followed by another, behind another, and as the odd one. */
static void test_every_byte_value(void **state)
{
        for (unsigned int i = 0; i < 256; i++) {
                check_divided((struct slice)BYTES((uint8_t)i));
                check_divided((struct slice)BYTES((uint8_t)i, 0x5a));
                check_divided((struct slice)BYTES(0x5a, (uint8_t)i));
                check_divided((struct slice)BYTES(0x5a, 0xa5, (uint8_t)i));
        }
}

static void test_parts_equal_the_whole(void **state)
{
        uint8_t bytes[512];
        struct slice s = { bytes, sizeof(bytes) };

        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = (uint8_t)(i * 7 + i / 256);
        for (size_t cut = 0; cut <= s.len; cut += 37) {
                uint16_t arc = crc16_arc_update(CRC16_ARC_INIT, slice_first(s, cut));

                arc = crc16_arc_update(arc, slice_from(s, cut));
                assert_int_equal(arc, crc16_arc(s));
        }
}

static void test_sum_wraps(void **state)
{
        struct slice s = BYTES(0xff, 0x02);

        assert_int_equal(crc_mbus_sum(s), 0x01);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_byte_value),
                cmocka_unit_test(test_parts_equal_the_whole),
                cmocka_unit_test(test_sum_wraps),
        };

        return test_run_rows_and("crc", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case, tests,
                                 ELEMENTSOF(tests));
}
