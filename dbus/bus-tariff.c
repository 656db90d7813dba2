/* SPDX-License-Identifier: MIT */
/*
 * org.smartmeterd.Tariff1, on the object of its meter: which tariff counts now.
 */
#include "bus-private.h"
#include "lib/meter.h"

enum {
        TARIFF_ACTIVE,
        TARIFF_LABEL,
        TARIFF_SOURCE,
        TARIFF_SINCE_USEC,
        TARIFF_NEXT_USEC,
};

#define TARIFF_PROPERTY(name, signature, cell)                         \
        SD_BUS_PROPERTY(name, signature, bus_cell_get, BUS_CELL(cell), \
                        SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)

static const sd_bus_vtable tariff_vtable[] = {
        SD_BUS_VTABLE_START(0),
        TARIFF_PROPERTY("Active", "u", TARIFF_ACTIVE),
        TARIFF_PROPERTY("Label", "s", TARIFF_LABEL),
        TARIFF_PROPERTY("Source", "s", TARIFF_SOURCE),
        TARIFF_PROPERTY("SinceUSec", "t", TARIFF_SINCE_USEC),
        TARIFF_PROPERTY("NextUSec", "t", TARIFF_NEXT_USEC),
        SD_BUS_VTABLE_END,
};

static void tariff_refresh(struct meter_object *object)
{
        const struct tariff *tariff = &object->model->tariff;
        struct bus_face *face = &object->tariff;

        bus_set_u32(face, TARIFF_ACTIVE, tariff->active);
        bus_set_text(face, TARIFF_LABEL, tariff_label(tariff));
        bus_set_text(face, TARIFF_SOURCE, tariff_source_name(tariff->source));
        bus_set_u64(face, TARIFF_SINCE_USEC, tariff->since_usec);
        bus_set_u64(face, TARIFF_NEXT_USEC, tariff->next_usec);
}

void tariff_face_update(struct meter_object *object)
{
        tariff_refresh(object);
        bus_face_emit(&object->tariff);
}

int tariff_face_init(struct meter_object *object)
{
        object->tariff = (struct bus_face){
                .bus = object->face.bus,
                .path = object->path,
                .interface = BUS_INTERFACE_TARIFF,
                .vtable = tariff_vtable,
                .object = object,
        };
        tariff_refresh(object);
        return bus_face_add(&object->tariff);
}
