/* SPDX-License-Identifier: MIT */
/*
 * sd-bus's tables, made of ours: the only place that knows both. sd-bus keeps the pointer, so a
 * table lives as long as the bus.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/sorted.h"
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
                                                        flags_of[p->emits] & ~(UINT64_MAX << 56));
        }
        *row = (sd_bus_vtable)SD_BUS_VTABLE_END;
        return rows;
}

static struct bus_vtable *vtable_of(const struct bus *bus, const struct bus_interface *interface)
{
        struct bus_vtable *v = bus->vtables;

        while (v && v->interface != interface)
                v = v->next;
        return v;
}

static int compare_path(const void *elements, size_t at, const void *key)
{
        struct bus_face *const *faces = elements;

        return strcmp(faces[at]->path, key);
}

static size_t place_of(const struct bus_vtable *v, const char *path, bool *ret_found)
{
        return sorted_place(v->faces, v->n, path, compare_path, ret_found);
}

static int on_find(sd_bus *bus, const char *path, const char *interface, void *userdata,
                   void **ret_found, sd_bus_error *error)
{
        const struct bus_vtable *v = userdata;
        bool found;
        size_t at = place_of(v, path, &found);

        if (found)
                *ret_found = v->faces[at];
        return found;
}

static int vtable_export(struct bus *bus, struct bus_vtable *v)
{
        const char *path = v->interface->below ? v->interface->below : BUS_PATH;

        return sd_bus_add_fallback_vtable(bus->bus, &v->slot, path, v->interface->name, v->rows,
                                          on_find, v);
}

int bus_vtable_register(struct bus *bus, const struct bus_interface *interface)
{
        struct bus_vtable *v = calloc(1, sizeof(*v));

        if (!v)
                return -ENOMEM;
        *v = (struct bus_vtable){ .next = bus->vtables,
                                  .interface = interface,
                                  .rows = vtable_new(interface) };
        bus->vtables = v;
        return v->rows ? vtable_export(bus, v) : -ENOMEM;
}

int bus_vtable_add(struct bus_face *face)
{
        struct bus_vtable *v = vtable_of(face->bus, face->interface);
        bool found;
        size_t at;

        if (!ARRAY_GROW(v->faces, v->n, v->room))
                return -ENOMEM;
        at = place_of(v, face->path, &found);
        if (found)
                return -EEXIST;
        memmove(v->faces + at + 1, v->faces + at, (v->n - at) * sizeof(struct bus_face *));
        v->faces[at] = face;
        v->n++;
        return 0;
}

void bus_vtable_drop(struct bus_face *face)
{
        struct bus_vtable *v = face->bus ? vtable_of(face->bus, face->interface) : NULL;
        bool found = false;
        size_t at = v ? place_of(v, face->path, &found) : 0;

        if (!found || v->faces[at] != face)
                return;
        v->n--;
        memmove(v->faces + at, v->faces + at + 1, (v->n - at) * sizeof(struct bus_face *));
}

void bus_vtables_free(struct bus *bus)
{
        for (struct bus_vtable *v = bus->vtables, *next; v; v = next) {
                next = v->next;
                sd_bus_slot_unref(v->slot);
                free(v->faces);
                free(v->rows);
                free(v);
        }
        bus->vtables = NULL;
}
