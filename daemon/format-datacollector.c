/* SPDX-License-Identifier: MIT */
/*
 * The messages of smartmeter-datacollector 2.0.0 (DROPIN.md), for the Jeedom plugin and whoever
 * else reads them: one per value, byte for byte as Python's json.dumps writes it, decimals exact.
 * Nothing else may ever appear below smartmeter/: the plugin makes a meter of whatever it sees.
 */
#include <stdio.h>
#include <string.h>

#include "format.h"

/* It compares codes on C.D.E and passes over what it has already sent (DROPIN "Meter id, …"). */
static bool sent_before(const struct format_values *values, size_t i)
{
        for (size_t k = 0; k < i; k++)
                if (obis_same_quantity(values->values[k]->reading.obis,
                                       values->values[i]->reading.obis))
                        return true;
        return false;
}

static void datacollector_telegram(const struct format_context *context, const struct meter *meter,
                                   const struct meter_update *update,
                                   const struct format_values *values, struct message_list *ret)
{
        char topic[FORMAT_TOPIC_MAX], id[METER_ID_MAX], payload[128], number[DECIMAL_TEXT_MAX];
        size_t prefix;

        (void)context;
        prefix = (size_t)snprintf(topic, sizeof(topic), "smartmeter/%s/",
                                  format_segment(meter->id, id, sizeof(id)));
        for (size_t i = 0; i < values->n; i++) {
                const struct reading *reading = &values->values[i]->reading;

                if (!reading->quantity || !reading->quantity->datacollector ||
                    sent_before(values, i))
                        continue;
                decimal_print_float(reading->value, number);
                (void)snprintf(topic + prefix, sizeof(topic) - prefix, "%s",
                               reading->quantity->datacollector);
                (void)snprintf(payload, sizeof(payload),
                               "{\"value\": %s, \"timestamp\": %lld, \"obis\": \"%u.%u.%u\"}",
                               number, (long long)(update->time_usec / 1000000), reading->obis.c,
                               reading->obis.d, reading->obis.e);
                format_add(ret,
                           &(struct message_attributes){ .class = format_class(values->values[i]) },
                           topic, payload);
        }
}

const struct format format_datacollector = {
        .name = "datacollector",
        .bits = MQTT_FORMAT_DATACOLLECTOR,
        .telegram = datacollector_telegram,
};
