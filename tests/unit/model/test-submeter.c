/* SPDX-License-Identifier: MIT */
/* Meters that are read through another one: what is one, what only looks so. */
#include "meter-fixture.h"

static struct submeter_case {
        const char *name;
        struct {
                const char *code, *text; /* text NULL: a reading of 1; "=0": a reading of 0 */
        } objects[8];
        const char *want[5]; /* "1 gas ID" */
} submeter_cases[] = {
        { "gas of DSMR 5",
          { { "0-1:24.1.0", "003" }, { "0-1:96.1.0", "G1" }, { "0-1:24.2.1", NULL } },
          { "1 gas G1" } },
        { "gas and water of e-MUCS",
          { { "0-1:24.1.0", "003" },
            { "0-1:96.1.1", "7FLO" },
            { "0-1:24.2.3", NULL },
            { "0-2:24.1.0", "007" },
            { "0-2:96.1.1", "8SAG" },
            { "0-2:24.2.1", NULL } },
          { "1 gas 7FLO", "2 water 8SAG" } },
        { "gas of DSMR 2 without an id",
          { { "0-1:24.1.0", "3" }, { "0-1:96.1.0", "000000000000" }, { "0-1:24.3.0", NULL } },
          { "1 gas M1-1" } },
        { "a volume whose type is not told", { { "0-3:24.2.1", NULL } }, { "3 other M1-3" } },
        { "gas that is not corrected, type not told",
          { { "0-3:24.2.3", NULL } },
          { "3 gas M1-3" } },
        { "an id with a slash",
          { { "0-1:24.1.0", "004" }, { "0-1:96.1.0", "A/B" }, { "0-1:24.2.1", NULL } },
          { "1 heat A_B" } },
        { "an id before the first value",
          { { "0-1:24.1.0", "007" }, { "0-1:96.1.0", "W1" } },
          { "1 water W1" } },
        { "a slot that is prepared and empty",
          { { "0-2:24.1.0", "003" }, { "0-2:96.1.0", "" } },
          { NULL } },
        { "a slot that is empty altogether",
          { { "0-2:24.1.0", "" }, { "0-2:96.1.0", "" } },
          { NULL } },
        { "an electricity meter",
          { { "0-4:24.1.0", "002" }, { "0-4:96.1.0", "E4" }, { "1-4:1.8.0", NULL } },
          { "4 electricity E4" } },
        { "the device type as a number",
          { { "0-1:24.1.0", NULL }, { "1-1:1.8.0", NULL } },
          { NULL } },
        { "Swiss 1-1 beside 1-0", { { "1-1:1.8.0", NULL }, { "1-0:1.7.0", NULL } }, { NULL } },
        { "Swiss 1-1 beside a gas meter",
          { { "1-1:1.8.0", NULL }, { "0-1:24.1.0", "003" }, { "0-1:24.2.1", NULL } },
          { "1 gas M1-1" } },
        { "Czech relays",
          { { "0-1:96.3.10", NULL }, { "0-2:96.3.10", NULL }, { "1-0:1.7.0", NULL } },
          { NULL } },
        { "a second clock", { { "0-1:1.0.0", "x" }, { "0-1:96.1.0", "x" } }, { NULL } },
        { "gas by its medium beside electricity",
          { { "7-1:3.0.0", NULL }, { "1-0:1.8.0", NULL } },
          { "1 gas M1-1" } },
        { "a gas meter by itself", { { "7-1:3.0.0", NULL } }, { NULL } },
        { "gas and heat cost by their medium beside electricity",
          { { "7-2:3.0.0", NULL },
            { "4-3:1.0.0", NULL },
            { "5-4:1.0.0", NULL },
            { "9-5:1.0.0", NULL },
            { "1-0:1.8.0", NULL } },
          { "2 gas M1-2", "3 heat-cost M1-3", "4 cooling M1-4", "5 water M1-5" } },
        { "every type of EN 13757-3",
          { { "0-1:24.1.0", "008" },
            { "0-1:24.2.1", NULL },
            { "0-2:24.1.0", "012" },
            { "0-2:24.2.1", NULL },
            { "0-3:24.1.0", "10" },
            { "0-3:24.2.1", NULL },
            { "0-4:24.1.0", "022" },
            { "0-4:24.2.1", NULL } },
          { "1 heat-cost M1-1", "2 heat M1-2", "3 cooling M1-3", "4 water M1-4" } },
        { "a type that is no number",
          { { "0-1:24.1.0", "gas" }, { "0-1:24.2.1", NULL } },
          { "1 other M1-1" } },
        { "empty slots of an E450: ids of zeros, nothing counted",
          { { "0-1:96.1.0", "24500001" },
            { "0-2:96.1.0", "00" },
            { "0-1:24.2.1", NULL },
            { "0-2:24.2.1", "=0" } },
          { "1 other 24500001" } },
        { "a slot without a name that counts",
          { { "0-2:96.1.0", "00" }, { "0-2:24.2.1", NULL } },
          { "2 other M1-2" } },
        { "a new gas meter", { { "0-1:96.1.0", "G1" }, { "0-1:24.2.3", "=0" } }, { "1 gas G1" } },
        { "gas without a channel, its id on one",
          { { "1-0:1.8.0", NULL }, { "0-3:96.1.0", "12345678 " }, { "7-0:23.1.0", NULL } },
          { "23 gas 12345678" } },
        { "gas without a channel, and no id",
          { { "1-0:1.8.0", NULL }, { "7-0:23.1.0", NULL } },
          { "23 gas M1-gas" } },
        { "DSMR 2 gas, type not told", { { "0-1:24.3.0", NULL } }, { "1 gas M1-1" } },
        { "media",
          { { "8-1:1.0.0", NULL }, { "6-2:1.0.0", NULL }, { "1-0:1.8.0", NULL } },
          { "1 water M1-1", "2 heat M1-2" } },
};

static void run_submeter_case(void **state)
{
        const struct submeter_case *c = *state;
        struct submeter got[SUBMETERS_MAX];
        size_t n, n_want = 0;

        begin();
        strcpy(telegram.meter_id, "M1");
        for (size_t i = 0; i < ELEMENTSOF(c->objects) && c->objects[i].code; i++) {
                if (c->objects[i].text && strcmp(c->objects[i].text, "=0") == 0)
                        add(c->objects[i].code, 0, 0);
                else if (c->objects[i].text)
                        add_text(c->objects[i].code, c->objects[i].text);
                else
                        add(c->objects[i].code, 1, 0);
        }
        n = submeter_list(&telegram, got);
        while (n_want < ELEMENTSOF(c->want) && c->want[n_want])
                n_want++;
        assert_int_equal(n, n_want);
        for (size_t i = 0; i < n; i++) {
                char line[METER_ID_MAX + 32];

                (void)snprintf(line, sizeof(line), "%u %s %s", got[i].channel, got[i].medium,
                               got[i].id);
                assert_string_equal(line, c->want[i]);
        }
}

static void test_submeter_takes_what_is_its_own(void **state)
{
        struct submeter list[SUBMETERS_MAX];
        struct meter *m = new_meter(), *gas;

        begin();
        strcpy(telegram.manufacturer, "LGZ");
        add("1-0:1.8.0", 5000, 0);
        add_text("0-0:96.1.1", "E1");
        add_text("0-1:24.1.0", "003");
        add_text("0-1:96.1.0", "G1");
        add("0-1:24.2.1", 1234, -3);
        assert_int_equal(submeter_list(&telegram, list), 1);
        assert_int_equal(meter_new_submeter(m, &list[0], &gas), 0);
        take(m, 0);
        take(gas, 0);
        assert_int_equal(m->n_values, 1);
        assert_int_equal(m->n_texts, 1);
        assert_string_equal(gas->id, "G1");
        assert_string_equal(gas->parent_id, "LGZ1");
        assert_string_equal(gas->medium, "gas");
        assert_string_equal(gas->manufacturer, "");
        assert_int_equal(gas->n_values, 1);
        assert_int_equal(gas->n_texts, 2);
        assert_int_equal(gas->values[0].reading.value.mantissa, 1234);
        meter_free(gas);

        list[0].id[0] = '\0';
        assert_int_equal(meter_new_submeter(m, &list[0], &gas), 0);
        assert_string_equal(gas->id, "LGZ1-1");
        meter_free(gas);
        meter_free(m);
}

int main(void)
{
        const struct CMUnitTest more[] = {
                cmocka_unit_test(test_submeter_takes_what_is_its_own),
        };

        return test_run_rows_and("submeter", submeter_cases, ELEMENTSOF(submeter_cases),
                                 sizeof(submeter_cases[0]), run_submeter_case, more,
                                 ELEMENTSOF(more));
}
