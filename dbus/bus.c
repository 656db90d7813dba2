/* SPDX-License-Identifier: MIT */
/*
 * The connection, the objects on it, and the sink through which meters arrive. The interfaces are
 * in files of their own.
 */
#include "bus.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-id128.h>

#include "base/util.h"
#include "bus-auth.h"
#include "bus-private.h"
#include "config-build.h"

/* A thousand times what a working bus daemon needs. Leaving takes no longer than the first of these
 * while starting, the second later: two seconds are what the unit's stop is promised. */
#define ANSWER_USEC (UINT64_C(1500) * 1000)
#define FLUSH_USEC  (UINT64_C(1000) * 1000)

/* The answers of a beginning are some ten; more are not asked for. */
#define ADVANCE_MAX 32

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct bus *bus = userdata;

        if (bus->on_lost)
                bus->on_lost(bus->lost_userdata);
        return 0;
}

/* A converter may list a meter before and after it has an object: its path is shown in between. */
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
        struct bus_face *faces[METER_FACES];
        struct meter_object *object = NULL;

        if (meter_object_new(bus, model, &object) < 0 ||
            bus_table_add(&bus->meters,
                          (struct bus_entry){ model->id, object->path, model, object }) < 0) {
                /* Out of memory: the meter is not on the bus until the next start, the rest is. */
                meter_object_free(object);
                return;
        }
        bus_announce(bus, object->path, faces, meter_object_faces(object, faces));
        (void)bus_face_update(&bus->manager.face);
        update_converters_of(bus, model->id);
}

static void on_meter_removed(struct sink *sink, const struct meter *model)
{
        struct bus *bus = (struct bus *)sink;
        struct bus_face *faces[METER_FACES];
        struct meter_object *object = bus_table_find(&bus->meters, model);

        if (!object)
                return;
        bus_retract(bus, object->path, faces, meter_object_faces(object, faces));
        bus_table_remove(&bus->meters, model);
        meter_object_free(object);
        (void)bus_face_update(&bus->manager.face);
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

static void on_converter_added(struct sink *sink, const struct converter_view *model)
{
        struct bus *bus = (struct bus *)sink;
        struct converter_object *object = NULL;

        if (converter_object_new(bus, model, &object) < 0 ||
            bus_table_add(&bus->converters,
                          (struct bus_entry){ model->id, object->path, model, object }) < 0) {
                converter_object_free(object); /* out of memory, as with meters */
                return;
        }
        bus_announce(bus, object->path, (struct bus_face *const[]){ &object->face }, 1);
        (void)bus_face_update(&bus->manager.face);
        meter_object_find_converters(bus);
}

static void on_converter_changed(struct sink *sink, const struct converter_view *model)
{
        struct bus *bus = (struct bus *)sink;
        struct converter_object *object = bus_table_find(&bus->converters, model);

        if (object && converter_object_update(object))
                meter_object_find_converters(bus);
}

static void on_converter_removed(struct sink *sink, const struct converter_view *model)
{
        struct bus *bus = (struct bus *)sink;
        struct converter_object *object = bus_table_find(&bus->converters, model);

        if (!object)
                return;
        bus_hold_drop_converter(bus, model->id);
        bus_retract(bus, object->path, (struct bus_face *const[]){ &object->face }, 1);
        bus_table_remove(&bus->converters, model);
        converter_object_free(object);
        (void)bus_face_update(&bus->manager.face);
        meter_object_find_converters(bus);
}

static void on_output_added(struct sink *sink, const struct output_view *model)
{
        struct bus *bus = (struct bus *)sink;
        struct output_object *object = NULL;

        if (output_object_new(bus, model, &object) < 0 ||
            bus_table_add(&bus->outputs,
                          (struct bus_entry){ model->name, object->path, model, object }) < 0) {
                output_object_free(object); /* out of memory, as with meters */
                return;
        }
        bus_announce(bus, object->path, (struct bus_face *const[]){ &object->face }, 1);
}

static void on_output_changed(struct sink *sink, const struct output_view *model)
{
        struct bus *bus = (struct bus *)sink;
        struct output_object *object = bus_table_find(&bus->outputs, model);

        if (object)
                (void)bus_face_update(&object->face);
}

static void on_output_removed(struct sink *sink, const struct output_view *model)
{
        struct bus *bus = (struct bus *)sink;
        struct output_object *object = bus_table_find(&bus->outputs, model);

        if (!object)
                return;
        bus_retract(bus, object->path, (struct bus_face *const[]){ &object->face }, 1);
        bus_table_remove(&bus->outputs, model);
        output_object_free(object);
}

static void on_hold(struct sink *sink, uint64_t ticket)
{
        bus_signal_hold((struct bus *)sink, ticket);
}

static void on_release(struct sink *sink, uint64_t through)
{
        bus_signal_release((struct bus *)sink, through);
}

static const struct sink_ops bus_sink_ops = {
        .name = "dbus", /* no free: the bus outlives its use as a sink, bus_free() ends it */
        .hold = on_hold,
        .release = on_release,
        .meter_added = on_meter_added,
        .meter_removed = on_meter_removed,
        .telegram = on_telegram,
        .telegram_refused = on_meter_changed,
        .meter_changed = on_meter_changed,
        .converter_added = on_converter_added,
        .converter_changed = on_converter_changed,
        .converter_removed = on_converter_removed,
        .output_added = on_output_added,
        .output_changed = on_output_changed,
        .output_removed = on_output_removed,
};

/* The other end speaks D-Bus to us alone. Signals carry our name, for the match rules there. */
static int serve(struct bus *bus, int fd)
{
        sd_id128_t id;
        int r = sd_id128_randomize(&id);

        if (r >= 0)
                r = sd_bus_new(&bus->bus);
        if (r >= 0)
                r = sd_bus_set_server(bus->bus, true, id);
        if (r >= 0)
                r = sd_bus_negotiate_fds(bus->bus, true);
        if (r >= 0)
                r = sd_bus_set_sender(bus->bus, BUS_NAME);
        if (r >= 0)
                r = sd_bus_set_fd(bus->bus, fd, fd);
        if (r < 0) {
                (void)close(fd); /* nothing was said yet */
                return r;
        }
        return sd_bus_start(bus->bus);
}

static int bus_connect(struct bus *bus, const struct bus_options *options)
{
        int r;

        if (options->peer) {
                r = serve(bus, options->peer_fd);
        } else if (!options->address) {
                r = sd_bus_open_system_with_description(&bus->bus, "smartmeterd");
        } else {
                r = sd_bus_new(&bus->bus);
                if (r >= 0)
                        r = sd_bus_set_address(bus->bus, options->address);
                if (r >= 0)
                        r = sd_bus_set_bus_client(bus->bus, true);
                if (r >= 0)
                        r = sd_bus_start(bus->bus);
        }
        /* Else the end of the loop would send what waits, however long a bus daemon that stands
         * still takes: close_in_time() is for that. */
        if (r >= 0)
                r = sd_bus_set_close_on_exit(bus->bus, false);
        if (r < 0)
                return r;
        return sd_bus_attach_event(bus->bus, bus->event, SD_EVENT_PRIORITY_NORMAL);
}

/* sd-bus lists the last one first, and people look for Meter1. */
static const struct bus_interface *const interfaces[] = {
        &bus_history_interface, &bus_tariff_interface, &bus_electricity_interface,
        &bus_meter_interface,   &bus_output_interface, &bus_converter_interface,
        &bus_manager_interface,
};

static int export_tables(struct bus *bus)
{
        int r = bus_table_export(&bus->meters, bus->bus, BUS_PATH_METER);

        if (r >= 0)
                r = bus_table_export(&bus->converters, bus->bus, BUS_PATH_CONVERTER);
        if (r >= 0)
                r = bus_table_export(&bus->outputs, bus->bus, BUS_PATH_OUTPUT);
        for (size_t i = 0; i < ELEMENTSOF(interfaces) && r >= 0; i++)
                r = bus_vtable_register(bus, interfaces[i]);
        return r;
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
                r = export_tables(bus);
        if (r >= 0)
                r = manager_object_init(bus);
        return r < 0 ? r : logcontrol_init(bus);
}

DEFINE_OWNED(bus, struct bus *, bus_free);

/* Until all objects are there, only the bus itself is heard: others do not know our name yet. */
static int on_early(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        if (!sd_bus_message_is_method_call(m, NULL, NULL))
                return 0;
        return bus_fail(error, -EAGAIN, SD_BUS_ERROR_NAME_HAS_NO_OWNER,
                        "The service is only beginning: call it by its name, " BUS_NAME ".");
}

int bus_new(sd_event *event, const struct bus_options *options, struct bus **ret)
{
        OWNED(bus) struct bus *bus = calloc(1, sizeof(*bus));
        int r;

        if (!bus) {
                if (options->peer)
                        (void)close(options->peer_fd); /* nothing was said yet */
                return -ENOMEM;
        }
        bus->sink.ops = &bus_sink_ops;
        bus->event = sd_event_ref(event);
        bus->peer = options->peer;
        bus->version = options->version ? options->version : PROJECT_VERSION;
        /* an inhibition is known by its converter and this */
        bus->hold_cookie = (uint64_t)options->peer_number << 32;
        bus->requests = options->requests;
        bus->userdata = options->userdata;

        r = bus_connect(bus, options);
        if (r >= 0)
                r = bus_export(bus, options->readers_group);
        if (r < 0)
                return r;
        bus->has_followers = bus->peer;
        if (!bus->peer) {
                r = sd_bus_add_filter(bus->bus, &bus->early_slot, on_early, bus);
                if (r < 0)
                        return r;
        }
        bus->on_lost = options->on_lost;
        bus->lost_userdata = options->lost_userdata ? options->lost_userdata : options->userdata;
        *ret = TAKE(bus);
        return 0;
}

static int on_name(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        struct bus *bus = userdata;
        uint32_t owner = 0;
        int r = -sd_bus_message_get_errno(reply);

        if (r == 0)
                r = sd_bus_message_read_basic(reply, 'u', &owner);
        bus->name_r = r < 0 ? r : owner == 1 || owner == 4 ? 0 : -EEXIST; /* ours, ours already */
        return 0;
}

uint64_t bus_now_usec(void)
{
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now); /* it exists */
        return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Works on the connection alone until `done` says so, or the time is out. sd-bus's own calls that
 * wait have no limit before the connection stands. */
static int turn(struct bus *bus, bool (*done)(struct bus *bus), uint64_t limit_usec)
{
        uint64_t end = bus_now_usec() + limit_usec;
        int r = 0;

        while (r >= 0 && !done(bus)) {
                uint64_t now = bus_now_usec();

                if (now >= end)
                        return -ETIMEDOUT;
                r = sd_bus_process(bus->bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus->bus, end - now);
        }
        return r < 0 ? r : 0;
}

static bool name_is_answered(struct bus *bus)
{
        return bus->name_r <= 0;
}

static bool all_is_sent(struct bus *bus)
{
        uint64_t n = 0;

        return sd_bus_get_n_queued_write(bus->bus, &n) < 0 || n == 0;
}

const char *bus_caller_of(sd_bus_message *m)
{
        const char *sender = sd_bus_message_get_sender(m);

        return sender ? sender : "";
}

void bus_advance(struct bus *bus)
{
        /* A failure is reported by the call that waits for an answer. */
        for (int i = 0; i < ADVANCE_MAX && sd_bus_process(bus->bus, NULL) > 0; i++)
                ;
}

int bus_begin_name(struct bus *bus)
{
        int r;

        bus_advance(bus);
        bus->name_r = 1;
        bus->has_followers = true;
        r = sd_bus_request_name_async(bus->bus, &bus->name_slot, BUS_NAME, 0, on_name, bus);
        (void)bus_clock_is_right(bus); /* asks: the answer is there before the first telegram */
        return r;
}

int bus_request_name(struct bus *bus)
{
        int r = bus->name_slot ? 0 : bus_begin_name(bus);

        bus->early_slot = sd_bus_slot_unref(bus->early_slot);
        if (r >= 0)
                r = turn(bus, name_is_answered, ANSWER_USEC);
        bus->name_slot = sd_bus_slot_unref(bus->name_slot);
        return r < 0 ? r : bus->name_r;
}

/* A bus daemon that does not read must not keep us: what it has not taken by then is lost. A single
 * caller who leaves has what it asked for. */
static sd_bus *close_in_time(struct bus *bus)
{
        if (bus->bus && !bus->peer && sd_bus_is_ready(bus->bus) > 0)
                (void)turn(bus, all_is_sent, FLUSH_USEC);
        return sd_bus_close_unref(bus->bus);
}

struct bus *bus_free(struct bus *bus)
{
        if (!bus)
                return NULL;
        bus->on_lost = NULL;                 /* leaving is no loss */
        bus_signal_release(bus, UINT64_MAX); /* the outputs have left, and kept what they had */
        free(bus->waiting);
        bus_auth_drop_all(bus);
        bus_hold_drop_all(bus);
        bus->early_slot = sd_bus_slot_unref(bus->early_slot);
        bus->name_slot = sd_bus_slot_unref(bus->name_slot);
        bus->clock_slot = sd_bus_slot_unref(bus->clock_slot);
        bus->filter_slot = sd_bus_slot_unref(bus->filter_slot);
        bus->log_slot = sd_bus_slot_unref(bus->log_slot);
        bus->lost_slot = sd_bus_slot_unref(bus->lost_slot);
        for (size_t i = 0; i < bus->meters.n; i++)
                meter_object_free(bus->meters.entries[i].object);
        for (size_t i = 0; i < bus->converters.n; i++)
                converter_object_free(bus->converters.entries[i].object);
        for (size_t i = 0; i < bus->outputs.n; i++)
                output_object_free(bus->outputs.entries[i].object);
        bus_table_done(&bus->meters);
        bus_table_done(&bus->converters);
        bus_table_done(&bus->outputs);
        manager_object_done(bus);
        bus_vtables_free(bus);
        bus->object_manager_slot = sd_bus_slot_unref(bus->object_manager_slot);
        bus->readers = sd_bus_track_unref(bus->readers);
        free(bus->readers_group);
        bus->bus = close_in_time(bus);
        sd_event_unref(bus->event);
        free(bus);
        return NULL;
}

struct sink *bus_sink_get(struct bus *bus)
{
        return &bus->sink;
}

void bus_set_readers_group(struct bus *bus, const char *group)
{
        /* Out of memory for a name of a few bytes: the old limit stays until the next reload. */
        (void)bus_readers_set(bus, group);
}
