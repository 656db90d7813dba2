/* SPDX-License-Identifier: MIT */
#include "tests/unit/test.h"

#include <stdlib.h>

#include "lib/model/metrics.h"

static struct reading_case {
        const char *name;
        const char *key, *unit;
        struct decimal value;
        const char *want; /* the sample's line */
} cases[] = {
        { "a power",
          "active_power_import",
          "W",
          { 123, 0 },
          "smartmeter_active_power_import_watts{meter=\"M\",name=\"House\"} 123" },
        { "a counter",
          "active_energy_import",
          "Wh",
          { 6229669, 0 },
          "smartmeter_active_energy_import_watthours_total{meter=\"M\",name=\"House\"} 6229669" },
        { "a counter of a tariff",
          "active_energy_import_t2",
          "Wh",
          { 5, 3 },
          "smartmeter_active_energy_import_watthours_total{meter=\"M\",name=\"House\",tariff=\"2\"} "
          "5000" },
        { "a phase, exactly",
          "voltage_l1",
          "V",
          { 2301, -1 },
          "smartmeter_voltage_volts{meter=\"M\",name=\"House\",phase=\"L1\"} 230.1" },
        { "no unit",
          "power_factor_l3",
          "",
          { 98, -2 },
          "smartmeter_power_factor{meter=\"M\",name=\"House\",phase=\"L3\"} 0.98" },
        { "gas",
          "submeter_volume",
          "m³",
          { 12345, -3 },
          "smartmeter_submeter_volume_cubic_meters_total{meter=\"M\",name=\"House\"} 12.345" },
        { "an unknown code",
          "1-0:199.7.0",
          "V",
          { 7, 0 },
          "smartmeter_other{meter=\"M\",name=\"House\",obis=\"1-0:199.7.0\",unit=\"V\"} 7" },
        { "an unknown code and unit",
          "1-0:199.7.0",
          NULL,
          { -7, 0 },
          "smartmeter_other{meter=\"M\",name=\"House\",obis=\"1-0:199.7.0\"} -7" },
};

static void run_case(void **state)
{
        const struct reading_case *c = *state;
        struct metrics *m = metrics_new();
        char *text, *line;

        assert_non_null(m);
        metrics_add_reading(m, "M", "House", c->key, c->unit, c->value);
        text = metrics_text(m);
        assert_non_null(text);
        line = strrchr(text, '#');
        assert_non_null(line);
        line = strchr(line, '\n') + 1;
        line[strcspn(line, "\n")] = '\0';
        assert_string_equal(line, c->want);
        free(text);
        metrics_free(m);
}

/* Prometheus refuses a file whose families come in pieces. */
static void families_stay_together(void **state)
{
        const struct decimal one = { 1, 0 };
        struct metrics *m = metrics_new();
        char *text;

        metrics_add_reading(m, "A", "", "voltage_l1", "V", one);
        metrics_add_reading(m, "A", "", "frequency", "Hz", one);
        metrics_add_reading(m, "B", "", "voltage_l2", "V", one);
        text = metrics_text(m);
        assert_string_equal(text, "# HELP smartmeter_frequency_hertz Frequency\n"
                                  "# TYPE smartmeter_frequency_hertz gauge\n"
                                  "smartmeter_frequency_hertz{meter=\"A\"} 1\n"
                                  "# HELP smartmeter_voltage_volts Voltage\n"
                                  "# TYPE smartmeter_voltage_volts gauge\n"
                                  "smartmeter_voltage_volts{meter=\"A\",phase=\"L1\"} 1\n"
                                  "smartmeter_voltage_volts{meter=\"B\",phase=\"L2\"} 1\n");
        free(text);
        metrics_free(m);
}

static void names_of_people_are_escaped(void **state)
{
        struct metrics *m = metrics_new();
        char *text, long_name[800];

        metrics_add_reading(m, "A", "a\"b\\c\nd", "frequency", "Hz", (struct decimal){ 1, 0 });
        memset(long_name, 'x', sizeof(long_name) - 1);
        long_name[sizeof(long_name) - 1] = '\0';
        metrics_add_reading(m, "B", long_name, "frequency", "Hz", (struct decimal){ 2, 0 });
        metrics_add_reading(m, "C", "\xff", "frequency", "Hz", (struct decimal){ 3, 0 });
        text = metrics_text(m);
        assert_non_null(strstr(text, "name=\"a\\\"b\\\\c\\nd\"} 1\n"));
        assert_non_null(strstr(text, "xxx\"} 2\n"));
        assert_non_null(strstr(text, "name=\"?\"} 3\n"));
        free(text);
        metrics_free(m);
}

int main(void)
{
        const struct CMUnitTest more[] = { cmocka_unit_test(families_stay_together),
                                           cmocka_unit_test(names_of_people_are_escaped) };

        return test_run_rows_and("metrics", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case,
                                 more, ELEMENTSOF(more));
}
