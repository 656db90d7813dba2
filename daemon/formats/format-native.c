/* SPDX-License-Identifier: MIT */
/*
 * Our own format (docs/mqtt.md): the telegram as the JSON object that `smctl decode` prints; beside
 * it when it was received, its number, and its values by name, which need no search in a list.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "format.h"
#include "lib/model/telegram-json.h"

/* Implausible values are not published, and of a sub-meter only its own. */
static bool is_accepted(const struct meter_update *update, const char *obis)
{
        char buf[OBIS_TEXT_MAX];

        for (size_t i = 0; i < update->n_values; i++)
                if (strcmp(obis_print(update->values[i]->reading.obis, buf), obis) == 0)
                        return true;
        return false;
}

static void keep_accepted(struct json_object **object, const struct meter_update *update)
{
        struct json_object *all, *kept = json_object_new_array();

        if (!json_object_object_get_ex(*object, "readings", &all)) {
                json_object_put(kept);
                return;
        }
        for (size_t i = 0; i < json_object_array_length(all); i++) {
                struct json_object *one = json_object_array_get_idx(all, i), *obis;

                if (json_object_object_get_ex(one, "obis", &obis) &&
                    is_accepted(update, json_object_get_string(obis)))
                        json_append(&kept, json_object_get(one));
        }
        json_add(object, "readings", kept);
}

/* Derived values stand behind those that the meter sent, and are marked. */
static void add_derived(struct json_object **object, const struct meter_update *update)
{
        struct json_object *all;

        if (!json_object_object_get_ex(*object, "readings", &all))
                return;
        all = json_object_get(all);
        for (size_t i = 0; i < update->n_values; i++) {
                struct json_object *one;

                if (!(update->values[i]->flags & METER_VALUE_DERIVED))
                        continue;
                one = telegram_reading_to_json(&update->values[i]->reading);
                json_add_new(&one, "derived", json_object_new_boolean(true));
                json_append(&all, one);
        }
        if (!all)
                json_drop(object);
        json_object_put(all);
}

static void set_text(struct json_object **object, const char *key, const char *value)
{
        if (*value)
                json_add_text(object, key, value);
        else
                json_add_null(object, key);
}

/* Texts belong to the meter that sends; to a sub-meter only those of its channel. */
static void keep_own(struct json_object **object, const struct meter *meter,
                     const struct telegram *telegram)
{
        struct json_object *all, *kept = json_object_new_array();

        set_text(object, "manufacturer", meter->manufacturer);
        set_text(object, "model", meter->model);
        if (!json_object_object_get_ex(*object, "texts", &all)) {
                json_object_put(kept);
                return;
        }
        for (size_t i = 0; i < telegram->n_texts; i++)
                if (submeter_text_channel(telegram, &telegram->texts[i]) == meter->channel)
                        json_append(&kept, json_object_get(json_object_array_get_idx(all, i)));
        json_add(object, "texts", kept);
}

/* Values by name, numbers alone: jq, Node-RED and Telegraf take them as they are. */
static void add_values(struct json_object **object, const struct meter_update *update)
{
        struct json_object *values = json_object_new_object();
        char number[DECIMAL_TEXT_MAX];

        for (size_t i = 0; i < update->n_values; i++) {
                const struct meter_value *value = update->values[i];

                if (reading_is_unscaled(&value->reading))
                        continue; /* in `readings` it has no unit; here nothing could say so */
                decimal_print(value->reading.value, number);
                json_add_new(
                        &values, value->key,
                        json_object_new_double_s(decimal_to_double(value->reading.value), number));
        }
        json_add_new(object, "values", values);
}

/* Import less export of one telegram, in W: one signed number, and no moment between the two. */
static void add_net_power(struct json_object **object, const struct meter *meter,
                          const struct meter_update *update)
{
        char number[DECIMAL_TEXT_MAX];
        struct decimal net;
        const struct meter_value *of = meter_net_power(meter, 0, &net);

        if (!of || of->sequence != update->sequence || of->mono_usec != meter->last_mono_usec)
                return;
        decimal_print(net, number);
        json_add_new(object, "power_net", json_object_new_double_s(decimal_to_double(net), number));
}

/* The offset of W and S (P1) is that of the meter's country: the one by which it was resolved. */
static void set_time_of_mark(struct json_object **object, const struct meter *meter,
                             const struct telegram *telegram)
{
        struct datetime time = telegram->time;
        char text[DATETIME_TEXT_MAX];

        if (!time.valid || !time.offset_of_mark || meter->clock_usec == 0)
                return;
        time.has_offset = false;
        time.offset_min = (int16_t)((datetime_to_epoch(&time) - meter->clock_usec / 1000000) / 60);
        time.has_offset = true;
        datetime_print(&time, text);
        json_add_text(object, "time", text);
}

static void native_telegram(const struct format_context *context, const struct meter *meter,
                            const struct meter_update *update, const struct format_values *values,
                            struct message_list *ret)
{
        struct message_attributes attributes = { .class = MESSAGE_INSTANTANEOUS, .qos = 1 };
        char topic[FORMAT_TOPIC_MAX], received[FORMAT_TIME_MAX], time[FORMAT_TIME_MAX];
        struct json_object *object;
        size_t prefix;

        if (!values->telegram)
                return;
        object = telegram_to_json(update->telegram);
        if (update->n_suspects > 0 || meter->channel != 0)
                keep_accepted(&object, update);
        if (meter->channel != 0)
                keep_own(&object, meter, update->telegram);
        add_derived(&object, update);
        set_time_of_mark(&object, meter, update->telegram);
        format_time((int64_t)update->host_usec, true, received);
        json_add_text(&object, "meter", meter->id);
        json_add_new(&object, "received", json_object_new_string(received));
        format_time(update->time_usec, false, time);
        json_add_new(&object, "time_utc", json_object_new_string(time));
        json_add_new(&object, "seq", json_object_new_int64((int64_t)update->sequence));
        add_net_power(&object, meter, update);
        add_values(&object, update);

        for (size_t i = 0; i < update->n_values; i++)
                if (format_class(update->values[i]) == MESSAGE_ENERGY)
                        attributes.class = MESSAGE_ENERGY;
        prefix = format_meter_prefix(context, meter->id, topic);
        memcpy(topic + prefix, "telegram", sizeof("telegram"));
        format_add_json(ret, &attributes, topic, object);
        json_object_put(object);
}

static void native_root(const struct format_context *context, char buf[static FORMAT_TOPIC_MAX])
{
        (void)snprintf(buf, FORMAT_TOPIC_MAX, "smartmeterd/%s", context->instance);
}

const struct format format_native = {
        .name = "native",
        .plain_values = true,
        .root = native_root,
        .telegram = native_telegram,
};
