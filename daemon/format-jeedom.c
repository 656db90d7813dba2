/* SPDX-License-Identifier: MIT */
/*
 * Jeedom's own discovery, as its plugin mqtt2 reads it from another Jeedom (FIELD §3.2): a device
 * with its commands at <root>/discovery/eqLogic/<id>, values at <root>/cmd/event/<command>. With
 * the root listed in "Topic des Jeedom liée" and discovery allowed, no other plugin is needed.
 */
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "format.h"

static const struct message_attributes retained_state = { .class = MESSAGE_STATE,
                                                          .qos = 1,
                                                          .retain = true };
static const struct message_attributes cleared = { .class = MESSAGE_ENERGY,
                                                   .qos = 1,
                                                   .retain = true };

#define COMMAND_MAX (METER_ID_MAX + METER_KEY_MAX + 16)

/* Commands have one number space on a Jeedom: the meter's id makes ours unlike any other's. */
static void command_id(const char *meter_id, const char *key, char buf[static COMMAND_MAX])
{
        char id[METER_ID_MAX], name[METER_KEY_MAX];

        (void)snprintf(buf, COMMAND_MAX, "smd_%s_%s", format_identifier(meter_id, id, sizeof(id)),
                       format_identifier(key, name, sizeof(name)));
}

static void event_topic(const struct format_context *context, const char *command,
                        char topic[static FORMAT_TOPIC_MAX])
{
        (void)snprintf(topic, FORMAT_TOPIC_MAX, "%s/cmd/event/%s", context->jeedom_root, command);
}

static void jeedom_telegram(const struct format_context *context, const struct meter *meter,
                            const struct meter_update *update, const struct format_values *values,
                            struct message_list *ret)
{
        char topic[FORMAT_TOPIC_MAX], command[COMMAND_MAX], number[DECIMAL_TEXT_MAX];
        char payload[DECIMAL_TEXT_MAX + 16];

        (void)update;
        for (size_t i = 0; i < values->n; i++) {
                const struct meter_value *value = values->values[i];
                struct message_attributes attributes = { .class = format_class(value) };

                /* As with plain values: a power without its time is of no use later. */
                if (attributes.class == MESSAGE_ENERGY)
                        attributes.qos = 1;
                else
                        attributes.class = MESSAGE_STATE;
                decimal_print(value->reading.value, number);
                command_id(meter->id, value->key, command);
                event_topic(context, command, topic);
                (void)snprintf(payload, sizeof(payload), "{\"value\":%s}", number);
                format_add(ret, &attributes, topic, payload);
        }
}

static void add_command(struct json_object *commands, const char *meter_id, const char *key,
                        const char *label, const char *sub_type, const char *unit)
{
        struct json_object *command = json_object_new_object();
        char id[COMMAND_MAX];

        if (!command)
                return;
        command_id(meter_id, key, id);
        json_object_object_add(command, "id", json_object_new_string(id));
        json_object_object_add(command, "logicalId", json_object_new_string(key));
        json_object_object_add(command, "name", json_object_new_string(label));
        json_object_object_add(command, "type", json_object_new_string("info"));
        json_object_object_add(command, "subType", json_object_new_string(sub_type));
        json_object_object_add(command, "unite", json_object_new_string(unit));
        json_object_object_add(command, "isVisible", json_object_new_string("1"));
        json_object_object_add(command, "isHistorized", json_object_new_string("1"));
        json_object_object_add(commands, id, command);
}

static void jeedom_topic(const struct format_context *context, const char *meter_id,
                         char topic[static FORMAT_TOPIC_MAX])
{
        char id[METER_ID_MAX];

        (void)snprintf(topic, FORMAT_TOPIC_MAX, "%s/discovery/eqLogic/smd_%s", context->jeedom_root,
                       format_identifier(meter_id, id, sizeof(id)));
}

static struct json_object *commands_of(const struct meter *meter)
{
        struct json_object *commands = json_object_new_object();

        for (size_t i = 0; i < meter->n_values; i++) {
                const struct meter_value *value = &meter->values[i];
                const struct quantity *quantity = value->reading.quantity;
                const char *unit = unit_name(value->reading.unit);

                add_command(commands, meter->id, value->key,
                            quantity && strcmp(quantity->name, value->key) == 0 ? quantity->label
                                                                                : value->key,
                            "numeric", unit ? unit : "");
        }
        add_command(commands, meter->id, "online", "Online", "binary", "");
        if (meter->tariff.active)
                add_command(commands, meter->id, "tariff", "Tarif", "string", "");
        return commands;
}

static void jeedom_describe(const struct format_context *context, const struct meter *meter,
                            struct message_list *ret)
{
        struct json_object *object, *configuration;
        char topic[FORMAT_TOPIC_MAX], id[METER_ID_MAX + 8], clean[METER_ID_MAX];
        const char *name = *context->meter_name ? context->meter_name : meter->id;

        if (meter->n_values == 0)
                return;
        object = json_object_new_object();
        configuration = json_object_new_object();
        (void)snprintf(id, sizeof(id), "smd_%s",
                       format_identifier(meter->id, clean, sizeof(clean)));
        json_object_object_add(object, "id", json_object_new_string(id));
        json_object_object_add(object, "logicalId", json_object_new_string(meter->id));
        json_object_object_add(object, "name", json_object_new_string(name));
        json_object_object_add(object, "object_name", json_object_new_string(""));
        json_object_object_add(object, "isEnable", json_object_new_string("1"));
        json_object_object_add(object, "isVisible", json_object_new_string("1"));
        json_object_object_add(configuration, "manufacturer",
                               json_object_new_string(meter->manufacturer));
        json_object_object_add(configuration, "model", json_object_new_string(meter->model));
        json_object_object_add(object, "configuration", configuration);
        json_object_object_add(object, "cmds", commands_of(meter));

        jeedom_topic(context, meter->id, topic);
        format_add(ret, &retained_state, topic,
                   json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
                                                                  JSON_C_TO_STRING_NOSLASHESCAPE));
        json_object_put(object);
}

static void jeedom_state(const struct format_context *context, const struct meter *meter,
                         struct message_list *ret)
{
        char topic[FORMAT_TOPIC_MAX], command[COMMAND_MAX];
        struct message_attributes attributes = { .class = MESSAGE_STATE, .qos = 1 };
        struct json_object *object;

        command_id(meter->id, "online", command);
        event_topic(context, command, topic);
        format_add(ret, &attributes, topic, meter->online ? "{\"value\":1}" : "{\"value\":0}");
        if (meter->tariff.active == 0)
                return;
        object = json_object_new_object();
        json_object_object_add(object, "value",
                               json_object_new_string(tariff_label(&meter->tariff)));
        command_id(meter->id, "tariff", command);
        event_topic(context, command, topic);
        format_add(ret, &attributes, topic,
                   json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
                                                                  JSON_C_TO_STRING_NOSLASHESCAPE));
        json_object_put(object);
}

static void jeedom_forget(const struct format_context *context, const char *meter_id,
                          const struct meter *meter, struct message_list *ret)
{
        char topic[FORMAT_TOPIC_MAX];

        (void)meter;
        jeedom_topic(context, meter_id, topic);
        format_add(ret, &cleared, topic, "");
}

const struct format format_jeedom = {
        .name = "jeedom",
        .bits = MQTT_FORMAT_JEEDOM,
        .telegram = jeedom_telegram,
        .describe = jeedom_describe,
        .state = jeedom_state,
        .forget = jeedom_forget,
};
