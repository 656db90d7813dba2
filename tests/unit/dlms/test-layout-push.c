/* SPDX-License-Identifier: MIT */
/*
 * Push lists that the telegram carries itself: entries, values in the same order, and what belongs
 * to a value though it is an attribute of its own.
 */
#include <errno.h>

#include "layout-fixture.h"

#define POWER  "0100010700FF"
#define ENERGY "0100010800FF"
#define GAS    "0001180201FF"
#define NUMBER "0000600100FF"

static struct layout_case cases[] = {
        { "one register", "0202 0102" HEX_SETUP HEX_ENTRY("0003", POWER, "02") HEX_U32("0000007B"),
          "1-0:1.7.0=123?; push=1" },
        { "the list is named by the channel of its push setup",
          "0202 0102" HEX_ENTRY("0028", "0008190900FF", "02") HEX_ENTRY("0003", POWER, "02")
                  HEX_U16("0001"),
          "1-0:1.7.0=1?; push=8" },
        { "a first entry that is no push setup",
          "0202 0102" HEX_ENTRY("0001", NUMBER, "02") HEX_ENTRY("0003", POWER, "02")
                  HEX_U16("0001"),
          "1-0:1.7.0=1?" },
        { "a name in front of the values is passed over",
          "0203 0103" HEX_SETUP HEX_ENTRY("0028", "0001190900FF", "01")
                  HEX_ENTRY("0003", POWER, "02") HEX_NAME("0001190900FF") HEX_U8("05"),
          "1-0:1.7.0=5?; push=1" },
        { "a number of six digits is no name",
          "0202 0102" HEX_SETUP HEX_ENTRY("0001", NUMBER, "02") "0906 313331333034",
          "0-0:96.1.0='131304'; push=1; id=131304" },
        { "a scaler after its value",
          "0203 0103" HEX_SETUP HEX_ENTRY("0003", ENERGY, "02") HEX_ENTRY("0003", ENERGY, "03")
                  HEX_U32("0000007B") HEX_SCALER("03", "1E"),
          "1-0:1.8.0=123000Wh; push=1" },
        { "a scaler before its value",
          "0203 0103" HEX_SETUP HEX_ENTRY("0003", ENERGY, "03") HEX_ENTRY("0003", ENERGY, "02")
                  HEX_SCALER("FF", "1E") HEX_U32("0000007B"),
          "1-0:1.8.0=12.3Wh; push=1" },
        { "a scaler of another register",
          "0204 0104" HEX_SETUP HEX_ENTRY("0003", POWER, "02") HEX_ENTRY("0003", ENERGY, "02")
                  HEX_ENTRY("0003", ENERGY, "03") HEX_U16("0007") HEX_U16("0008")
                          HEX_SCALER("01", "1E"),
          "1-0:1.7.0=7?; 1-0:1.8.0=80Wh; push=1" },
        { "a scaler that is none",
          "0203 0103" HEX_SETUP HEX_ENTRY("0003", ENERGY, "02") HEX_ENTRY("0003", ENERGY, "03")
                  HEX_U16("0007") "0202 1100 1600",
          "1-0:1.8.0=7?; push=1" },
        { "a scaler of a demand register is its attribute 4",
          "0203 0103" HEX_SETUP HEX_ENTRY("0005", "0100010400FF", "02")
                  HEX_ENTRY("0005", "0100010400FF", "04") HEX_U16("0007") HEX_SCALER("02", "1B"),
          "1-0:1.4.0=700W; push=1" },
        { "a float keeps the scaler of the list",
          "0203 0103" HEX_SETUP HEX_ENTRY("0003", ENERGY, "02")
                  HEX_ENTRY("0003", ENERGY, "03") "17 41480000" HEX_SCALER("03", "1E"),
          "1-0:1.8.0=12500Wh; push=1" },
        { "the capture time of an extended register",
          "0203 0103" HEX_SETUP HEX_ENTRY("0004", GAS, "02") HEX_ENTRY("0004", GAS, "05")
                  HEX_U32("0000007B") "090C" HEX_TIME,
          "0-1:24.2.1=123? of " TEXT_TIME "; push=1" },
        { "a capture time before the value is known nowhere",
          "0203 0103" HEX_SETUP HEX_ENTRY("0004", GAS, "05")
                  HEX_ENTRY("0004", GAS, "02") "090C" HEX_TIME HEX_U32("0000007B"),
          "0-1:24.2.1=123?; push=1" },
        { "the status of an extended register is no value of it",
          "0204 0104" HEX_SETUP HEX_ENTRY("0004", GAS, "02") HEX_ENTRY("0004", GAS, "04") HEX_ENTRY(
                  "0004", GAS, "03") HEX_U32("0000007B") HEX_U8("81") HEX_SCALER("FD", "0D"),
          "0-1:24.2.1=0.123m³; 0-1:24.2.1='129'; push=1" },
        { "the states of a disconnect control are texts",
          "0203 0103" HEX_SETUP HEX_ENTRY("0046", "000060030AFF", "02")
                  HEX_ENTRY("0046", "000060030AFF", "03") "0301" HEX_U8("02"),
          "0-0:96.3.10='1'; 0-0:96.3.10='2'; push=1" },
        { "the state of a limiter is a text",
          "0202 0102" HEX_SETUP HEX_ENTRY("0047", "0000110000FF", "03") HEX_U32("00001388"),
          "0-0:17.0.0='5000'; push=1" },
        { "a clock", "0202 0102" HEX_SETUP HEX_ENTRY("0008", "0000010000FF", "02") "090C" HEX_TIME,
          "0-0:1.0.0='" TEXT_TIME "'; time=" TEXT_TIME "; push=1" },
        { "a clock as a date-time",
          "0202 0102" HEX_SETUP HEX_ENTRY("0008", "0000010000FF", "02") "19" HEX_TIME,
          "0-0:1.0.0='" TEXT_TIME "'; time=" TEXT_TIME "; push=1" },
        { "an array is passed over",
          "0203 0103" HEX_SETUP HEX_ENTRY("0007", "0100630100FF", "02")
                  HEX_ENTRY("0003", POWER, "02") "0102 1101 0201 1102" HEX_U8("05"),
          "1-0:1.7.0=5?; push=1" },
        { "null in place of a value",
          "0203 0103" HEX_SETUP HEX_ENTRY("0003", POWER, "02")
                  HEX_ENTRY("0003", ENERGY, "02") "00" HEX_U8("05"),
          "1-0:1.8.0=5?; push=1" },
        { "entries with a restriction, as push setup version 2 has them",
          "0202 0102 0205 12 0028 0906 0001190900FF 0F 02 12 0000 0202 1600 00"
          "0205 12 0003 0906" POWER "0F 02 12 0000 0202 1600 00" HEX_U16("0007"),
          "1-0:1.7.0=7?; push=1" },
        { "entries with restriction and columns, as version 3 has them",
          "0202 0102 0206 12 0028 0906 0001190900FF 0F 02 12 0000 0202 1600 00 0100"
          "0206 12 0003 0906" POWER "0F 02 12 0000 0202 1600 00 0101 1105" HEX_U16("0007"),
          "1-0:1.7.0=7?; push=1" },

        { "more entries than values",
          "0202 0103" HEX_SETUP HEX_ENTRY("0003", POWER, "02") HEX_ENTRY("0003", ENERGY, "02")
                  HEX_U8("05"),
          "", -ENOMSG },
        { "an empty list", "0201 0100", "", -ENOMSG },
        { "an entry of three fields", "0202 0101 0203 12 0028 0906 0001190900FF 0F 02 11 05", "",
          -ENOMSG },
        { "values that end too early",
          "0203 0103" HEX_SETUP HEX_ENTRY("0003", POWER, "02") HEX_ENTRY("0003", ENERGY, "02")
                  HEX_U8("05"),
          "input ends too early", -EBADMSG },
        { "an entry that is cut", "0202 0102" HEX_SETUP "0204 12 0003 0906 0100",
          "input ends too early", -EBADMSG },
};

static void many_scalers(void **state)
{
        static struct telegram t;
        uint8_t bytes[FIXTURE_BYTES * 4], *p = bytes;
        enum {
                N = LAYOUT_SCALERS_MAX + 8
        };
        struct reader r;

        p += fixture_bytes("0282 0051 0182 0051" HEX_SETUP, p, 64);
        for (unsigned int i = 0; i < 2 * N; i++) {
                p += fixture_bytes(HEX_ENTRY("0003", "0100600800FF", "02"), p, 18);
                p[-9] = (uint8_t)(10 + i / 2); /* group C */
                p[-4] = i % 2 ? 3 : 2;
        }
        for (unsigned int i = 0; i < N; i++)
                p += fixture_bytes(HEX_U8("05") HEX_SCALER("01", "1E"), p, 8);
        r = reader_over((struct slice){ bytes, (size_t)(p - bytes) });
        telegram_reset(&t, "hdlc");
        assert_int_equal(fixture_decode(&r, &t), 0);
        /* Those beyond the limit have no scale; none takes that of another. */
        for (size_t i = 0; i < t.n_readings; i++)
                assert_int_equal(t.readings[i].value.exponent, i < LAYOUT_SCALERS_MAX);
        assert_int_equal(t.n_readings, N);
}

static void cut_anywhere(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                run_layout_cut(&cases[i]);
}

int main(void)
{
        static const struct CMUnitTest more[] = {
                cmocka_unit_test(many_scalers),
                cmocka_unit_test(cut_anywhere),
        };

        return test_run_rows_and("layout-push", cases, ELEMENTSOF(cases), sizeof(cases[0]),
                                 run_layout_case, more, ELEMENTSOF(more));
}
