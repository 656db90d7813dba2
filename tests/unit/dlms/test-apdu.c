/* SPDX-License-Identifier: MIT */
/*
 * data-notification: LLC, the three ways to write its time, and where it ends.
 */
#include "layout-fixture.h"
#include "lib/dlms/apdu.h"
#include "lib/dlms/raw.h"
#include "lib/link/llc.h"

#define NOT_ONE (-2)
#define HEAD    "0F 40000001"
#define DATA    "0202" HEX_NAME("0100010700FF") HEX_U16("0007")

static struct apdu_case {
        const char *name;
        const char *hex;
        ssize_t length;   /* -1: all of it; 0: more bytes are needed; NOT_ONE */
        const char *time; /* NULL: not asked */
        const char *fault;
        bool ambiguous; /* its beginning alone can be read as something whole */
} cases[] = {
        { "no time", HEAD "00" DATA, -1, "" },
        { "twelve bytes of time", HEAD "0C" HEX_TIME DATA, -1, TEXT_TIME },
        { "an octet string of time, as firmware of 2017", HEAD "090C" HEX_TIME DATA, -1,
          TEXT_TIME },
        { "an empty octet string of time", HEAD "0900" DATA, -1, "" },
        { "a time of no day", HEAD "0C FFFFFFFFFFFFFFFFFF8000FF" DATA, -1, "" },
        { "a time of another length", HEAD "05 0102030405" DATA, NOT_ONE, "",
          "data-notification: its date-time is neither 12 bytes nor absent" },
        { "another tag", "C2 40000001 00" DATA, NOT_ONE, "", "not a data-notification" },
        { "bytes behind it", HEAD "00" DATA "5555", 6 + 13, "" },
        { "an array", HEAD "00 0101" HEX_U8("05"), -1 },
        { "an untagged list", HEAD "00 0202 1600 0101 0202 0003 0100010700FF 02 1107", -1, NULL,
          NULL, true },
        { "a number in place of a list", HEAD "00" HEX_U8("05"), NOT_ONE },
        { "a type that does not exist", HEAD "00 0201 44", NOT_ONE },
        { "nothing", "", 0 },
};

static void run_case(void **state)
{
        const struct apdu_case *c = *state;
        struct apdu_notification notification = { 0 };
        uint8_t bytes[FIXTURE_BYTES];
        char time[DATETIME_TEXT_MAX];
        struct slice s = { bytes, fixture_bytes(c->hex, bytes, sizeof(bytes)) };
        struct reader r = reader_over(s);
        size_t whole = c->length == -1 ? s.len : (size_t)MAX(c->length, 0);
        struct link_found found = { 0 };
        enum link_result result = raw_find_notification(s, &found);

        assert_int_equal(result, c->length == NOT_ONE ? LINK_NONE
                                 : whole > 0          ? LINK_WHOLE
                                                      : LINK_MORE);
        if (result == LINK_WHOLE)
                assert_int_equal(found.len, whole);
        for (size_t n = 0; !c->ambiguous && n < whole; n++)
                assert_int_equal(raw_find_notification(slice_first(s, n), &found), LINK_MORE);
        if (!c->time)
                return;
        apdu_notification_begin(&r, &notification);
        (void)datetime_print(&notification.time, time);
        assert_string_equal(time, c->time);
        assert_string_equal(r.fault ? r.fault : "", c->fault ? c->fault : "");
        if (reader_ok(&r)) {
                assert_int_equal(notification.invoke_id, 1);
                assert_int_equal(reader_peek(&r), 0x02);
        }
}

static struct llc_case {
        const char *name;
        const char *hex;
        size_t length;
} llc_cases[] = {
        { "LLC of a server", "E6E7000F", 3 },
        { "LLC of a client", "E6E6000F", 3 },
        { "LLC and nothing behind", "E6E700", 3 },
        { "no LLC", "0F0000", 0 },
        { "a cut LLC", "E6E7", 0 },
        { "a third byte that is not 0", "E6E7010F", 0 },
        { "a second byte of neither", "E6E8000F", 0 },
        { "no bytes, no LLC", "", 0 },
};

static void run_llc_case(void **state)
{
        const struct llc_case *c = *state;
        uint8_t bytes[8];

        assert_int_equal(
                llc_length((struct slice){ bytes, fixture_bytes(c->hex, bytes, sizeof(bytes)) }),
                c->length);
}

int main(void)
{
        static struct CMUnitTest more[ELEMENTSOF(llc_cases)];
        size_t n = test_add_rows(more, 0, llc_cases, ELEMENTSOF(llc_cases), sizeof(llc_cases[0]),
                                 run_llc_case);

        return test_run_rows_and("apdu", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case, more,
                                 n);
}
