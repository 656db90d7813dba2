/* SPDX-License-Identifier: MIT */
/*
 * What one value becomes: a reading, a text, or the time, by its code, its class and its type.
 */
#include <errno.h>

#include "layout-fixture.h"

#define POWER                         HEX_NAME("0100010700FF")
#define STATE                         HEX_NAME("0000600500FF")
#define OF_CLASS(c, obis)             "0101 0204 12" c HEX_NAME(obis) "0F02"
#define ATTRIBUTE(c, obis, attribute) "0204 12" c HEX_NAME(obis) "0F" attribute
#define GAS                           "0001180201FF"

/* Arrays of one array, five times. */
#define NESTED "010001 010001 010001 010001 010001"

static struct layout_case cases[] = {
        { "int8", "0202" POWER "0FFF", "1-0:1.7.0=-1?" },
        { "int16", "0202" POWER "10FF00", "1-0:1.7.0=-256?" },
        { "int32", "0202" POWER "05FFFFFFFE", "1-0:1.7.0=-2?" },
        { "int64", "0202" POWER "14FFFFFFFFFFFFFFFD", "1-0:1.7.0=-3?" },
        { "uint8", "0202" POWER "11FF", "1-0:1.7.0=255?" },
        { "uint16", "0202" POWER "12FFFF", "1-0:1.7.0=65535?" },
        { "uint32", "0202" POWER "06FFFFFFFF", "1-0:1.7.0=4294967295?" },
        { "uint64", "0202" POWER "157FFFFFFFFFFFFFFF", "1-0:1.7.0=9223372036854775807?" },
        { "uint64 beyond all meaning", "0202" POWER "158000000000000000", "unread=1" },
        { "of all ones beside others", "0204" POWER "15FFFFFFFFFFFFFFFF" STATE "1105",
          "0-0:96.5.0='5'; unread=1" },
        { "don't-care", "0204" POWER "FF" STATE "1105", "0-0:96.5.0='5'; unread=1" },
        { "a compact array", "0204" POWER "13 0202 12 06 0C 000100000005 000200000006" STATE "1105",
          "0-0:96.5.0='5'; unread=1" },
        { "a compact array of arrays", "0204" POWER "13 01 0003 11 03 010203" STATE "1105",
          "0-0:96.5.0='5'; unread=1" },
        { "a compact array nested without end",
          "0204" POWER "13" NESTED NESTED NESTED "11 00" STATE "1105", "A-XDR: nested too deeply",
          -EBADMSG },
        { "delta types",
          "020E" POWER "1C01" POWER "1D0102" POWER "1E01020304" POWER "1F01" POWER "200102" POWER
          "2101020304" STATE "1105",
          "0-0:96.5.0='5'; unread=6" },
        { "scaler beyond all meaning", "0203" POWER "1101" HEX_SCALER("0E", "1B"), "dropped=1" },
        { "negative scaler beyond all meaning", "0203" POWER "1101" HEX_SCALER("F2", "1B"),
          "dropped=1" },
        { "largest scaler", "0203" POWER "1101" HEX_SCALER("0D", "1B"),
          "1-0:1.7.0=10000000000000W" },

        { "float32", "0202" POWER "17 43661999", "1-0:1.7.0=230.1W" },
        { "float32, negative", "0202" POWER "17 BF000000", "1-0:1.7.0=-0.5W" },
        { "float32, zero", "0202" POWER "17 00000000", "1-0:1.7.0=0W" },
        { "float32 with a scaler", "0203" POWER "17 3FC00000" HEX_SCALER("03", "1B"),
          "1-0:1.7.0=1500W" },
        { "float32, not a number", "0204" POWER "17 7FC00000" STATE "1105",
          "0-0:96.5.0='5'; unread=1" },
        { "float32, infinite", "0204" POWER "17 7F800000" STATE "1105",
          "0-0:96.5.0='5'; unread=1" },
        { "float32, minus infinite", "0204" POWER "17 FF800000" STATE "1105",
          "0-0:96.5.0='5'; unread=1" },
        { "float64", "0202" POWER "18 3FB999999999999A", "1-0:1.7.0=0.1W" },
        { "float64, beyond all meaning", "0204" POWER "18 7E37E43C8800759C" STATE "1105",
          "0-0:96.5.0='5'; unread=1" },
        { "float32 of four digits", "0202" POWER "17 3C4CCCCD", "1-0:1.7.0=0.0125W" },
        { "float32 as large as a counter", "0202" POWER "17 4B3C614E", "1-0:1.7.0=12345678W" },
        { "float64 with a scaler beyond all meaning",
          "0203" POWER "18 3FB999999999999A" HEX_SCALER("80", "1B"), "dropped=1" },

        { "boolean", "0202" STATE "0301", "0-0:96.5.0='1'" },
        { "enum", "0202" STATE "1607", "0-0:96.5.0='7'" },
        { "bcd", "0202" STATE "0D12", "0-0:96.5.0='18'" },
        { "bit string", "0202" STATE "040A FFC0", "0-0:96.5.0='ffc0'" },
        { "octets that are text", "0202" STATE "0902 4142", "0-0:96.5.0='AB'" },
        { "octets that are none", "0202" STATE "0902 01FF", "0-0:96.5.0='01ff'" },
        { "octets filled up with zeros", "0202" STATE "0904 41420000", "0-0:96.5.0='AB'" },
        { "no octets", "0202" STATE "0900", "0-0:96.5.0=''" },
        { "visible string", "0202" STATE "0A02 4142", "0-0:96.5.0='AB'" },
        { "UTF-8 string", "0202" STATE "0C02 C3A4", "0-0:96.5.0='c3a4'" },
        { "a date alone", "0202" STATE "1A 07EA070103", "0-0:96.5.0='07ea070103'" },
        { "a time alone", "0202" STATE "1B 0C223800", "0-0:96.5.0='0c223800'" },
        { "a date-time that is no clock's", "0202" STATE "19" HEX_TIME,
          "0-0:96.5.0='" TEXT_TIME "'" },
        { "a clock that says no time",
          "0204" HEX_NAME("0000010000FF") "090C FFFFFFFFFFFFFFFFFF8000FF" STATE "1105",
          "0-0:96.5.0='5'" },
        { "a clock of text", "0202" HEX_NAME("0000010000FF") "0A02 4142", "0-0:1.0.0='AB'" },
        { "a visible string of twelve is no time",
          "0202" HEX_NAME("0000010000FF") "0A0C 323032363037303131323334",
          "0-0:1.0.0='202607011234'" },
        { "of two clocks the first counts",
          "0204" HEX_NAME("0000010000FF") "090C" HEX_TIME HEX_NAME(
                  "0001010000FF") "090C 07EA 07 01 03 0D 22 38 00 FF88 80",
          "0-0:1.0.0='" TEXT_TIME "'; 0-1:1.0.0='2026-07-01T13:34:56+02:00'; time=" TEXT_TIME },

        { "medium 0, unknown: a state", "0202" STATE "1105", "0-0:96.5.0='5'" },
        { "medium 0, group C of 0", "0202" HEX_NAME("0000000000FF") "1105", "0-0:0.0.0='5'; id=5" },
        { "medium 1, group C of 0", "0202" HEX_NAME("0100000205FF") "1105", "1-0:0.2.5='5'" },
        { "medium 1, group C of 96: a state", "0202" HEX_NAME("0100600500FF") "1105",
          "1-0:96.5.0='5'" },
        { "medium 1, unknown: a reading", "0202" HEX_NAME("01005F6300FF") "1105",
          "1-0:95.99.0=5?" },
        { "medium 0, known to the table: a reading", "0202" HEX_NAME(GAS) "1105", "0-1:24.2.1=5?" },
        { "a state with a scaler is a reading", "0203" STATE "1105" HEX_SCALER("FF", "07"),
          "0-0:96.5.0=0.5s" },
        { "class 1 of medium 0, known to the table: a text", OF_CLASS("0001", GAS) "1105",
          "0-1:24.2.1='5'" },
        { "class 1 of medium 1: a reading", OF_CLASS("0001", "0100010700FF") "1105",
          "1-0:1.7.0=5?" },
        { "class 3", OF_CLASS("0003", GAS) "1105", "0-1:24.2.1=5?" },
        { "class 5", OF_CLASS("0005", "0100010400FF") "1105", "1-0:1.4.0=5?" },
        { "class 70 of medium 1: a text", OF_CLASS("0046", "0100010700FF") "1105",
          "1-0:1.7.0='5'" },
        { "class 71 of medium 1: a text", OF_CLASS("0047", "0100010700FF") "1105",
          "1-0:1.7.0='5'" },
        { "class 8 under another code", OF_CLASS("0008", "0000600500FF") "090C" HEX_TIME,
          "0-0:96.5.0='" TEXT_TIME "'; time=" TEXT_TIME },

        { "last average of a demand register",
          "0101" ATTRIBUTE("0005", "0100010400FF", "03") "1105", "1-0:1.5.0=5?" },
        { "last average of a demand register that is named so",
          "0101" ATTRIBUTE("0005", "0100010500FF", "03") "1105", "1-0:1.5.0=5?" },
        { "both averages of a demand register",
          "0102" ATTRIBUTE("0005", "0100010400FF", "03") "1105" ATTRIBUTE("0005", "0100010400FF",
                                                                          "02") "1107",
          "1-0:1.5.0=5?; 1-0:1.4.0=7?" },
        { "status of a demand register", "0101" ATTRIBUTE("0005", "0100010400FF", "05") "1105",
          "1-0:1.4.0='5'" },
        { "capture time of a demand register",
          "0102" ATTRIBUTE("0005", "0100010400FF", "03") "1105" ATTRIBUTE("0005", "0100010400FF",
                                                                          "06") "19" HEX_TIME,
          "1-0:1.5.0=5? of " TEXT_TIME },
        { "it is not that of the current average",
          "0102" ATTRIBUTE("0005", "0100010400FF", "02") "1105" ATTRIBUTE("0005", "0100010400FF",
                                                                          "06") "19" HEX_TIME,
          "1-0:1.4.0=5?" },
        { "capture time in the entry of a last average",
          "0101 0205 120005 0906 0100010400FF 0F03 1105 090C" HEX_TIME,
          "1-0:1.5.0=5? of " TEXT_TIME },
        { "capture time of an extended register",
          "0102" ATTRIBUTE("0004", GAS, "02") "1105" ATTRIBUTE("0004", GAS, "05") "090C" HEX_TIME,
          "0-1:24.2.1=5? of " TEXT_TIME },
        { "capture time of nothing", "0101" ATTRIBUTE("0004", GAS, "05") "090C" HEX_TIME, "" },
};

/* What does not fit into the arena is counted. */
static void arena_full(void **state)
{
        static struct telegram t;
        struct layout l = { .telegram = &t };
        struct layout_object object = { .obis = OBIS_OF(0, 0, 96, 5, 0, 255) };
        struct axdr_value number = { .tag = AXDR_ENUM, .number = 12 };
        uint8_t time[12];
        struct axdr_value date = { .tag = AXDR_DATE_TIME,
                                   .bytes = { time, fixture_bytes(HEX_TIME, time, 12) } };

        telegram_reset(&t, "hdlc");
        assert_non_null(telegram_alloc(&t, TELEGRAM_ARENA_BYTES - 1));
        layout_deliver(&l, &object, &number, NULL);
        assert_int_equal(t.n_dropped, 1);
        layout_deliver(&l, &object, &date, NULL);
        assert_int_equal(t.n_dropped, 2);
        assert_int_equal(t.n_texts, 0);
}

int main(void)
{
        static const struct CMUnitTest more[] = { cmocka_unit_test(arena_full) };

        return test_run_rows_and("layout-value", cases, ELEMENTSOF(cases), sizeof(cases[0]),
                                 run_layout_case, more, ELEMENTSOF(more));
}
