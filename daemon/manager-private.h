/* SPDX-License-Identifier: MIT */
/* Shared by manager.c (devices), requests.c (the bus's callers) and outputs.c. */
#pragma once

#include "daemon/converter/converter.h"
#include "daemon/converter/identity.h"
#include "daemon/meters/meters.h"
#include "dbus/bus.h"
#include "manager.h"
#include "outputs.h"
#include "peers.h"
#include "udev/hotplug.h"

/* A converter and how the manager knows it. */
struct managed_converter {
        struct manager *manager;
        struct converter *converter;
        struct meters_line line; /* its meters, and their keys */
        bool exported;           /* the outputs know it */
        /* manager-moved.c */
        bool beside; /* another of its kind was plugged in at the same time: the two are distinct */
        bool chosen; /* adopted since it was plugged in, and its meter not yet heard */
        char missing[IDENTITY_MAX]; /* on trial for this one, "" */
        char other[METER_ID_MAX];   /* a meter that was heard meanwhile, "" */
        struct managed_converter *next;
};

/* An output: the sink, and how the others see it. */
struct managed_output {
        struct sink *sink;
        struct config_item *config; /* a copy of its section, owned */
        struct output_view view;
        struct manager *manager;
        bool exported; /* the outputs know it */
        uint64_t kept; /* what it keeps is safe up to this ticket; UINT64_MAX: all */
        bool waits;    /* until those of its kind have left */
        bool left;     /* of those that leave: it is not waited for any more */
        struct managed_output *next;
};

struct manager {
        struct manager_options options;
        struct config *config;
        struct profile_set *profiles; /* lent to decoders and meters for as long as this lives */
        struct store *store;
        struct bus *bus;     /* NULL without a message bus, and then … */
        struct peers *peers; /* … who calls */
        const char *state;   /* Manager1.State; static */
        char *reload_error;  /* NULL: none */
        const char *version; /* Manager1.Version; static */
        struct hotplug *hotplug;
        struct meters *meters;
        struct managed_converter *converters;
        bool starting; /* nothing is opened before all that is plugged in is known */
        struct decoder_scratch *scratch; /* of their decoders, which take turns */
        struct managed_output *outputs;
        struct managed_output *leaving; /* of earlier configurations, in the order of leaving */
        struct sink *sinks; /* the bus and the outputs, in the order they are notified */
        uint64_t ticket;    /* of what is sent now, rising with each telegram that is kept first */
        bool held;          /* some of it is held back */
};

/* manager.c */
struct managed_converter *manager_find(const struct manager *m, const char *key);
/* Decides anew whether and how it is opened. */
void manager_configure_converter(struct manager *m, struct managed_converter *mc);
void manager_remove_converter(struct manager *m, struct managed_converter *mc);

/* LastReloadError: on the bus, or to each caller without one. */
void manager_set_reload_error(struct manager *m, const char *error);

/* Device=: a converter for each section, none for those that are gone. */
void manager_await_devices(struct manager *m);
bool manager_unawait_devices(struct manager *m); /* were there any? */
/* A converter that udev shows, and Device= names, has its section's converter in its place. */
void manager_yield_devices(struct manager *m);
/* For plugged converters that Device= named until now. */
void manager_look_again(struct manager *m);

/* manager-moved.c: a converter without a serial number may be an adopted one in another socket. */

/* Its kind has an adopted one that is in no socket now. */
bool manager_misses(const struct manager *m, const struct hotplug_device *d);
/* It has come: if exactly one of its kind is missing, it is tried whether it is that one. */
void manager_try_moved(struct manager *m, struct managed_converter *newcomer,
                       const struct hotplug_device *d);
int manager_assess_moved(struct manager *m, struct managed_converter *mc,
                         const struct telegram *telegram);
/* The meter of one that was chosen by hand is known: the adoption of its old socket is over. */
void manager_settle_moved(struct manager *m, struct managed_converter *mc);
/* One of its kind has come or gone: the others that are left alone are shown with the reason. */
void manager_look_beside(struct manager *m, const struct hotplug_device *d);

/* requests.c */
extern const struct bus_requests manager_requests;
