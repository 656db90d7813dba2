/* SPDX-License-Identifier: MIT */
/*
 * Cells: property values as last shown. Comparing with them is what keeps PropertiesChanged to what
 * really changed; the vtable stays the only list of properties, and is walked to build the signal.
 */
#include "bus-private.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/util.h"

static void cell_mark(struct bus_face *face, unsigned int i)
{
        assert(i < BUS_CELLS_MAX);
        face->changed |= UINT64_C(1) << i;
}

static void cell_set_text(struct bus_face *face, unsigned int i, char type, const char *value)
{
        struct bus_cell *cell = &face->cells[i];
        char *copy;

        if (cell->type == type && strcmp(cell->value.text, value) == 0)
                return;
        copy = strdup(value);
        if (!copy)
                return; /* the old value stays, unmarked: the next change tries again */
        if (cell->type == type)
                free(cell->value.text);
        *cell = (struct bus_cell){ .type = type, .value.text = copy };
        cell_mark(face, i);
}

void bus_set_text(struct bus_face *face, unsigned int i, const char *value)
{
        cell_set_text(face, i, 's', value ? value : "");
}

void bus_set_path(struct bus_face *face, unsigned int i, const char *value)
{
        cell_set_text(face, i, 'o', value ? value : "/");
}

static void cell_set_number(struct bus_face *face, unsigned int i, char type, uint64_t value)
{
        struct bus_cell *cell = &face->cells[i];

        if (cell->type == type && cell->value.number == value)
                return;
        *cell = (struct bus_cell){ .type = type, .value.number = value };
        cell_mark(face, i);
}

void bus_set_bool(struct bus_face *face, unsigned int i, bool value)
{
        cell_set_number(face, i, 'b', value);
}

void bus_set_u16(struct bus_face *face, unsigned int i, uint16_t value)
{
        cell_set_number(face, i, 'q', value);
}

void bus_set_u32(struct bus_face *face, unsigned int i, uint32_t value)
{
        cell_set_number(face, i, 'u', value);
}

void bus_set_u64(struct bus_face *face, unsigned int i, uint64_t value)
{
        cell_set_number(face, i, 't', value);
}

void bus_set_double(struct bus_face *face, unsigned int i, double value)
{
        struct bus_cell *cell = &face->cells[i];

        /* As bits: NaN, "not provided", must equal itself. */
        if (cell->type == 'd' && memcmp(&cell->value.real, &value, sizeof(value)) == 0)
                return;
        *cell = (struct bus_cell){ .type = 'd', .value.real = value };
        cell_mark(face, i);
}

static bool strv_equal(char *const *a, char *const *b)
{
        while (*a && *b && strcmp(*a, *b) == 0)
                a++, b++;
        return !*a && !*b;
}

static void strv_free(char **list)
{
        for (char **p = list; p && *p; p++)
                free(*p);
        free(list);
}

void bus_set_paths(struct bus_face *face, unsigned int i, char **value)
{
        struct bus_cell *cell = &face->cells[i];

        if (cell->type == 'a' && strv_equal(cell->value.list, value)) {
                strv_free(value);
                return;
        }
        if (cell->type == 'a')
                strv_free(cell->value.list);
        *cell = (struct bus_cell){ .type = 'a', .value.list = value };
        cell_mark(face, i);
}

void bus_mark(struct bus_face *face, unsigned int i)
{
        face->cells[i].type = '-';
        cell_mark(face, i);
}

static int append_paths(sd_bus_message *m, char *const *list)
{
        int r = sd_bus_message_open_container(m, 'a', "o");

        for (; r >= 0 && *list; list++)
                r = sd_bus_message_append_basic(m, 'o', *list);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int bus_cell_get(sd_bus *bus, const char *path, const char *interface, const char *property,
                 sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const struct bus_cell *cell = userdata;

        switch (cell->type) {
        case 's':
        case 'o':
                return sd_bus_message_append_basic(reply, cell->type, cell->value.text);
        case 'b':
                return sd_bus_message_append_basic(reply, 'b', &(int){ cell->value.number != 0 });
        case 'q':
                return sd_bus_message_append_basic(reply, 'q',
                                                   &(uint16_t){ (uint16_t)cell->value.number });
        case 'u':
                return sd_bus_message_append_basic(reply, 'u',
                                                   &(uint32_t){ (uint32_t)cell->value.number });
        case 't':
                return sd_bus_message_append_basic(reply, 't', &cell->value.number);
        case 'd':
                return sd_bus_message_append_basic(reply, 'd', &cell->value.real);
        case 'a':
                return append_paths(reply, cell->value.list);
        default:
                return -ENOMEM; /* a text that found no memory when the object was made */
        }
}

int bus_face_add(struct bus_face *face)
{
        face->changed = 0;
        return sd_bus_add_object_vtable(face->bus->bus, &face->slot, face->path, face->interface,
                                        face->vtable, face);
}

void bus_face_done(struct bus_face *face)
{
        face->slot = sd_bus_slot_unref(face->slot);
        for (size_t i = 0; i < BUS_CELLS_MAX; i++) {
                struct bus_cell *cell = &face->cells[i];

                if (cell->type == 's' || cell->type == 'o')
                        free(cell->value.text);
                else if (cell->type == 'a')
                        strv_free(cell->value.list);
                *cell = (struct bus_cell){ 0 };
        }
}

static bool row_is_property(const sd_bus_vtable *row)
{
        return row->type == _SD_BUS_VTABLE_PROPERTY ||
               row->type == _SD_BUS_VTABLE_WRITABLE_PROPERTY;
}

static bool row_is_marked(const struct bus_face *face, const sd_bus_vtable *row)
{
        size_t i = (row->x.property.offset - BUS_CELL(0)) / sizeof(struct bus_cell);

        return row->x.property.offset >= BUS_CELL(0) && face->changed & UINT64_C(1) << i;
}

static int append_property(struct bus_face *face, const sd_bus_vtable *row, sd_bus_message *m)
{
        int r;

        r = sd_bus_message_open_container(m, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 's', row->x.property.member);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', row->x.property.signature);
        if (r >= 0)
                r = row->x.property.get(face->bus->bus, face->path, face->interface,
                                        row->x.property.member, m,
                                        (char *)face + row->x.property.offset, NULL);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int bus_face_append(struct bus_face *face, sd_bus_message *m)
{
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        for (const sd_bus_vtable *row = face->vtable; row->type != _SD_BUS_VTABLE_END; row++)
                if (r >= 0 && row_is_property(row))
                        r = append_property(face, row, m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* The two lists of PropertiesChanged: what has a new value, and what must be asked for again. */
static int append_changes(struct bus_face *face, sd_bus_message *m)
{
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        for (const sd_bus_vtable *row = face->vtable; row->type != _SD_BUS_VTABLE_END; row++)
                if (r >= 0 && row_is_property(row) && row_is_marked(face, row) &&
                    row->flags & SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)
                        r = append_property(face, row, m);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "s");
        for (const sd_bus_vtable *row = face->vtable; row->type != _SD_BUS_VTABLE_END; row++)
                if (r >= 0 && row_is_property(row) && row_is_marked(face, row) &&
                    row->flags & SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION)
                        r = sd_bus_message_append_basic(m, 's', row->x.property.member);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* What changed without a promise to tell (LastByteUSec) is no reason for a signal. */
static bool face_must_tell(const struct bus_face *face)
{
        for (const sd_bus_vtable *row = face->vtable; row->type != _SD_BUS_VTABLE_END; row++)
                if (row_is_property(row) && row_is_marked(face, row) &&
                    row->flags & (SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE |
                                  SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION))
                        return true;
        return false;
}

void bus_face_emit(struct bus_face *face)
{
        sd_bus_message *m = NULL;
        int r;

        if (!face->changed || !face_must_tell(face)) {
                face->changed = 0;
                return;
        }
        r = sd_bus_message_new_signal(face->bus->bus, &m, face->path,
                                      "org.freedesktop.DBus.Properties", "PropertiesChanged");
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 's', face->interface);
        if (r >= 0)
                r = append_changes(face, m);
        /* Out of memory, or the connection is being lost: the marks stay and go with the next. */
        if (r >= 0) {
                bus_signal_send(face->bus, m);
                face->changed = 0;
        }
        sd_bus_message_unref(m);
}
