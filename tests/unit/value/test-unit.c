/* SPDX-License-Identifier: MIT */
#include "lib/value/unit.h"
#include "tests/unit/test.h"

static struct unit_case {
        const char *name;
        const char *text;
        bool want_known;
        enum unit want;
        int8_t want_exponent;
} cases[] = {
        { "kilowatt-hours", "kWh", true, UNIT_WH, 3 },
        { "shouted", "KWH", true, UNIT_WH, 3 },
        { "Swedish reactive energy", "kVArh", true, UNIT_VARH, 3 },
        { "watts", "W", true, UNIT_W, 0 },
        { "megawatt-hours", "MWh", true, UNIT_WH, 6 },
        { "milliampere", "mA", true, UNIT_A, -3 },
        { "cubic metres", "m3", true, UNIT_M3, 0 },
        { "cubic metres in Unicode", "m\xc2\xb3", true, UNIT_M3, 0 },
        { "heat", "GJ", true, UNIT_JOULE, 9 },
        { "kilovolts of early Lithuanian firmware", "kV", true, UNIT_V, 3 },
        { "unknown", "furlong", false, 0, 0 },
        { "empty", "", false, 0, 0 },
};

static void run_case(void **state)
{
        const struct unit_case *c = *state;
        enum unit got = UNIT_NONE;
        int8_t exponent = 0;

        assert_int_equal(unit_parse(c->text, strlen(c->text), &got, &exponent), c->want_known);
        if (!c->want_known)
                return;
        assert_int_equal(got, c->want);
        assert_int_equal(exponent, c->want_exponent);
        assert_non_null(unit_name(got));
}

static void test_codes_tell_their_unit(void **state)
{
        assert_int_equal(unit_of_obis((struct obis)OBIS_OF(1, 0, 61, 7, 0, 255)), UNIT_W);
        assert_int_equal(unit_of_obis((struct obis)OBIS_OF(1, 1, 1, 8, 3, 255)), UNIT_WH);
        assert_int_equal(unit_of_obis((struct obis)OBIS_OF(1, 0, 24, 8, 0, 255)), UNIT_VARH);
        assert_int_equal(unit_of_obis((struct obis)OBIS_OF(1, 0, 71, 7, 0, 255)), UNIT_A);
        assert_int_equal(unit_of_obis((struct obis)OBIS_OF(1, 0, 13, 7, 0, 255)), UNIT_NONE);
        assert_int_equal(unit_of_obis((struct obis)OBIS_OF(1, 0, 99, 7, 0, 255)), UNIT_UNKNOWN);
        assert_int_equal(unit_of_obis((struct obis)OBIS_OF(0, 0, 1, 8, 0, 255)), UNIT_UNKNOWN);
}

static void test_cosem_units(void **state)
{
        /* IEC 62056-6-2 Table 4 */
        static const struct {
                uint8_t code;
                enum unit unit;
        } rows[] = {
                { 1, UNIT_UNKNOWN },      { 7, UNIT_SECOND },       { 8, UNIT_DEGREE },
                { 9, UNIT_CELSIUS },      { 13, UNIT_M3 },          { 14, UNIT_M3 },
                { 15, UNIT_M3_PER_HOUR }, { 19, UNIT_LITRE },       { 25, UNIT_JOULE },
                { 56, UNIT_UNKNOWN },     { 16, UNIT_M3_PER_HOUR }, { 27, UNIT_W },
                { 28, UNIT_VA },          { 29, UNIT_VAR },         { 30, UNIT_WH },
                { 31, UNIT_VAH },         { 32, UNIT_VARH },        { 33, UNIT_A },
                { 35, UNIT_V },           { 44, UNIT_HZ },          { 255, UNIT_NONE },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                assert_int_equal(unit_of_cosem(rows[i].code), rows[i].unit);
        assert_null(unit_name(UNIT_UNKNOWN));
}

int main(void)
{
        const struct CMUnitTest more[] = {
                cmocka_unit_test(test_codes_tell_their_unit),
                cmocka_unit_test(test_cosem_units),
        };

        return test_run_rows_and("unit", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case, more,
                                 ELEMENTSOF(more));
}
