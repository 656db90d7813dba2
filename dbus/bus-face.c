/* SPDX-License-Identifier: MIT */
/*
 * Cells: property values as last shown. Comparing with them is what keeps PropertiesChanged to what
 * really changed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "bus-private.h"
#include "bus-text.h"

/* The bits that are set, from the lowest. */
#define EACH_BIT(i, bits)                                        \
        for (uint64_t left_ = (bits); left_; left_ &= left_ - 1) \
                for (size_t i = (size_t)__builtin_ctzll(left_), once_ = 1; once_; once_ = 0)

static bool is_text(const struct bus_property *p)
{
        return *p->signature == 's' || *p->signature == 'o';
}

/* True when the cell now holds something else. */
static bool set_text(struct bus_cell *cell, const char *value)
{
        OWNED_FREE char *clean = NULL;
        char *copy;

        value = value ? value : "";
        if (cell->filled && strcmp(cell->value.text, value) == 0)
                return false; /* what is shown was clean */
        if (!bus_text_is_valid(value)) {
                size_t size = 3 * strlen(value) + 1; /* each byte may become U+FFFD */

                clean = malloc(size);
                if (!clean)
                        return false; /* as below */
                value = bus_text_clean(value, clean, size);
                if (cell->filled && strcmp(cell->value.text, value) == 0)
                        return false;
        }
        copy = strdup(value);
        if (!copy)
                return false; /* the old value stays: the next refresh tries again */
        if (cell->filled)
                free(cell->value.text);
        *cell = (struct bus_cell){ .filled = true, .value.text = copy };
        return true;
}

static bool set_number(struct bus_cell *cell, uint64_t value)
{
        if (cell->filled && cell->value.number == value)
                return false;
        *cell = (struct bus_cell){ .filled = true, .value.number = value };
        return true;
}

static bool set_real(struct bus_cell *cell, double value)
{
        /* As bits: NaN, "not provided", must equal itself. */
        if (cell->filled && memcmp(&cell->value.real, &value, sizeof(value)) == 0)
                return false;
        *cell = (struct bus_cell){ .filled = true, .value.real = value };
        return true;
}

static bool cell_set(const struct bus_property *p, struct bus_cell *cell, union bus_value value)
{
        switch (*p->signature) {
        case 's':
                return set_text(cell, value.text);
        case 'o':
                return set_text(cell, value.text ? value.text : "/");
        case 'd':
                return set_real(cell, value.real);
        case 'x':
                return set_number(cell, (uint64_t)value.difference);
        default:
                return set_number(cell, value.number);
        }
}

/* Asks this property; marks it when it differs from what was last emitted. */
static void ask(struct bus_face *face, size_t i)
{
        const struct bus_property *p = &face->interface->properties[i];

        if (p->emits == BUS_SILENT && face->cells[i].filled)
                return; /* it is read when someone asks */
        if (cell_set(p, &face->cells[i], p->value(face)))
                face->changed |= UINT64_C(1) << i;
}

static void ask_all(struct bus_face *face)
{
        face->moving = 0;
        for (size_t i = 0; i < face->interface->n_properties; i++) {
                ask(face, i);
                if (!face->interface->properties[i].stands || !face->cells[i].filled)
                        face->moving |= UINT64_C(1) << i;
        }
}

int bus_face_append_value(struct bus_face *face, size_t i, sd_bus_message *m)
{
        const struct bus_property *p = &face->interface->properties[i];
        struct bus_cell *cell = &face->cells[i];

        if (p->append)
                return p->append(face, m);
        if (p->emits == BUS_SILENT)
                (void)cell_set(p, cell, p->value(face));
        if (!cell->filled)
                return -ENOMEM; /* a text that found no memory when the object was made */
        switch (*p->signature) {
        case 's':
                return bus_text_append_valid(m, cell->value.text);
        case 'o':
                return sd_bus_message_append_basic(m, 'o', cell->value.text);
        case 'b':
                return sd_bus_message_append_basic(m, 'b', &(int){ cell->value.number != 0 });
        case 'q':
                return sd_bus_message_append_basic(m, 'q',
                                                   &(uint16_t){ (uint16_t)cell->value.number });
        case 'u':
                return sd_bus_message_append_basic(m, 'u',
                                                   &(uint32_t){ (uint32_t)cell->value.number });
        default: /* 't', 'x' and 'd' have eight bytes each */
                return sd_bus_message_append_basic(m, *p->signature, &cell->value);
        }
}

int bus_face_add(struct bus_face *face, struct bus *bus, const char *path,
                 const struct bus_interface *interface, void *object)
{
        *face = (struct bus_face){
                .bus = bus, .path = path, .interface = interface, .object = object
        };
        face->cells = calloc(face->interface->n_properties, sizeof(*face->cells));
        if (!face->cells)
                return -ENOMEM;
        ask_all(face);
        face->changed = 0;
        return bus_vtable_add(face);
}

void bus_face_done(struct bus_face *face)
{
        bus_vtable_drop(face);
        for (size_t i = 0; face->cells && i < face->interface->n_properties; i++)
                if (face->cells[i].filled && is_text(&face->interface->properties[i]))
                        free(face->cells[i].value.text);
        free(face->cells);
        face->cells = NULL;
}

static int append_property(struct bus_face *face, size_t i, sd_bus_message *m)
{
        const struct bus_property *p = &face->interface->properties[i];
        int r;

        r = sd_bus_message_open_container(m, 'e', "sv");
        if (r >= 0)
                r = bus_text_append_valid(m, p->name);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', p->signature);
        if (r >= 0)
                r = bus_face_append_value(face, i, m);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int bus_face_append(struct bus_face *face, sd_bus_message *m)
{
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        for (size_t i = 0; i < face->interface->n_properties && r >= 0; i++)
                r = append_property(face, i, m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* The two lists of PropertiesChanged: what has a new value, and what must be asked for again. */
static int append_changes(struct bus_face *face, sd_bus_message *m)
{
        const struct bus_property *rows = face->interface->properties;
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        EACH_BIT(i, face->changed)
        if (r >= 0 && rows[i].emits == BUS_CHANGES)
                r = append_property(face, i, m);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "s");
        EACH_BIT(i, face->changed)
        if (r >= 0 && rows[i].emits == BUS_INVALIDATES)
                r = bus_text_append_valid(m, rows[i].name);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* A change of a BUS_SILENT property (LastByteUSec) is no reason for a signal. */
static bool anything_to_emit(const struct bus_face *face)
{
        EACH_BIT(i, face->changed)
        {
                enum bus_emits how = face->interface->properties[i].emits;

                if (how == BUS_CHANGES || how == BUS_INVALIDATES)
                        return true;
        }
        return false;
}

/* Emits PropertiesChanged for all that has changed; returns the bits that were emitted. */
static uint64_t emit_changes(struct bus_face *face)
{
        uint64_t emitted = face->changed;
        sd_bus_message *m = NULL;
        int r;

        if (!emitted || !anything_to_emit(face)) {
                face->changed = 0;
                return 0;
        }
        r = sd_bus_message_new_signal(face->bus->bus, &m, face->path,
                                      "org.freedesktop.DBus.Properties", "PropertiesChanged");
        if (r >= 0)
                r = bus_text_append_valid(m, face->interface->name);
        if (r >= 0)
                r = append_changes(face, m);
        /* Out of memory, or the connection is being lost: the marks stay and go with the next. */
        if (r >= 0) {
                bus_signal_send(face->bus, m);
                face->changed = 0;
        }
        sd_bus_message_unref(m);
        return r < 0 ? 0 : emitted;
}

uint64_t bus_face_update(struct bus_face *face)
{
        ask_all(face);
        return emit_changes(face);
}

uint64_t bus_face_update_readings(struct bus_face *face)
{
        EACH_BIT(i, face->moving)
        ask(face, i);
        return emit_changes(face);
}
