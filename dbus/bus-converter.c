/* SPDX-License-Identifier: MIT */
/*
 * org.smartmeterd.Converter1: one object per converter, at a path made of its identity, so that it
 * is the same before and after a replug, whatever its tty is called.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "bus-private.h"

#define WHO_MAX 120 /* both end up in a sentence of StateReason */

/* The counters of this moment: they change with every byte, without a call to us for each. */
static void refresh_counters(const struct converter_object *object)
{
        const struct bus *bus = object->face.bus;

        if (bus->requests->refresh_converter)
                bus->requests->refresh_converter(bus->userdata, object->model->id);
}

/* The call waited for an authorisation: the converter may have been forgotten meanwhile. */
static int converter_of(struct bus *bus, sd_bus_message *m, struct converter_object **ret,
                        sd_bus_error *error)
{
        *ret = bus_table_at(&bus->converters, sd_bus_message_get_path(m));
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
                r = bus_read_options(m, NULL, 0, error);
        if (r >= 0)
                r = bus->requests->probe(bus->userdata, object->model->id, error);
        return r < 0 ? r : sd_bus_reply_method_return(m, NULL);
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

static int run_capture(struct bus *bus, sd_bus_message *m, sd_bus_error *error)
{
        struct converter_object *object;
        int r;

        r = converter_of(bus, m, &object, error);
        if (r >= 0)
                r = bus_read_options(m, NULL, 0, error);
        return r < 0 ? r : bus_hold_capture(bus, object, m, error);
}

static int run_reset(struct bus *bus, sd_bus_message *m, sd_bus_error *error)
{
        struct converter_object *object;
        const char *how;
        int r;

        r = converter_of(bus, m, &object, error);
        if (r >= 0)
                r = sd_bus_message_read_basic(m, 's', &how);
        if (r >= 0)
                r = bus_read_options(m, NULL, 0, error);
        if (r < 0)
                return r;
        if (strcmp(how, "reopen") != 0 && strcmp(how, "usb") != 0)
                return bus_fail(error, -EINVAL, BUS_ERROR_INVALID_ARGUMENT,
                                "'%.100s' is no way to reset; 'reopen' and 'usb' are.", how);
        r = bus->requests->reset(bus->userdata, object->model->id, how, error);
        return r < 0 ? r : sd_bus_reply_method_return(m, NULL);
}

bool converter_object_lists(const struct converter_object *object, const char *meter_id)
{
        const char *const *id = object->model->meter_ids;

        while (id && *id && strcmp(*id, meter_id) != 0)
                id++;
        return id && *id;
}

static const struct converter_view *model_of(const struct bus_face *face)
{
        return ((const struct converter_object *)face->object)->model;
}

static union bus_value id(const struct bus_face *face)
{
        return BUS_TEXT(model_of(face)->id);
}

static union bus_value state(const struct bus_face *face)
{
        return BUS_TEXT(model_of(face)->state);
}

static union bus_value state_code(const struct bus_face *face)
{
        return BUS_TEXT(model_of(face)->code);
}

static union bus_value state_reason(const struct bus_face *face)
{
        return BUS_TEXT(model_of(face)->reason);
}

static union bus_value device(const struct bus_face *face)
{
        return BUS_TEXT(model_of(face)->device);
}

static union bus_value vendor(const struct bus_face *face)
{
        return BUS_TEXT(model_of(face)->vendor);
}

static union bus_value product(const struct bus_face *face)
{
        return BUS_TEXT(model_of(face)->product);
}

static union bus_value serial(const struct bus_face *face)
{
        return BUS_TEXT(model_of(face)->serial);
}

static union bus_value socket_of(const struct bus_face *face)
{
        return BUS_TEXT(model_of(face)->socket);
}

static union bus_value driver(const struct bus_face *face)
{
        return BUS_TEXT(model_of(face)->driver);
}

static union bus_value line(const struct bus_face *face)
{
        return BUS_TEXT(model_of(face)->line);
}

static union bus_value framing(const struct bus_face *face)
{
        return BUS_TEXT(model_of(face)->framing);
}

static union bus_value profile(const struct bus_face *face)
{
        return BUS_TEXT(model_of(face)->profile);
}

static union bus_value holder_unit(const struct bus_face *face)
{
        return BUS_TEXT(model_of(face)->holder_unit);
}

static union bus_value vendor_id(const struct bus_face *face)
{
        return BUS_NUMBER(model_of(face)->vendor_id);
}

static union bus_value product_id(const struct bus_face *face)
{
        return BUS_NUMBER(model_of(face)->product_id);
}

static union bus_value holder_pid(const struct bus_face *face)
{
        return BUS_NUMBER(model_of(face)->holder_pid);
}

static union bus_value last_byte_usec(const struct bus_face *face)
{
        refresh_counters(face->object);
        return BUS_NUMBER(model_of(face)->last_byte_usec);
}

/* Statistics that were declared invalid, and not read since, need no second signal. */
static union bus_value statistics_sum(const struct bus_face *face)
{
        struct converter_object *object = face->object;
        uint64_t sum = 0; /* counters only rise, or begin again: any change shows in the sum */

        for (size_t i = 0; i < object->model->n_statistics; i++)
                sum += object->model->statistics[i].value;
        if (object->statistics_read)
                object->statistics_shown = sum;
        return BUS_NUMBER(object->statistics_shown);
}

static int append_statistics(struct bus_face *face, sd_bus_message *m)
{
        struct converter_object *object = face->object;
        int r;

        object->statistics_read = true;
        refresh_counters(object);
        (void)statistics_sum(face); /* what is shown from now on */
        r = sd_bus_message_open_container(m, 'a', "{st}");
        for (size_t i = 0; i < object->model->n_statistics && r >= 0; i++)
                r = sd_bus_message_append(m, "{st}", object->model->statistics[i].name,
                                          object->model->statistics[i].value);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* The path of its i-th meter; NULL for one that has no object (yet), or past the last. */
static const char *meter_path(const struct bus_face *face, size_t i)
{
        const struct bus_entry *meter =
                bus_table_by_id(&face->bus->meters, model_of(face)->meter_ids[i]);

        return meter ? meter->path : NULL;
}

/* FNV-1a over the paths. */
static union bus_value meters_hash(const struct bus_face *face)
{
        const char *const *ids = model_of(face)->meter_ids;
        uint64_t hash = UINT64_C(0xcbf29ce484222325);

        for (size_t i = 0; ids && ids[i]; i++)
                for (const char *p = meter_path(face, i); p && *p; p++)
                        hash = (hash ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
        return BUS_NUMBER(hash);
}

static int append_meters(struct bus_face *face, sd_bus_message *m)
{
        const char *const *ids = model_of(face)->meter_ids;
        int r = sd_bus_message_open_container(m, 'a', "o");

        for (size_t i = 0; ids && ids[i] && r >= 0; i++)
                if (meter_path(face, i))
                        r = sd_bus_message_append_basic(m, 'o', meter_path(face, i));
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* clang-format off */
static const struct bus_method methods[] = {
        GUARDED("Probe", "a{sv}", "options\0", "", "", BUS_ACTION_MANAGE, run_probe),
        GUARDED("Inhibit", "ss", "who\0why\0", "h", "fd\0", BUS_ACTION_MANAGE, run_inhibit),
        GUARDED("Capture", "a{sv}", "options\0", "h", "fd\0", BUS_ACTION_CAPTURE, run_capture),
        GUARDED("Reset", "sa{sv}", "how\0options\0", "", "", BUS_ACTION_MANAGE, run_reset),
};

static const struct bus_property properties[] = {
        CONSTANT("Id", "s", id),
        PROPERTY("State", "s", state),
        PROPERTY("StateCode", "s", state_code),
        PROPERTY("StateReason", "s", state_reason),
        PROPERTY("Device", "s", device),
        PROPERTY("VendorId", "q", vendor_id),
        PROPERTY("ProductId", "q", product_id),
        PROPERTY("Vendor", "s", vendor),
        PROPERTY("Product", "s", product),
        PROPERTY("Serial", "s", serial),
        PROPERTY("Socket", "s", socket_of),
        PROPERTY("Driver", "s", driver),
        PROPERTY("Line", "s", line),
        PROPERTY("Framing", "s", framing),
        PROPERTY("Profile", "s", profile),
        CONTAINER("Meters", "ao", meters_hash, append_meters),
        PROPERTY("HolderPid", "u", holder_pid),
        PROPERTY("HolderUnit", "s", holder_unit),
        SILENT("LastByteUSec", "t", last_byte_usec),
        INVALIDATED("Statistics", "a{st}", statistics_sum, append_statistics),
};
/* clang-format on */

const struct bus_interface bus_converter_interface = {
        .name = BUS_INTERFACE_CONVERTER,
        .below = BUS_PATH_CONVERTER,
        BUS_METHODS(methods),
        BUS_PROPERTIES(properties),
};

bool converter_object_update(struct converter_object *object)
{
        uint64_t emitted = bus_face_update(&object->face);

        if (emitted & bus_face_bit(&object->face, "Statistics"))
                object->statistics_read = false;
        return emitted & bus_face_bit(&object->face, "Meters");
}

void converter_object_heard(struct converter_object *object)
{
        if (!object->statistics_read)
                return;
        refresh_counters(object);
        (void)converter_object_update(object); /* lists of meters change elsewhere */
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

int converter_object_new(struct bus *bus, const struct converter_view *model,
                         struct converter_object **ret)
{
        OWNED(converter) struct converter_object *object = calloc(1, sizeof(*object));
        int r;

        if (!object)
                return -ENOMEM;
        object->model = model;
        r = sd_bus_path_encode(BUS_PATH_CONVERTER, model->id, &object->path);
        if (r >= 0)
                r = bus_face_add(&object->face, bus, object->path, &bus_converter_interface,
                                 object);
        if (r < 0)
                return r;
        *ret = TAKE(object);
        return 0;
}
