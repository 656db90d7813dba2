/* SPDX-License-Identifier: MIT */
/*
 * org.smartmeterd.Manager1 at the root object: lists, look-ups, and what concerns the service as a
 * whole. Methods that change something come back through bus_auth_check() as run_…().
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bus-auth.h"
#include "bus-private.h"
#include "config-build.h"
#include "lib/meter.h"
#include "lib/util.h"

#define KEY_BYTES 16 /* AES-128 */

enum {
        MANAGER_VERSION,
        MANAGER_STATE,
        MANAGER_N_CONVERTERS,
        MANAGER_N_METERS,
        MANAGER_LAST_RELOAD_ERROR,
};

static void strv_free_owned(char ***list)
{
        for (char **p = *list; p && *p; p++)
                free(*p);
        free(*list);
}
#define OWNED_STRV __attribute__((cleanup(strv_free_owned)))

static int reply_paths(sd_bus_message *m, const struct bus_table *table,
                       const char *(*path_of)(const void *object))
{
        sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "o");
        for (size_t i = 0; i < table->n && r >= 0; i++)
                r = sd_bus_message_append_basic(reply, 'o', path_of(table->entries[i].object));
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return r;
}

static const char *converter_path(const void *object)
{
        return ((const struct converter_object *)object)->path;
}

static const char *meter_path(const void *object)
{
        return ((const struct meter_object *)object)->path;
}

static int on_list_converters(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct bus_face *face = userdata;

        return reply_paths(m, &face->bus->converters, converter_path);
}

static int on_list_meters(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct bus_face *face = userdata;

        return reply_paths(m, &face->bus->meters, meter_path);
}

/* Adds an id to the list of an error message, as long as there is room. */
static void name_one(char *buf, size_t size, const char *id)
{
        size_t used = strlen(buf);

        if (used + strlen(id) + 3 <= size)
                (void)snprintf(buf + used, size - used, "%s%s", used ? ", " : "", id);
}

static int fail_converter(struct bus *bus, const char *key, sd_bus_error *error)
{
        char known[600] = "";

        for (size_t i = 0; i < bus->converters.n; i++)
                name_one(known, sizeof(known),
                         ((const struct bus_converter *)bus->converters.entries[i].model)->id);
        return bus_fail(error, -ENOENT, BUS_ERROR_NO_SUCH_CONVERTER,
                        "There is no converter '%.100s'. Known: %s.", key,
                        *known ? known : "none (is one plugged in?)");
}

static int fail_meter(struct bus *bus, const char *key, sd_bus_error *error)
{
        char known[600] = "";

        for (size_t i = 0; i < bus->meters.n; i++)
                name_one(known, sizeof(known),
                         ((const struct meter *)bus->meters.entries[i].model)->id);
        return bus_fail(error, -ENOENT, BUS_ERROR_NO_SUCH_METER,
                        "There is no meter '%.100s'. Known: %s.", key,
                        *known ? known : "none (no telegram received yet)");
}

static int on_get_converter(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct bus_face *face = userdata;
        const struct converter_object *object;
        const char *key, *id;
        int r;

        r = sd_bus_message_read_basic(m, 's', &key);
        if (r < 0)
                return r;
        id = face->bus->requests->find_converter(face->bus->userdata, key);
        object = id ? bus_converter_by_id(face->bus, id) : NULL;
        if (!object)
                return fail_converter(face->bus, key, error);
        return sd_bus_reply_method_return(m, "o", object->path);
}

static int on_get_meter(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct bus_face *face = userdata;
        const struct meter_object *object;
        const char *key, *id;
        int r;

        r = sd_bus_message_read_basic(m, 's', &key);
        if (r < 0)
                return r;
        id = face->bus->requests->find_meter(face->bus->userdata, key);
        object = id ? bus_meter_by_id(face->bus, id) : NULL;
        if (!object)
                return fail_meter(face->bus, key, error);
        return sd_bus_reply_method_return(m, "o", object->path);
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
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return r;
}

static int on_reload(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct bus_face *face = userdata;

        return bus_auth_check(face->bus, m, BUS_ACTION_MANAGE, run_reload, error);
}

static int run_rescan(struct bus *bus, sd_bus_message *m, sd_bus_error *error)
{
        int r = bus->requests->rescan(bus->userdata, error);

        return r < 0 ? r : sd_bus_reply_method_return(m, NULL);
}

static int on_rescan(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct bus_face *face = userdata;

        return bus_auth_check(face->bus, m, BUS_ACTION_MANAGE, run_rescan, error);
}

static int run_set_meter_key(struct bus *bus, sd_bus_message *m, sd_bus_error *error)
{
        const void *ek = NULL, *ak = NULL;
        size_t ek_len = 0, ak_len = 0;
        const char *meter;
        int r;

        r = sd_bus_message_read_basic(m, 's', &meter);
        if (r >= 0)
                r = sd_bus_message_read_array(m, 'y', &ek, &ek_len);
        if (r >= 0)
                r = sd_bus_message_read_array(m, 'y', &ak, &ak_len);
        if (r < 0)
                return r;
        if (!*meter || strlen(meter) >= METER_ID_MAX)
                return bus_fail(error, -EINVAL, BUS_ERROR_INVALID_ARGUMENT,
                                "The first argument is a meter's id or its system title in hex.");
        if (ek_len != KEY_BYTES)
                return bus_fail(error, -EINVAL, BUS_ERROR_INVALID_ARGUMENT,
                                "An encryption key has 16 bytes (32 hex digits), not %zu.", ek_len);
        if (ak_len != 0 && ak_len != KEY_BYTES)
                return bus_fail(error, -EINVAL, BUS_ERROR_INVALID_ARGUMENT,
                                "An authentication key has 16 bytes (32 hex digits) or is left "
                                "empty, not %zu.",
                                ak_len);
        r = bus->requests->set_meter_key(bus->userdata, meter, ek, ak_len ? ak : NULL, error);
        return r < 0 ? r : sd_bus_reply_method_return(m, NULL);
}

static int on_set_meter_key(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct bus_face *face = userdata;

        return bus_auth_check(face->bus, m, BUS_ACTION_SET_KEY, run_set_meter_key, error);
}

/* a{sv} with Line s and Profile s. */
static int read_adopt_options(sd_bus_message *m, const char **ret_line, const char **ret_profile,
                              sd_bus_error *error)
{
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                const char *key, *contents;
                char type;

                r = sd_bus_message_read_basic(m, 's', &key);
                if (r < 0)
                        return r;
                if (strcmp(key, "Line") != 0 && strcmp(key, "Profile") != 0)
                        return bus_fail(error, -EINVAL, BUS_ERROR_INVALID_ARGUMENT,
                                        "Unknown option '%.100s'; Adopt knows Line and Profile.",
                                        key);
                r = sd_bus_message_peek_type(m, &type, &contents);
                if (r >= 0 && (type != 'v' || strcmp(contents, "s") != 0))
                        return bus_fail(error, -EINVAL, BUS_ERROR_INVALID_ARGUMENT,
                                        "The option %s is a string, as \"%s\".", key,
                                        *key == 'L' ? "2400 8E1" : "lgz-e450");
                if (r >= 0)
                        r = sd_bus_message_read(m, "v", "s", *key == 'L' ? ret_line : ret_profile);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int run_adopt(struct bus *bus, sd_bus_message *m, sd_bus_error *error)
{
        const char *tty, *line = NULL, *profile = NULL, *id = NULL;
        const struct converter_object *object;
        int r;

        r = sd_bus_message_read_basic(m, 's', &tty);
        if (r >= 0)
                r = read_adopt_options(m, &line, &profile, error);
        if (r >= 0)
                r = bus->requests->adopt(bus->userdata, tty, line, profile, &id, error);
        if (r == -ENOENT && !sd_bus_error_is_set(error))
                return fail_converter(bus, tty, error);
        if (r < 0)
                return r;
        object = bus_converter_by_id(bus, id);
        if (!object)
                return fail_converter(bus, id, error);
        return sd_bus_reply_method_return(m, "o", object->path);
}

static int on_adopt(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct bus_face *face = userdata;

        return bus_auth_check(face->bus, m, BUS_ACTION_MANAGE, run_adopt, error);
}

static int run_forget(struct bus *bus, sd_bus_message *m, sd_bus_error *error)
{
        const char *id;
        int r;

        r = sd_bus_message_read_basic(m, 's', &id);
        if (r >= 0)
                r = bus->requests->forget(bus->userdata, id, error);
        if (r == -ENOENT && !sd_bus_error_is_set(error))
                return fail_converter(bus, id, error);
        return r < 0 ? r : sd_bus_reply_method_return(m, NULL);
}

static int on_forget(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct bus_face *face = userdata;

        return bus_auth_check(face->bus, m, BUS_ACTION_MANAGE, run_forget, error);
}

static const sd_bus_vtable manager_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("ListConverters", SD_BUS_NO_ARGS, SD_BUS_RESULT("ao", converters),
                                on_list_converters, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListMeters", SD_BUS_NO_ARGS, SD_BUS_RESULT("ao", meters),
                                on_list_meters, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetConverter", SD_BUS_ARGS("s", key),
                                SD_BUS_RESULT("o", converter), on_get_converter,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetMeter", SD_BUS_ARGS("s", key), SD_BUS_RESULT("o", meter),
                                on_get_meter, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Reload", SD_BUS_NO_ARGS, SD_BUS_RESULT("as", warnings), on_reload,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Rescan", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, on_rescan,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS(
                "SetMeterKey",
                SD_BUS_ARGS("s", meter, "ay", encryption_key, "ay", authentication_key),
                SD_BUS_NO_RESULT, on_set_meter_key,
                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("Adopt", SD_BUS_ARGS("s", tty, "a{sv}", options),
                                SD_BUS_RESULT("o", converter), on_adopt,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Forget", SD_BUS_ARGS("s", converter), SD_BUS_NO_RESULT, on_forget,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("Version", "s", bus_cell_get, BUS_CELL(MANAGER_VERSION),
                        SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("State", "s", bus_cell_get, BUS_CELL(MANAGER_STATE),
                        SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("NConverters", "u", bus_cell_get, BUS_CELL(MANAGER_N_CONVERTERS),
                        SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("NMeters", "u", bus_cell_get, BUS_CELL(MANAGER_N_METERS),
                        SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("LastReloadError", "s", bus_cell_get, BUS_CELL(MANAGER_LAST_RELOAD_ERROR),
                        SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_VTABLE_END,
};

void manager_object_count(struct bus *bus)
{
        struct bus_face *face = &bus->manager.face;

        bus_set_u32(face, MANAGER_N_CONVERTERS, (uint32_t)bus->converters.n);
        bus_set_u32(face, MANAGER_N_METERS, (uint32_t)bus->meters.n);
        bus_face_emit(face);
}

void bus_set_state(struct bus *bus, const char *state)
{
        bus_set_text(&bus->manager.face, MANAGER_STATE, state);
        bus_face_emit(&bus->manager.face);
}

void bus_set_reload_error(struct bus *bus, const char *error)
{
        bus_set_text(&bus->manager.face, MANAGER_LAST_RELOAD_ERROR, error);
        bus_face_emit(&bus->manager.face);
}

int manager_object_init(struct bus *bus)
{
        struct bus_face *face = &bus->manager.face;

        *face = (struct bus_face){
                .bus = bus,
                .path = BUS_PATH,
                .interface = BUS_INTERFACE_MANAGER,
                .vtable = manager_vtable,
        };
        bus_set_text(face, MANAGER_VERSION, PROJECT_VERSION);
        bus_set_text(face, MANAGER_STATE, "starting");
        bus_set_u32(face, MANAGER_N_CONVERTERS, 0);
        bus_set_u32(face, MANAGER_N_METERS, 0);
        bus_set_text(face, MANAGER_LAST_RELOAD_ERROR, "");
        return bus_face_add(face);
}

void manager_object_done(struct bus *bus)
{
        bus_face_done(&bus->manager.face);
}
