/* SPDX-License-Identifier: MIT */
#include "lib/value/telegram.h"
#include "tests/unit/test.h"

static struct telegram t;

static int reset(void **state)
{
        telegram_reset(&t, "hdlc");
        return 0;
}

static struct id_case {
        const char *name;
        struct {
                struct obis obis;
                const char *value;
        } texts[3];
        const char *want;
} cases[] = {
        { "logical device name before the number",
          { { OBIS_OF(0, 0, 96, 1, 0, 255), "123" }, { OBIS_OF(0, 0, 42, 0, 0, 255), "LGZ1" } },
          "LGZ1" },
        { "lowest E of 96.1",
          { { OBIS_OF(0, 0, 96, 1, 7, 255), "type" }, { OBIS_OF(0, 0, 96, 1, 0, 255), "123" } },
          "123" },
        { "96.1 before the Kamstrup forms",
          { { OBIS_OF(1, 1, 0, 0, 5, 255), "57" }, { OBIS_OF(0, 0, 96, 1, 9, 255), "9" } },
          "9" },
        { "GS1 number before the serial number",
          { { OBIS_OF(1, 1, 0, 0, 1, 255), "26" }, { OBIS_OF(1, 1, 0, 0, 5, 255), "57" } },
          "57" },
        { "a sub-meter's number is not ours", { { OBIS_OF(0, 1, 96, 1, 0, 255), "gas" } }, "" },
        { "slashes never get in", { { OBIS_OF(0, 0, 96, 1, 0, 255), "a/b" } }, "a_b" },
        { "one rule for all letters",
          { { OBIS_OF(0, 0, 96, 1, 0, 255), "LGZ 1+#5" } },
          "LGZ_1__5" },
        { "what is no text is hex", { { OBIS_OF(0, 0, 96, 1, 0, 255), "a\x01" } }, "6101" },
        { "on medium 1", { { OBIS_OF(1, 0, 96, 1, 0, 255), "LOG1" } }, "LOG1" },
        { "equipment of Groupe E, before the version of e-MUCS",
          { { OBIS_OF(0, 0, 96, 1, 4, 255), "12345" }, { OBIS_OF(0, 0, 0, 0, 0, 255), "1234" } },
          "1234" },
        { "zeros are an empty place",
          { { OBIS_OF(0, 0, 42, 0, 0, 255), "0000000000000000" },
            { OBIS_OF(0, 0, 96, 1, 1, 255), "8" } },
          "8" },
        { "zeros alone", { { OBIS_OF(0, 0, 96, 1, 0, 255), "00000000" } }, "" },
        { "blanks around it go", { { OBIS_OF(0, 0, 96, 1, 0, 255), " 7  " } }, "7" },
        { "empty ones do not count",
          { { OBIS_OF(0, 0, 42, 0, 0, 255), "" }, { OBIS_OF(0, 0, 96, 1, 1, 255), "8" } },
          "8" },
        { "none", { { OBIS_OF(0, 0, 96, 13, 0, 255), "hello" } }, "" },
};

static void run_case(void **state)
{
        const struct id_case *c = *state;

        (void)reset(NULL);
        for (size_t i = 0; i < ELEMENTSOF(c->texts) && c->texts[i].value; i++)
                telegram_add_text(&t, c->texts[i].obis, slice_of_string(c->texts[i].value));
        telegram_identify(&t);
        assert_string_equal(t.meter_id, c->want);
}

static void test_zeros_are_digits_where_ids_are_text(void **state)
{
        const struct obis serial = OBIS_OF(0, 0, 96, 1, 0, 255);

        (void)reset(NULL);
        t.text_ids = true;
        telegram_add_text(&t, serial, slice_of_string("   "));
        telegram_identify(&t);
        assert_string_equal(t.meter_id, "");
        t.n_texts = 0;
        telegram_add_text(&t, serial, slice_of_string("00000000"));
        telegram_identify(&t);
        assert_string_equal(t.meter_id, "00000000");
}

static void test_additions_are_bounded_and_counted(void **state)
{
        (void)reset(NULL);
        for (int i = 0; i < TELEGRAM_READINGS_MAX + 5; i++)
                telegram_add_reading(&t, (struct obis)OBIS_OF(1, 0, 1, 7, 0, 255),
                                     (struct decimal){ i, 0 }, UNIT_UNSAID, SCALE_WIRE);
        for (int i = 0; i < TELEGRAM_TEXTS_MAX + 3; i++)
                telegram_add_text(&t, (struct obis){ 0 }, slice_of_string("x"));
        assert_int_equal(t.n_readings, TELEGRAM_READINGS_MAX);
        assert_int_equal(t.n_texts, TELEGRAM_TEXTS_MAX);
        assert_int_equal(t.n_dropped, 8);
        assert_null(telegram_alloc(&t, TELEGRAM_ARENA_BYTES + 1));
}

static void test_units_come_from_the_table(void **state)
{
        (void)reset(NULL);
        telegram_add_reading(&t, (struct obis)OBIS_OF(1, 1, 32, 7, 0, 255),
                             (struct decimal){ 2301, -1 }, UNIT_UNSAID, SCALE_WIRE);
        telegram_add_reading(&t, (struct obis)OBIS_OF(1, 0, 199, 7, 0, 255),
                             (struct decimal){ 1, 0 }, UNIT_UNSAID, SCALE_WIRE);
        assert_int_equal(t.readings[0].unit, UNIT_V);
        assert_string_equal(t.readings[0].quantity->name, "voltage_l1");
        assert_int_equal(t.readings[1].unit, UNIT_UNKNOWN);
        assert_null(t.readings[1].quantity);
}

static struct unit_case {
        const char *name;
        struct obis obis;
        struct decimal value;
        enum unit unit;
        enum scale_source scale;
        const char *want, *want_unit;
} unit_cases[] = {
        { "no unit sent, scale known: the table's",
          OBIS_OF(1, 0, 32, 7, 0, 255),
          { 2301, -1 },
          UNIT_UNSAID,
          SCALE_WIRE,
          "230.1",
          "V" },
        { "no unit sent, scale known, not in the table: the code's",
          OBIS_OF(1, 0, 32, 3, 0, 255),
          { 2301, -1 },
          UNIT_UNSAID,
          SCALE_PROFILE,
          "230.1",
          "V" },
        { "nobody told the scale: no unit",
          OBIS_OF(1, 0, 32, 7, 0, 255),
          { 2301, 0 },
          UNIT_UNSAID,
          SCALE_NONE,
          "2301",
          NULL },
        { "a unit that is not shown is never replaced",
          OBIS_OF(1, 0, 32, 7, 0, 255),
          { 21, -1 },
          UNIT_UNKNOWN,
          SCALE_WIRE,
          "2.1",
          NULL },
        { "litre is m³",
          OBIS_OF(0, 1, 24, 2, 1, 255),
          { 123456, 0 },
          UNIT_LITRE,
          SCALE_WIRE,
          "123.456",
          "m³" },
        { "joule of heat is GJ",
          OBIS_OF(0, 1, 24, 2, 1, 255),
          { 777000000, 0 },
          UNIT_JOULE,
          SCALE_WIRE,
          "0.777",
          "GJ" },
        { "megajoule of heat is GJ",
          OBIS_OF(6, 0, 1, 0, 0, 255),
          { 123450, 6 },
          UNIT_JOULE,
          SCALE_WIRE,
          "123.45",
          "GJ" },
        { "no joule is 0 GJ",
          OBIS_OF(6, 0, 1, 0, 0, 255),
          { 0, 6 },
          UNIT_JOULE,
          SCALE_WIRE,
          "0",
          "GJ" },
        { "joule of electricity is Wh",
          OBIS_OF(1, 0, 1, 8, 0, 255),
          { 36, 5 },
          UNIT_JOULE,
          SCALE_WIRE,
          "1000",
          "Wh" },
        { "joule that is no whole Wh",
          OBIS_OF(1, 0, 1, 8, 0, 255),
          { -1000, 0 },
          UNIT_JOULE,
          SCALE_WIRE,
          "-0.27778",
          "Wh" },
        { "joule beyond 64 bits keeps its number",
          OBIS_OF(1, 0, 1, 8, 0, 255),
          { INT64_MAX, 0 },
          UNIT_JOULE,
          SCALE_WIRE,
          "9223372036854775807",
          NULL },
};

static void run_unit_case(void **state)
{
        const struct unit_case *c = *state;
        char text[DECIMAL_TEXT_MAX];
        const char *unit;

        (void)reset(NULL);
        telegram_add_reading(&t, c->obis, c->value, c->unit, c->scale);
        decimal_print(t.readings[0].value, text);
        assert_string_equal(text, c->want);
        unit = unit_name(t.readings[0].unit);
        assert_int_equal(unit != NULL, c->want_unit != NULL);
        if (unit)
                assert_string_equal(unit, c->want_unit);
        assert_int_equal(reading_is_unscaled(&t.readings[0]), c->scale == SCALE_NONE);
}

static void test_units_are_settled(void **state)
{
        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(unit_cases); i++) {
                void *row = &unit_cases[i];

                run_unit_case(&row);
        }
}

static void test_a_scale_brings_its_unit(void **state)
{
        (void)reset(NULL);
        telegram_add_reading(&t, (struct obis)OBIS_OF(1, 0, 31, 7, 0, 255),
                             (struct decimal){ 106, 0 }, UNIT_UNSAID, SCALE_NONE);
        assert_true(reading_is_unscaled(&t.readings[0]));
        reading_set_scale(&t.readings[0], -2, SCALE_PROFILE);
        assert_int_equal(t.readings[0].unit, UNIT_A);
        assert_int_equal(t.readings[0].value.exponent, -2);
        assert_false(reading_is_unscaled(&t.readings[0]));
}

/* With its exponent the number is the one that was sent, whatever is cut of it here. */
static void test_the_point_is_where_it_was_sent(void **state)
{
        static const struct {
                struct decimal value;
                enum unit unit;
                int point, want;
        } rows[] = {
                { { 500, 0 }, UNIT_W, -3, -3 },         /* 00.500*kW */
                { { 12341, 6 }, UNIT_JOULE, -3, -3 },   /* 12.341*GJ */
                { { 12340, 6 }, UNIT_JOULE, -3, -2 },   /* 12.340*GJ, of which a zero is cut */
                { { 777000000, 0 }, UNIT_JOULE, 0, 6 }, /* J */
                { { 0, 0 }, UNIT_JOULE, -3, -3 },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                telegram_reset(&t, "p1");
                telegram_add_captured(&t, (struct obis)OBIS_OF(0, 1, 24, 2, 1, 255), rows[i].value,
                                      rows[i].unit, SCALE_WIRE, rows[i].point, NULL);
                assert_int_equal(t.readings[0].point, rows[i].want);
        }
}

static void test_the_point_is_of_the_newest(void **state)
{
        const struct obis gas = OBIS_OF(0, 1, 24, 2, 1, 255);
        struct datetime at = datetime_of_fields(2026, 1, 2, 3, 0, 0);

        (void)state;
        telegram_reset(&t, "d0");
        telegram_add_captured(&t, gas, (struct decimal){ 12785, 0 }, UNIT_M3, SCALE_WIRE, 0, &at);
        at.hour++;
        telegram_add_captured(&t, gas, (struct decimal){ 127855, -1 }, UNIT_M3, SCALE_WIRE, -1,
                              &at);
        assert_int_equal(t.n_readings, 1);
        assert_int_equal(t.readings[0].value.mantissa, 127855);
        assert_int_equal(t.readings[0].point, -1);
}

static void test_the_same_value_twice_is_one(void **state)
{
        (void)reset(NULL);
        for (int i = 0; i < 2; i++)
                telegram_add_reading(&t, (struct obis)OBIS_OF(1, 0, 1, 7, 0, 255),
                                     (struct decimal){ 5, 0 }, UNIT_W, SCALE_WIRE);
        assert_int_equal(t.n_readings, 1);
}

static void test_what_cannot_be_printed_becomes_hex(void **state)
{
        struct slice got;

        (void)reset(NULL);
        got = telegram_printable(&t, (struct slice)BYTES(0, 2));
        assert_true(slice_equal(got, slice_of_string("0002")));
        got = telegram_printable(&t, (struct slice)BYTES('1', '3', 0, 0));
        assert_true(slice_equal(got, slice_of_string("13")));
        got = telegram_printable(&t, (struct slice)BYTES('L', 'G', 'Z'));
        assert_true(slice_equal(got, slice_of_string("LGZ")));
}

static void test_a_failed_telegram_holds_nothing(void **state)
{
        (void)reset(NULL);
        telegram_add_reading(&t, (struct obis)OBIS_OF(1, 0, 1, 7, 0, 255), (struct decimal){ 5, 0 },
                             UNIT_W, SCALE_WIRE);
        telegram_fail(&t, TELEGRAM_KEY_MISSING, "a key is needed for %s", "X");
        assert_int_equal(t.n_readings, 0);
        assert_string_equal(t.error, "a key is needed for X");
        assert_int_equal(t.status, TELEGRAM_KEY_MISSING);
}

int main(void)
{
        const struct CMUnitTest more[] = {
                cmocka_unit_test(test_zeros_are_digits_where_ids_are_text),
                cmocka_unit_test(test_additions_are_bounded_and_counted),
                cmocka_unit_test(test_units_come_from_the_table),
                cmocka_unit_test(test_units_are_settled),
                cmocka_unit_test(test_a_scale_brings_its_unit),
                cmocka_unit_test(test_the_point_is_where_it_was_sent),
                cmocka_unit_test(test_the_point_is_of_the_newest),
                cmocka_unit_test(test_the_same_value_twice_is_one),
                cmocka_unit_test(test_what_cannot_be_printed_becomes_hex),
                cmocka_unit_test(test_a_failed_telegram_holds_nothing),
        };

        return test_run_rows_and("telegram", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case,
                                 more, ELEMENTSOF(more));
}
