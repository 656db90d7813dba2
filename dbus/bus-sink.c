/* SPDX-License-Identifier: MIT */
/*
 * org.smartmeterd.Sink1: one object per MQTT broker, with its connection and what waits for it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bus-auth.h"
#include "bus-private.h"
#include "lib/util.h"

enum {
        SINK_NAME,
        SINK_CONNECTED,
        SINK_LAST_ERROR,
        SINK_QUEUED,
        SINK_SPOOLED,
        SINK_PUBLISHED,
        SINK_DROPPED,
};

static int run_reconnect(struct bus *bus, sd_bus_message *m, sd_bus_error *error)
{
        for (size_t i = 0; i < bus->sinks.n; i++) {
                const struct sink_object *object = bus->sinks.entries[i].object;
                int r;

                if (strcmp(object->path, sd_bus_message_get_path(m)) != 0)
                        continue;
                r = bus->requests->sink_reconnect(bus->userdata, object->model->name, error);
                return r < 0 ? r : sd_bus_reply_method_return(m, NULL);
        }
        return bus_fail(error, -ENODEV, BUS_ERROR_GONE,
                        "This broker has been taken out of the configuration meanwhile.");
}

static int on_reconnect(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct bus_face *face = userdata;

        return bus_auth_check(face->bus, m, BUS_ACTION_MANAGE, run_reconnect, error);
}

#define SINK_PROPERTY(name, signature, cell)                           \
        SD_BUS_PROPERTY(name, signature, bus_cell_get, BUS_CELL(cell), \
                        SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)

static const sd_bus_vtable sink_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("Reconnect", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, on_reconnect,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("Name", "s", bus_cell_get, BUS_CELL(SINK_NAME),
                        SD_BUS_VTABLE_PROPERTY_CONST),
        SINK_PROPERTY("Connected", "b", SINK_CONNECTED),
        SINK_PROPERTY("LastError", "s", SINK_LAST_ERROR),
        SINK_PROPERTY("Queued", "t", SINK_QUEUED),
        SINK_PROPERTY("Spooled", "t", SINK_SPOOLED),
        SINK_PROPERTY("Published", "t", SINK_PUBLISHED),
        SINK_PROPERTY("Dropped", "t", SINK_DROPPED),
        SD_BUS_VTABLE_END,
};

static void sink_refresh(struct sink_object *object)
{
        const struct bus_sink *model = object->model;
        struct bus_face *face = &object->face;

        bus_set_text(face, SINK_NAME, model->name);
        bus_set_bool(face, SINK_CONNECTED, model->connected);
        bus_set_text(face, SINK_LAST_ERROR, model->last_error);
        bus_set_u64(face, SINK_QUEUED, model->queued);
        bus_set_u64(face, SINK_SPOOLED, model->spooled);
        bus_set_u64(face, SINK_PUBLISHED, model->published);
        bus_set_u64(face, SINK_DROPPED, model->dropped);
}

void sink_object_update(struct sink_object *object)
{
        sink_refresh(object);
        bus_face_emit(&object->face);
}

struct sink_object *sink_object_free(struct sink_object *object)
{
        if (!object)
                return NULL;
        bus_face_done(&object->face);
        free(object->path);
        free(object);
        return NULL;
}
DEFINE_OWNED(sink_object, struct sink_object *, sink_object_free);

int sink_object_new(struct bus *bus, const struct bus_sink *model, struct sink_object **ret)
{
        OWNED(sink_object) struct sink_object *object = calloc(1, sizeof(*object));
        int r;

        if (!object)
                return -ENOMEM;
        object->model = model;
        r = sd_bus_path_encode(BUS_PATH_SINK, model->name, &object->path);
        if (r < 0)
                return r;
        object->face = (struct bus_face){
                .bus = bus,
                .path = object->path,
                .interface = BUS_INTERFACE_SINK,
                .vtable = sink_vtable,
                .object = object,
        };
        sink_refresh(object);
        r = bus_face_add(&object->face);
        if (r < 0)
                return r;
        *ret = TAKE(object);
        return 0;
}
