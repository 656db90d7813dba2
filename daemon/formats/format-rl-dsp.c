/* SPDX-License-Identifier: MIT */
/*
 * One message per telegram as smartmeter-datacollector's mqttrldsp sink sends it (docs/mqtt.md;
 * VSE "RL-DSP CH2024"): time in UTC, then the values by C.D.E in telegram order.
 */
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "format.h"

/* ', "255.255.255": ' and a number. */
#define ENTRY_MAX   (20 + DECIMAL_TEXT_MAX)
#define PAYLOAD_MAX (80 + METER_VALUES_MAX * ENTRY_MAX)

/* Python keeps the place of the first of equal keys; its values come from the first as well. */
static bool seen_before(const struct format_values *values, size_t i)
{
        for (size_t k = 0; k < i; k++)
                if (!reading_is_past(&values->values[k]->reading) &&
                    obis_same_quantity(values->values[k]->reading.obis,
                                       values->values[i]->reading.obis))
                        return true;
        return false;
}

static void rl_dsp_telegram(const struct format_context *context, const struct meter *meter,
                            const struct meter_update *update, const struct format_values *values,
                            struct message_list *ret)
{
        static const struct message_attributes energy = { .class = MESSAGE_ENERGY };
        char topic[FORMAT_TOPIC_MAX], id[METER_ID_MAX], number[DECIMAL_TEXT_MAX];
        char time[FORMAT_TIME_MAX];
        char payload[PAYLOAD_MAX];
        size_t n, n_values = 0;

        if (!values->telegram)
                return;
        format_time(update->time_usec, false, time);
        n = (size_t)snprintf(payload, sizeof(payload), "{\"meter\": {\"ts\": \"%s\"", time);
        for (size_t i = 0; i < values->n; i++) {
                const struct reading *reading = &values->values[i]->reading;

                if (!reading->quantity || !reading->quantity->datacollector ||
                    values->values[i]->flags & METER_VALUE_DERIVED ||
                    reading_is_past(&values->values[i]->reading) || seen_before(values, i))
                        continue;
                decimal_print_float(reading->value, number);
                n += (size_t)snprintf(payload + n, sizeof(payload) - n, ", \"%u.%u.%u\": %s",
                                      reading->obis.c, reading->obis.d, reading->obis.e, number);
                n_values++;
        }
        if (n_values == 0)
                return;
        (void)snprintf(payload + n, sizeof(payload) - n, "}}");
        (void)snprintf(topic, sizeof(topic), "dt/%s/%s/ds", context->group,
                       format_segment(meter->id, id, sizeof(id)));
        format_add(ret, &energy, topic, payload);
}

static void rl_dsp_root(const struct format_context *context, char buf[static FORMAT_TOPIC_MAX])
{
        (void)snprintf(buf, FORMAT_TOPIC_MAX, "dt/%s", context->group);
}

const struct format format_rl_dsp = {
        .name = "rl-dsp",
        .root = rl_dsp_root,
        .telegram = rl_dsp_telegram,
};
