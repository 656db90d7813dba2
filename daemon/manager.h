/* SPDX-License-Identifier: MIT */
/*
 * The wiring: hotplug → converters → meters → sinks. Decides which converters are opened, under
 * which name, by which section; answers the requests of the bus; applies a new configuration.
 */
#pragma once

#include <stdbool.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "base/util.h"
#include "daemon/config/config.h"
#include "daemon/store/store.h"

struct manager;

struct manager_options {
        sd_event *event;
        const char *config_path;
        const char *state_directory; /* NULL: nothing is remembered */
        const char *bus_address;     /* NULL: the system bus */
        bool no_bus;                 /* none at all: callers come by a socket of our own */
        bool udevd;                  /* it runs; else sysfs has to do */
        const char *version;
};

/* Begins to read what is remembered, for which the configuration is not needed. -errno. */
int manager_new(const struct manager_options *options, struct manager **ret);
struct manager *manager_free(struct manager *m);
DEFINE_OWNED(manager, struct manager *, manager_free);

/*
 * Once: takes over the configuration that was read from config_path (also when this fails). Exports
 * the root object, watches udev. -errno; what it means was logged.
 */
int manager_configure(struct manager *m, struct config *config);

/* Finds what is there, then takes the bus name: no client sees a half-filled list. -errno. */
int manager_start(struct manager *m);
/* Once, when those who wait for the service know that it is there: converters are opened. */
void manager_open(struct manager *m);

/* Reads the configuration again: all or nothing. *ret_warnings (may be NULL): strv, owned by the
 * caller. -EINVAL when it has errors: then everything stays as it is, and the log, LastReloadError
 * and `error` (may be NULL) say why. */
int manager_reload(struct manager *m, char ***ret_warnings, sd_bus_error *error);

/* A sentence for systemd: "2 converters, 1 meter". */
void manager_describe(const struct manager *m, char *buf, size_t size);
