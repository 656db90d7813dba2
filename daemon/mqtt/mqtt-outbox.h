/* SPDX-License-Identifier: MIT */
/*
 * The messages that the worker has to deliver, and where each is just now. However the connection
 * fares, a message leaves only when the broker has it, or when bounds say which must go.
 *
 *      queue → pending → in flight (≤ 20) → acknowledged
 *                 ↓  no broker, or too slow a one
 *              spool → ahead → in flight → acknowledged → removed from the spool
 *
 * All of it is one sequence, oldest first: in flight, ahead, the rest of the spool, pending. No
 * message ever changes its place in it: when pending messages go to disk, those in flight and not
 * there yet go there first.
 */
#pragma once

#include "daemon/spool/mqtt-spool.h"
#include "mqtt-client.h"
#include "mqtt-denied.h"

struct mqtt_in_flight {
        struct message *m;
        int mid;
        uint64_t since_usec, number;
        bool refused;    /* "not now": it keeps its place, and is sent again */
        bool superseded; /* … unless a newer value of its retained topic has been taken */
};

/* Meaning of the end of a connection for the messages that went before it. */
enum mqtt_hangup {
        MQTT_HANGUP_PLAIN,
        MQTT_HANGUP_SUSPICIOUS, /* one of them may be the reason: soon it will be known */
        MQTT_HANGUP_DENIED,     /* one of them is, and it will not be sent again for a while */
};

/* Times are monotonic microseconds. Zeroed storage plus spool and write_ahead is an empty one. */
struct mqtt_outbox {
        struct mqtt_spool *spool; /* owned; NULL: memory only */
        bool write_ahead;         /* Durability=always: into the spool first, always */

        struct message_list pending; /* out of the queue, not sent */
        uint64_t pending_since_usec; /* of the first one while there is no broker; 0: none */
        struct message_list ahead;   /* read from the spool, not sent */
        int64_t last_row;            /* the last one read */
        struct mqtt_in_flight in_flight[MQTT_IN_FLIGHT_MAX]; /* oldest first */
        size_t n_in_flight;
        uint64_t n_delivered;    /* rows of the spool that are not removed yet */
        uint64_t delivered_usec; /* the first of them */
        uint64_t spool_retry_usec, remove_retry_usec;
        bool spool_unreadable;  /* until the next connection */
        uint64_t spool_dropped; /* of the spool's count, already in `dropped` */

        size_t window;   /* how many may be in flight; 0: MQTT_IN_FLIGHT_MAX */
        int hold_reason; /* of the last "not now" (MQTT 5 §3.4.2.1); 0: none */
        uint64_t hold_usec, hold_until_usec;

        uint64_t published, dropped;
        uint64_t n_too_large; /* for this broker (MQTT 5, Maximum Packet Size) */
        char too_large[128];  /* topic of the last one; "": none on this connection */
        bool changed;         /* something for the status */

        struct mqtt_denied denied;
        /* To find out what a broker hangs up on without saying so. */
        bool has_reasons; /* MQTT 5: it names refused messages, in PUBACK */
        bool proven;      /* it has taken a reading since a topic was last found to be refused */
        struct message *acked;       /* owned; the last one taken; NULL: none */
        uint64_t acked_usec;         /* when */
        uint64_t acked_number;       /* of the last one answered */
        uint64_t refused_usec;       /* the last answer was a refusal; 0: it was not */
        uint64_t n_sent;             /* messages are numbered by it */
        uint64_t bare_number;        /* of the last one sent with QoS 0 */
        uint64_t bare_usec;          /* when */
        uint64_t careful_until_usec; /* all are sent with QoS 1: each is answered */
};

void mqtt_outbox_done(struct mqtt_outbox *o);

/* More may be put into `pending`; else the queue is to hold it, which knows what to drop first. */
bool mqtt_outbox_has_room(const struct mqtt_outbox *o);

/* There is no broker: state is forgotten, the rest goes to disk in batches (100 ms, 32 kB). */
void mqtt_outbox_keep(struct mqtt_outbox *o, uint64_t now);

/*
 * Publishes in order as many as the window of messages in flight has room for. Messages that a
 * broker does not take for a second go to disk, and so do pending ones when the queue behind is
 * `crowded`.
 */
void mqtt_outbox_pump(struct mqtt_outbox *o, struct mqtt_client *client, bool crowded,
                      uint64_t now);

/* Publishes one retained state at once; false when it could not be. */
bool mqtt_outbox_say(struct mqtt_outbox *o, struct mqtt_client *client, const char *topic,
                     const char *state, uint64_t now);

/* A PUBACK: MQTT 5 reasons from 0x80 on mean that the broker refused it. Those about the message
 * cost the message and leave its topic out for a while; with all others everything waits. */
void mqtt_outbox_acknowledge(struct mqtt_outbox *o, int mid, int reason, uint64_t now);

/*
 * The connection has ended. `silently`: the broker closed it and gave no reason, or one that is
 * about a message. Finds out which one, before mqtt_outbox_recover() forgets the connection.
 */
enum mqtt_hangup mqtt_outbox_assess(struct mqtt_outbox *o, bool silently, uint64_t now);

/* The connection has ended: messages in flight are to be sent again, in their old place. Those read
 * from the spool stay in memory: they may have left the disk since. */
void mqtt_outbox_recover(struct mqtt_outbox *o);

/* Removes what has been delivered from the spool, in batches. */
void mqtt_outbox_tidy(struct mqtt_outbox *o, uint64_t now);

/* There is more to send, and room in the window. */
bool mqtt_outbox_can_send(const struct mqtt_outbox *o, uint64_t now);
/* Nothing that is in memory alone waits for anything. */
bool mqtt_outbox_is_empty(const struct mqtt_outbox *o);
/* The broker has not answered for a second: as if it were away. */
bool mqtt_outbox_is_stalled(const struct mqtt_outbox *o, uint64_t now);
/* A message has been in flight for too long: the broker hangs. */
bool mqtt_outbox_is_overdue(const struct mqtt_outbox *o, uint64_t now);
/* When to look again even if nothing happens; UINT64_MAX: no need. */
uint64_t mqtt_outbox_deadline(const struct mqtt_outbox *o, bool connected, uint64_t now);
/* With write_ahead: nothing but state, which is made anew, is in memory alone. */
bool mqtt_outbox_is_kept(const struct mqtt_outbox *o);
/* How many messages are only on disk. */
uint64_t mqtt_outbox_spooled(const struct mqtt_outbox *o);

/* The end: everything in memory goes to the spool. Returns how many messages found no place. */
uint64_t mqtt_outbox_store(struct mqtt_outbox *o);
