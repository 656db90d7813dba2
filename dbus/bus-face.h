/* SPDX-License-Identifier: MIT */
/*
 * A face is one interface of one object on the bus. What it offers is a table: a row per method,
 * signal and property; sd-bus's own table is made of it. A property is one row and one function
 * that gives its present value:
 *
 *     static union bus_value online(const struct bus_face *face)
 *     {
 *             return BUS_NUMBER(meter_of(face)->online);
 *     }
 *     …
 *     PROPERTY("Online", "b", online),
 *
 * bus_face_update() asks every row, compares with the value last shown, and emits all that differs
 * in one PropertiesChanged. Rows that say what the object is (STANDING) are passed over where
 * nothing but new readings came.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-bus.h>

struct bus;
struct bus_face;

/* By the first letter of the signature: s o: text, borrowed; d: real; x: difference; else number.
 * Of a container ("ao", "a{st}" …): any number that differs whenever the content does. */
union bus_value {
        const char *text;
        uint64_t number;
        int64_t difference;
        double real;
};
#define BUS_TEXT(value)       ((union bus_value){ .text = (value) })
#define BUS_NUMBER(value)     ((union bus_value){ .number = (value) })
#define BUS_DIFFERENCE(value) ((union bus_value){ .difference = (value) })
#define BUS_REAL(value)       ((union bus_value){ .real = (value) })

enum bus_emits {
        BUS_CONSTANT,
        BUS_CHANGES,     /* a signal with the new value */
        BUS_INVALIDATES, /* a signal without it: too large to be sent along */
        BUS_SILENT,      /* no signal: it changes with every byte; read fresh each time */
};

struct bus_property {
        const char *name, *signature;
        union bus_value (*value)(const struct bus_face *face);
        int (*append)(struct bus_face *face, sd_bus_message *m); /* of containers; else NULL */
        enum bus_emits emits;
        bool stands; /* readings do not change it */
};
#define BUS_ROW(name, signature, emits, value, append, stands) \
        {                                                      \
                name, signature, value, append, emits, stands  \
        }
#define CONSTANT(name, signature, value) BUS_ROW(name, signature, BUS_CONSTANT, value, NULL, true)
#define STANDING(name, signature, value) BUS_ROW(name, signature, BUS_CHANGES, value, NULL, true)
#define PROPERTY(name, signature, value) BUS_ROW(name, signature, BUS_CHANGES, value, NULL, false)
#define SILENT(name, signature, value)   BUS_ROW(name, signature, BUS_SILENT, value, NULL, false)
#define CONTAINER(name, signature, value, append) \
        BUS_ROW(name, signature, BUS_CHANGES, value, append, false)
#define INVALIDATED(name, signature, value, append) \
        BUS_ROW(name, signature, BUS_INVALIDATES, value, append, false)

typedef int (*bus_run_t)(struct bus *bus, sd_bus_message *m, sd_bus_error *error);

/* Names of arguments and results: each ended by a NUL, as sd-bus wants them. */
struct bus_method {
        const char *name, *arguments, *results;
        const char *names;                /* of all, arguments first */
        sd_bus_message_handler_t handler; /* open to all who may read; userdata: the face */
        const char *action;               /* or: polkit's, asked about before … */
        bus_run_t run;                    /* … this carries it out and replies */
        bool is_signal, is_sensitive;
};
#define METHOD(name, arguments, argument_names, results, result_names, handler)                    \
        {                                                                                          \
                name, arguments, results, argument_names result_names, handler, NULL, NULL, false, \
                        false                                                                      \
        }
#define GUARDED(name, arguments, argument_names, results, result_names, action, run)             \
        {                                                                                        \
                name, arguments, results, argument_names result_names, NULL, action, run, false, \
                        false                                                                    \
        }
#define GUARDED_SECRET(name, arguments, argument_names, results, result_names, action, run)      \
        {                                                                                        \
                name, arguments, results, argument_names result_names, NULL, action, run, false, \
                        true                                                                     \
        }
#define SIGNAL(name, arguments, argument_names)                                    \
        {                                                                          \
                name, arguments, "", argument_names, NULL, NULL, NULL, true, false \
        }

struct bus_interface {
        const char *name;
        const char *below; /* its objects are one step below this path; NULL: there is one object */
        const struct bus_method *methods;
        size_t n_methods;
        const struct bus_property *properties;
        size_t n_properties;
};
#define BUS_METHODS(rows) .methods = (rows), .n_methods = ELEMENTSOF(rows)
/* A face remembers in one bit per property what it has to emit. */
#define BUS_PROPERTIES(rows)                                                                      \
        .properties = (rows),                                                                     \
        .n_properties = ELEMENTSOF(rows) + 0 * sizeof(struct {                                    \
                                                   _Static_assert(ELEMENTSOF(rows) <= 64, #rows); \
                                                   int x;                                         \
                                           })

/* The value of a property as last shown. */
struct bus_cell {
        bool filled;
        union {
                char *text; /* owned */
                uint64_t number;
                double real;
        } value;
};

struct bus_face {
        struct bus *bus;
        const char *path; /* borrowed from the object */
        const struct bus_interface *interface;
        void *object;     /* the struct …_object around it */
        uint64_t changed; /* a bit per property */
        uint64_t moving;  /* likewise: those that new readings may change */
        struct bus_cell *cells;
};

/* Fills the cells and exports; path, interface and object are borrowed. On failure call
 * bus_face_done() all the same. */
int bus_face_add(struct bus_face *face, struct bus *bus, const char *path,
                 const struct bus_interface *interface, void *object);
/* Unexports and frees what the face holds. */
void bus_face_done(struct bus_face *face);
/* Asks anew, and emits what differs in one PropertiesChanged; returns the bits of that. */
uint64_t bus_face_update(struct bus_face *face);
/* The same where only readings are new. */
uint64_t bus_face_update_readings(struct bus_face *face);
/* The dict a{sv} of all properties of a face, as GetAll gives it. */
int bus_face_append(struct bus_face *face, sd_bus_message *m);
/* The value of one property alone. */
int bus_face_append_value(struct bus_face *face, size_t i, sd_bus_message *m);
/* The bit of a property of this name. */
uint64_t bus_face_bit(const struct bus_face *face, const char *property);
/* True for methods that ask polkit by themselves. */
bool bus_interface_guards(const struct bus_interface *interface, const char *method);

/*
 * bus-vtable.c: sd-bus has one table per interface and bus, and asks here for the face of a path:
 * with a table per object it would keep 7 kB of its own for each meter and converter.
 */
/* The interface is known to sd-bus from now on; those registered later are listed first. */
int bus_vtable_register(struct bus *bus, const struct bus_interface *interface);
/* The face answers at its path, until bus_vtable_drop(); its interface was registered. */
int bus_vtable_add(struct bus_face *face);
void bus_vtable_drop(struct bus_face *face); /* nothing, when it was not added */
void bus_vtables_free(struct bus *bus);
