/* SPDX-License-Identifier: MIT */
/* Records of EN 13757-3, deciphered: what is a value of now, and what is another one. */
#include "lib/dlms/oms.h"

#include "layout-fixture.h"

#define CLOCK "066D 1D0A15552300" /* 2018-03-21 21:10:29 */

static struct telegram t;

static struct oms_case {
        const char *name;
        const char *records;
        const char *time;
        const char *code; /* of the one value; NULL: there is none */
        int64_t mantissa;
} cases[] = {
        { "energy", CLOCK "0403 10270000", "2018-03-21T21:10:29", "1-0:1.8.0", 10000 },
        { "the time of a stored value is not that of the telegram",
          CLOCK "0403 10270000 466D 00000081310C", "2018-03-21T21:10:29", "1-0:1.8.0", 10000 },
        { "the time of a maximum is not that of the telegram",
          "166D 00000081310C" CLOCK "0403 10270000 566D 00000081310C", "2018-03-21T21:10:29",
          "1-0:1.8.0", 10000 },
        { "the energy of a tariff", "841003 10270000", "", "1-0:1.8.1", 10000 },
        { "the power of a tariff is not that of now", "84102B 10270000", "", NULL, 0 },
        { "the number that means invalid", "0403 00000080", "", NULL, 0 },
        { "the same of two bytes", "022B 0080", "", NULL, 0 },
        { "the same of eight bytes", "0703 0000000000000080", "", NULL, 0 },
        { "a negative number", "022B 0180", "", "1-0:1.7.0", -32767 },
        { "a unit in plain text is no record", "047C 03 485225 01040300 0403 10270000", "",
          "1-0:1.8.0", 10000 },
        { "a unit in plain text with extensions", "04FC 03 485225 3C 01040300 0403 10270000", "",
          "1-0:1.8.0", 10000 },
};

static void run_case(void **state)
{
        const struct oms_case *c = *state;
        uint8_t bytes[OMS_PLAIN_MAX];
        size_t n = fixture_bytes(c->records, bytes, sizeof(bytes));
        char text[DATETIME_TEXT_MAX], code[OBIS_TEXT_MAX];

        telegram_reset(&t, "mbus");
        assert_int_equal(oms_read((struct slice){ bytes, n }, &t), 0);
        datetime_print(&t.time, text);
        assert_string_equal(text, c->time);
        assert_int_equal(t.n_readings, c->code != NULL);
        if (!c->code)
                return;
        assert_string_equal(obis_print(t.readings[0].obis, code), c->code);
        assert_int_equal(t.readings[0].value.mantissa, c->mantissa);
}

int main(void)
{
        return test_run_rows("oms", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case);
}
