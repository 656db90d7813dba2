/* SPDX-License-Identifier: MIT */
/*
 * org.smartmeterd.Manager1 at the root object: lists, look-ups, and what concerns the service as a
 * whole. Methods that change something are run_…(): their callers are authorised already.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "bus-private.h"
#include "config-build.h"
#include "lib/model/meter.h"
#include "lib/value/quantity.h"

#define KEY_BYTES 16 /* AES-128 */

static void strv_free_owned(char ***list)
{
        for (char **p = *list; p && *p; p++)
                free(*p);
        free(*list);
}
#define OWNED_STRV __attribute__((cleanup(strv_free_owned)))

static int reply_paths(sd_bus_message *m, const struct bus_table *table)
{
        sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "o");
        for (size_t i = 0; i < table->n && r >= 0; i++)
                r = sd_bus_message_append_basic(reply, 'o', table->entries[i].path);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return bus_send_reply(reply, r);
}

static int on_list_converters(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct bus_face *face = userdata;

        return reply_paths(m, &face->bus->converters);
}

static int on_list_meters(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct bus_face *face = userdata;

        return reply_paths(m, &face->bus->meters);
}

#define KNOWN_MAX 600 /* of the ids in an error message */

/* Adds an id to the list of an error message, as long as there is room. */
static void name_one(char *buf, size_t size, const char *id)
{
        size_t used = strlen(buf);

        if (used + strlen(id) + 3 <= size)
                (void)snprintf(buf + used, size - used, "%s%s", used ? ", " : "", id);
}

/* Every id that would be right, or `none`. */
static const char *known_ids(const struct bus_table *table, const char *none, char *buf,
                             size_t size)
{
        *buf = '\0';
        for (size_t i = 0; i < table->n; i++)
                name_one(buf, size, table->entries[i].id);
        return *buf ? buf : none;
}

static int fail_converter(struct bus *bus, const char *key, sd_bus_error *error)
{
        char known[KNOWN_MAX];

        return bus_fail(
                error, -ENOENT, BUS_ERROR_NO_SUCH_CONVERTER,
                "There is no converter '%.100s'. Known: %s.", key,
                known_ids(&bus->converters, "none (is one plugged in?)", known, sizeof(known)));
}

static int fail_meter(struct bus *bus, const char *key, sd_bus_error *error)
{
        char known[KNOWN_MAX];

        return bus_fail(
                error, -ENOENT, BUS_ERROR_NO_SUCH_METER, "There is no meter '%.100s'. Known: %s.",
                key,
                known_ids(&bus->meters, "none (no telegram received yet)", known, sizeof(known)));
}

/* Replies with the path of what the key of the message stands for. */
static int reply_path(sd_bus_message *m, struct bus *bus, const struct bus_table *table,
                      const char *(*find)(void *userdata, const char *key),
                      int (*fail)(struct bus *bus, const char *key, sd_bus_error *error),
                      sd_bus_error *error)
{
        const struct bus_entry *entry;
        const char *key, *id;
        int r;

        r = sd_bus_message_read_basic(m, 's', &key);
        if (r < 0)
                return r;
        id = find(bus->userdata, key);
        entry = id ? bus_table_by_id(table, id) : NULL;
        return entry ? sd_bus_reply_method_return(m, "o", entry->path) : fail(bus, key, error);
}

static int on_get_converter(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct bus *bus = ((struct bus_face *)userdata)->bus;

        return reply_path(m, bus, &bus->converters, bus->requests->find_converter, fail_converter,
                          error);
}

static int on_get_meter(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct bus *bus = ((struct bus_face *)userdata)->bus;

        return reply_path(m, bus, &bus->meters, bus->requests->find_meter, fail_meter, error);
}

static int on_list_remembered(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const struct bus *bus = ((struct bus_face *)userdata)->bus;
        struct bus_remembered one;
        sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(ssst)");
        for (size_t i = 0; r >= 0 && bus->requests->remembered_at &&
                           bus->requests->remembered_at(bus->userdata, i, &one);
             i++)
                r = sd_bus_message_append(reply, "(ssst)", one.id, one.kind, one.name,
                                          one.last_usec);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return bus_send_reply(reply, r);
}

static int run_reload(struct bus *bus, sd_bus_message *m, sd_bus_error *error)
{
        OWNED_STRV char **warnings = NULL;
        sd_bus_message *reply = NULL;
        int r;

        r = bus->requests->reload(bus->userdata, &warnings, error);
        if (r < 0)
                return r;
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_append_strv(reply, warnings);
        return bus_send_reply(reply, r);
}

static int run_rescan(struct bus *bus, sd_bus_message *m, sd_bus_error *error)
{
        int r = bus->requests->rescan(bus->userdata, error);

        return r < 0 ? r : sd_bus_reply_method_return(m, NULL);
}

struct pending {
        sd_bus_message *call, *reply; /* owned */
};

static void pending_free(struct pending *p)
{
        sd_bus_message_unref(p->call);
        sd_bus_message_unref(p->reply);
        free(p);
}

static void on_settled(int result, void *cookie)
{
        struct pending *p = cookie;

        /* fails when the connection is gone, and with it who asked */
        if (result >= 0)
                (void)sd_bus_send(NULL, p->reply, NULL);
        else
                (void)sd_bus_reply_method_errorf(
                        p->call, BUS_ERROR_FAILED,
                        "It is in effect, but not remembered over a restart: %s.",
                        result == -ETIMEDOUT ? "the disk does not answer" : strerror(-result));
        pending_free(p);
}

/* Answers, with an object path or with nothing, when what was asked for is on the disk. */
static int reply_settled(struct bus *bus, sd_bus_message *m, const char *path)
{
        struct pending *p = calloc(1, sizeof(*p));
        int r;

        if (!p)
                return -ENOMEM;
        p->call = sd_bus_message_ref(m);
        r = sd_bus_message_new_method_return(m, &p->reply);
        if (r >= 0 && path)
                r = sd_bus_message_append_basic(p->reply, 'o', path);
        if (r < 0) {
                pending_free(p);
                return r;
        }
        if (bus->requests->settle)
                bus->requests->settle(bus->userdata, on_settled, p);
        else
                on_settled(0, p);
        return 1; /* answered, or to be answered later */
}

static int run_set_meter_key(struct bus *bus, sd_bus_message *m, sd_bus_error *error)
{
        const void *ek = NULL, *ak = NULL;
        size_t ek_len = 0, ak_len = 0;
        const char *meter;
        int check_only = 0, r;
        const struct bus_option options[] = { { "CheckOnly", "b", "true", &check_only } };

        r = sd_bus_message_read_basic(m, 's', &meter);
        if (r >= 0)
                r = sd_bus_message_read_array(m, 'y', &ek, &ek_len);
        if (r >= 0)
                r = sd_bus_message_read_array(m, 'y', &ak, &ak_len);
        if (r >= 0)
                r = bus_read_options(m, options, ELEMENTSOF(options), error);
        if (r < 0)
                return r;
        if (!*meter || strlen(meter) >= METER_ID_MAX)
                return bus_fail(error, -EINVAL, BUS_ERROR_INVALID_ARGUMENT,
                                "The first argument is a meter's id or its system title in hex.");
        if (check_only)
                return sd_bus_reply_method_return(m, NULL);
        if (ek_len != KEY_BYTES)
                return bus_fail(error, -EINVAL, BUS_ERROR_INVALID_ARGUMENT,
                                "An encryption key has 16 bytes (32 hex digits), not %zu.", ek_len);
        if (ak_len != 0 && ak_len != KEY_BYTES)
                return bus_fail(error, -EINVAL, BUS_ERROR_INVALID_ARGUMENT,
                                "An authentication key has 16 bytes (32 hex digits) or is left "
                                "empty, not %zu.",
                                ak_len);
        r = bus->requests->set_meter_key(bus->userdata, meter, ek, ak_len ? ak : NULL, error);
        return r < 0 ? r : reply_settled(bus, m, NULL);
}

static int run_adopt(struct bus *bus, sd_bus_message *m, sd_bus_error *error)
{
        const char *tty, *line = NULL, *profile = NULL, *id = NULL;
        const struct bus_option options[] = { { "Line", "s", "\"2400 8E1\"", &line },
                                              { "Profile", "s", "\"lgz-e450\"", &profile } };
        const struct bus_entry *entry;
        int r;

        r = sd_bus_message_read_basic(m, 's', &tty);
        if (r >= 0)
                r = bus_read_options(m, options, ELEMENTSOF(options), error);
        if (r >= 0)
                r = bus->requests->adopt(bus->userdata, tty, line, profile, &id, error);
        if (r == -ENOENT && !sd_bus_error_is_set(error))
                return fail_converter(bus, tty, error);
        if (r < 0)
                return r;
        entry = bus_table_by_id(&bus->converters, id);
        if (!entry)
                return fail_converter(bus, id, error);
        return reply_settled(bus, m, entry->path);
}

static int run_forget(struct bus *bus, sd_bus_message *m, sd_bus_error *error)
{
        const char *id;
        int r;

        r = sd_bus_message_read_basic(m, 's', &id);
        if (r >= 0)
                r = bus_read_options(m, NULL, 0, error);
        if (r >= 0)
                r = bus->requests->forget(bus->userdata, id, error);
        if (r == -ENOENT && !sd_bus_error_is_set(error))
                return fail_converter(bus, id, error);
        return r < 0 ? r : reply_settled(bus, m, NULL);
}

/* Static words, by enum quantity_kind. */
static const char *const kind_names[] = {
        [QUANTITY_POWER] = "power",
        [QUANTITY_REACTIVE_POWER] = "reactive-power",
        [QUANTITY_APPARENT_POWER] = "apparent-power",
        [QUANTITY_ENERGY] = "energy",
        [QUANTITY_REACTIVE_ENERGY] = "reactive-energy",
        [QUANTITY_APPARENT_ENERGY] = "apparent-energy",
        [QUANTITY_NET_ENERGY] = "net-energy",
        [QUANTITY_VOLUME] = "volume",
        [QUANTITY_HEAT] = "heat",
        [QUANTITY_VOLTAGE] = "voltage",
        [QUANTITY_CURRENT] = "current",
        [QUANTITY_FREQUENCY] = "frequency",
        [QUANTITY_POWER_FACTOR] = "power-factor",
        [QUANTITY_ANGLE] = "angle",
        [QUANTITY_DEMAND] = "demand",
        [QUANTITY_LIMIT] = "limit",
        [QUANTITY_OTHER] = "other",
};

static int append_description(sd_bus_message *m, const struct quantity *q)
{
        char obis[24];

        (void)snprintf(obis, sizeof(obis), "%u-0:%u.%u.%u", q->a, q->c, q->d, q->e);
        return sd_bus_message_append(m, "{s(sss)}", q->name, obis, q->label, kind_names[q->kind]);
}

static int on_describe_readings(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "{s(sss)}");
        for (size_t i = 0; r >= 0 && quantity_at(i); i++)
                r = append_description(reply, quantity_at(i));
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return bus_send_reply(reply, r);
}

static union bus_value version(const struct bus_face *face)
{
        return BUS_TEXT(face->bus->version);
}

static union bus_value state(const struct bus_face *face)
{
        return BUS_TEXT(face->bus->manager.state);
}

static union bus_value n_converters(const struct bus_face *face)
{
        return BUS_NUMBER(face->bus->converters.n);
}

static union bus_value n_meters(const struct bus_face *face)
{
        return BUS_NUMBER(face->bus->meters.n);
}

static union bus_value timezone_of(const struct bus_face *face)
{
        const struct bus *bus = face->bus;

        return BUS_TEXT(bus->requests->timezone ? bus->requests->timezone(bus->userdata) : "");
}

static union bus_value last_reload_error(const struct bus_face *face)
{
        return BUS_TEXT(face->bus->manager.reload_error);
}

/* clang-format off */
static const struct bus_method methods[] = {
        METHOD("ListConverters", "", "", "ao", "converters\0", on_list_converters),
        METHOD("ListMeters", "", "", "ao", "meters\0", on_list_meters),
        METHOD("ListRemembered", "", "", "a(ssst)", "remembered\0", on_list_remembered),
        METHOD("GetConverter", "s", "key\0", "o", "converter\0", on_get_converter),
        METHOD("GetMeter", "s", "key\0", "o", "meter\0", on_get_meter),
        METHOD("DescribeReadings", "", "", "a{s(sss)}", "readings\0", on_describe_readings),
        GUARDED("Reload", "", "", "as", "warnings\0", BUS_ACTION_MANAGE, run_reload),
        GUARDED("Rescan", "", "", "", "", BUS_ACTION_MANAGE, run_rescan),
        GUARDED_SECRET("SetMeterKey", "sayaya{sv}",
                       "meter\0encryption_key\0authentication_key\0options\0", "", "",
                       BUS_ACTION_SET_KEY, run_set_meter_key),
        GUARDED("Adopt", "sa{sv}", "tty\0options\0", "o", "converter\0",
                BUS_ACTION_MANAGE, run_adopt),
        GUARDED("Forget", "sa{sv}", "id\0options\0", "", "", BUS_ACTION_MANAGE, run_forget),
};

static const struct bus_property properties[] = {
        CONSTANT("Version", "s", version),
        PROPERTY("State", "s", state),
        PROPERTY("NConverters", "u", n_converters),
        PROPERTY("NMeters", "u", n_meters),
        PROPERTY("LastReloadError", "s", last_reload_error),
        PROPERTY("Timezone", "s", timezone_of),
};
/* clang-format on */

const struct bus_interface bus_manager_interface = {
        .name = BUS_INTERFACE_MANAGER,
        BUS_METHODS(methods),
        BUS_PROPERTIES(properties),
};

void bus_set_state(struct bus *bus, const char *text)
{
        (void)snprintf(bus->manager.state, sizeof(bus->manager.state), "%s", text);
        bus_face_update(&bus->manager.face);
}

void bus_set_reload_error(struct bus *bus, const char *error)
{
        char *copy = strdup(error);

        if (!copy)
                return; /* the log has it too */
        free(bus->manager.reload_error);
        bus->manager.reload_error = copy;
        bus_face_update(&bus->manager.face);
}

int manager_object_init(struct bus *bus)
{
        (void)snprintf(bus->manager.state, sizeof(bus->manager.state), "starting");
        return bus_face_add(&bus->manager.face, bus, BUS_PATH, &bus_manager_interface, NULL);
}

void manager_object_done(struct bus *bus)
{
        bus_face_done(&bus->manager.face);
        free(bus->manager.reload_error);
}
