/* SPDX-License-Identifier: MIT */
/*
 * One MQTT broker as a sink. The worker thread inside alone touches libmosquitto, name resolution
 * and TLS; the main loop only puts records into a bounded queue and learns of state changes
 * through an eventfd.
 */
#pragma once

#include <systemd/sd-event.h>

#include "daemon/config/output.h"
#include "mqtt-config.h"

struct sink_mqtt_options {
        sd_event *event;
        const struct config_mqtt *config; /* borrowed until freed */
        const char *state_directory;      /* of the spool; NULL: memory only; borrowed likewise */
        struct store *store;              /* of retained topics; NULL: this run only */
        const char *version;
        uint64_t denied_usec; /* how long a refused topic is left out; 0: the default (for tests) */
        /* Called from the main loop, at most a few times a second, when the status changed. */
        void (*on_status)(const struct output_view *status, void *userdata);
        /* Of Durability=always; both or none (config/output.h). */
        uint64_t (*on_keep)(void *userdata);
        void (*on_kept)(uint64_t through, void *userdata);
        void (*on_left)(void *userdata); /* of leave(); NULL where that is never called */
        bool wait;                       /* for begin() (lib/model/sink.h) */
        void *userdata;
        /* Display name of a meter, "" when there is none. */
        const char *(*meter_name)(void *userdata, const char *meter_id);
};

/* Starts at once, with or without a broker there. Owned by the caller, as a sink. -errno. */
int sink_mqtt_new(const struct sink_mqtt_options *options, struct sink **ret);

/* The row of this kind in the table of outputs. */
extern const struct output output_mqtt;
