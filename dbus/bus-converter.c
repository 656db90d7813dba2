/* SPDX-License-Identifier: MIT */
/*
 * org.smartmeterd.Converter1: one object per converter, at a path made of its identity, so that it
 * is the same before and after a replug, whatever its tty is called.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bus-auth.h"
#include "bus-private.h"
#include "lib/util.h"

#define WHO_MAX 120 /* both end up in a sentence of StateReason */

enum {
        CONVERTER_ID,
        CONVERTER_STATE,
        CONVERTER_STATE_REASON,
        CONVERTER_DEVICE,
        CONVERTER_VENDOR_ID,
        CONVERTER_PRODUCT_ID,
        CONVERTER_VENDOR,
        CONVERTER_PRODUCT,
        CONVERTER_SERIAL,
        CONVERTER_PATH,
        CONVERTER_DRIVER,
        CONVERTER_LINE,
        CONVERTER_PROFILE,
        CONVERTER_METERS,
        CONVERTER_HOLDER_PID,
        CONVERTER_LAST_BYTE_USEC,
        CONVERTER_STATISTICS,
};

/* The counters of this moment: they change with every byte, and nobody tells us of each. */
static void refresh_counters(const struct converter_object *object)
{
        const struct bus *bus = object->face.bus;

        if (bus->requests->refresh_converter)
                bus->requests->refresh_converter(bus->userdata, object->model->id);
}

static int get_last_byte(sd_bus *bus, const char *path, const char *interface, const char *property,
                         sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const struct converter_object *object =
                bus_face_of(userdata, CONVERTER_LAST_BYTE_USEC)->object;

        refresh_counters(object);
        return sd_bus_message_append_basic(reply, 't', &object->model->last_byte_usec);
}

static int get_statistics(sd_bus *bus, const char *path, const char *interface,
                          const char *property, sd_bus_message *reply, void *userdata,
                          sd_bus_error *error)
{
        struct converter_object *object = bus_face_of(userdata, CONVERTER_STATISTICS)->object;
        int r;

        object->statistics_read = true;
        refresh_counters(object);
        r = sd_bus_message_open_container(reply, 'a', "{st}");
        for (size_t i = 0; i < object->model->n_statistics && r >= 0; i++)
                r = sd_bus_message_append(reply, "{st}", object->model->statistics[i].name,
                                          object->model->statistics[i].value);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static struct converter_object *converter_at(struct bus *bus, const char *path)
{
        for (size_t i = 0; i < bus->converters.n; i++) {
                struct converter_object *object = bus->converters.entries[i].object;

                if (strcmp(object->path, path) == 0)
                        return object;
        }
        return NULL;
}

/* The call waited for an authorisation: the converter may have been forgotten meanwhile. */
static int converter_of(struct bus *bus, sd_bus_message *m, struct converter_object **ret,
                        sd_bus_error *error)
{
        *ret = converter_at(bus, sd_bus_message_get_path(m));
        if (*ret)
                return 0;
        return bus_fail(error, -ENODEV, BUS_ERROR_GONE,
                        "The converter has been forgotten meanwhile; ListConverters has the "
                        "others.");
}

static int run_probe(struct bus *bus, sd_bus_message *m, sd_bus_error *error)
{
        struct converter_object *object;
        int r = converter_of(bus, m, &object, error);

        if (r >= 0)
                r = bus->requests->probe(bus->userdata, object->model->id, error);
        return r < 0 ? r : sd_bus_reply_method_return(m, NULL);
}

static int on_probe(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct bus_face *face = userdata;

        return bus_auth_check(face->bus, m, BUS_ACTION_MANAGE, run_probe, error);
}

static bool text_is_short_and_plain(const char *text)
{
        for (const char *p = text; *p; p++)
                if ((unsigned char)*p < 0x20 || *p == 0x7f)
                        return false;
        return *text && strlen(text) <= WHO_MAX;
}

static int run_inhibit(struct bus *bus, sd_bus_message *m, sd_bus_error *error)
{
        struct converter_object *object;
        const char *who, *why;
        int r;

        r = converter_of(bus, m, &object, error);
        if (r >= 0)
                r = sd_bus_message_read(m, "ss", &who, &why);
        if (r < 0)
                return r;
        if (!text_is_short_and_plain(who) || !text_is_short_and_plain(why))
                return bus_fail(error, -EINVAL, BUS_ERROR_INVALID_ARGUMENT,
                                "Who and why are shown to people: 1 to %d bytes each, without "
                                "control characters.",
                                WHO_MAX);
        return bus_hold_inhibit(bus, object, m, who, why, error);
}

static int on_inhibit(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct bus_face *face = userdata;

        return bus_auth_check(face->bus, m, BUS_ACTION_MANAGE, run_inhibit, error);
}

static int run_capture(struct bus *bus, sd_bus_message *m, sd_bus_error *error)
{
        struct converter_object *object;
        const char *key;
        int r;

        r = converter_of(bus, m, &object, error);
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "{sv}");
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'e', "sv");
        if (r > 0)
                r = sd_bus_message_read_basic(m, 's', &key);
        if (r > 0) /* there is room for options, and none yet */
                return bus_fail(error, -EINVAL, BUS_ERROR_INVALID_ARGUMENT,
                                "Unknown option '%.100s'; Capture has no options yet.", key);
        return r < 0 ? r : bus_hold_capture(bus, object, m, error);
}

static int on_capture(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct bus_face *face = userdata;

        return bus_auth_check(face->bus, m, BUS_ACTION_CAPTURE, run_capture, error);
}

static int run_reset(struct bus *bus, sd_bus_message *m, sd_bus_error *error)
{
        struct converter_object *object;
        const char *how;
        int r;

        r = converter_of(bus, m, &object, error);
        if (r >= 0)
                r = sd_bus_message_read_basic(m, 's', &how);
        if (r < 0)
                return r;
        if (strcmp(how, "reopen") != 0 && strcmp(how, "usb") != 0)
                return bus_fail(error, -EINVAL, BUS_ERROR_INVALID_ARGUMENT,
                                "'%.100s' is no way to reset; 'reopen' and 'usb' are.", how);
        r = bus->requests->reset(bus->userdata, object->model->id, how, error);
        return r < 0 ? r : sd_bus_reply_method_return(m, NULL);
}

static int on_reset(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct bus_face *face = userdata;

        return bus_auth_check(face->bus, m, BUS_ACTION_MANAGE, run_reset, error);
}

#define CONVERTER_PROPERTY(name, signature, cell)                      \
        SD_BUS_PROPERTY(name, signature, bus_cell_get, BUS_CELL(cell), \
                        SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)

static const sd_bus_vtable converter_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("Probe", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, on_probe,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Inhibit", SD_BUS_ARGS("s", who, "s", why), SD_BUS_RESULT("h", fd),
                                on_inhibit, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Capture", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("h", fd),
                                on_capture, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Reset", SD_BUS_ARGS("s", how), SD_BUS_NO_RESULT, on_reset,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("Id", "s", bus_cell_get, BUS_CELL(CONVERTER_ID),
                        SD_BUS_VTABLE_PROPERTY_CONST),
        CONVERTER_PROPERTY("State", "s", CONVERTER_STATE),
        CONVERTER_PROPERTY("StateReason", "s", CONVERTER_STATE_REASON),
        CONVERTER_PROPERTY("Device", "s", CONVERTER_DEVICE),
        CONVERTER_PROPERTY("VendorId", "q", CONVERTER_VENDOR_ID),
        CONVERTER_PROPERTY("ProductId", "q", CONVERTER_PRODUCT_ID),
        CONVERTER_PROPERTY("Vendor", "s", CONVERTER_VENDOR),
        CONVERTER_PROPERTY("Product", "s", CONVERTER_PRODUCT),
        CONVERTER_PROPERTY("Serial", "s", CONVERTER_SERIAL),
        CONVERTER_PROPERTY("Path", "s", CONVERTER_PATH),
        CONVERTER_PROPERTY("Driver", "s", CONVERTER_DRIVER),
        CONVERTER_PROPERTY("Line", "s", CONVERTER_LINE),
        CONVERTER_PROPERTY("Profile", "s", CONVERTER_PROFILE),
        CONVERTER_PROPERTY("Meters", "ao", CONVERTER_METERS),
        CONVERTER_PROPERTY("HolderPid", "u", CONVERTER_HOLDER_PID),
        /* Changes with every byte: not signalled, asked for when needed. */
        SD_BUS_PROPERTY("LastByteUSec", "t", get_last_byte, BUS_CELL(CONVERTER_LAST_BYTE_USEC), 0),
        SD_BUS_PROPERTY("Statistics", "a{st}", get_statistics, BUS_CELL(CONVERTER_STATISTICS),
                        SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION),
        SD_BUS_VTABLE_END,
};

bool converter_object_lists(const struct converter_object *object, const char *meter_id)
{
        const char *const *id = object->model->meter_ids;

        while (id && *id && strcmp(*id, meter_id) != 0)
                id++;
        return id && *id;
}

/* Paths of the meters that have an object; one announced later is added by the next change. */
static char **meter_paths(const struct converter_object *object)
{
        const char *const *ids = object->model->meter_ids;
        size_t n = 0, n_ids = 0;
        char **paths;

        while (ids && ids[n_ids])
                n_ids++;
        paths = calloc(n_ids + 1, sizeof(*paths));
        for (size_t i = 0; paths && i < n_ids; i++) {
                const struct meter_object *meter = bus_meter_by_id(object->face.bus, ids[i]);

                if (meter && (paths[n] = strdup(meter->path)))
                        n++;
        }
        return paths;
}

static uint64_t statistics_sum(const struct bus_converter *model)
{
        uint64_t sum = 0; /* counters only rise, or begin again: any change shows in the sum */

        for (size_t i = 0; i < model->n_statistics; i++)
                sum += model->statistics[i].value;
        return sum;
}

static void converter_refresh(struct converter_object *object)
{
        const struct bus_converter *model = object->model;
        struct bus_face *face = &object->face;
        char **paths = meter_paths(object);

        bus_set_text(face, CONVERTER_ID, model->id);
        bus_set_text(face, CONVERTER_STATE, model->state);
        bus_set_text(face, CONVERTER_STATE_REASON, model->reason);
        bus_set_text(face, CONVERTER_DEVICE, model->device);
        bus_set_u16(face, CONVERTER_VENDOR_ID, model->vendor_id);
        bus_set_u16(face, CONVERTER_PRODUCT_ID, model->product_id);
        bus_set_text(face, CONVERTER_VENDOR, model->vendor);
        bus_set_text(face, CONVERTER_PRODUCT, model->product);
        bus_set_text(face, CONVERTER_SERIAL, model->serial);
        bus_set_text(face, CONVERTER_PATH, model->path);
        bus_set_text(face, CONVERTER_DRIVER, model->driver);
        bus_set_text(face, CONVERTER_LINE, model->line);
        bus_set_text(face, CONVERTER_PROFILE, model->profile);
        bus_set_u32(face, CONVERTER_HOLDER_PID, model->holder_pid);
        /* What nobody has asked for since it was declared invalid, still is: one signal less. */
        if (object->statistics_read)
                bus_set_u64(face, CONVERTER_STATISTICS, statistics_sum(model));
        if (paths)
                bus_set_paths(face, CONVERTER_METERS, paths);
}

bool converter_object_update(struct converter_object *object)
{
        const uint64_t statistics_bit = UINT64_C(1) << CONVERTER_STATISTICS;
        bool meters_changed;

        converter_refresh(object);
        if (object->face.changed & statistics_bit)
                object->statistics_read = false;
        meters_changed = object->face.changed & UINT64_C(1) << CONVERTER_METERS;
        bus_face_emit(&object->face);
        return meters_changed;
}

void converter_object_heard(struct converter_object *object)
{
        if (!object->statistics_read)
                return;
        refresh_counters(object);
        (void)converter_object_update(object); /* lists of meters change elsewhere */
}

struct converter_object *bus_converter_by_id(struct bus *bus, const char *id)
{
        for (size_t i = 0; i < bus->converters.n; i++) {
                const struct bus_converter *model = bus->converters.entries[i].model;

                if (strcmp(model->id, id) == 0)
                        return bus->converters.entries[i].object;
        }
        return NULL;
}

struct converter_object *converter_object_free(struct converter_object *object)
{
        if (!object)
                return NULL;
        bus_face_done(&object->face);
        free(object->path);
        free(object);
        return NULL;
}
DEFINE_OWNED(converter, struct converter_object *, converter_object_free);

int converter_object_new(struct bus *bus, const struct bus_converter *model,
                         struct converter_object **ret)
{
        OWNED(converter) struct converter_object *object = calloc(1, sizeof(*object));
        int r;

        if (!object)
                return -ENOMEM;
        object->model = model;
        r = sd_bus_path_encode(BUS_PATH_CONVERTER, model->id, &object->path);
        if (r < 0)
                return r;
        object->face = (struct bus_face){
                .bus = bus,
                .path = object->path,
                .interface = BUS_INTERFACE_CONVERTER,
                .vtable = converter_vtable,
                .object = object,
        };
        converter_refresh(object);
        r = bus_face_add(&object->face);
        if (r < 0)
                return r;
        *ret = TAKE(object);
        return 0;
}
