/* SPDX-License-Identifier: MIT */
/*
 * The messages of smartmeter-datacollector 2.0.0 (docs/mqtt.md), for the Jeedom plugin and other
 * readers: one per value, byte for byte as Python's json.dumps writes it, decimals exact.
 * Nothing else may ever appear below smartmeter/: the plugin makes a meter of everything it sees.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"

#define TIME_TEXT_MAX 64 /* `, "timestamp": `, 20 digits, `, "obis": "`, NUL */
#define PAYLOAD_MAX   (16 + DECIMAL_TEXT_MAX + TIME_TEXT_MAX + OBIS_TEXT_MAX)

/* It compares codes on C.D.E and passes over what it has already sent. */
static bool sent_before(const struct format_values *values, size_t i)
{
        for (size_t k = 0; k < i; k++)
                if (!reading_is_past(&values->values[k]->reading) &&
                    obis_same_quantity(values->values[k]->reading.obis,
                                       values->values[i]->reading.obis))
                        return true;
        return false;
}

/* As Python prints a float: the shortest that is read back as the same. */
static void print_double(double value, char buf[static DECIMAL_TEXT_MAX])
{
        for (int digits = 1; digits <= 17; digits++) {
                (void)snprintf(buf, DECIMAL_TEXT_MAX, "%.*g", digits, value);
                if (strtod(buf, NULL) == value)
                        break;
        }
        if (!strpbrk(buf, ".e"))
                strcat(buf, ".0");
}

/* Degrees become radian where they were. Returns the end. */
static char *print_number(const struct reading *reading, const struct profile_topic *topic,
                          char number[static DECIMAL_TEXT_MAX])
{
        if (!topic || !topic->radian)
                return number + decimal_print_float(reading->value, number);
        print_double(decimal_to_double(reading->value) * (M_PI / 180), number);
        return number + strlen(number);
}

/* {"value": 230.1, "timestamp": 1551879225, "obis": "32.7.0"}; `time` is the middle part. */
static void print_payload(const struct reading *reading, const struct profile_topic *topic,
                          const char *time, char payload[static PAYLOAD_MAX])
{
        char *at = payload;

        at = print_number(reading, topic, stpcpy(at, "{\"value\": "));
        at = obis_print_quantity(reading->obis, stpcpy(at, time));
        memcpy(at, "\"}", 3);
}

/* Without snprintf(): once per value it was a fifth of the main loop's work for a telegram. */
static void datacollector_telegram(const struct format_context *context, const struct meter *meter,
                                   const struct meter_update *update,
                                   const struct format_values *values, struct message_list *ret)
{
        char topic[FORMAT_TOPIC_MAX], id[METER_ID_MAX], payload[PAYLOAD_MAX], time[TIME_TEXT_MAX];
        size_t prefix, n;
        char *end;

        (void)context;
        end = stpcpy(stpcpy(topic, "smartmeter/"), format_segment(meter->id, id, sizeof(id)));
        prefix = (size_t)(stpcpy(end, "/") - topic);
        end = stpcpy(time, ", \"timestamp\": ");
        end += decimal_print((struct decimal){ update->time_usec / 1000000, 0 }, end);
        (void)stpcpy(end, ", \"obis\": \""); /* the end is not asked for */
        for (size_t i = 0; i < values->n; i++) {
                const struct reading *reading = &values->values[i]->reading;
                const struct profile_topic *given =
                        profile_find_topic(meter->profile, reading->obis);
                const char *name = given               ? given->name
                                   : reading->quantity ? reading->quantity->datacollector
                                                       : NULL;

                if (!name || values->values[i]->flags & METER_VALUE_DERIVED ||
                    reading_is_past(&values->values[i]->reading) || sent_before(values, i))
                        continue;
                n = strlen(name);
                if (n >= sizeof(topic) - prefix)
                        continue; /* no name in the table is that long */
                memcpy(topic + prefix, name, n + 1);
                print_payload(reading, given, time, payload);
                format_add(ret,
                           &(struct message_attributes){ .class = format_class(values->values[i]) },
                           topic, payload);
        }
}

static void datacollector_root(const struct format_context *context,
                               char buf[static FORMAT_TOPIC_MAX])
{
        (void)snprintf(buf, FORMAT_TOPIC_MAX, "smartmeter");
}

const struct format format_datacollector = {
        .name = "datacollector",
        .root = datacollector_root,
        .telegram = datacollector_telegram,
};
