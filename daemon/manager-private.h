/* SPDX-License-Identifier: MIT */
/* What manager.c (devices), requests.c (the bus's callers) and sinks.c (outputs) share. */
#pragma once

#include "daemon/converter.h"
#include "daemon/manager.h"
#include "daemon/meters.h"
#include "daemon/sink-mqtt.h"
#include "dbus/bus.h"
#include "udev/hotplug.h"

/* A converter and how the manager knows it. */
struct managed {
        struct converter *converter;
        bool exported; /* the bus shows it */
        struct managed *next;
};

/* An MQTT broker: the sink, its row on the bus. */
struct broker {
        struct sink *sink;
        const struct config_mqtt *config;
        struct bus_sink view;
        struct manager *manager;
        bool exported;
        struct broker *next;
};

struct manager {
        struct manager_options options;
        struct config *config;
        struct store *store;
        struct bus *bus;
        struct hotplug *hotplug;
        struct meters *meters;
        struct managed *converters;
        struct decoder_scratch *scratch; /* of their decoders, which take turns */
        struct broker *brokers;
        struct sink *sinks; /* the bus and the brokers, in the order they are told */
};

/* manager.c */
struct managed *manager_find(const struct manager *m, const char *key);
/* Decides anew whether and how it is opened. */
void manager_configure_converter(struct manager *m, struct managed *managed);
void manager_remove_converter(struct manager *m, struct managed *managed);

/* Device=: a converter for each section, none for those that are gone. */
void manager_await_devices(struct manager *m);
void manager_unawait_devices(struct manager *m);

/* requests.c */
extern const struct bus_requests manager_requests;

/* sinks.c: makes what the configuration names; unchanged brokers keep their connection, and their
 * section, which moves from the manager's present configuration into `config`. */
void sinks_configure(struct manager *m, struct config *config);
void sinks_free(struct manager *m);
