/* SPDX-License-Identifier: MIT */
/*
 * Lists whose class, name and attribute carry no A-XDR tags (Sagemcom XT211).
 */
#include <errno.h>

#include "layout-fixture.h"

#define POWER  "0202 0003 0100010700FF 02"
#define STATE  "0202 0046 000060030AFF 03"
#define NUMBER "0202 0001 0000600100FF 02"

static struct layout_case cases[] = {
        { "one register", "0202 1600 0101" POWER "06 0000007B", "1-0:1.7.0=123?" },
        { "registers, states, texts",
          "0202 1601 0103" POWER "1205DC" STATE "1601" NUMBER "0903 414243",
          "1-0:1.7.0=1500?; 0-0:96.3.10='1'; 0-0:96.1.0='ABC'; id=ABC" },
        { "an array as a value is passed over", "0202 1600 0102" POWER "0101 1101" NUMBER "1107",
          "0-0:96.1.0='7'; id=7" },
        { "a structure as a value is passed over", "0202 1600 0102" POWER "0201 1101" NUMBER "1107",
          "0-0:96.1.0='7'; id=7" },
        { "a clock", "0202 1600 0101 0202 0008 0000010000FF 02 090C" HEX_TIME,
          "0-0:1.0.0='" TEXT_TIME "'; time=" TEXT_TIME },

        { "three elements", "0203 1600 0101" POWER "1107 00", "", -ENOMSG },
        { "an array on top", "0102 1600 0101" POWER "1107", "", -ENOMSG },
        { "no enum in front", "0202 1100 0101" POWER "1107", "", -ENOMSG },
        { "no array", "0202 1600 0201" POWER "1107", "", -ENOMSG },
        { "no entry", "0202 1600 0100", "", -ENOMSG },
        { "an entry of three", "0202 1600 0101 0203 0003 0100010700FF 02 1107", "", -ENOMSG },
        { "class 0", "0202 1600 0101 0202 0000 0100010700FF 02 1107", "", -ENOMSG },
        { "a class beyond all", "0202 1600 0101 0202 0103 0100010700FF 02 1107",
          "A-XDR: a type that does not exist", -EBADMSG },
        { "attribute 0", "0202 1600 0101 0202 0003 0100010700FF 00 1107", "", -ENOMSG },
        { "an attribute beyond all", "0202 1600 0101 0202 0003 0100010700FF 15 1107", "", -ENOMSG },
        { "an entry that is cut", "0202 1600 0101 0202 0003 0100", "", -ENOMSG },
};

/* Read as A-XDR, an untagged list is something else: only where it is cut is not shown here. */
static void skips_as_much_as_it_reads(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                uint8_t bytes[FIXTURE_BYTES];
                struct reader r = reader_over((struct slice){
                        bytes, fixture_bytes(cases[i].data, bytes, sizeof(bytes) - 1) });

                bytes[r.left.len++] = 0x55;
                if (cases[i].result == 0) {
                        assert_int_equal(layout_untagged_skip(&r), 0);
                        assert_int_equal(r.left.len, 1);
                } else {
                        assert_int_equal(layout_untagged_skip(&r), -EBADMSG);
                        assert_non_null(r.fault);
                }
        }
}

int main(void)
{
        static const struct CMUnitTest more[] = { cmocka_unit_test(skips_as_much_as_it_reads) };

        return test_run_rows_and("layout-untagged", cases, ELEMENTSOF(cases), sizeof(cases[0]),
                                 run_layout_case, more, ELEMENTSOF(more));
}
