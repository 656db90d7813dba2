/* SPDX-License-Identifier: MIT */
/*
 * sd-bus's tables, made of ours: the only place that knows both. sd-bus keeps the pointer, so a
 * table lives as long as the bus.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "bus-auth.h"
#include "bus-private.h"

static const uint64_t flags_of[] = {
        [BUS_CONSTANT] = SD_BUS_VTABLE_PROPERTY_CONST,
        [BUS_CHANGES] = SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE,
        [BUS_INVALIDATES] = SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION,
        [BUS_SILENT] = 0,
};

static const struct bus_property *find_property(const struct bus_face *face, const char *name,
                                                size_t *ret_i)
{
        for (size_t i = 0; i < face->interface->n_properties; i++)
                if (strcmp(face->interface->properties[i].name, name) == 0) {
                        *ret_i = i;
                        return &face->interface->properties[i];
                }
        return NULL;
}

uint64_t bus_face_bit(const struct bus_face *face, const char *property)
{
        size_t i;

        return find_property(face, property, &i) ? UINT64_C(1) << i : 0;
}

static int on_get(sd_bus *bus, const char *path, const char *interface, const char *property,
                  sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        struct bus_face *face = userdata;
        size_t i = 0;

        if (!find_property(face, property, &i))
                return -ENOENT; /* sd-bus asks for rows of its table only */
        return bus_face_append_value(face, i, reply);
}

static const struct bus_method *find_method(const struct bus_interface *interface, const char *name)
{
        for (size_t i = 0; name && i < interface->n_methods; i++)
                if (strcmp(interface->methods[i].name, name) == 0)
                        return &interface->methods[i];
        return NULL;
}

bool bus_interface_guards(const struct bus_interface *interface, const char *method)
{
        const struct bus_method *row = find_method(interface, method);

        return row && row->action;
}

static int on_guarded(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct bus_face *face = userdata;
        const struct bus_method *row = find_method(face->interface, sd_bus_message_get_member(m));

        if (!row)
                return 0; /* as above */
        return bus_auth_check(face->bus, m, row->action, row->run, error);
}

static sd_bus_vtable row_of_method(const struct bus_method *method)
{
        sd_bus_vtable row;

        if (method->is_signal) {
                row = (sd_bus_vtable)SD_BUS_SIGNAL(method->name, method->arguments, 0);
                row.x.signal.names = method->names;
                return row;
        }
        row = (sd_bus_vtable)SD_BUS_METHOD(method->name, method->arguments, method->results,
                                           method->handler ? method->handler : on_guarded,
                                           SD_BUS_VTABLE_UNPRIVILEGED);
        row.x.method.names = method->names;
        if (method->is_sensitive)
                row.flags |= SD_BUS_VTABLE_SENSITIVE;
        return row;
}

static sd_bus_vtable *vtable_new(const struct bus_interface *interface)
{
        sd_bus_vtable *rows =
                calloc(interface->n_methods + interface->n_properties + 2, sizeof(*rows));
        sd_bus_vtable *row = rows;

        if (!rows)
                return NULL;
        *row++ = (sd_bus_vtable)SD_BUS_VTABLE_START(0);
        for (size_t i = 0; i < interface->n_methods; i++)
                *row++ = row_of_method(&interface->methods[i]);
        for (size_t i = 0; i < interface->n_properties; i++) {
                const struct bus_property *p = &interface->properties[i];

                *row++ = (sd_bus_vtable)SD_BUS_PROPERTY(p->name, p->signature, on_get, 0,
                                                        flags_of[p->tells] & ~(UINT64_MAX << 56));
        }
        *row = (sd_bus_vtable)SD_BUS_VTABLE_END;
        return rows;
}

const sd_bus_vtable *bus_vtable_of(struct bus *bus, const struct bus_interface *interface)
{
        struct bus_vtable *v = bus->vtables;

        for (; v; v = v->next)
                if (v->interface == interface)
                        return v->rows;
        v = calloc(1, sizeof(*v));
        if (!v)
                return NULL;
        *v = (struct bus_vtable){ bus->vtables, interface, vtable_new(interface) };
        if (!v->rows) {
                free(v);
                return NULL;
        }
        bus->vtables = v;
        return v->rows;
}

void bus_vtables_free(struct bus *bus)
{
        for (struct bus_vtable *v = bus->vtables, *next; v; v = next) {
                next = v->next;
                free(v->rows);
                free(v);
        }
        bus->vtables = NULL;
}
