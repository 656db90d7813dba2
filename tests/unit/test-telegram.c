/* SPDX-License-Identifier: MIT */
#include "lib/telegram.h"
#include "test.h"

static struct telegram t;

static int reset(void **state)
{
        telegram_reset(&t, LINK_HDLC);
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
        { "slashes never get in", { { OBIS_OF(0, 0, 96, 1, 0, 255), "a/b\x01" } }, "a_b_" },
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

static void test_additions_are_bounded_and_counted(void **state)
{
        (void)reset(NULL);
        for (int i = 0; i < TELEGRAM_READINGS_MAX + 5; i++)
                telegram_add_reading(&t, (struct obis)OBIS_OF(1, 0, 1, 7, 0, 255),
                                     (struct decimal){ i, 0 }, UNIT_UNKNOWN);
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
                             (struct decimal){ 2301, -1 }, UNIT_UNKNOWN);
        telegram_add_reading(&t, (struct obis)OBIS_OF(1, 0, 199, 7, 0, 255),
                             (struct decimal){ 1, 0 }, UNIT_UNKNOWN);
        assert_int_equal(t.readings[0].unit, UNIT_V);
        assert_string_equal(t.readings[0].quantity->name, "voltage_l1");
        assert_int_equal(t.readings[1].unit, UNIT_UNKNOWN);
        assert_null(t.readings[1].quantity);
}

static void test_the_same_value_twice_is_one(void **state)
{
        (void)reset(NULL);
        for (int i = 0; i < 2; i++)
                telegram_add_reading(&t, (struct obis)OBIS_OF(1, 0, 1, 7, 0, 255),
                                     (struct decimal){ 5, 0 }, UNIT_W);
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
                             UNIT_W);
        telegram_fail(&t, TELEGRAM_KEY_MISSING, "a key is needed for %s", "X");
        assert_int_equal(t.n_readings, 0);
        assert_string_equal(t.error, "a key is needed for X");
        assert_int_equal(t.status, TELEGRAM_KEY_MISSING);
}

int main(void)
{
        const struct CMUnitTest more[] = {
                cmocka_unit_test(test_additions_are_bounded_and_counted),
                cmocka_unit_test(test_units_come_from_the_table),
                cmocka_unit_test(test_the_same_value_twice_is_one),
                cmocka_unit_test(test_what_cannot_be_printed_becomes_hex),
                cmocka_unit_test(test_a_failed_telegram_holds_nothing),
        };

        return test_run_rows_and("telegram", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case,
                                 more, ELEMENTSOF(more));
}
