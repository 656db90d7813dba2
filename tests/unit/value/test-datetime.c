/* SPDX-License-Identifier: MIT */
#include "lib/value/datetime.h"
#include "tests/unit/test.h"

static struct datetime_case {
        const char *name;
        struct slice in;
        const char *want;
        enum datetime_dst want_dst;
        int64_t want_epoch;
} cases[] = {
        { "summer time of central Europe",
          BYTES(0x07, 0xe7, 6, 6, 2, 17, 31, 20, 18, 0xff, 0x88, 0x80), "2023-06-06T17:31:20+02:00",
          DATETIME_DST_SUMMER, 1686065480 },
        { "winter time", BYTES(0x07, 0xe7, 11, 1, 3, 12, 12, 18, 0, 0xff, 0xc4, 0),
          "2023-11-01T12:12:18+01:00", DATETIME_DST_UNKNOWN, 1698837138 },
        { "no offset", BYTES(0x07, 0xea, 5, 4, 1, 11, 39, 20, 0xff, 0x80, 0, 0),
          "2026-05-04T11:39:20", DATETIME_DST_UNKNOWN, 1777894760 },
        { "no offset, summer marked", BYTES(0x07, 0xea, 5, 4, 1, 11, 39, 21, 0xff, 0x80, 0, 0x81),
          "2026-05-04T11:39:21", DATETIME_DST_SUMMER, 1777894761 },
        { "status not specified", BYTES(0x07, 0xea, 5, 4, 1, 11, 39, 20, 0, 0, 0, 0xff),
          "2026-05-04T11:39:20+00:00", DATETIME_DST_UNKNOWN, 1777894760 },
        { "west of Greenwich", BYTES(0x07, 0xe8, 2, 29, 4, 0, 0, 0, 0, 0x01, 0x2c, 0),
          "2024-02-29T00:00:00-05:00", DATETIME_DST_UNKNOWN, 1709182800 },
        { "second not specified", BYTES(0x07, 0xe8, 2, 29, 4, 7, 8, 0xff, 0, 0x80, 0, 0),
          "2024-02-29T07:08:00", DATETIME_DST_UNKNOWN, 1709190480 },
        { "offset out of range is none", BYTES(0x07, 0xe8, 1, 1, 1, 0, 0, 0, 0, 0x7f, 0, 0),
          "2024-01-01T00:00:00", DATETIME_DST_UNKNOWN, 1704067200 },
        { "year not specified", BYTES(0xff, 0xff, 5, 4, 1, 11, 39, 20, 0, 0x80, 0, 0), "", 0, 0 },
        { "29 February of no leap year", BYTES(0x07, 0xe7, 2, 29, 4, 0, 0, 0, 0, 0x80, 0, 0), "", 0,
          0 },
        { "month 13", BYTES(0x07, 0xe7, 13, 1, 4, 0, 0, 0, 0, 0x80, 0, 0), "", 0, 0 },
        { "hour 24", BYTES(0x07, 0xe7, 1, 1, 4, 24, 0, 0, 0, 0x80, 0, 0), "", 0, 0 },
        { "too short", BYTES(0x07, 0xe7, 1, 1), "", 0, 0 },
        { "too long", BYTES(0x07, 0xe7, 6, 6, 2, 17, 31, 20, 18, 0xff, 0x88, 0x80, 0), "", 0, 0 },
        { "empty", { 0 }, "", 0, 0 },
};

static void run_case(void **state)
{
        const struct datetime_case *c = *state;
        struct datetime got = datetime_of_cosem(c->in);
        char text[DATETIME_TEXT_MAX];

        assert_int_equal(datetime_print(&got, text), strlen(c->want));
        assert_string_equal(text, c->want);
        assert_int_equal(got.valid, c->want[0] != '\0');
        if (!got.valid)
                return;
        assert_int_equal(got.dst, c->want_dst);
        assert_int_equal(datetime_to_epoch(&got), c->want_epoch);
}

int main(void)
{
        return test_run_rows("datetime", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case);
}
