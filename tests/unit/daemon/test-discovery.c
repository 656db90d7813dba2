/* SPDX-License-Identifier: MIT */
/* Discovery for Home Assistant and Jeedom of every quantity, of every kind of meter. */
#include <json-c/json.h>

#include "daemon/formats/format.h"
#include "format-bit.h"
#include "lib/value/quantity.h"
#include "tests/unit/model/meter-fixture.h"

static struct format_context context = {
        .instance = "box",
        .group = "building",
        .discovery_prefix = "homeassistant",
        .jeedom_root = "jeedom",
        .version = "1.0.0",
        .meter_name = "",
};

/* The description in one format. */
static struct json_object *described(const char *format, const struct meter *m)
{
        struct message_list list = { 0 };
        struct json_object *object;

        context.formats = format_bit(format);
        format_describe(&context, m, &list);
        assert_non_null(list.head);
        object = json_tokener_parse(message_payload(list.head));
        assert_non_null(object);
        message_list_clear(&list);
        return object;
}

static const char *text_of(struct json_object *object, const char *key)
{
        struct json_object *value;

        return json_object_object_get_ex(object, key, &value) ? json_object_get_string(value) : "";
}

static struct json_object *part_of(struct json_object *object, const char *key)
{
        struct json_object *value;

        assert_true(json_object_object_get_ex(object, key, &value));
        return value;
}

/* A meter of this medium with one value, behind `parent` if that is not "". Its code has B = 0: no
 * telegram of another meter is needed for it. */
static struct meter *meter_with(const char *medium, const char *parent, struct obis obis,
                                enum unit unit)
{
        struct meter *m = new_meter();

        begin();
        telegram_add_reading(&telegram, obis, (struct decimal){ 1, 0 }, unit, SCALE_WIRE);
        (void)take(m, 0);
        (void)snprintf(m->parent_id, sizeof(m->parent_id), "%s", parent);
        m->medium = medium;
        return m;
}

/* The units and state classes that a class of components/sensor/const.py takes. */
static const struct {
        const char *class, *units, *states;
} classes[] = {
        { "power", "|W|", "|measurement|" },
        { "reactive_power", "|var|", "|measurement|" },
        { "apparent_power", "|VA|", "|measurement|" },
        { "energy", "|kWh|GJ|", "||total|total_increasing|" },
        { "reactive_energy", "|kvarh|", "||total|total_increasing|" },
        { "voltage", "|V|", "|measurement|" },
        { "current", "|A|", "|measurement|" },
        { "frequency", "|Hz|", "|measurement|" },
        { "power_factor", "||", "|measurement|" },
        { "temperature", "|°C|", "|measurement|" },
        { "volume_flow_rate", "|m³/h|", "|measurement|" },
        { "gas", "|m³|", "||total|total_increasing|" },
        { "water", "|m³|", "||total|total_increasing|" },
        { "volume", "|m³|", "||total|total_increasing|" },
};

static bool is_one_of(const char *word, const char *words)
{
        char between[32];

        (void)snprintf(between, sizeof(between), "|%s|", word);
        return strstr(words, between) != NULL;
}

static void assert_accepted(struct json_object *sensor)
{
        const char *class = text_of(sensor, "device_class");
        size_t i = 0;

        if (!*class)
                return; /* anything goes */
        while (i < ELEMENTSOF(classes) && strcmp(classes[i].class, class) != 0)
                i++;
        assert_true(i < ELEMENTSOF(classes));
        assert_true(is_one_of(text_of(sensor, "unit_of_measurement"), classes[i].units));
        assert_true(is_one_of(text_of(sensor, "state_class"), classes[i].states));
}

static void assert_sensors_accepted(const struct meter *m)
{
        struct json_object *device = described("homeassistant", m);

        json_object_object_foreach(part_of(device, "components"), leaf, sensor)
        {
                (void)leaf;
                assert_string_not_equal(text_of(sensor, "name"), "");
                if (strcmp(text_of(sensor, "platform"), "sensor") == 0 &&
                    strcmp(text_of(sensor, "device_class"), "timestamp") != 0)
                        assert_accepted(sensor);
        }
        json_object_put(device);
}

/* Home Assistant never refuses the discovery of any value, by any code. */
static void every_quantity_in_every_unit_is_accepted(void **state)
{
        static const char *const media[] = { "electricity", "gas", "water", "heat", "other" };

        (void)state;
        for (size_t i = 0; i < 2 * ELEMENTSOF(media); i++)
                for (size_t k = 0; quantity_at(k); k++)
                        for (unsigned int unit = 0; unit < UNIT_COUNT; unit++) {
                                const struct quantity *q = quantity_at(k);
                                struct obis obis = { q->a, 0, q->c, q->d, q->e, 255 };
                                struct meter *m;

                                if (i >= ELEMENTSOF(media))
                                        obis.f = 96;
                                m = meter_with(media[i % ELEMENTSOF(media)], "", obis,
                                               (enum unit)unit);
                                assert_sensors_accepted(m);
                                (void)meter_free(m);
                        }
}

static void unknown_code_in_every_unit_is_accepted(void **state)
{
        (void)state;
        for (unsigned int unit = 0; unit < UNIT_COUNT; unit++) {
                struct meter *m = meter_with("gas", "", (struct obis){ 1, 0, 199, 9, 9, 255 },
                                             (enum unit)unit);

                assert_sensors_accepted(m);
                (void)meter_free(m);
        }
}

/* Jeedom is in French where nothing else is said: not in French but for some. */
static void every_quantity_has_a_french_name(void **state)
{
        char buf[FORMAT_LABEL_MAX];

        (void)state;
        for (size_t i = 0; quantity_at(i); i++)
                assert_string_not_equal(format_label_french(quantity_at(i), buf),
                                        quantity_at(i)->label);
}

/* Jeedom refuses the second command of one name; people cannot distinguish two of one name. */
static void no_two_quantities_have_one_name(void **state)
{
        char a[FORMAT_LABEL_MAX], b[FORMAT_LABEL_MAX];

        (void)state;
        for (size_t i = 0; quantity_at(i); i++)
                for (size_t k = 0; k < i; k++)
                        if (quantity_at(i)->a == quantity_at(k)->a)
                                assert_string_not_equal(format_label_french(quantity_at(i), a),
                                                        format_label_french(quantity_at(k), b));
}

/* One value of a meter, and how the two show it. */
static struct shown_case {
        const char *name;
        const char *medium, *parent, *code;
        enum unit unit;
        const char *device, *sensor, *device_class, *state_class; /* Home Assistant */
        const char *equipment, *command;                          /* Jeedom */
        bool hidden;                                              /* there, and not enabled */
} shown[] = {
        { "gas", "gas", "LGZ0", "0-0:24.2.1", UNIT_M3, "Gas meter", "Gas consumption", "gas",
          "total_increasing", "Compteur de gaz", "Consommation de gaz", false },
        { "gas by the hour", "gas", "LGZ0", "0-0:24.3.0", UNIT_M3, "Gas meter",
          "Gas consumption hourly value", "gas", "total_increasing", "Compteur de gaz",
          "Consommation de gaz, à l'heure", false },
        { "gas not corrected", "gas", "LGZ0", "0-0:24.2.3", UNIT_M3, "Gas meter",
          "Gas consumption not corrected for temperature", "gas", "total_increasing",
          "Compteur de gaz", "Consommation de gaz, brut", false },
        { "water", "water", "LGZ0", "0-0:24.2.1", UNIT_M3, "Water meter", "Water consumption",
          "water", "total_increasing", "Compteur d'eau", "Consommation d'eau", false },
        { "heat", "heat", "LGZ0", "0-0:24.2.1", UNIT_GJ, "Heat meter", "Heat consumption", "energy",
          "total_increasing", "Compteur de chaleur", "Consommation de chaleur", false },
        { "heat in kWh", "heat", "LGZ0", "0-0:24.2.1", UNIT_WH, "Heat meter", "Heat consumption",
          "energy", "total_increasing", "Compteur de chaleur", "Consommation de chaleur", false },
        { "the water of a heat meter", "heat", "LGZ0", "0-0:24.2.1", UNIT_M3, "Heat meter",
          "Volume", "volume", "total_increasing", "Compteur de chaleur", "Volume", false },
        { "cooling", "cooling", "LGZ0", "0-0:24.2.1", UNIT_GJ, "Cooling meter",
          "Cooling consumption", "energy", "total_increasing", "Compteur de froid",
          "Consommation de froid", false },
        { "electricity behind the meter", "electricity", "LGZ0", "0-0:24.2.1", UNIT_WH,
          "Electricity sub-meter", "Electricity consumption", "energy", "total_increasing",
          "Sous-compteur électrique", "Consommation électrique", false },
        { "of an unknown medium, behind the meter", "other", "LGZ0", "0-0:24.2.1", UNIT_M3,
          "Sub-meter", "Consumption", "volume", "total_increasing", "Sous-compteur", "Consommation",
          false },
        { "of an unknown medium", "other", "", "0-0:24.2.1", UNIT_M3, "Meter", "Consumption",
          "volume", "total_increasing", "Compteur", "Consommation", false },
        { "no comma in a name", "electricity", "", "1-0:32.7.0", UNIT_V, "Electricity meter",
          "Voltage phase 1", "voltage", "measurement", "Compteur électrique", "Tension, phase 1",
          false },
        { "what was counted in the last day", "electricity", "", "1-0:1.8.0*96", UNIT_WH,
          "Electricity meter", "Active energy import *96", "energy", "", "Compteur électrique",
          "Énergie active soutirée *96", true },
        { "a limit in ampere", "electricity", "", "0-0:17.0.0", UNIT_A, "Electricity meter",
          "Limiter threshold", "current", "measurement", "Compteur électrique", "Seuil du limiteur",
          false },
        { "an unknown code", "electricity", "", "1-0:199.7.0", UNIT_W, "Electricity meter",
          "1-0:199.7.0", "power", "measurement", "Compteur électrique", "1-0:199.7.0", true },
};

/* The first that is no diagnostic, or the one that is. */
static struct json_object *sensor_of(struct json_object *device)
{
        json_object_object_foreach(part_of(device, "components"), leaf, sensor)
        {
                if (strcmp(leaf, "connected") != 0 && strcmp(leaf, "last_telegram") != 0 &&
                    strcmp(leaf, "damaged_frames") != 0)
                        return sensor;
        }
        fail();
        return NULL;
}

static void run_shown(void **state)
{
        const struct shown_case *c = *state;
        struct json_object *device, *sensor, *equipment;
        struct meter *m;
        struct obis obis;

        assert_true(obis_parse(slice_of_string(c->code), &obis) > 0);
        m = meter_with(c->medium, c->parent, obis, c->unit);
        device = described("homeassistant", m);
        sensor = sensor_of(device);
        assert_string_equal(text_of(part_of(device, "device"), "name"), c->device);
        assert_string_equal(text_of(sensor, "name"), c->sensor);
        assert_string_equal(text_of(sensor, "device_class"), c->device_class);
        assert_string_equal(text_of(sensor, "state_class"), c->state_class);
        assert_string_equal(text_of(sensor, "enabled_by_default"), c->hidden ? "false" : "");
        json_object_put(device);

        equipment = described("jeedom", m);
        assert_string_equal(text_of(equipment, "name"), c->equipment);
        json_object_object_foreach(part_of(equipment, "cmds"), id, command)
        {
                if (!strstr(id, "online")) {
                        assert_string_equal(text_of(command, "name"), c->command);
                        if (strchr(c->code, '*'))
                                assert_string_equal(text_of(command, "isHistorized"), "0");
                }
        }
        json_object_put(equipment);
        (void)meter_free(m);
}

/* The letters of a header, the model of a profile, and whose meter that makes it. */
static struct maker_case {
        const char *name;
        const char *letters, *model;
        const char *maker, *shown_model; /* "": is left out */
} makers[] = {
        { "letters and model", "LGZ", "Landis+Gyr E450", "Landis+Gyr", "E450" },
        { "letters alone", "XMX", "", "Xemex", "" },
        { "unknown letters, and a model", "LGF", "Landis+Gyr E360", "Landis+Gyr", "E360" },
        { "the network operator's letters", "FLU", "Sagemcom T211", "Sagemcom", "T211" },
        { "unknown letters", "QQQ", "", "", "" },
        { "a model by another name", "QQQ", "Thing 3", "", "Thing 3" },
        { "nothing", "", "", "", "" },
};

static void run_maker(void **state)
{
        const struct maker_case *c = *state;
        struct meter *m =
                meter_with("electricity", "", (struct obis){ 1, 0, 1, 7, 0, 255 }, UNIT_W);
        struct json_object *device, *about;

        (void)snprintf(m->manufacturer, sizeof(m->manufacturer), "%s", c->letters);
        (void)snprintf(m->model, sizeof(m->model), "%s", c->model);
        device = described("homeassistant", m);
        about = part_of(device, "device");
        assert_int_equal(json_object_object_get_ex(about, "manufacturer", NULL), *c->maker != 0);
        assert_string_equal(text_of(about, "manufacturer"), c->maker);
        assert_int_equal(json_object_object_get_ex(about, "model", NULL), *c->shown_model != 0);
        assert_string_equal(text_of(about, "model"), c->shown_model);
        json_object_put(device);
        (void)meter_free(m);
}

/* A description is sent anew when it would say something else, whatever it was that changed. */
static void signature_changes_with_medium_and_unit(void **state)
{
        struct meter *m =
                meter_with("other", "LGZ0", (struct obis){ 0, 0, 24, 2, 1, 255 }, UNIT_M3);
        uint64_t first = format_signature(&context, m), second;

        (void)state;
        m->medium = "gas";
        second = format_signature(&context, m);
        assert_true(first != second);
        m->values[0].reading.unit = UNIT_GJ;
        assert_true(format_signature(&context, m) != second);
        (void)meter_free(m);
}

/* Telegrams in pairs, a second apart, or two lists that overlap: the short distance must neither
 * make a value unavailable before the next pair, nor describe it anew with each telegram. */
static void expiry_outlasts_telegrams_in_pairs(void **state)
{
        static const uint64_t every_s[] = { 12, 46, 900 };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(every_s); i++) {
                struct meter *m = new_meter();
                uint64_t signature = 0;

                for (uint64_t k = 0; k < 20; k++) {
                        begin();
                        add("1-0:1.7.0", 1, 0);
                        (void)take(m, k / 2 * every_s[i] + k % 2);
                        if (k < 6)
                                continue; /* not known yet */
                        assert_true(format_expiry_s(&context, &m->values[0]) > 2 * every_s[i]);
                        assert_true(signature == 0 || format_signature(&context, m) == signature);
                        signature = format_signature(&context, m);
                }
                (void)meter_free(m);
        }
}

int main(void)
{
        static const struct CMUnitTest more[] = {
                cmocka_unit_test(every_quantity_in_every_unit_is_accepted),
                cmocka_unit_test(unknown_code_in_every_unit_is_accepted),
                cmocka_unit_test(every_quantity_has_a_french_name),
                cmocka_unit_test(no_two_quantities_have_one_name),
                cmocka_unit_test(signature_changes_with_medium_and_unit),
                cmocka_unit_test(expiry_outlasts_telegrams_in_pairs),
        };
        static struct CMUnitTest all[ELEMENTSOF(makers) + ELEMENTSOF(more)];
        size_t n = test_add_rows(all, 0, makers, ELEMENTSOF(makers), sizeof(makers[0]), run_maker);

        for (size_t i = 0; i < ELEMENTSOF(more); i++)
                all[n++] = more[i];
        return test_run_rows_and("discovery", shown, ELEMENTSOF(shown), sizeof(shown[0]), run_shown,
                                 all, n);
}
