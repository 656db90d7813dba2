/* SPDX-License-Identifier: MIT */
/*
 * The one thread beside the main loop. It owns the connection and the outbox with its spool, and is
 * the only one to touch libmosquitto and TLS.
 */
#pragma once

#include "daemon/spool/mqtt-spool.h"
#include "mqtt-queue.h"
#include "mqtt-settings.h"

struct mqtt_worker;

struct mqtt_worker_options {
        struct mqtt_queue *queue;      /* taken over; lives as long as the worker */
        struct mqtt_settings settings; /* taken over */
        struct mqtt_spool *spool;      /* taken over, to be opened; NULL: memory only */
        bool spool_when_reached;       /* memory only until the broker has answered once, ever */
        bool write_ahead;              /* Durability=always: into the spool first, always */
        uint64_t denied_usec;          /* how long a refused topic is left out; 0: the default */
};

/* Starts the thread, all signals blocked in it. On failure what was handed over has been freed. */
int mqtt_worker_new(struct mqtt_worker_options *options, struct mqtt_worker **ret);

/* Begins to stop, and returns at once: several workers stop side by side. */
void mqtt_worker_stop(struct mqtt_worker *w);

/* It has stopped: mqtt_worker_free() does not wait. The queue's news say when to look. */
bool mqtt_worker_has_ended(struct mqtt_worker *w);
/* How long it may still take; 0: mqtt_worker_free() leaves it behind. */
uint64_t mqtt_worker_left_usec(const struct mqtt_worker *w);

/*
 * Sends what can be sent in one second from the first request to stop, says goodbye, puts the rest
 * into the spool: less than two seconds from then. Appends to *ret_left messages that could neither
 * be sent nor spooled. A thread that hangs in a call to the disk is left behind, and frees itself.
 */
struct mqtt_worker *mqtt_worker_free(struct mqtt_worker *w, struct message_list *ret_left);
