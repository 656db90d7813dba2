/* SPDX-License-Identifier: MIT */
/*
 * The connection, the objects on it, and the sink through which meters arrive. The interfaces are
 * in files of their own.
 */
#include "bus.h"

#include <errno.h>
#include <stdlib.h>

#include "bus-auth.h"
#include "bus-private.h"
#include "lib/util.h"

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct bus *bus = userdata;

        if (bus->on_lost)
                bus->on_lost(bus->userdata);
        return 0;
}

/* A converter may list a meter before it has an object, and after: show its path in between only.
 */
static void update_converters_of(struct bus *bus, const char *meter_id)
{
        for (size_t i = 0; i < bus->converters.n; i++) {
                struct converter_object *object = bus->converters.entries[i].object;

                if (converter_object_lists(object, meter_id))
                        (void)converter_object_update(object); /* the meter's side is known */
        }
}

static void on_meter_added(struct sink *sink, const struct meter *model)
{
        struct bus *bus = (struct bus *)sink;
        struct meter_object *object = NULL;

        if (meter_object_new(bus, model, &object) < 0 ||
            bus_table_add(&bus->meters, model, object) < 0) {
                /* Out of memory: the meter is not on the bus until the next start, the rest is. */
                meter_object_free(object);
                return;
        }
        bus_announce(bus, object->path,
                     (struct bus_face *const[]){ &object->face, &object->tariff }, 2);
        manager_object_count(bus);
        update_converters_of(bus, model->id);
}

static void on_meter_removed(struct sink *sink, const struct meter *model)
{
        struct bus *bus = (struct bus *)sink;
        struct meter_object *object = bus_table_find(&bus->meters, model);

        if (!object)
                return;
        bus_retract(bus, object->path, (struct bus_face *const[]){ &object->face, &object->tariff },
                    2);
        bus_table_remove(&bus->meters, model);
        meter_object_free(object);
        manager_object_count(bus);
        update_converters_of(bus, model->id);
}

static void on_telegram(struct sink *sink, const struct meter *model,
                        const struct meter_update *update)
{
        struct bus *bus = (struct bus *)sink;
        struct meter_object *object = bus_table_find(&bus->meters, model);

        if (object)
                meter_object_telegram(object, update);
}

static void on_meter_changed(struct sink *sink, const struct meter *model)
{
        struct bus *bus = (struct bus *)sink;
        struct meter_object *object = bus_table_find(&bus->meters, model);

        if (object)
                meter_object_update(object);
}

static const struct sink_ops bus_sink_ops = {
        .name = "dbus", /* no free: the bus outlives its use as a sink, bus_free() ends it */
        .meter_added = on_meter_added,
        .meter_removed = on_meter_removed,
        .telegram = on_telegram,
        .telegram_refused = on_meter_changed,
        .meter_changed = on_meter_changed,
};

static int bus_connect(struct bus *bus, const char *address)
{
        int r;

        if (!address) {
                r = sd_bus_open_system_with_description(&bus->bus, "smartmeterd");
        } else {
                r = sd_bus_new(&bus->bus);
                if (r >= 0)
                        r = sd_bus_set_address(bus->bus, address);
                if (r >= 0)
                        r = sd_bus_set_bus_client(bus->bus, true);
                if (r >= 0)
                        r = sd_bus_start(bus->bus);
        }
        if (r < 0)
                return r;
        return sd_bus_attach_event(bus->bus, bus->event, SD_EVENT_PRIORITY_NORMAL);
}

static int bus_export(struct bus *bus, const char *readers_group)
{
        int r;

        r = sd_bus_match_signal_async(bus->bus, &bus->lost_slot, "org.freedesktop.DBus.Local",
                                      "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
                                      "Disconnected", on_disconnected, NULL, bus);
        if (r >= 0)
                r = bus_readers_start(bus);
        if (r >= 0)
                r = bus_readers_set(bus, readers_group);
        if (r >= 0)
                r = sd_bus_add_object_manager(bus->bus, &bus->object_manager_slot, BUS_PATH);
        if (r >= 0)
                r = manager_object_init(bus);
        return r < 0 ? r : logcontrol_init(bus);
}

DEFINE_OWNED(bus, struct bus *, bus_free);

int bus_new(sd_event *event, const struct bus_options *options, struct bus **ret)
{
        OWNED(bus) struct bus *bus = calloc(1, sizeof(*bus));
        int r;

        if (!bus)
                return -ENOMEM;
        bus->sink.ops = &bus_sink_ops;
        bus->event = sd_event_ref(event);
        bus->requests = options->requests;
        bus->userdata = options->userdata;

        r = bus_connect(bus, options->address);
        if (r >= 0)
                r = bus_export(bus, options->readers_group);
        if (r < 0)
                return r;
        bus->on_lost = options->on_lost;
        *ret = TAKE(bus);
        return 0;
}

struct bus *bus_free(struct bus *bus)
{
        if (!bus)
                return NULL;
        bus->on_lost = NULL; /* leaving is no loss */
        bus_auth_drop_all(bus);
        bus_hold_drop_all(bus);
        bus->filter_slot = sd_bus_slot_unref(bus->filter_slot);
        bus->log_slot = sd_bus_slot_unref(bus->log_slot);
        bus->lost_slot = sd_bus_slot_unref(bus->lost_slot);
        for (size_t i = 0; i < bus->meters.n; i++)
                meter_object_free(bus->meters.entries[i].object);
        for (size_t i = 0; i < bus->converters.n; i++)
                converter_object_free(bus->converters.entries[i].object);
        for (size_t i = 0; i < bus->sinks.n; i++)
                sink_object_free(bus->sinks.entries[i].object);
        free(bus->meters.entries);
        free(bus->converters.entries);
        free(bus->sinks.entries);
        manager_object_done(bus);
        bus->object_manager_slot = sd_bus_slot_unref(bus->object_manager_slot);
        bus->readers = sd_bus_track_unref(bus->readers);
        free(bus->readers_group);
        bus->bus = sd_bus_flush_close_unref(bus->bus);
        sd_event_unref(bus->event);
        free(bus);
        return NULL;
}

int bus_request_name(struct bus *bus)
{
        int r = sd_bus_request_name(bus->bus, BUS_NAME, 0);

        return r < 0 ? r : 0;
}

struct sink *bus_sink_get(struct bus *bus)
{
        return &bus->sink;
}

int bus_converter_added(struct bus *bus, const struct bus_converter *model)
{
        struct converter_object *object = NULL;
        int r;

        r = converter_object_new(bus, model, &object);
        if (r >= 0)
                r = bus_table_add(&bus->converters, model, object);
        if (r < 0) {
                converter_object_free(object);
                return r;
        }
        bus_announce(bus, object->path, (struct bus_face *const[]){ &object->face }, 1);
        manager_object_count(bus);
        meter_object_find_converters(bus);
        return 0;
}

void bus_converter_changed(struct bus *bus, const struct bus_converter *model)
{
        struct converter_object *object = bus_table_find(&bus->converters, model);

        if (object && converter_object_update(object))
                meter_object_find_converters(bus);
}

void bus_converter_removed(struct bus *bus, const struct bus_converter *model)
{
        struct converter_object *object = bus_table_find(&bus->converters, model);

        if (!object)
                return;
        bus_hold_drop_converter(bus, model->id);
        bus_retract(bus, object->path, (struct bus_face *const[]){ &object->face }, 1);
        bus_table_remove(&bus->converters, model);
        converter_object_free(object);
        manager_object_count(bus);
        meter_object_find_converters(bus);
}

int bus_mqtt_added(struct bus *bus, const struct bus_sink *model)
{
        struct sink_object *object = NULL;
        int r;

        r = sink_object_new(bus, model, &object);
        if (r >= 0)
                r = bus_table_add(&bus->sinks, model, object);
        if (r < 0) {
                sink_object_free(object);
                return r;
        }
        bus_announce(bus, object->path, (struct bus_face *const[]){ &object->face }, 1);
        return 0;
}

void bus_mqtt_changed(struct bus *bus, const struct bus_sink *model)
{
        struct sink_object *object = bus_table_find(&bus->sinks, model);

        if (object)
                sink_object_update(object);
}

void bus_mqtt_removed(struct bus *bus, const struct bus_sink *model)
{
        struct sink_object *object = bus_table_find(&bus->sinks, model);

        if (!object)
                return;
        bus_retract(bus, object->path, (struct bus_face *const[]){ &object->face }, 1);
        bus_table_remove(&bus->sinks, model);
        sink_object_free(object);
}

void bus_set_readers_group(struct bus *bus, const char *group)
{
        /* Out of memory for a name of a few bytes: the old limit stays until the next reload. */
        (void)bus_readers_set(bus, group);
}
