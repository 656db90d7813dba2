/* SPDX-License-Identifier: MIT */
/*
 * One MQTT broker as a sink. The worker thread inside alone touches libmosquitto, name resolution
 * and TLS; the main loop only puts records into a bounded queue and is told of state changes
 * through an eventfd.
 */
#pragma once

#include <systemd/sd-event.h>

#include "config.h"
#include "lib/sink.h"

struct sink_mqtt_status {
        const char *name;
        bool connected;
        char last_error[240]; /* a sentence that says what to do, "" when all is well */
        uint64_t queued, spooled, published, dropped;
};

struct sink_mqtt_options {
        sd_event *event;
        const struct config_mqtt *config; /* borrowed until freed */
        const char *state_directory;      /* of the spool; NULL: memory only */
        const char *version;
        uint64_t denied_usec; /* how long a refused topic is left out; 0: the default (for tests) */
        /* Called from the main loop, at most a few times a second, when the status changed. */
        void (*on_status)(const struct sink_mqtt_status *status, void *userdata);
        void *userdata;
        /* Display name of a meter, "" when there is none. */
        const char *(*meter_name)(void *userdata, const char *meter_id);
};

/* Starts at once, with or without a broker there. Owned by the caller, as a sink. -errno. */
int sink_mqtt_new(const struct sink_mqtt_options *options, struct sink **ret);

/* Drops the connection and tries at once (Sink1.Reconnect). */
void sink_mqtt_reconnect(struct sink *sink);
/* Tries at once what is waited with: connecting, and topics that were refused. */
void sink_mqtt_retry(struct sink *sink);
