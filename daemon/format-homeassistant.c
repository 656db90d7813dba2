/* SPDX-License-Identifier: MIT */
/*
 * Home Assistant, device discovery (FIELD §3.1): one retained message per meter that names every
 * value seen so far as a sensor. The values themselves are those of format-values.c.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "format.h"
#include "lib/util.h"

static const struct message_attributes retained_state = { .class = MESSAGE_STATE,
                                                          .qos = 1,
                                                          .retain = true };
static const struct message_attributes cleared = { .class = MESSAGE_ENERGY,
                                                   .qos = 1,
                                                   .retain = true };

/* What Home Assistant is told of a kind of quantity; NULL: nothing. */
struct entity_class {
        const char *device_class;
        const char *state_class;
        int precision; /* -1: not said */
};

/* Reactive energy has a class only since 2025; an unknown one would make an older core refuse the
 * whole device, so it goes without. */
static struct entity_class class_of(const struct reading *reading)
{
        enum quantity_kind kind = reading->quantity ? reading->quantity->kind : QUANTITY_OTHER;

        switch (kind) {
        case QUANTITY_POWER:
                return (struct entity_class){ "power", "measurement", 0 };
        case QUANTITY_REACTIVE_POWER:
                return (struct entity_class){ "reactive_power", "measurement", 0 };
        case QUANTITY_APPARENT_POWER:
                return (struct entity_class){ "apparent_power", "measurement", 0 };
        case QUANTITY_ENERGY:
                return (struct entity_class){ "energy", "total_increasing", 0 };
        case QUANTITY_NET_ENERGY:
                return (struct entity_class){ "energy", "total", 0 };
        case QUANTITY_REACTIVE_ENERGY:
        case QUANTITY_APPARENT_ENERGY:
                return (struct entity_class){ NULL, "total_increasing", 0 };
        case QUANTITY_VOLTAGE:
                return (struct entity_class){ "voltage", "measurement", 1 };
        case QUANTITY_CURRENT:
                return (struct entity_class){ "current", "measurement", 2 };
        case QUANTITY_FREQUENCY:
                return (struct entity_class){ "frequency", "measurement", 2 };
        case QUANTITY_POWER_FACTOR:
                return (struct entity_class){ "power_factor", "measurement", 2 };
        case QUANTITY_ANGLE:
                return (struct entity_class){ NULL, "measurement", 1 };
        case QUANTITY_HEAT:
                return (struct entity_class){ "energy", "total_increasing", 3 };
        case QUANTITY_VOLUME:
                return (struct entity_class){ NULL, "total_increasing", 3 };
        case QUANTITY_DEMAND:
        case QUANTITY_LIMIT:
        case QUANTITY_OTHER:
                break;
        }
        return (struct entity_class){ NULL, "measurement", -1 };
}

/* The classes that hang on the unit, and those a unit forbids. */
static void match_unit(const struct meter *meter, const struct reading *reading,
                       struct entity_class *class)
{
        const char *medium = meter->medium ? meter->medium : "";

        if (reading->unit == UNIT_W && !class->device_class)
                class->device_class = "power";
        if (reading->unit == UNIT_CELSIUS)
                class->device_class = "temperature";
        if (reading->unit == UNIT_M3) {
                class->device_class = strcmp(medium, "gas") == 0     ? "gas"
                                      : strcmp(medium, "water") == 0 ? "water"
                                                                     : "volume";
        }
        if (reading->unit == UNIT_M3_PER_HOUR)
                class->device_class = "volume_flow_rate";
        if (class->device_class && strcmp(class->device_class, "energy") == 0 &&
            reading->unit != UNIT_WH && reading->unit != UNIT_GJ)
                class->device_class = NULL;
}

static void add_text(struct json_object *object, const char *key, const char *value)
{
        json_object_object_add(object, key, json_object_new_string(value));
}

/* "sensor.<id>_<key>" in the letters an entity id may have: a-z, 0-9 and "_". */
static void add_entity_id(struct json_object *component, const char *id, const char *key)
{
        char buf[METER_ID_MAX + METER_KEY_MAX + 16];

        (void)snprintf(buf, sizeof(buf), "sensor.%s_%s", id, key);
        for (char *c = buf + sizeof("sensor.") - 1; *c; c++)
                *c = isalnum((unsigned char)*c) ? (char)tolower((unsigned char)*c) : '_';
        add_text(component, "default_entity_id", buf);
}

/* What every component has; `key` is the leaf of its state topic. */
static struct json_object *new_component(const struct format_context *context,
                                         const struct meter *meter, const char *key,
                                         const char *name)
{
        struct json_object *component = json_object_new_object();
        char topic[FORMAT_TOPIC_MAX], id[METER_ID_MAX], leaf[METER_KEY_MAX];
        char unique[METER_ID_MAX + METER_KEY_MAX + 16];
        size_t prefix = format_meter_prefix(context, meter->id, topic);

        if (!component)
                return NULL;
        (void)format_segment(key, topic + prefix, sizeof(topic) - prefix);
        format_identifier(meter->id, id, sizeof(id));
        format_identifier(key, leaf, sizeof(leaf));
        (void)snprintf(unique, sizeof(unique), "smartmeterd_%s_%s", id, leaf);
        add_text(component, "platform", "sensor");
        add_text(component, "unique_id", unique);
        add_entity_id(component, id, leaf);
        add_text(component, "name", name);
        add_text(component, "state_topic", topic);
        return component;
}

static void add_value(const struct format_context *context, const struct meter *meter,
                      const struct meter_value *value, struct json_object *components)
{
        const struct reading *reading = &value->reading;
        bool named = reading->quantity && strcmp(reading->quantity->name, value->key) == 0;
        struct entity_class class = class_of(reading);
        const char *unit = unit_name(reading->unit);
        struct json_object *component;
        uint32_t expiry_s = format_expiry_s(context, value);
        char leaf[METER_KEY_MAX];

        component = new_component(context, meter, value->key,
                                  named ? reading->quantity->label : value->key);
        if (!component)
                return;
        match_unit(meter, reading, &class);
        if (class.device_class)
                add_text(component, "device_class", class.device_class);
        add_text(component, "state_class", class.state_class);
        if (unit && *unit)
                add_text(component, "unit_of_measurement", unit);
        if (class.precision >= 0)
                json_object_object_add(component, "suggested_display_precision",
                                       json_object_new_int(class.precision));
        if (expiry_s > 0)
                json_object_object_add(component, "expire_after",
                                       json_object_new_int((int32_t)expiry_s));
        /* Codes the table has no name for: there for those who look, not in everyone's way. */
        if (!reading->quantity)
                json_object_object_add(component, "enabled_by_default", json_object_new_boolean(0));
        json_object_object_add(components, format_identifier(value->key, leaf, sizeof(leaf)),
                               component);
}

/* Every label once: what the tariff entity may ever say. */
static struct json_object *tariff_options(const struct tariff *tariff)
{
        struct json_object *options = json_object_new_array();
        char seen[TARIFF_MAX][TARIFF_LABEL_MAX];
        struct tariff each = *tariff;

        for (uint8_t i = 0; i < TARIFF_MAX; i++) {
                bool again = false;

                each.active = (uint8_t)(i + 1);
                (void)snprintf(seen[i], sizeof(seen[i]), "%s", tariff_label(&each));
                for (uint8_t k = 0; k < i; k++)
                        again = again || strcmp(seen[k], seen[i]) == 0;
                if (!again)
                        json_object_array_add(options, json_object_new_string(seen[i]));
        }
        return options;
}

static struct json_object *components_of(const struct format_context *context,
                                         const struct meter *meter)
{
        struct json_object *components = json_object_new_object(), *tariff;

        for (size_t i = 0; i < meter->n_values; i++)
                add_value(context, meter, &meter->values[i], components);
        if (meter->tariff.active) {
                tariff = new_component(context, meter, "tariff", "Tariff");
                add_text(tariff, "device_class", "enum");
                json_object_object_add(tariff, "options", tariff_options(&meter->tariff));
                json_object_object_add(components, "tariff", tariff);
        }
        return components;
}

static struct json_object *device_of(const struct format_context *context,
                                     const struct meter *meter, const char *device_id)
{
        struct json_object *device = json_object_new_object();
        struct json_object *identifiers = json_object_new_array();
        const char *name = *context->meter_name ? context->meter_name
                           : *meter->model      ? meter->model
                                                : meter->id;

        json_object_array_add(identifiers, json_object_new_string(device_id));
        json_object_object_add(device, "identifiers", identifiers);
        add_text(device, "name", name);
        if (*meter->manufacturer)
                add_text(device, "manufacturer", meter->manufacturer);
        if (*meter->model)
                add_text(device, "model", meter->model);
        add_text(device, "serial_number", meter->id);
        return device;
}

/* Of the service as a whole, and of the meter: both must be there. */
static struct json_object *availability_of(const struct format_context *context,
                                           const struct meter *meter)
{
        struct json_object *list = json_object_new_array();
        char topic[FORMAT_TOPIC_MAX];
        size_t prefix;

        for (int i = 0; i < 2; i++) {
                struct json_object *one = json_object_new_object();

                if (i == 0) {
                        format_state_topic(context, topic);
                } else {
                        prefix = format_meter_prefix(context, meter->id, topic);
                        memcpy(topic + prefix, "availability", sizeof("availability"));
                }
                add_text(one, "topic", topic);
                json_object_array_add(list, one);
        }
        return list;
}

static void discovery_topic(const struct format_context *context, const char *meter_id,
                            char device_id[static METER_ID_MAX + 16],
                            char topic[static FORMAT_TOPIC_MAX])
{
        char id[METER_ID_MAX];

        (void)snprintf(device_id, METER_ID_MAX + 16, "smartmeterd_%s",
                       format_identifier(meter_id, id, sizeof(id)));
        (void)snprintf(topic, FORMAT_TOPIC_MAX, "%s/device/%s/config", context->discovery_prefix,
                       device_id);
}

static void homeassistant_describe(const struct format_context *context, const struct meter *meter,
                                   struct message_list *ret)
{
        char topic[FORMAT_TOPIC_MAX], device_id[METER_ID_MAX + 16];
        struct json_object *object, *origin;

        if (meter->n_values == 0)
                return; /* a device without components is refused */
        discovery_topic(context, meter->id, device_id, topic);
        object = json_object_new_object();
        origin = json_object_new_object();
        json_object_object_add(object, "device", device_of(context, meter, device_id));
        add_text(origin, "name", "smartmeterd");
        add_text(origin, "sw_version", context->version);
        json_object_object_add(object, "origin", origin);
        json_object_object_add(object, "availability", availability_of(context, meter));
        add_text(object, "availability_mode", "all");
        json_object_object_add(object, "qos", json_object_new_int(1));
        json_object_object_add(object, "components", components_of(context, meter));
        format_add(ret, &retained_state, topic,
                   json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
                                                                  JSON_C_TO_STRING_NOSLASHESCAPE));
        json_object_put(object);
}

static void homeassistant_forget(const struct format_context *context, const char *meter_id,
                                 const struct meter *meter, struct message_list *ret)
{
        char topic[FORMAT_TOPIC_MAX], device_id[METER_ID_MAX + 16];

        (void)meter;
        discovery_topic(context, meter_id, device_id, topic);
        format_add(ret, &cleared, topic, "");
}

const struct format format_homeassistant = {
        .name = "homeassistant",
        .bits = MQTT_FORMAT_HOMEASSISTANT,
        .describe = homeassistant_describe,
        .forget = homeassistant_forget,
};
