/* SPDX-License-Identifier: MIT */
/*
 * Readings on the bus: (dstu) by name, as a property, as an answer, as a signal. Exact decimals
 * become doubles here and nowhere before.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "bus-private.h"
#include "bus-text.h"
#include "lib/model/meter.h"

static const struct meter *model_of(const struct bus_face *face)
{
        return ((const struct meter_object *)face->object)->model;
}

static uint64_t now_usec(struct bus *bus)
{
        uint64_t now = 0;

        (void)sd_event_now(bus->event, CLOCK_REALTIME, &now); /* fails only after a fork */
        return now;
}

/*
 * One {s(dstu)}: piece by piece, since parsing a format string for each costs more than sending.
 * A key is a name of ours or a printed code, and needs no cleaning.
 */
static int append_value(sd_bus_message *m, const struct meter_value *value, uint32_t flags)
{
        double number = decimal_to_double(value->reading.value);
        const char *unit = unit_name(value->reading.unit);
        int r;

        r = sd_bus_message_open_container(m, 'e', "s(dstu)");
        if (r >= 0)
                r = bus_text_append_valid(m, value->key);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'r', "dstu");
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 'd', &number);
        if (r >= 0)
                r = bus_text_append_valid(m, unit ? unit : "");
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 't', &value->host_usec);
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 'u', &flags);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int bus_readings_append(struct bus_face *face, sd_bus_message *reply)
{
        const struct meter *model = model_of(face);
        uint64_t now = now_usec(face->bus);
        int r;

        r = sd_bus_message_open_container(reply, 'a', "{s(dstu)}");
        for (size_t i = 0; i < model->n_values && r >= 0; i++)
                r = append_value(reply, &model->values[i],
                                 meter_value_flags(&model->values[i], now));
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* Names what GetReadings would have understood, as far as a message should be long. */
static int fail_reading(const struct meter *model, const char *name, sd_bus_error *error)
{
        char known[1200] = "";
        size_t used = 0;

        for (size_t i = 0; i < model->n_values && used + METER_KEY_MAX + 3 < sizeof(known); i++)
                used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "",
                                         model->values[i].key);
        return bus_fail(error, -ENOENT, BUS_ERROR_NO_SUCH_READING,
                        "The meter sends no '%.100s'. It sends: %s.", name,
                        used ? known : "nothing yet");
}

/* Finds all names before anything is replied; a value asked for twice is given once. */
static int choose_values(sd_bus_message *m, const struct meter *model,
                         bool chosen[static METER_VALUES_MAX], sd_bus_error *error)
{
        const char *name;
        bool any = false;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "s");
        while (r >= 0 && (r = sd_bus_message_read_basic(m, 's', &name)) > 0) {
                const struct meter_value *value = meter_find(model, name);

                if (!value)
                        return fail_reading(model, name, error);
                chosen[value - model->values] = true;
                any = true;
        }
        if (r >= 0 && !any)
                for (size_t i = 0; i < model->n_values; i++)
                        chosen[i] = true;
        return r;
}

int bus_readings_on_get(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct bus_face *face = userdata;
        const struct meter *model = model_of(face);
        uint64_t now = now_usec(face->bus);
        bool chosen[METER_VALUES_MAX] = { 0 };
        sd_bus_message *reply = NULL;
        int r;

        r = choose_values(m, model, chosen, error);
        if (r < 0)
                return r;
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "{s(dstu)}");
        for (size_t i = 0; i < model->n_values && r >= 0; i++)
                if (chosen[i])
                        r = append_value(reply, &model->values[i],
                                         meter_value_flags(&model->values[i], now));
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return bus_send_reply(reply, r);
}

void bus_readings_emit(struct meter_object *object, const struct meter_update *update)
{
        struct bus *bus = object->bus;
        sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_signal(bus->bus, &m, object->path, BUS_INTERFACE_METER,
                                      "TelegramReceived");
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 't', &update->host_usec);
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 't', &update->sequence);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{s(dstu)}");
        for (size_t i = 0; i < update->n_values && r >= 0; i++)
                r = append_value(m, update->values[i], update->values[i]->flags);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0) /* else out of memory: the next telegram comes in seconds */
                bus_signal_send(bus, m);
        sd_bus_message_unref(m);
}
