/* SPDX-License-Identifier: MIT */
/* SML files: numbers, times, identities and whatever meters do to them; damage is a row too. */
#include "sml-fixture.h"

#include <errno.h>

#include "lib/sml/sml.h"

#define ISKRA       BYTES(0x0a, 0x01, 'I', 'S', 'K', 0, 4, 1, 2, 3)
#define OBIS_1_8_0  0x07, 1, 0, 1, 8, 0, 0xff
#define OBIS_16_7_0 0x07, 1, 0, 16, 7, 0, 0xff
#define ABSENT      0x01
#define WH          0x62, 0x1e
#define W           0x62, 0x1b

static struct telegram telegram;

static int decode(struct slice server, struct slice time, uint8_t n, struct slice entries)
{
        static struct sml_buffer file; /* outlives this: texts are borrowed from it */

        file.len = 0;
        sml_put_list(&file, server, time, n, entries);
        telegram_reset(&telegram, "sml");
        return sml_file_decode(sml_slice(&file), &telegram);
}

/* ---- one entry ---- */

static struct entry_case {
        const char *name;
        struct slice entry;
        const char *want; /* "1-0:1.8.0 123.4 Wh", "1-0:96.1.0 text", or "" when nothing comes */
} entry_cases[] = {
        { "unsigned of one byte",
          BYTES(0x77, OBIS_1_8_0, ABSENT, ABSENT, WH, 0x52, 0x00, 0x62, 0xff, 1),
          "1-0:1.8.0 255 Wh" },
        { "unsigned of three bytes",
          BYTES(0x77, OBIS_1_8_0, ABSENT, ABSENT, WH, 0x52, 0x00, 0x64, 0xff, 0, 1, 1),
          "1-0:1.8.0 16711681 Wh" },
        { "unsigned of eight bytes",
          BYTES(0x77, OBIS_1_8_0, ABSENT, ABSENT, WH, 0x52, 0xff, 0x69, 0, 0, 0, 0, 0, 0x70, 0x24,
                0xd0, 1),
          "1-0:1.8.0 734945.6 Wh" },
        { "unsigned beyond 63 bits",
          BYTES(0x77, OBIS_1_8_0, ABSENT, ABSENT, WH, 0x52, 0xff, 0x69, 0x80, 0, 0, 0, 0, 0, 0, 0,
                1),
          "" },
        { "signed of one byte",
          BYTES(0x77, OBIS_16_7_0, ABSENT, ABSENT, W, 0x52, 0x00, 0x52, 0xff, 1),
          "1-0:16.7.0 -1 W" },
        { "signed of three bytes",
          BYTES(0x77, OBIS_16_7_0, ABSENT, ABSENT, W, 0x52, 0xff, 0x54, 0xff, 0xff, 0, 1),
          "1-0:16.7.0 -25.6 W" },
        { "signed of five bytes",
          BYTES(0x77, OBIS_16_7_0, ABSENT, ABSENT, W, 0x52, 0xff, 0x56, 0, 0, 0, 5, 0x5b, 1),
          "1-0:16.7.0 137.1 W" },
        { "signed of eight bytes",
          BYTES(0x77, OBIS_16_7_0, ABSENT, ABSENT, W, 0x52, 0x00, 0x59, 0xff, 0xff, 0xff, 0xff,
                0xff, 0xff, 0xff, 0x9c, 1),
          "1-0:16.7.0 -100 W" },
        { "the lowest number",
          BYTES(0x77, OBIS_16_7_0, ABSENT, ABSENT, W, 0x52, 0x00, 0x59, 0x80, 0, 0, 0, 0, 0, 0, 0,
                1),
          "1-0:16.7.0 -9223372036854775808 W" },
        { "positive signed with its high bit in the next byte",
          BYTES(0x77, OBIS_16_7_0, ABSENT, ABSENT, W, 0x52, 0x00, 0x53, 0x00, 0xff, 1),
          "1-0:16.7.0 255 W" },
        { "nine bytes",
          BYTES(0x77, OBIS_1_8_0, ABSENT, ABSENT, WH, 0x52, 0x00, 0x6a, 0, 0, 0, 0, 0, 0, 0, 0, 5,
                1),
          "" },
        { "no bytes", BYTES(0x77, OBIS_1_8_0, ABSENT, ABSENT, WH, 0x52, 0x00, 0x61, 1), "" },
        { "no value", BYTES(0x77, OBIS_1_8_0, ABSENT, ABSENT, WH, 0x52, 0x00, ABSENT, 1), "" },
        { "a scaler above zero",
          BYTES(0x77, OBIS_1_8_0, ABSENT, ABSENT, WH, 0x52, 0x03, 0x62, 7, 1),
          "1-0:1.8.0 7000 Wh" },
        { "a scaler as two bytes",
          BYTES(0x77, OBIS_1_8_0, ABSENT, ABSENT, WH, 0x53, 0xff, 0xff, 0x62, 7, 1),
          "1-0:1.8.0 0.7 Wh" },
        { "no scaler", BYTES(0x77, OBIS_1_8_0, ABSENT, ABSENT, WH, ABSENT, 0x62, 7, 1),
          "1-0:1.8.0 7 Wh" },
        { "an impossible scaler",
          BYTES(0x77, OBIS_1_8_0, ABSENT, ABSENT, WH, 0x52, 0x7f, 0x62, 7, 1), "" },
        { "a known code without unit",
          BYTES(0x77, OBIS_1_8_0, ABSENT, ABSENT, ABSENT, ABSENT, 0x62, 7, 1),
          "1-0:1.8.0 7 (null)" },
        { "a unit nobody knows",
          BYTES(0x77, OBIS_1_8_0, ABSENT, ABSENT, 0x62, 0xc8, ABSENT, 0x62, 7, 1),
          "1-0:1.8.0 7 (null)" },
        { "volt",
          BYTES(0x77, 0x07, 1, 0, 32, 7, 0, 0xff, 1, 1, 0x62, 0x23, 0x52, 0xff, 0x63, 9, 0x13, 1),
          "1-0:32.7.0 232.3 V" },
        { "degrees",
          BYTES(0x77, 0x07, 1, 0, 81, 7, 1, 0xff, 1, 1, 0x62, 0x08, 0x52, 0, 0x62, 120, 1),
          "1-0:81.7.1 120 °" },
        { "hertz",
          BYTES(0x77, 0x07, 1, 0, 14, 7, 0, 0xff, 1, 1, 0x62, 0x2c, 0x52, 0xff, 0x63, 1, 0xf4, 1),
          "1-0:14.7.0 50.0 Hz" },
        { "a code nobody knows",
          BYTES(0x77, 0x07, 1, 0, 199, 7, 0, 0xff, 1, 1, W, 0x52, 0, 0x62, 1, 1),
          "1-0:199.7.0 1 W" },
        { "with F", BYTES(0x77, 0x07, 1, 0, 1, 8, 0, 1, 1, 1, WH, 0x52, 0, 0x62, 1, 1),
          "1-0:1.8.0*1 1 Wh" },
        { "status of one byte",
          BYTES(0x77, OBIS_1_8_0, 0x62, 0x80, ABSENT, WH, 0x52, 0, 0x62, 9, 1), "1-0:1.8.0 9 Wh" },
        { "status of eight bytes",
          BYTES(0x77, OBIS_1_8_0, 0x69, 1, 2, 3, 4, 5, 6, 7, 8, ABSENT, WH, 0x52, 0, 0x62, 9, 1),
          "1-0:1.8.0 9 Wh" },
        { "time of the value as seconds since start",
          BYTES(0x77, OBIS_1_8_0, ABSENT, 0x72, 0x62, 1, 0x65, 1, 2, 3, 4, WH, 0x52, 0, 0x62, 9, 1),
          "1-0:1.8.0 9 Wh" },
        { "time of the value without its choice",
          BYTES(0x77, OBIS_1_8_0, ABSENT, 0x65, 1, 2, 3, 4, WH, 0x52, 0, 0x62, 9, 1),
          "1-0:1.8.0 9 Wh" },
        { "a signature",
          BYTES(0x77, OBIS_1_8_0, ABSENT, ABSENT, WH, 0x52, 0, 0x62, 9, 0x03, 'a', 'b'),
          "1-0:1.8.0 9 Wh" },
        { "maker", BYTES(0x77, 0x07, 1, 0, 96, 50, 1, 1, 1, 1, 1, 1, 0x04, 'I', 'S', 'K', 1),
          "1-0:96.50.1*1 ISK" },
        { "octets that are no letters",
          BYTES(0x77, 0x07, 1, 0, 96, 1, 0, 0xff, 1, 1, 1, 1, 0x03, 0x0a, 1, 1),
          "1-0:96.1.0 0a01" },
        { "a text of seventeen bytes: the length takes two",
          BYTES(0x77, 0x07, 1, 0, 96, 1, 0, 0xff, 1, 1, 1, 1, 0x81, 0x03, '0', '1', '2', '3', '4',
                '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 1),
          "1-0:96.1.0 0123456789abcdefg" },
        { "a length in three bytes",
          BYTES(0x77, 0x07, 1, 0, 96, 1, 0, 0xff, 1, 1, 1, 1, 0x80, 0x80, 0x05, 'x', 'y', 1),
          "1-0:96.1.0 xy" },
        { "a state without unit",
          BYTES(0x77, 0x07, 1, 0, 96, 5, 0, 0xff, 1, 1, 1, 1, 0x64, 0x1c, 1, 4, 1),
          "1-0:96.5.0 1835268" },
        { "a boolean", BYTES(0x77, 0x07, 0, 0, 96, 3, 10, 0xff, 1, 1, 1, 1, 0x42, 0xff, 1),
          "0-0:96.3.10 1" },
        { "a list as value", BYTES(0x77, OBIS_1_8_0, 1, 1, 1, 1, 0x72, 0x62, 1, 0x62, 2, 1), "" },
        { "an entry of five", BYTES(0x75, OBIS_1_8_0, WH, 0x52, 0, 0x62, 9, 1), "" },
        { "an entry that is no list", BYTES(0x62, 0x05), "" },
        { "a code of five bytes", BYTES(0x77, 0x06, 1, 0, 1, 8, 0, 1, 1, WH, 0x52, 0, 0x62, 9, 1),
          "" },
};

static void run_entry_case(void **state)
{
        const struct entry_case *c = *state;
        struct slice id = ISKRA, time = BYTES(ABSENT);
        char line[128] = "", code[OBIS_TEXT_MAX], number[DECIMAL_TEXT_MAX];

        assert_int_equal(decode(id, time, 1, c->entry), 0);
        assert_int_equal(telegram.status, TELEGRAM_OK);
        assert_int_equal(telegram.n_readings + telegram.n_texts, c->want[0] ? 1 : 0);
        if (telegram.n_readings) {
                const struct reading *r = &telegram.readings[0];

                (void)decimal_print(r->value, number);
                (void)snprintf(line, sizeof(line), "%s %s %s", obis_print(r->obis, code), number,
                               unit_name(r->unit));
        } else if (telegram.n_texts) {
                const struct text *t = &telegram.texts[0];

                (void)snprintf(line, sizeof(line), "%s %.*s", obis_print(t->obis, code),
                               (int)t->value.len, (const char *)t->value.data);
        }
        assert_string_equal(line, c->want);
}

/* ---- time of the telegram ---- */

static struct time_case {
        const char *name;
        struct slice time;
        const char *want;
} time_cases[] = {
        { "absent", BYTES(ABSENT), "" },
        { "seconds since start", BYTES(0x72, 0x62, 1, 0x65, 0x66, 0, 0, 0), "" },
        { "seconds since start, without choice", BYTES(0x65, 0x66, 0, 0, 0), "" },
        { "UTC", BYTES(0x72, 0x62, 2, 0x65, 0x5c, 0x7f, 0xcb, 0x19), "2019-03-06T13:28:57+00:00" },
        { "UTC before there were meters", BYTES(0x72, 0x62, 2, 0x64, 1, 2, 3), "" },
        { "a leap day", BYTES(0x72, 0x62, 2, 0x65, 0x65, 0xdf, 0xc8, 0xff),
          "2024-02-28T23:59:59+00:00" },
        { "the second after", BYTES(0x72, 0x62, 2, 0x65, 0x65, 0xdf, 0xc9, 0x00),
          "2024-02-29T00:00:00+00:00" },
        { "the last of a year", BYTES(0x72, 0x62, 2, 0x65, 0x65, 0x92, 0x00, 0x7f),
          "2023-12-31T23:59:59+00:00" },
        { "local, winter",
          BYTES(0x72, 0x62, 3, 0x73, 0x65, 0x5c, 0x7f, 0xcb, 0x19, 0x53, 0, 60, 0x53, 0, 0),
          "2019-03-06T14:28:57+01:00" },
        { "local, summer",
          BYTES(0x72, 0x62, 3, 0x73, 0x65, 0x5c, 0x7f, 0xcb, 0x19, 0x53, 0, 60, 0x53, 0, 60),
          "2019-03-06T15:28:57+02:00" },
        { "local with an impossible offset",
          BYTES(0x72, 0x62, 3, 0x73, 0x65, 0x5c, 0x7f, 0xcb, 0x19, 0x53, 0x7f, 60, 0x53, 0, 60),
          "" },
        { "local of two", BYTES(0x72, 0x62, 3, 0x72, 0x65, 0x5c, 0x7f, 0xcb, 0x19, 0x53, 0, 60),
          "" },
        { "a choice nobody knows", BYTES(0x72, 0x62, 4, 0x65, 0x5c, 0x7f, 0xcb, 0x19), "" },
        { "octets", BYTES(0x05, 0x5c, 0x7f, 0xcb, 0x19), "" },
};

static void run_time_case(void **state)
{
        const struct time_case *c = *state;
        struct slice id = ISKRA;
        struct slice entry = BYTES(0x77, OBIS_1_8_0, 1, 1, WH, 0x52, 0, 0x62, 9, 1);
        char text[DATETIME_TEXT_MAX];

        assert_int_equal(decode(id, c->time, 1, entry), 0);
        assert_int_equal(telegram.n_readings, 1);
        (void)datetime_print(&telegram.time, text);
        assert_string_equal(text, c->want);
}

/* ---- identity ---- */

static struct id_case {
        const char *name;
        struct slice id;
        const char *want_id, *want_manufacturer;
} id_cases[] = {
        { "0A form", BYTES(0x0a, 1, 'E', 'M', 'H', 0, 0, 0xa1, 0xbd, 0x34), "0a01454d480000a1bd34",
          "EMH" },
        { "09 form", BYTES(9, 1, 'I', 'S', 'K', 0, 4, 3, 0xdf, 0x63), "090149534b000403df63",
          "ISK" },
        { "06 form", BYTES(6, 'E', 'M', 'H', 1, 2, 0x71, 0x56, 0xcd, 0x45), "06454d4801027156cd45",
          "EMH" },
        { "digits", BYTES('1', '0', '0', '1', '1', '8', '5'), "31303031313835", "" },
        { "letters too short to be a server id", BYTES(1, 1, 'A', 'B', 'C'), "0101414243", "" },
        { "lower case", BYTES(9, 1, 'i', 's', 'k', 0, 4, 3, 0xdf, 0x63), "090169736b000403df63",
          "" },
        { "none", { 0 }, "", "" },
};

static void run_id_case(void **state)
{
        const struct id_case *c = *state;
        struct slice time = BYTES(ABSENT);

        assert_int_equal(decode(c->id, time, 0, (struct slice){ 0 }), 0);
        assert_string_equal(telegram.meter_id, c->want_id);
        assert_string_equal(telegram.manufacturer, c->want_manufacturer);
}

/* ---- DZG: the tag says signed, the number is not ---- */

static struct dzg_case {
        const char *name;
        struct slice id;
        struct slice entry;
        int64_t want;
} dzg_cases[] = {
        { "serial 42000000, two bytes", BYTES(0x0a, 1, 'D', 'Z', 'G', 0, 2, 0x80, 0xde, 0x80),
          BYTES(0x77, OBIS_16_7_0, 1, 1, W, 0x52, 0xfe, 0x53, 0x8b, 0x28, 1), 35624 },
        { "serial 41999999", BYTES(0x0a, 1, 'D', 'Z', 'G', 0, 2, 0x80, 0xde, 0x7f),
          BYTES(0x77, OBIS_16_7_0, 1, 1, W, 0x52, 0xfe, 0x53, 0x8b, 0x28, 1), -29912 },
        { "serial 48999999, three bytes", BYTES(0x0a, 1, 'D', 'Z', 'G', 0, 2, 0xeb, 0xae, 0x3f),
          BYTES(0x77, OBIS_16_7_0, 1, 1, W, 0x52, 0xfe, 0x54, 0x8b, 0, 0, 1), 0x8b0000 },
        { "serial 49000000", BYTES(0x0a, 1, 'D', 'Z', 'G', 0, 2, 0xeb, 0xae, 0x40),
          BYTES(0x77, OBIS_16_7_0, 1, 1, W, 0x52, 0xfe, 0x53, 0x8b, 0x28, 1), -29912 },
        { "serial 55000000, one byte", BYTES(0x0a, 1, 'D', 'Z', 'G', 0, 3, 0x47, 0x3b, 0xc0),
          BYTES(0x77, OBIS_16_7_0, 1, 1, W, 0x52, 0xfe, 0x52, 0x8b, 1), 0x8b },
        { "four bytes are signed", BYTES(0x0a, 1, 'D', 'Z', 'G', 0, 2, 0x82, 0x22, 0x5e),
          BYTES(0x77, OBIS_16_7_0, 1, 1, W, 0x52, 0xfe, 0x55, 0xff, 0xff, 0x8b, 0x28, 1), -29912 },
        { "another quantity", BYTES(0x0a, 1, 'D', 'Z', 'G', 0, 2, 0x82, 0x22, 0x5e),
          BYTES(0x77, 0x07, 1, 0, 36, 7, 0, 0xff, 1, 1, W, 0x52, 0xfe, 0x53, 0x8b, 0x28, 1),
          -29912 },
        { "another maker", BYTES(0x0a, 1, 'I', 'S', 'K', 0, 2, 0x82, 0x22, 0x5e),
          BYTES(0x77, OBIS_16_7_0, 1, 1, W, 0x52, 0xfe, 0x53, 0x8b, 0x28, 1), -29912 },
};

static void run_dzg_case(void **state)
{
        const struct dzg_case *c = *state;
        struct slice time = BYTES(ABSENT);

        assert_int_equal(decode(c->id, time, 1, c->entry), 0);
        assert_int_equal(telegram.n_readings, 1);
        assert_int_equal(telegram.readings[0].value.mantissa, c->want);
}

int main(void)
{
        static struct CMUnitTest more[64];
        size_t n = 0;

        n = test_add_rows(more, n, time_cases, ELEMENTSOF(time_cases), sizeof(time_cases[0]),
                          run_time_case);
        n = test_add_rows(more, n, id_cases, ELEMENTSOF(id_cases), sizeof(id_cases[0]),
                          run_id_case);
        n = test_add_rows(more, n, dzg_cases, ELEMENTSOF(dzg_cases), sizeof(dzg_cases[0]),
                          run_dzg_case);
        return test_run_rows_and("sml", entry_cases, ELEMENTSOF(entry_cases),
                                 sizeof(entry_cases[0]), run_entry_case, more, n);
}
