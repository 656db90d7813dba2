/* SPDX-License-Identifier: MIT */
/*
 * org.smartmeterd.Output1: one object per output of the configuration (an MQTT broker, a file),
 * with its connection and what waits for it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "bus-private.h"

static int run_reconnect(struct bus *bus, sd_bus_message *m, sd_bus_error *error)
{
        const struct output_object *object =
                bus_table_at(&bus->outputs, sd_bus_message_get_path(m));

        if (object) {
                int r = bus->requests->sink_reconnect(bus->userdata, object->model->name, error);

                return r < 0 ? r : sd_bus_reply_method_return(m, NULL);
        }
        return bus_fail(error, -ENODEV, BUS_ERROR_GONE,
                        "This output has been taken out of the configuration meanwhile.");
}

static const struct output_view *model_of(const struct bus_face *face)
{
        return ((const struct output_object *)face->object)->model;
}

static union bus_value name(const struct bus_face *face)
{
        return BUS_TEXT(model_of(face)->name);
}

static union bus_value kind(const struct bus_face *face)
{
        return BUS_TEXT(model_of(face)->kind);
}

static union bus_value connected(const struct bus_face *face)
{
        return BUS_NUMBER(model_of(face)->connected);
}

static union bus_value last_error(const struct bus_face *face)
{
        return BUS_TEXT(model_of(face)->last_error);
}

static union bus_value last_error_code(const struct bus_face *face)
{
        return BUS_TEXT(model_of(face)->error_code);
}

static union bus_value queued(const struct bus_face *face)
{
        return BUS_NUMBER(model_of(face)->queued);
}

static union bus_value spooled(const struct bus_face *face)
{
        return BUS_NUMBER(model_of(face)->spooled);
}

static union bus_value published(const struct bus_face *face)
{
        return BUS_NUMBER(model_of(face)->published);
}

static union bus_value dropped(const struct bus_face *face)
{
        return BUS_NUMBER(model_of(face)->dropped);
}

/* clang-format off */
static const struct bus_method methods[] = {
        GUARDED("Reconnect", "", "", "", "", BUS_ACTION_MANAGE, run_reconnect),
};

static const struct bus_property properties[] = {
        CONSTANT("Name", "s", name),
        CONSTANT("Kind", "s", kind),
        PROPERTY("Connected", "b", connected),
        PROPERTY("LastError", "s", last_error),
        PROPERTY("LastErrorCode", "s", last_error_code),
        PROPERTY("Queued", "t", queued),
        PROPERTY("Spooled", "t", spooled),
        PROPERTY("Published", "t", published),
        PROPERTY("Dropped", "t", dropped),
};
/* clang-format on */

const struct bus_interface bus_output_interface = {
        .name = BUS_INTERFACE_OUTPUT,
        .below = BUS_PATH_OUTPUT,
        BUS_METHODS(methods),
        BUS_PROPERTIES(properties),
};

struct output_object *output_object_free(struct output_object *object)
{
        if (!object)
                return NULL;
        bus_face_done(&object->face);
        free(object->path);
        free(object);
        return NULL;
}
DEFINE_OWNED(output_object, struct output_object *, output_object_free);

int output_object_new(struct bus *bus, const struct output_view *model, struct output_object **ret)
{
        OWNED(output_object) struct output_object *object = calloc(1, sizeof(*object));
        int r;

        if (!object)
                return -ENOMEM;
        object->model = model;
        r = sd_bus_path_encode(BUS_PATH_OUTPUT, model->name, &object->path);
        if (r >= 0)
                r = bus_face_add(&object->face, bus, object->path, &bus_output_interface, object);
        if (r < 0)
                return r;
        *ret = TAKE(object);
        return 0;
}
