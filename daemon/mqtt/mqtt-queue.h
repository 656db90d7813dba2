/* SPDX-License-Identifier: MIT */
/*
 * All that the main loop and the MQTT worker share: a bounded ring of messages one way, a status
 * the other way, requests, and an eventfd for each direction. Every function may be called from
 * either thread; none blocks longer than the other side holds the mutex, which is never over a
 * system call other than the eventfd's write.
 *
 *      main loop --- messages, requests, wake eventfd ---> worker
 *                <-- status, news eventfd ----------------
 */
#pragma once

#include "daemon/formats/message.h"

/* A telegram in the three default formats is about 7 kB in memory: the ring holds 150. It is
 * emptied many times a second, into the socket or into the spool; without a spool it is all there
 * is. */
#define MQTT_QUEUE_BYTES_MAX (1024 * 1024)

#define MQTT_ERROR_MAX 240

struct mqtt_queue;

/* Requests of the main loop to the worker; they add up until taken. */
enum mqtt_request {
        MQTT_REQUEST_STOP = 1,      /* flush what can be flushed, say goodbye, end */
        MQTT_REQUEST_RECONNECT = 2, /* drop the connection and try at once */
        MQTT_REQUEST_RETRY = 4,     /* try at once what is waited with */
        MQTT_REQUEST_WITHDRAW = 8,  /* leave nothing retained: the goodbye empties our own topic */
        MQTT_REQUEST_NO_GOODBYE = 16, /* our own topic is another section's too: it stays */
};

/* Has the broker kept its retained messages? */
enum mqtt_memory {
        MQTT_MEMORY_UNKNOWN, /* it has not answered yet, or does not let us see our own topic */
        MQTT_MEMORY_KEPT,
        MQTT_MEMORY_BLANK, /* nothing was retained where we say that we are online */
};

/* The status of the worker. */
struct mqtt_status {
        bool connected;
        bool kept; /* nothing that was taken is in memory alone; Durability=always */
        char error[MQTT_ERROR_MAX];       /* of the connection; "" when all is well */
        const char *error_code;           /* of that, for programs; static, NULL: none */
        char spool_error[MQTT_ERROR_MAX]; /* of the spool; "" when all is well */
        char denied_topic[128];           /* the broker does not take it; "" none */
        int hold_reason;                  /* the broker takes nothing just now; 0: it does */
        char too_large[128];              /* a topic whose messages it finds too large; "" none */
        bool denied_guessed;              /* … but has not said so */
        bool denied_more;                 /* … and others */
        uint64_t in_flight, spooled, published, dropped;
        uint64_t n_connects; /* rises with every connection made */
        uint64_t n_offlines; /* rises when another client says on our topic that we are offline */
        enum mqtt_memory memory; /* of the broker of this connection */
        uint64_t n_births;       /* rises when Home Assistant says it came online */
        uint64_t n_retries;      /* rises when states that were refused may be tried again */
};

int mqtt_queue_new(size_t bytes_max, struct mqtt_queue **ret);
struct mqtt_queue *mqtt_queue_free(struct mqtt_queue *q);

/* Readable when the worker is to look: messages or requests. */
int mqtt_queue_wake_fd(const struct mqtt_queue *q);
/* Readable when the main loop is to look at the status. */
int mqtt_queue_news_fd(const struct mqtt_queue *q);

/*
 * Takes all of `list`. Beyond the bound the oldest instantaneous messages are dropped, then the
 * oldest state, then the oldest energy. One eventfd write per call at most, none while the worker
 * is known to be awake.
 */
void mqtt_queue_push(struct mqtt_queue *q, struct message_list *list);

/* The same, before all that waits in it. */
void mqtt_queue_push_first(struct mqtt_queue *q, struct message_list *list);

/* The same with a ticket, which rises from one to the next: mqtt_queue_kept() reports it. */
void mqtt_queue_push_ticket(struct mqtt_queue *q, struct message_list *list, uint64_t ticket);
/* The last ticket of which the worker has said that all is kept; 0: none. */
uint64_t mqtt_queue_kept(struct mqtt_queue *q);

/* Takes all that waits and appends it to `list`, nothing when that is NULL. Returns and clears the
 * requests. The worker calls it once per turn; it also clears the wake eventfd. */
unsigned int mqtt_queue_take(struct mqtt_queue *q, struct message_list *list);

/* Half full or more: the worker should make room. */
bool mqtt_queue_is_crowded(struct mqtt_queue *q);

void mqtt_queue_request(struct mqtt_queue *q, enum mqtt_request request);

/* The worker's: replaces the status; `urgent` wakes the main loop, and so does a ticket that is
 * kept: the last one taken, when the status says so. */
void mqtt_queue_report(struct mqtt_queue *q, const struct mqtt_status *status, bool urgent);

struct mqtt_ring {
        size_t n;                 /* messages that wait in it */
        uint64_t dropped;         /* by the ring itself, so far */
        uint64_t states_left_out; /* not counted as dropped: to be published again */
};

/* The main loop's: the status as last reported, and the ring's; clears the news eventfd. */
void mqtt_queue_status(struct mqtt_queue *q, struct mqtt_status *ret, struct mqtt_ring *ret_ring);
