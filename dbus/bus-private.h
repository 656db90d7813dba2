/* SPDX-License-Identifier: MIT */
/*
 * What the files of this folder share and nobody else sees: the objects on the bus, the cells that
 * hold the property values last shown, and how signals leave.
 *
 * An object has one face per interface, a face one cell per property. A change of the model is
 * written into the cells; a cell that really differs marks its face; bus_face_emit() then tells all
 * of it in one PropertiesChanged.
 */
#pragma once

#include "bus.h"
#include "names.h"

#define BUS_CELLS_MAX 32

/* The value of one property as last shown. */
struct bus_cell {
        char type; /* of D-Bus: s o b q u t d; 'a' for ao; '-' a mark only, the value is elsewhere
                    */
        union {
                char *text;
                char **list; /* strv */
                uint64_t number;
                double real;
        } value;
};

struct bus_face {
        struct bus *bus;
        const char *path; /* borrowed from the object */
        const char *interface;
        const sd_bus_vtable *vtable;
        sd_bus_slot *slot;
        uint64_t changed; /* a bit per cell */
        struct bus_cell cells[BUS_CELLS_MAX];
        void *object; /* the struct …_object around it */
};

/* Row of a vtable → its cell; and back from the userdata of a getter to the face. */
#define BUS_CELL(i) (offsetof(struct bus_face, cells) + (size_t)(i) * sizeof(struct bus_cell))
static inline struct bus_face *bus_face_of(void *cell, unsigned int i)
{
        return (struct bus_face *)(void *)((char *)cell - BUS_CELL(i));
}

struct manager_object {
        struct bus_face face;
};

struct converter_object {
        const struct bus_converter *model;
        char *path;
        bool statistics_read; /* since they were last declared invalid */
        struct bus_face face;
};

struct meter_object {
        const struct meter *model;
        char *path;
        struct converter_object *converter; /* it is read through; NULL: none */
        struct bus_face face;
        struct bus_face tariff;
};

struct sink_object {
        const struct bus_sink *model;
        char *path;
        struct bus_face face;
};

/* The model beside its object: looking up by model walks memory once, in order. */
struct bus_entry {
        const void *model;
        void *object;
};

struct bus_table {
        struct bus_entry *entries;
        size_t n, n_allocated;
};

struct bus_auth_request;
struct bus_hold;

struct bus {
        struct sink sink; /* first: sink_ops hand it back */
        sd_bus *bus;
        sd_event *event;
        const struct bus_requests *requests;
        void *userdata;
        void (*on_lost)(void *userdata);

        struct manager_object manager;
        struct bus_table converters, meters, sinks;

        sd_bus_slot *object_manager_slot, *lost_slot, *filter_slot, *log_slot;

        struct bus_auth_request *auth_requests;
        uint64_t auth_serial;
        struct bus_hold *holds;
        uint64_t hold_cookie;

        char *readers_group; /* NULL: everyone local reads */
        bool readers_gid_valid;
        gid_t readers_gid;
        sd_bus_track *readers; /* who proved to be one; gets signals unicast */
};

/* bus-cell.c: each set marks the face when the value differs from the one last shown. */
void bus_set_text(struct bus_face *face, unsigned int i, const char *value);
void bus_set_path(struct bus_face *face, unsigned int i, const char *value);
void bus_set_bool(struct bus_face *face, unsigned int i, bool value);
void bus_set_u16(struct bus_face *face, unsigned int i, uint16_t value);
void bus_set_u32(struct bus_face *face, unsigned int i, uint32_t value);
void bus_set_u64(struct bus_face *face, unsigned int i, uint64_t value);
void bus_set_double(struct bus_face *face, unsigned int i, double value);
void bus_set_paths(struct bus_face *face, unsigned int i, char **value); /* takes it over */
void bus_mark(struct bus_face *face, unsigned int i); /* a value kept elsewhere has changed */
int bus_cell_get(sd_bus *bus, const char *path, const char *interface, const char *property,
                 sd_bus_message *reply, void *userdata, sd_bus_error *error);

int bus_face_add(struct bus_face *face);   /* exports; cells are filled before */
void bus_face_done(struct bus_face *face); /* unexports, frees the cells */
void bus_face_emit(struct bus_face *face); /* one PropertiesChanged, or nothing */
/* The dict a{sv} of all properties of a face, as GetAll gives it. */
int bus_face_append(struct bus_face *face, sd_bus_message *m);

/* bus-signal.c: how a signal leaves: to all, or with Readers= only to known readers. */
void bus_signal_send(struct bus *bus, sd_bus_message *m);
void bus_announce(struct bus *bus, const char *path, struct bus_face *const faces[], size_t n);
void bus_retract(struct bus *bus, const char *path, struct bus_face *const faces[], size_t n);
/* Calls back once when `name` has left the bus; the slot ends the watch. */
int bus_watch_name(struct bus *bus, const char *name, sd_bus_message_handler_t handler,
                   void *userdata, sd_bus_slot **ret);

/* bus-readers.c */
int bus_readers_start(struct bus *bus);
int bus_readers_set(struct bus *bus, const char *group);

/* bus-table.c: models, their objects, and the errors that name what would be right. */
int bus_table_add(struct bus_table *table, const void *model, void *object);
void bus_table_remove(struct bus_table *table, const void *model);
void *bus_table_find(const struct bus_table *table, const void *model);
int bus_error_errno(int r, sd_bus_error *error); /* names an errno nobody has named yet */
int bus_fail(sd_bus_error *error, int r, const char *name, const char *format, ...)
        __attribute__((format(printf, 4, 5)));

/* bus-hold.c: what lives as long as a caller holds an fd. */
int bus_hold_inhibit(struct bus *bus, struct converter_object *object, sd_bus_message *m,
                     const char *who, const char *why, sd_bus_error *error);
int bus_hold_capture(struct bus *bus, struct converter_object *object, sd_bus_message *m,
                     sd_bus_error *error);
/* The converter is forgotten: readers of a capture see the end. */
void bus_hold_drop_converter(struct bus *bus, const char *converter_id);
void bus_hold_drop_all(struct bus *bus);

/* One per interface. */
int manager_object_init(struct bus *bus);
void manager_object_done(struct bus *bus);
void manager_object_count(struct bus *bus);

int converter_object_new(struct bus *bus, const struct bus_converter *model,
                         struct converter_object **ret);
struct converter_object *converter_object_free(struct converter_object *object);
/* Emits what differs; true when the list of meters does. */
bool converter_object_update(struct converter_object *object);
bool converter_object_lists(const struct converter_object *object, const char *meter_id);
/* A telegram came through it: who has read its statistics is told that they changed. */
void converter_object_heard(struct converter_object *object);
struct converter_object *bus_converter_by_id(struct bus *bus, const char *id);

int meter_object_new(struct bus *bus, const struct meter *model, struct meter_object **ret);
struct meter_object *meter_object_free(struct meter_object *object);
void meter_object_telegram(struct meter_object *object, const struct meter_update *update);
void meter_object_update(struct meter_object *object);
void meter_object_find_converters(struct bus *bus); /* after lists of meters have changed */
struct meter_object *bus_meter_by_id(struct bus *bus, const char *id);

int tariff_face_init(struct meter_object *object);
void tariff_face_update(struct meter_object *object);

int sink_object_new(struct bus *bus, const struct bus_sink *model, struct sink_object **ret);
struct sink_object *sink_object_free(struct sink_object *object);
void sink_object_update(struct sink_object *object);

int logcontrol_init(struct bus *bus);
