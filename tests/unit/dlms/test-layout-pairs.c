/* SPDX-License-Identifier: MIT */
/*
 * OBIS/value lists in the nestings of the field: flat (Kamstrup, Lower Austria), a structure per
 * value (Aidon), with class and attribute around the code; and what stands between the pairs.
 */
#include <errno.h>

#include "layout-fixture.h"

#define POWER  HEX_NAME("0100010700FF")
#define ENERGY HEX_NAME("0100010800FF")
#define NUMBER HEX_NAME("0000600100FF")
/* "LIST_V01" as a visible string. */
#define LIST_ID "0A08 4C4953545F563031"

static struct layout_case cases[] = {
        { "flat", "0204" POWER HEX_U16("007B") ENERGY HEX_U32("00001000"),
          "1-0:1.7.0=123?; 1-0:1.8.0=4096?" },
        { "flat in an array", "0102" POWER HEX_U16("007B"), "1-0:1.7.0=123?" },
        { "a structure per value", "0202 0202" POWER HEX_U16("007B") "0202" ENERGY HEX_U8("05"),
          "1-0:1.7.0=123?; 1-0:1.8.0=5?" },
        { "with scalers",
          "0102 0203" POWER HEX_U16("007B") HEX_SCALER("01", "1B") "0203" ENERGY HEX_U8("05")
                  HEX_SCALER("FF", "1E"),
          "1-0:1.7.0=1230W; 1-0:1.8.0=0.5Wh" },
        { "flat with scalers",
          "0206" POWER HEX_U16("007B") HEX_SCALER("01", "1B") ENERGY HEX_U8("05")
                  HEX_SCALER("00", "1E"),
          "1-0:1.7.0=1230W; 1-0:1.8.0=5Wh" },
        { "a mixture of nestings",
          "0203 0102 0202" POWER HEX_U8("01") "0202" ENERGY HEX_U8("02") HEX_NAME("0100020700FF")
                  HEX_U8("03"),
          "1-0:1.7.0=1?; 1-0:1.8.0=2?; 1-0:2.7.0=3?" },
        { "class, code, attribute, value", "0101 0204" HEX_U16("0003") POWER "0F02" HEX_U8("07"),
          "1-0:1.7.0=7?" },
        { "class, code, attribute, value, scaler",
          "0101 0205" HEX_U16("0003") POWER "0F02" HEX_U8("07") HEX_SCALER("02", "1B"),
          "1-0:1.7.0=700W" },
        { "class 1 of medium 0 is a text", "0101 0204" HEX_U16("0001") NUMBER "0F02" HEX_U8("07"),
          "0-0:96.1.0='7'; id=7" },
        { "a class without a code", "0101 0204" HEX_U16("0003") HEX_U8("00") "0F02" HEX_U8("07"),
          "", -ENOMSG },
        { "a class whose code is too short", "0101 0204" HEX_U16("0003") "0902 0102 0F02 1107", "",
          -ENOMSG },
        { "a class whose code is no octet string",
          "0101 0204" HEX_U16("0003") "0A06 0100010700FF 0F02 1107", "", -ENOMSG },
        { "a class whose attribute is no integer",
          "0101 0204" HEX_U16("0003") POWER "1102" HEX_U8("07"), "", -ENOMSG },

        { "a list id in front", "0203" LIST_ID POWER HEX_U8("07"), "1-0:1.7.0=7?; list=LIST_V01" },
        { "a list id further on is a number of the meter", "0203" POWER HEX_U8("07") LIST_ID,
          "1-0:1.7.0=7?; id=LIST_V01" },
        { "a string too short for a list id", "0203 0A02 4142" POWER HEX_U8("07"),
          "1-0:1.7.0=7?; id=AB" },
        { "a string too long for a list id",
          "0203 0A18 414141414141414141414141414141414141414141414141" POWER HEX_U8("07"),
          "1-0:1.7.0=7?; id=AAAAAAAAAAAAAAAAAAAAAAAA" },
        { "an empty string between the pairs", "0203 0900" POWER HEX_U8("07"), "1-0:1.7.0=7?" },
        { "null between the pairs", "0204 00" POWER HEX_U8("07") "00", "1-0:1.7.0=7?" },
        { "a bare number of the meter", "0203" POWER HEX_U8("07") "090C 313132323333343435353636",
          "1-0:1.7.0=7?; id=112233445566" },
        { "a bare number is none where an object names one",
          "0205" POWER HEX_U8("07") NUMBER "0903 414243 0904 31313232",
          "1-0:1.7.0=7?; 0-0:96.1.0='ABC'; id=ABC" },
        { "slashes leave a bare number", "0203" POWER HEX_U8("07") "0904 412F422F",
          "1-0:1.7.0=7?; id=A_B_" },
        { "a bare time", "0203 090C" HEX_TIME POWER HEX_U8("07"), "1-0:1.7.0=7?; time=" TEXT_TIME },
        { "of two bare times the first counts",
          "0204 090C" HEX_TIME "090C 07EA 07 01 03 0D 22 38 00 FF88 80" POWER HEX_U8("07"),
          "1-0:1.7.0=7?; time=" TEXT_TIME },
        { "a number of six bytes is a value by its place",
          "0204" NUMBER "0906 313331333034" POWER HEX_U8("07"),
          "1-0:1.7.0=7?; 0-0:96.1.0='131304'; id=131304" },
        { "a clock object", "0202" HEX_NAME("0000010000FF") "090C" HEX_TIME,
          "0-0:1.0.0='" TEXT_TIME "'; time=" TEXT_TIME },
        { "a list in place of a value",
          "0204" HEX_NAME("0000636200FF") "0102 1101 1102" POWER HEX_U8("07"), "1-0:1.7.0=7?" },
        { "null in place of a value", "0204" ENERGY "00" POWER HEX_U8("07"), "1-0:1.7.0=7?" },
        { "text as a value", "0204" HEX_NAME("00006001FF FF") "0A03 414243" POWER HEX_U8("07"),
          "1-0:1.7.0=7?; 0-0:96.1.255='ABC'" },
        { "the same value twice", "0204" POWER HEX_U8("07") POWER HEX_U8("07"), "1-0:1.7.0=7?" },
        { "a repeated value with a scaler does not scale its neighbour",
          "0208" POWER HEX_U8("07") HEX_SCALER("00", "00") HEX_NAME("01001F0700FF") HEX_U16("0064")
                  POWER HEX_U8("07") HEX_SCALER("00", "00"),
          "1-0:1.7.0=7W; 1-0:31.7.0=1.00A", 0, "lgz-e450" },
        { "a push list without its values",
          "0102" HEX_SETUP HEX_ENTRY("0003", "0100010800FF", "02"), "", -ENOMSG },
        { "a push list without its values, nor the push object",
          "0102" HEX_ENTRY("0003", "0100010700FF", "02") HEX_ENTRY("0003", "0100010800FF", "02"),
          "", -ENOMSG },
        { "the time behind a value is the value's",
          "0102 0204" POWER HEX_U8("07") HEX_SCALER("00", "1B") "090C" HEX_TIME
                                                                "0202" ENERGY HEX_U8("08"),
          "1-0:1.7.0=7W of " TEXT_TIME "; 1-0:1.8.0=8?" },
        { "other value, same code", "0204" POWER HEX_U8("07") POWER HEX_U8("08"),
          "1-0:1.7.0=7?; 1-0:1.7.0=8?" },

        { "a value without its code", "0203" POWER HEX_U8("07") HEX_U8("08"), "", -ENOMSG },
        { "a code at the end", "0203" POWER HEX_U8("07") ENERGY, "1-0:1.7.0=7?; id=0100010800ff" },
        { "no pair at all", "0202 0901 41 0901 42", "", -ENOMSG },
        { "nested too deeply", "0101 0101 0101 0101 0101 0101 0101 0102" POWER HEX_U8("07"), "",
          -ENOMSG },
        { "a single value", HEX_U8("07"), "", -ENOMSG },
        { "nothing", "", "input ends too early", -EBADMSG },
        { "a value that is cut", "0204" POWER HEX_U8("07") ENERGY "06 0000", "input ends too early",
          -EBADMSG },
        { "a type that does not exist", "0202" POWER "44 00", "A-XDR: a type that does not exist",
          -EBADMSG },
        { "a length of a form that is not possible", "0202" POWER "09 85 000001 41",
          "A-XDR: a length of this form is not possible", -EBADMSG },
        { "a length beyond the telegram", "0202" POWER "09 84 FFFFFFFF", "input ends too early",
          -EBADMSG },
        { "more elements than a telegram can hold", "0182 1001" POWER HEX_U8("07"),
          "A-XDR: more elements than a telegram can hold", -EBADMSG },
};

/* Cut behind its tag, this one is no longer what it is: not for cut_anywhere(). */
static struct layout_case swapped[] = {
        { "06 09 in place of 09 06 before a code",
          "0102 0203 0609 01001F0700FF 1000F4" HEX_SCALER("FE", "21") "0203" POWER HEX_U8("07")
                  HEX_SCALER("00", "1B"),
          "1-0:31.7.0=2.44A; 1-0:1.7.0=7W" },
};

static void run_swapped(void **state)
{
        void *row = &swapped[0];

        run_layout_case(&row);
}

static void cut_anywhere(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                run_layout_cut(&cases[i]);
}

int main(void)
{
        static const struct CMUnitTest more[] = { cmocka_unit_test(cut_anywhere),
                                                  cmocka_unit_test(run_swapped) };

        return test_run_rows_and("layout-pairs", cases, ELEMENTSOF(cases), sizeof(cases[0]),
                                 run_layout_case, more, ELEMENTSOF(more));
}
