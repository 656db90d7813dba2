/* SPDX-License-Identifier: MIT */
/*
 * The one thread beside the main loop. It owns the connection and the outbox with its spool, and is
 * the only one to touch libmosquitto, name resolution and TLS.
 */
#pragma once

#include "mqtt-queue.h"
#include "mqtt-settings.h"
#include "mqtt-spool.h"

struct mqtt_worker;

struct mqtt_worker_options {
        struct mqtt_queue *queue;      /* borrowed until mqtt_worker_free() */
        struct mqtt_settings settings; /* taken over */
        struct mqtt_spool *spool;      /* taken over; NULL: memory only */
        bool spool_when_reached;       /* memory only until the broker has answered once, ever */
        bool write_ahead;              /* Durability=always: into the spool first, always */
        uint64_t denied_usec;          /* how long a refused topic is left out; 0: the default */
};

/* Starts the thread, all signals blocked in it. On failure what was handed over has been freed. */
int mqtt_worker_new(struct mqtt_worker_options *options, struct mqtt_worker **ret);

/*
 * Sends what can be sent in one second, says goodbye, puts the rest into the spool. Returns in two
 * seconds even if the thread hangs in a name resolution: it is then left behind, and ends by
 * itself. *ret_lost: messages that could neither be sent nor spooled.
 */
struct mqtt_worker *mqtt_worker_free(struct mqtt_worker *w, uint64_t *ret_lost);
