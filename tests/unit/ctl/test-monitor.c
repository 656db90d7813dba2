/* SPDX-License-Identifier: MIT */
/* What `smctl monitor` takes from one telegram after another. */
#include <json-c/json.h>
#include <math.h>

#include "ctl/view/monitor.h"
#include "tests/unit/test.h"

#define READING(name, value)  "{\"name\":\"" name "\",\"value\":" value ",\"flags\":[]}"
#define UNSCALED(name, value) "{\"name\":\"" name "\",\"value\":" value ",\"flags\":[\"unscaled\"]}"
#define IN(value)             READING("active_power_import", value)
#define OUT(value)            READING("active_power_export", value)
#define NET(value)            READING("active_power_net", value)

static struct monitor_case {
        const char *name;
        const char *telegrams[3]; /* of readings, comma between */
        double power, energy, voltage;
} cases[] = {
        { "import and export", { IN("0") "," OUT("5000") }, -5000, NAN, NAN },
        { "import of a meter that sends no export", { IN("5") }, 5, NAN, NAN },
        { "a short list with the import alone is no power of zero",
          { IN("0") "," OUT("5000") "," NET("-5000"), IN("0") },
          -5000,
          NAN,
          NAN },
        { "nor is the export alone", { IN("700") "," OUT("0"), OUT("0") }, 700, NAN, NAN },
        { "all values at once: import and export are of two telegrams",
          { IN("0") "," OUT("5000") "," NET("-4990") },
          -4990,
          NAN,
          NAN },
        { "import beside the signed sum", { IN("0") "," NET("-20") }, -20, NAN, NAN },
        { "a total", { READING("active_energy_import", "9000") }, NAN, 9000, NAN },
        { "one register of two is no total",
          { READING("active_energy_import_t1", "9000") },
          NAN,
          NAN,
          NAN },
        { "the total that the service derives",
          { READING("active_energy_import_t1", "9000") "," READING("active_energy_import", "9500"),
            READING("active_energy_import_t1", "9001") },
          NAN,
          9500,
          NAN },
        { "numbers whose scale nobody told are no watts, watt-hours and volts",
          { UNSCALED("active_power_import", "12") "," UNSCALED(
                  "active_energy_import", "3") "," UNSCALED("voltage_l1", "2301") },
          NAN,
          NAN,
          NAN },
};

static void assert_number(double got, double want)
{
        assert_int_equal(isnan(got), isnan(want));
        if (!isnan(want))
                assert_true(got == want);
}

static void run_case(void **state)
{
        const struct monitor_case *c = *state;
        static struct monitor monitor;
        struct monitor_meter *meter;

        monitor = (struct monitor){ 0 };
        meter = monitor_place(&monitor, "/m");
        (void)snprintf(meter->medium, sizeof(meter->medium), "electricity");
        for (size_t i = 0; i < ELEMENTSOF(c->telegrams) && c->telegrams[i]; i++) {
                char text[1024];
                struct json_object *readings;

                (void)snprintf(text, sizeof(text), "[%s]", c->telegrams[i]);
                readings = json_tokener_parse(text);
                assert_non_null(readings);
                monitor_update(meter, readings, (i + 1) * UINT64_C(1000000));
                json_object_put(readings);
        }
        assert_number(meter->power, c->power);
        assert_number(meter->energy_import, c->energy);
        assert_number(meter->voltage[0], c->voltage);
}

int main(void)
{
        return test_run_rows("monitor", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case);
}
