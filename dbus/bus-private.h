/* SPDX-License-Identifier: MIT */
/* Shared by the files of this folder, and private to them: the objects on the bus, and how signals
 * leave. An object has one face per interface (bus-face.h). */
#pragma once

#include "bus-face.h"
#include "bus.h"
#include "names.h"

struct manager_object {
        char state[16];
        char *reload_error; /* owned; NULL: none */
        struct bus_face face;
};

struct converter_object {
        const struct converter_view *model;
        char *path;
        bool statistics_read;      /* since they were last declared invalid */
        uint64_t statistics_shown; /* their sum then */
        struct bus_face face;
};

struct meter_object {
        struct bus *bus;
        const struct meter *model;
        char *path;
        struct converter_object *converter;                    /* it is read through; NULL: none */
        char *parent;                                          /* path, NULL: none */
        uint64_t texts_hash;                                   /* of the texts last shown */
        char scale_cure[OBIS_TEXT_MAX + DECIMAL_TEXT_MAX + 8]; /* what its property shows */
        struct bus_face face, tariff, history;
        struct bus_face electricity; /* of electricity meters; else its path is NULL */
};

struct output_object {
        const struct output_view *model;
        char *path;
        struct bus_face face;
};

/* The model beside its object: looking up by model walks memory once, in order. */
struct bus_entry {
        const char *id, *path; /* the model's, the object's */
        const void *model;
        void *object;
};

struct bus_table {
        struct bus_entry *entries;
        size_t n, room;
        sd_bus_slot *slot; /* of the list of its paths; NULL: it is not on a bus */
};

struct bus_auth_request;
struct bus_hold;
struct bus_waiting;

struct bus_vtable {
        struct bus_vtable *next;
        const struct bus_interface *interface;
        sd_bus_vtable *rows; /* owned */
        sd_bus_slot *slot;
        struct bus_face **faces; /* each borrowed, by path */
        size_t n, room;
};

struct bus {
        struct sink sink; /* first: sink_ops hand it back */
        sd_bus *bus;
        bool peer; /* there is a caller at the other end, and no bus daemon */
        const char *version;
        sd_event *event;
        const struct bus_requests *requests;
        void *userdata;
        void (*on_lost)(void *userdata);
        void *lost_userdata;

        uint64_t ticket, released;   /* of the signals made now; of those that may leave */
        uint64_t held_usec;          /* since when callers wait; monotonic, 0: they do not */
        bool gathering;              /* bus_signal_gather() */
        struct bus_waiting *waiting; /* signals that may not leave yet, oldest first */
        size_t n_waiting, waiting_room;

        struct manager_object manager;
        struct bus_table converters, meters, outputs;
        struct bus_vtable *vtables;

        sd_bus_slot *early_slot; /* refuses calls until all objects are there */
        sd_bus_slot *name_slot;  /* of the request for our name, until it was waited for */
        int name_r;              /* of the request for our name: 1 while it is not answered */
        bool has_followers;      /* somebody may follow our signals: the name was asked for */
        sd_bus_slot *object_manager_slot, *lost_slot, *filter_slot, *log_slot;

        struct bus_auth_request *auth_requests;
        uint64_t auth_serial;
        struct bus_hold *holds;
        uint64_t hold_cookie;

        sd_bus_slot *clock_slot; /* of a question that is not answered yet */
        uint64_t clock_ask_usec; /* not again before; monotonic */
        bool clock_runs_free;

        char *readers_group; /* NULL: everyone local reads */
        bool readers_gid_valid;
        gid_t readers_gid;
        uint64_t readers_pause_usec; /* until then the bus daemon is not asked; monotonic */
        sd_bus_track *readers;       /* who proved to be one; gets signals unicast */
};

/* Monotonic, and also within a turn of the loop that waits: sd_event_now() stands still there. */
uint64_t bus_now_usec(void);

/* The caller: a name on the bus; "" is the only caller there is without a bus. Never NULL. */
const char *bus_caller_of(sd_bus_message *m);

/* bus-signal.c: how a signal leaves: to all, or with Readers= only to known readers; and when. */
void bus_signal_send(struct bus *bus, sd_bus_message *m);
/* Signals between the two leave in one go: the bus daemon wakes once for them. */
void bus_signal_gather(struct bus *bus);
void bus_signal_flush(struct bus *bus);
void bus_signal_hold(struct bus *bus, uint64_t ticket);
void bus_signal_release(struct bus *bus, uint64_t through);
void bus_announce(struct bus *bus, const char *path, struct bus_face *const faces[], size_t n);
void bus_retract(struct bus *bus, const char *path, struct bus_face *const faces[], size_t n);
/* Calls back once when `name` has left the bus; the slot ends the watch. */
int bus_watch_name(struct bus *bus, const char *name, sd_bus_message_handler_t handler,
                   void *userdata, sd_bus_slot **ret);

/* bus-clock.c: false while the clock of this machine is known not to be synchronised. */
bool bus_clock_is_right(struct bus *bus);

/* bus-readers.c */
int bus_readers_start(struct bus *bus);
int bus_readers_set(struct bus *bus, const char *group);

/* bus-options.c: reads the a{sv} at which the message stands; an unknown option is an error. */
struct bus_option {
        const char *name, *signature, *example;
        void *ret; /* const char ** of an "s", int * of a "b"; untouched when the option is not
                      given */
};
int bus_read_options(sd_bus_message *m, const struct bus_option *options, size_t n,
                     sd_bus_error *error);

/* bus-table.c: models, their objects, and the errors that name what would be right. */
/* The paths of what is in the table are listed among those below this one. */
int bus_table_export(struct bus_table *table, sd_bus *bus, const char *below);
void bus_table_done(struct bus_table *table); /* what the table holds of its own */
int bus_table_add(struct bus_table *table, struct bus_entry entry);
void bus_table_remove(struct bus_table *table, const void *model);
void *bus_table_find(const struct bus_table *table, const void *model);
const struct bus_entry *bus_table_by_id(const struct bus_table *table, const char *id);
void *bus_table_at(const struct bus_table *table, const char *path);
void bus_error_clean(sd_bus_error *error); /* replaces what is no UTF-8 in its message */
/* Sends a reply that was filled with the result `r`, unless that is an error; drops it anyway. */
int bus_send_reply(sd_bus_message *reply, int r);
int bus_error_errno(int r, sd_bus_error *error); /* names an errno that has no name yet */
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
extern const struct bus_interface bus_manager_interface, bus_converter_interface,
        bus_meter_interface, bus_electricity_interface, bus_tariff_interface, bus_history_interface,
        bus_output_interface;

int manager_object_init(struct bus *bus);
void manager_object_done(struct bus *bus);

int converter_object_new(struct bus *bus, const struct converter_view *model,
                         struct converter_object **ret);
struct converter_object *converter_object_free(struct converter_object *object);
/* Emits what differs; true when the list of meters does. */
bool converter_object_update(struct converter_object *object);
bool converter_object_lists(const struct converter_object *object, const char *meter_id);
/* A telegram came through it: callers that have read its statistics learn that they changed. */
void converter_object_heard(struct converter_object *object);

int meter_object_new(struct bus *bus, const struct meter *model, struct meter_object **ret);
struct meter_object *meter_object_free(struct meter_object *object);
void meter_object_telegram(struct meter_object *object, const struct meter_update *update);
void meter_object_update(struct meter_object *object);
void meter_object_find_converters(struct bus *bus); /* after lists of meters have changed */
/* Its faces, at most METER_FACES; returns how many. */
#define METER_FACES 4
size_t meter_object_faces(struct meter_object *object, struct bus_face *ret[static METER_FACES]);

/* bus-readings.c */
int bus_readings_append(struct bus_face *face, sd_bus_message *m);
int bus_readings_on_get(sd_bus_message *m, void *userdata, sd_bus_error *error);
void bus_readings_emit(struct meter_object *object, const struct meter_update *update);

int output_object_new(struct bus *bus, const struct output_view *model, struct output_object **ret);
struct output_object *output_object_free(struct output_object *object);

int logcontrol_init(struct bus *bus);
