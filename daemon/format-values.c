/* SPDX-License-Identifier: MIT */
/*
 * One topic per value with the plain number as payload, and availability and tariff beside them:
 * what `native` offers to people with a shell, and what Home Assistant's entities listen to.
 */
#include <stdio.h>
#include <string.h>

#include "format.h"

static const struct message_attributes retained_state = { .class = MESSAGE_STATE,
                                                          .qos = 1,
                                                          .retain = true };
/* Clearing a topic must survive a broker that is away: it counts as much as energy does. */
static const struct message_attributes cleared = { .class = MESSAGE_ENERGY,
                                                   .qos = 1,
                                                   .retain = true };

static void put_leaf(char *topic, size_t prefix, const char *leaf)
{
        (void)format_segment(leaf, topic + prefix, FORMAT_TOPIC_MAX - prefix);
}

static void values_telegram(const struct format_context *context, const struct meter *meter,
                            const struct meter_update *update, const struct format_values *values,
                            struct message_list *ret)
{
        char topic[FORMAT_TOPIC_MAX], number[DECIMAL_TEXT_MAX];
        size_t prefix = format_meter_prefix(context, meter->id, topic);

        (void)update;
        for (size_t i = 0; i < values->n; i++) {
                const struct meter_value *value = values->values[i];
                struct message_attributes attributes = { .class = format_class(value) };

                if (attributes.class == MESSAGE_ENERGY) {
                        attributes.qos = 1;
                        attributes.retain = true;
                } else {
                        /* A power without its time is worth nothing later: not kept, and the
                         * broker too is to forget it in time (FIELD §3.5). */
                        attributes.class = MESSAGE_STATE;
                        attributes.expiry_s = format_expiry_s(context, value);
                }
                decimal_print(value->reading.value, number);
                put_leaf(topic, prefix, value->key);
                format_add(ret, &attributes, topic, number);
        }
}

static void values_state(const struct format_context *context, const struct meter *meter,
                         struct message_list *ret)
{
        char topic[FORMAT_TOPIC_MAX];
        size_t prefix = format_meter_prefix(context, meter->id, topic);

        put_leaf(topic, prefix, "availability");
        format_add(ret, &retained_state, topic, meter->online ? "online" : "offline");
        if (meter->tariff.active == 0)
                return;
        put_leaf(topic, prefix, "tariff");
        format_add(ret, &retained_state, topic, tariff_label(&meter->tariff));
}

static void values_forget(const struct format_context *context, const char *meter_id,
                          const struct meter *meter, struct message_list *ret)
{
        char topic[FORMAT_TOPIC_MAX];
        size_t prefix = format_meter_prefix(context, meter_id, topic);
        const struct quantity *quantity;

        put_leaf(topic, prefix, "availability");
        format_add(ret, &cleared, topic, "");
        put_leaf(topic, prefix, "tariff");
        format_add(ret, &cleared, topic, "");
        if (meter) {
                for (size_t i = 0; i < meter->n_values; i++) {
                        if (format_class(&meter->values[i]) != MESSAGE_ENERGY)
                                continue;
                        put_leaf(topic, prefix, meter->values[i].key);
                        format_add(ret, &cleared, topic, "");
                }
                return;
        }
        /* Not seen since the start: whatever could have been retained under a name is cleared. */
        for (size_t i = 0; (quantity = quantity_at(i)); i++) {
                if (!quantity_is_counter(quantity) && quantity->kind != QUANTITY_NET_ENERGY)
                        continue;
                put_leaf(topic, prefix, quantity->name);
                format_add(ret, &cleared, topic, "");
        }
}

const struct format format_values_plain = {
        .bits = MQTT_FORMAT_NATIVE | MQTT_FORMAT_HOMEASSISTANT,
        .telegram = values_telegram,
        .state = values_state,
        .forget = values_forget,
};
