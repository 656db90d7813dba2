/* SPDX-License-Identifier: MIT */
/*
 * Home Assistant, device discovery (known to 2024.12 and later): one retained message per meter
 * that names every value seen so far as a sensor. The values themselves are those of
 * format-values.c.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/util.h"
#include "config-build.h"
#include "format.h"
#include "lib/value/maker.h"

static const struct message_attributes retained_state = { .class = MESSAGE_STATE,
                                                          .qos = 1,
                                                          .retain = true };
/* The attributes of a value in Home Assistant; NULL: none. */
struct entity_class {
        const char *device_class;
        const char *state_class;
        int precision; /* -1: not said */
};

/* Attributes by kind of quantity; the device class follows from the unit. */
static struct entity_class class_of_kind(enum quantity_kind kind)
{
        switch (kind) {
        case QUANTITY_POWER:
        case QUANTITY_REACTIVE_POWER:
        case QUANTITY_APPARENT_POWER:
                return (struct entity_class){ NULL, "measurement", 0 };
        case QUANTITY_ENERGY:
        case QUANTITY_REACTIVE_ENERGY:
        case QUANTITY_APPARENT_ENERGY:
                return (struct entity_class){ NULL, "total_increasing", 0 };
        case QUANTITY_NET_ENERGY:
                return (struct entity_class){ NULL, "total", 0 };
        case QUANTITY_VOLTAGE:
        case QUANTITY_ANGLE:
                return (struct entity_class){ NULL, "measurement", 1 };
        case QUANTITY_CURRENT:
        case QUANTITY_FREQUENCY:
                return (struct entity_class){ NULL, "measurement", 2 };
        case QUANTITY_POWER_FACTOR:
                return (struct entity_class){ "power_factor", "measurement", 2 };
        case QUANTITY_HEAT:
        case QUANTITY_VOLUME:
                return (struct entity_class){ NULL, "total_increasing", 3 };
        case QUANTITY_DEMAND:
        case QUANTITY_LIMIT:
        case QUANTITY_OTHER:
                break;
        }
        return (struct entity_class){ NULL, "measurement", -1 };
}

/* Home Assistant takes the class of a counter for totals alone, and all others for measurements.
 * One that an older core does not know costs that one entity, not the device. */
static const char *class_of_unit(const struct meter *meter, enum unit unit, bool counts)
{
        static const char *const measured[UNIT_COUNT] = {
                [UNIT_W] = "power",
                [UNIT_VAR] = "reactive_power",
                [UNIT_VA] = "apparent_power",
                [UNIT_V] = "voltage",
                [UNIT_A] = "current",
                [UNIT_HZ] = "frequency",
                [UNIT_CELSIUS] = "temperature",
                [UNIT_M3_PER_HOUR] = "volume_flow_rate",
        };
        static const char *const counted[UNIT_COUNT] = {
                [UNIT_WH] = "energy",
                [UNIT_GJ] = "energy",
                [UNIT_VARH] = "reactive_energy",
                [UNIT_M3] = "volume",
        };

        if (!counts)
                return measured[unit];
        if (unit == UNIT_M3 && strcmp(meter->medium, "gas") == 0)
                return "gas";
        if (unit == UNIT_M3 && strcmp(meter->medium, "water") == 0)
                return "water";
        return counted[unit];
}

static struct entity_class class_of(const struct meter *meter, const struct meter_value *value)
{
        const struct reading *reading = &value->reading;
        struct entity_class class =
                class_of_kind(reading->quantity ? reading->quantity->kind : QUANTITY_OTHER);
        bool counts = strcmp(class.state_class, "measurement") != 0;

        if (!class.device_class || reading->unit != UNIT_NONE)
                class.device_class = class_of_unit(meter, reading->unit, counts);
        if (counts && reading_is_past(&value->reading))
                class.state_class = NULL; /* a number that falls each day would be added up */
        return class;
}

/* "sensor.<id>_<key>" in the letters an entity id may have: a-z, 0-9 and "_". */
static void add_entity_id(struct json_object **component, const char *platform, const char *id,
                          const char *key)
{
        char buf[METER_ID_MAX + METER_KEY_MAX + 24];

        (void)snprintf(buf, sizeof(buf), "%s.%s_%s", platform, id, key);
        for (char *c = buf + strlen(platform) + 1; *c; c++)
                *c = isalnum((unsigned char)*c) ? (char)tolower((unsigned char)*c) : '_';
        json_add_text(component, "default_entity_id", buf);
}

/* Members of every component; `leaf_topic` is the leaf of its state topic. NULL: no memory. */
static struct json_object *new_entity(const struct format_context *context,
                                      const struct meter *meter, const char *platform,
                                      const char *key, const char *leaf_topic, const char *name)
{
        struct json_object *component = json_object_new_object();
        char topic[FORMAT_TOPIC_MAX], id[METER_ID_MAX], leaf[METER_KEY_MAX];
        char unique[METER_ID_MAX + METER_KEY_MAX + 16];
        size_t prefix = format_meter_prefix(context, meter->id, topic);

        (void)format_segment(leaf_topic, topic + prefix, sizeof(topic) - prefix);
        format_identifier(meter->id, id, sizeof(id));
        format_identifier(key, leaf, sizeof(leaf));
        (void)snprintf(unique, sizeof(unique), "smartmeterd_%s_%s", id, leaf);
        json_add_text(&component, "platform", platform);
        json_add_text(&component, "unique_id", unique);
        add_entity_id(&component, platform, *context->meter_name ? context->meter_name : id, leaf);
        json_add_text(&component, "name", name);
        json_add_text(&component, "state_topic", topic);
        return component;
}

static struct json_object *new_component(const struct format_context *context,
                                         const struct meter *meter, const char *key,
                                         const char *name)
{
        return new_entity(context, meter, "sensor", key, key, name);
}

/* Home Assistant makes ids of names: no comma between a thing and its phase. */
static const char *entity_name(const struct meter *meter, const struct meter_value *value,
                               char buf[static FORMAT_LABEL_MAX])
{
        char *to = buf;

        (void)format_value_name(meter, value, true, buf);
        for (const char *from = buf; *from; from++)
                if (*from != ',')
                        *to++ = *from;
        *to = '\0';
        return buf;
}

/* Wh are what the topic has; people read, and bills say, kWh. */
static void add_unit(struct json_object **component, const struct reading *reading)
{
        static const struct {
                enum unit unit;
                const char *kilo;
        } counted[] = { { UNIT_WH, "kWh" }, { UNIT_VARH, "kvarh" } };
        const char *unit = unit_name(reading->unit);

        for (size_t i = 0; i < ELEMENTSOF(counted); i++) {
                if (reading->unit != counted[i].unit)
                        continue;
                json_add_text(component, "unit_of_measurement", counted[i].kilo);
                json_add_text(component, "value_template", "{{ value | float / 1000 }}");
                json_add(component, "suggested_display_precision", json_object_new_int(1));
                return;
        }
        if (unit && *unit)
                json_add_text(component, "unit_of_measurement", unit);
}

static bool is_diagnostic(const struct reading *reading)
{
        return reading->quantity && reading->quantity->kind == QUANTITY_LIMIT;
}

static void add_value(const struct format_context *context, const struct meter *meter,
                      const struct meter_value *value, struct json_object **components)
{
        const struct reading *reading = &value->reading;
        char name[FORMAT_LABEL_MAX];
        struct entity_class class = class_of(meter, value);
        struct json_object *component;
        uint32_t expiry_s = format_expiry_s(context, value);
        char leaf[METER_KEY_MAX];

        component = new_component(context, meter, value->key, entity_name(meter, value, name));
        if (class.device_class)
                json_add_text(&component, "device_class", class.device_class);
        if (class.state_class)
                json_add_text(&component, "state_class", class.state_class);
        if (class.precision >= 0)
                json_add(&component, "suggested_display_precision",
                         json_object_new_int(class.precision));
        add_unit(&component, reading);
        if (is_diagnostic(reading))
                json_add_text(&component, "entity_category", "diagnostic");
        if (expiry_s > 0)
                json_add(&component, "expire_after", json_object_new_int((int32_t)expiry_s));
        /* Codes without a name in the table, and past values: there, but not enabled. */
        if (!reading->quantity || reading_is_past(&value->reading))
                json_add(&component, "enabled_by_default", json_object_new_boolean(0));
        json_add(components, format_identifier(value->key, leaf, sizeof(leaf)), component);
}

/* Every label of the tariff entity, once. */
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
                        json_append(&options, json_object_new_string(seen[i]));
        }
        return options;
}

/* Of the service as a whole, and of the meter: both must be there. Not of the meter for what says
 * since when it is not heard. */
static struct json_object *availability_of(const struct format_context *context,
                                           const struct meter *meter, bool of_meter)
{
        struct json_object *list = json_object_new_array();
        char topic[FORMAT_TOPIC_MAX];
        size_t prefix;

        for (int i = 0; i < (of_meter ? 2 : 1); i++) {
                struct json_object *one = json_object_new_object();

                if (i == 0) {
                        format_state_topic(context, topic);
                } else {
                        prefix = format_meter_prefix(context, meter->id, topic);
                        memcpy(topic + prefix, "availability", sizeof("availability"));
                }
                json_add_text(&one, "topic", topic);
                json_append(&list, one);
        }
        return list;
}

/* A sub-meter is heard with the telegrams of the one that carries it. */
static bool has_diagnostics(const struct meter *meter)
{
        return !*meter->parent_id;
}

static const struct {
        const char *platform, *key, *leaf, *name, *class;
} diagnostics[] = {
        { "binary_sensor", "connected", "availability", "Connected", "connectivity" },
        { "sensor", "last_telegram", "last_telegram", "Last telegram", "timestamp" },
        { "sensor", "damaged_frames", "damaged_frames", "Damaged frames in the last hour", NULL },
};

/* Is it heard, since when not, and how well: there while the service is, with the meter or not. */
static void add_diagnostics(const struct format_context *context, const struct meter *meter,
                            struct json_object **components)
{
        for (size_t i = 0; i < ELEMENTSOF(diagnostics); i++) {
                struct json_object *one =
                        new_entity(context, meter, diagnostics[i].platform, diagnostics[i].key,
                                   diagnostics[i].leaf, diagnostics[i].name);

                json_add_text(&one, "entity_category", "diagnostic");
                if (diagnostics[i].class)
                        json_add_text(&one, "device_class", diagnostics[i].class);
                else
                        json_add_text(&one, "state_class", "measurement");
                if (strcmp(diagnostics[i].platform, "binary_sensor") == 0) {
                        json_add_text(&one, "payload_on", "online");
                        json_add_text(&one, "payload_off", "offline");
                }
                json_add(&one, "availability", availability_of(context, meter, false));
                json_add(components, diagnostics[i].key, one);
        }
}

static void homeassistant_health(const struct format_context *context, const struct meter *meter,
                                 struct message_list *ret)
{
        char topic[FORMAT_TOPIC_MAX], text[FORMAT_TIME_MAX];
        size_t prefix = format_meter_prefix(context, meter->id, topic);

        if (!has_diagnostics(meter))
                return;
        if (meter->last_host_usec != 0) {
                format_time((int64_t)meter->last_host_usec, false, text);
                (void)format_segment("last_telegram", topic + prefix, sizeof(topic) - prefix);
                format_add(ret, &retained_state, topic, text);
        }
        (void)snprintf(text, sizeof(text), "%" PRIu64, context->damaged_frames);
        (void)format_segment("damaged_frames", topic + prefix, sizeof(topic) - prefix);
        format_add(ret, &retained_state, topic, text);
}

/* NULL: no memory. */
static struct json_object *components_of(const struct format_context *context,
                                         const struct meter *meter)
{
        struct json_object *components = json_object_new_object(), *tariff;

        for (size_t i = 0; i < meter->n_values; i++)
                if (!reading_is_unscaled(&meter->values[i].reading)) /* it is not sent either */
                        add_value(context, meter, &meter->values[i], &components);
        if (meter->tariff.active) {
                tariff = new_component(context, meter, "tariff", "Tariff");
                json_add_text(&tariff, "device_class", "enum");
                json_add(&tariff, "options", tariff_options(&meter->tariff));
                json_add(&components, "tariff", tariff);
        }
        if (has_diagnostics(meter))
                add_diagnostics(context, meter, &components);
        return components;
}

static void print_part(const char *platform, const char *leaf, char buf[static FORMAT_PART_MAX])
{
        (void)snprintf(buf, FORMAT_PART_MAX, "#%s %s", platform, leaf);
}

static void homeassistant_parts(const struct format_context *context, const struct meter *meter,
                                void (*each)(const char *part, void *userdata), void *userdata)
{
        struct json_object *components;

        if (context->discovery_entity || meter->n_values == 0)
                return; /* each is a topic of its own, or there is none */
        components = components_of(context, meter);
        if (!components)
                return;
        json_object_object_foreach(components, leaf, component)
        {
                char part[FORMAT_PART_MAX];

                print_part(json_object_get_string(json_object_object_get(component, "platform")),
                           leaf, part);
                each(part, userdata);
        }
        json_object_put(components);
}

/* One that is not described any more stays in Home Assistant until its platform alone is named. */
static void withdraw_gone(const struct format_context *context, struct json_object **components)
{
        for (size_t i = 0; i < context->n_parts; i++) {
                char platform[FORMAT_PART_MAX], *leaf;
                struct json_object *withdrawn;

                (void)snprintf(platform, sizeof(platform), "%s", context->parts[i]);
                leaf = strchr(platform, ' ');
                if (*platform != '#' || !leaf)
                        continue; /* a topic */
                *leaf++ = '\0';
                if (json_object_object_get_ex(*components, leaf, NULL))
                        continue;
                withdrawn = json_object_new_object();
                json_add_text(&withdrawn, "platform", platform + 1);
                json_add(components, leaf, withdrawn);
        }
}

static struct json_object *device_of(const struct format_context *context,
                                     const struct meter *meter, const char *device_id)
{
        struct json_object *device = json_object_new_object();
        struct json_object *identifiers = json_object_new_array();
        const char *maker = maker_of(meter->manufacturer, meter->model);
        char parent[METER_ID_MAX + 16], id[METER_ID_MAX];

        json_append(&identifiers, json_object_new_string(device_id));
        json_add(&device, "identifiers", identifiers);
        json_add_text(&device, "name", format_meter_name(context, meter, true));
        if (*maker)
                json_add_text(&device, "manufacturer", maker);
        if (*maker_skip(meter->manufacturer, meter->model))
                json_add_text(&device, "model", maker_skip(meter->manufacturer, meter->model));
        json_add_text(&device, "serial_number", meter->id);
        if (*meter->parent_id) {
                (void)snprintf(parent, sizeof(parent), "smartmeterd_%s",
                               format_identifier(meter->parent_id, id, sizeof(id)));
                json_add_text(&device, "via_device", parent);
        }
        return device;
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

/* Further members of a message about a device, or about one entity of it. */
static void add_frame(const struct format_context *context, const struct meter *meter,
                      const char *device_id, struct json_object **object)
{
        struct json_object *origin = json_object_new_object();

        json_add(object, "device", device_of(context, meter, device_id));
        json_add_text(&origin, "name", "smartmeterd");
        json_add_text(&origin, "sw_version", context->version);
        if (*PROJECT_SUPPORT_URL)
                json_add_text(&origin, "support_url", PROJECT_SUPPORT_URL);
        json_add(object, "origin", origin);
        if (!json_object_object_get_ex(*object, "availability", NULL)) /* it has its own */
                json_add(object, "availability", availability_of(context, meter, true));
        json_add_text(object, "availability_mode", "all");
        json_add(object, "qos", json_object_new_int(1));
}

/* One message per entity, each of which repeats the device: older than device discovery, and
 * understood by others than Home Assistant. */
static void describe_entities(const struct format_context *context, const struct meter *meter,
                              const char *device_id, struct json_object *components,
                              struct message_list *ret)
{
        json_object_object_foreach(components, leaf, component)
        {
                char topic[FORMAT_TOPIC_MAX];
                const char *platform =
                        json_object_get_string(json_object_object_get(component, "platform"));
                struct json_object *message = json_object_get(component);

                (void)snprintf(topic, sizeof(topic), "%s/%s/%s/%s/config",
                               context->discovery_prefix, platform, device_id, leaf);
                json_object_object_del(component, "platform"); /* the topic says it */
                add_frame(context, meter, device_id, &message);
                format_add_json(ret, &retained_state, topic, message);
                json_object_put(message);
        }
}

static void homeassistant_describe(const struct format_context *context, const struct meter *meter,
                                   struct message_list *ret)
{
        char topic[FORMAT_TOPIC_MAX], device_id[METER_ID_MAX + 16];
        struct json_object *object, *components;

        if (meter->n_values == 0)
                return; /* a device without components is refused */
        discovery_topic(context, meter->id, device_id, topic);
        components = components_of(context, meter);
        if (!components) {
                ret->incomplete = true;
                return;
        }
        if (context->discovery_entity) {
                describe_entities(context, meter, device_id, components, ret);
                json_object_put(components);
                return;
        }
        withdraw_gone(context, &components);
        object = json_object_new_object();
        add_frame(context, meter, device_id, &object);
        json_add(&object, "components", components);
        format_add_json(ret, &retained_state, topic, object);
        json_object_put(object);
}

static void homeassistant_root(const struct format_context *context,
                               char buf[static FORMAT_TOPIC_MAX])
{
        (void)snprintf(buf, FORMAT_TOPIC_MAX, "%s of smartmeterd/%s", context->discovery_prefix,
                       context->instance);
}

static void homeassistant_birth(const struct format_context *context,
                                char buf[static FORMAT_TOPIC_MAX])
{
        (void)snprintf(buf, FORMAT_TOPIC_MAX, "%s/status", context->discovery_prefix);
}

const struct format format_homeassistant = {
        .name = "homeassistant",
        .plain_values = true,
        .root = homeassistant_root,
        .birth = homeassistant_birth,
        .describe = homeassistant_describe,
        .health = homeassistant_health,
        .parts = homeassistant_parts,
};
