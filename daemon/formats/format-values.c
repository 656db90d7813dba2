/* SPDX-License-Identifier: MIT */
/*
 * One topic per value with the plain number as payload, and availability and tariff beside them:
 * `native` offers them to people with a shell, and Home Assistant's entities listen to them.
 */
#include <stdio.h>
#include <string.h>

#include "format.h"

static const struct message_attributes retained_state = { .class = MESSAGE_STATE,
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
                         * broker too is to forget it in time: its expiry. */
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

static void values_counters(const struct format_context *context, const struct meter *meter,
                            uint64_t from_usec, uint64_t before_usec, struct message_list *ret)
{
        char topic[FORMAT_TOPIC_MAX], number[DECIMAL_TEXT_MAX];
        size_t prefix = format_meter_prefix(context, meter->id, topic);

        for (size_t i = 0; i < meter->n_values; i++) {
                const struct meter_value *value = &meter->values[i];

                if (format_class(value) != MESSAGE_ENERGY || value->mono_usec < from_usec ||
                    value->mono_usec >= before_usec || reading_is_unscaled(&value->reading))
                        continue;
                decimal_print(value->reading.value, number);
                put_leaf(topic, prefix, value->key);
                format_add(ret, &retained_state, topic, number);
        }
}

const struct format format_values_plain = {
        .telegram = values_telegram,
        .state = values_state,
        .counters = values_counters,
};
