/* SPDX-License-Identifier: MIT */
/*
 * Jeedom's own discovery, as its plugin MQTT Manager reads it from another Jeedom: a device with
 * its commands at <root>/discovery/eqLogic/<id>, values at <root>/cmd/event/<command>. The root is
 * one of "Topic des Jeedom liée", and never Jeedom's own, below which it takes everything for
 * commands to itself. As there, discovery is not retained; and no message below it is ever empty:
 * MQTT Manager ends its whole batch on one.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/util.h"
#include "format.h"

static const struct message_attributes unretained_state = { .class = MESSAGE_STATE, .qos = 1 };

#define TIMEOUT_MIN_S 300 /* Jeedom counts in minutes, and complains of one that is too short */

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

/* Words of Jeedom's core for what apps and voice plugins look for; NULL: none fits. */
static const char *generic_type(const struct quantity *quantity)
{
        switch (quantity ? quantity->kind : QUANTITY_OTHER) {
        case QUANTITY_POWER:
                return "POWER";
        case QUANTITY_ENERGY:
        case QUANTITY_NET_ENERGY:
                return "CONSUMPTION";
        case QUANTITY_VOLTAGE:
                return "VOLTAGE";
        case QUANTITY_REACTIVE_POWER:
        case QUANTITY_APPARENT_POWER:
        case QUANTITY_REACTIVE_ENERGY:
        case QUANTITY_APPARENT_ENERGY:
        case QUANTITY_VOLUME:
        case QUANTITY_HEAT:
        case QUANTITY_CURRENT:
        case QUANTITY_FREQUENCY:
        case QUANTITY_POWER_FACTOR:
        case QUANTITY_ANGLE:
        case QUANTITY_DEMAND:
        case QUANTITY_LIMIT:
        case QUANTITY_OTHER:
                break;
        }
        return NULL;
}

/* Values worth a curve. A row per value and telegram would fill Jeedom's database. */
static bool is_history(const struct quantity *quantity)
{
        return quantity && (quantity->kind == QUANTITY_POWER || quantity_is_counter(quantity) ||
                            quantity->kind == QUANTITY_NET_ENERGY);
}

struct command {
        const char *key, *label, *sub_type, *unit;
        const char *generic_type; /* NULL: none */
        bool history;
};

static void add_command(struct json_object **commands, const char *meter_id,
                        const struct command *c)
{
        struct json_object *command = json_object_new_object();
        char id[COMMAND_MAX];

        command_id(meter_id, c->key, id);
        json_add_text(&command, "id", id);
        json_add_text(&command, "logicalId", c->key);
        json_add_text(&command, "name", c->label);
        json_add_text(&command, "type", "info");
        json_add_text(&command, "subType", c->sub_type);
        json_add_text(&command, "unite", c->unit);
        json_add_text(&command, "isVisible", "1");
        json_add_text(&command, "isHistorized", c->history ? "1" : "0");
        if (c->generic_type)
                json_add_text(&command, "generic_type", c->generic_type);
        json_add(commands, id, command);
}

static void jeedom_topic(const struct format_context *context, const char *meter_id,
                         char topic[static FORMAT_TOPIC_MAX])
{
        char id[METER_ID_MAX];

        (void)snprintf(topic, FORMAT_TOPIC_MAX, "%s/discovery/eqLogic/smd_%s", context->jeedom_root,
                       format_identifier(meter_id, id, sizeof(id)));
}

static void add_value_command(const struct format_context *context, struct json_object **commands,
                              const struct meter *meter, const struct meter_value *value)
{
        const struct quantity *present =
                reading_is_past(&value->reading) ? NULL : value->reading.quantity;
        const char *unit = unit_name(value->reading.unit);
        char label[FORMAT_LABEL_MAX];

        (void)format_value_name(meter, value, context->english, label);
        add_command(commands, meter->id,
                    &(struct command){ .key = value->key,
                                       .label = label,
                                       .sub_type = "numeric",
                                       .unit = unit ? unit : "",
                                       .generic_type = generic_type(present),
                                       .history = is_history(present) });
}

static struct json_object *commands_of(const struct format_context *context,
                                       const struct meter *meter)
{
        const struct command online = { "online", context->english ? "Online" : "En ligne",
                                        "binary", "",
                                        "ONLINE", false };
        const struct command tariff = { "tariff", context->english ? "Tariff" : "Tarif",
                                        "string", "",
                                        NULL,     false };
        struct json_object *commands = json_object_new_object();

        for (size_t i = 0; i < meter->n_values; i++)
                if (!reading_is_unscaled(&meter->values[i].reading)) /* it is not sent either */
                        add_value_command(context, &commands, meter, &meter->values[i]);
        add_command(&commands, meter->id, &online);
        if (meter->tariff.active)
                add_command(&commands, meter->id, &tariff);
        return commands;
}

/* From the most frequent value: minutes until Jeedom says that the equipment is silent. */
static int timeout_minutes(const struct format_context *context, const struct meter *meter)
{
        uint32_t least = UINT32_MAX;

        for (size_t i = 0; i < meter->n_values; i++) {
                uint32_t expiry_s = format_expiry_s(context, &meter->values[i]);

                if (expiry_s > 0)
                        least = MIN(least, expiry_s);
        }
        return least == UINT32_MAX ? 0 : (int)((MAX(least, TIMEOUT_MIN_S) + 59) / 60);
}

static void jeedom_describe(const struct format_context *context, const struct meter *meter,
                            struct message_list *ret)
{
        struct json_object *object, *configuration;
        char topic[FORMAT_TOPIC_MAX], id[METER_ID_MAX + 8], clean[METER_ID_MAX];
        int minutes = timeout_minutes(context, meter);

        if (meter->n_values == 0)
                return;
        object = json_object_new_object();
        configuration = json_object_new_object();
        (void)snprintf(id, sizeof(id), "smd_%s",
                       format_identifier(meter->id, clean, sizeof(clean)));
        json_add_text(&object, "id", id);
        json_add_text(&object, "logicalId", meter->id);
        json_add_text(&object, "name", format_meter_name(context, meter, context->english));
        json_add_text(&object, "object_name", "");
        json_add_text(&object, "isEnable", "1");
        json_add_text(&object, "isVisible", "1");
        if (minutes > 0)
                json_add(&object, "timeout", json_object_new_int(minutes));
        json_add_text(&configuration, "manufacturer", meter->manufacturer);
        json_add_text(&configuration, "model", meter->model);
        json_add(&object, "configuration", configuration);
        json_add(&object, "cmds", commands_of(context, meter));

        jeedom_topic(context, meter->id, topic);
        format_add_json(ret, &unretained_state, topic, object);
        json_object_put(object);
}

static void jeedom_state(const struct format_context *context, const struct meter *meter,
                         struct message_list *ret)
{
        char topic[FORMAT_TOPIC_MAX], command[COMMAND_MAX];
        struct json_object *object;

        if (meter->n_values == 0)
                return; /* it has not been described: Jeedom knows no such command */
        command_id(meter->id, "online", command);
        event_topic(context, command, topic);
        format_add(ret, &unretained_state, topic,
                   meter->online ? "{\"value\":1}" : "{\"value\":0}");
        if (meter->tariff.active == 0)
                return;
        object = json_object_new_object();
        json_add_text(&object, "value", tariff_label(&meter->tariff));
        command_id(meter->id, "tariff", command);
        event_topic(context, command, topic);
        format_add_json(ret, &unretained_state, topic, object);
        json_object_put(object);
}

static void jeedom_root(const struct format_context *context, char buf[static FORMAT_TOPIC_MAX])
{
        (void)snprintf(buf, FORMAT_TOPIC_MAX, "%s", context->jeedom_root);
}

/* MQTT Manager's retained message when its daemon has connected: of Jeedom's usual root. */
static void jeedom_birth(const struct format_context *context, char buf[static FORMAT_TOPIC_MAX])
{
        (void)context;
        (void)snprintf(buf, FORMAT_TOPIC_MAX, "jeedom/state");
}

const struct format format_jeedom = {
        .name = "jeedom",
        .root = jeedom_root,
        .birth = jeedom_birth,
        .telegram = jeedom_telegram,
        .describe = jeedom_describe,
        .state = jeedom_state,
};
