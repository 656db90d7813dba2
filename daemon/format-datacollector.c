/* SPDX-License-Identifier: MIT */
/*
 * The messages of smartmeter-datacollector 2.0.0 (DROPIN.md), for the Jeedom plugin and whoever
 * else reads them: one per value, byte for byte as Python's json.dumps writes it, decimals exact.
 * Nothing else may ever appear below smartmeter/: the plugin makes a meter of whatever it sees.
 */
#include <stdio.h>
#include <string.h>

#include "format.h"

#define TIME_TEXT_MAX 64 /* `, "timestamp": `, 20 digits, `, "obis": "`, NUL */
#define PAYLOAD_MAX   (16 + DECIMAL_TEXT_MAX + TIME_TEXT_MAX + OBIS_TEXT_MAX)

/* It compares codes on C.D.E and passes over what it has already sent (DROPIN "Meter id, …"). */
static bool sent_before(const struct format_values *values, size_t i)
{
        for (size_t k = 0; k < i; k++)
                if (obis_same_quantity(values->values[k]->reading.obis,
                                       values->values[i]->reading.obis))
                        return true;
        return false;
}

/* {"value": 230.1, "timestamp": 1551879225, "obis": "32.7.0"}; `time` is the middle part. */
static void print_payload(const struct reading *reading, const char *time,
                          char payload[static PAYLOAD_MAX])
{
        struct obis shown = reading->obis;
        char number[DECIMAL_TEXT_MAX], obis[OBIS_TEXT_MAX];
        char *at = payload;

        shown.f = 255; /* is not printed then */
        (void)obis_print(shown, obis);
        decimal_print_float(reading->value, number);
        at = stpcpy(at, "{\"value\": ");
        at = stpcpy(at, number);
        at = stpcpy(at, time);
        at = stpcpy(at, strchr(obis, ':') + 1);
        memcpy(at, "\"}", 3);
}

/* Without snprintf() per value: it was a fifth of the main loop's work for a telegram. */
static void datacollector_telegram(const struct format_context *context, const struct meter *meter,
                                   const struct meter_update *update,
                                   const struct format_values *values, struct message_list *ret)
{
        char topic[FORMAT_TOPIC_MAX], id[METER_ID_MAX], payload[PAYLOAD_MAX], time[TIME_TEXT_MAX];
        size_t prefix, n;

        (void)context;
        prefix = (size_t)snprintf(topic, sizeof(topic), "smartmeter/%s/",
                                  format_segment(meter->id, id, sizeof(id)));
        (void)snprintf(time, sizeof(time), ", \"timestamp\": %lld, \"obis\": \"",
                       (long long)(update->time_usec / 1000000));
        for (size_t i = 0; i < values->n; i++) {
                const struct reading *reading = &values->values[i]->reading;

                if (!reading->quantity || !reading->quantity->datacollector ||
                    values->values[i]->flags & METER_VALUE_DERIVED || sent_before(values, i))
                        continue;
                n = strlen(reading->quantity->datacollector);
                if (n >= sizeof(topic) - prefix)
                        continue; /* no name in the table is that long */
                memcpy(topic + prefix, reading->quantity->datacollector, n + 1);
                print_payload(reading, time, payload);
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
