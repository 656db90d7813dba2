/* SPDX-License-Identifier: MIT */
/*
 * Topics that the broker does not take from us: left out for a while, then tried once more, so that
 * all others flow. mosquitto 2.0.11 ends the connection after each message it refuses, and with
 * MQTT 3.1.1 no broker can say which one it was. Times are monotonic microseconds.
 */
#pragma once

#include "daemon/formats/message.h"

#define MQTT_DENIED_MAX  64
#define MQTT_DENIED_USEC (UINT64_C(600) * 1000000)

struct mqtt_denied_topic {
        char *topic;             /* owned; NULL: a free place */
        uint64_t until_usec;     /* left out until then; 0: a suspect only */
        unsigned int suspicions; /* how often in a row the connection ended behind it */
        uint64_t suspected_usec; /* when the connection last ended behind it */
        uint64_t used;           /* rises: the smallest one gives its place away */
        bool guessed;            /* the broker did not say so itself */
        bool is_state;           /* not sent again by the next telegram */
        bool tried;              /* … and that has been asked for */
};

/* Zeroed storage is an empty table. */
struct mqtt_denied {
        struct mqtt_denied_topic topics[MQTT_DENIED_MAX];
        size_t n_taken; /* places that are not free */
        uint64_t usec;  /* 0: MQTT_DENIED_USEC */
        uint64_t n_used;
        /* Suspects that the broker has taken after all: the link is bad then, not the topic. */
        unsigned int n_cleared;
        uint64_t cleared_usec;
};

void mqtt_denied_clear(struct mqtt_denied *d);

/* The broker said so. When the table is full the one longest unused is forgotten for it. */
void mqtt_denied_add(struct mqtt_denied *d, const struct message *m, uint64_t now);
/* The connection ended right behind it without a reason: true when that was the third time in a
 * row, or a later one where others have been suspected wrongly: a bad link is no access list. */
bool mqtt_denied_suspect(struct mqtt_denied *d, const struct message *m, uint64_t now);
/* The broker has taken it. True when it had been refused before. */
bool mqtt_denied_accept(struct mqtt_denied *d, const char *topic);

/* It is not to be sent now. */
bool mqtt_denied_leaves_out(struct mqtt_denied *d, const char *topic, uint64_t now);
/* All are tried again, each when it comes. */
void mqtt_denied_retry(struct mqtt_denied *d, uint64_t now);
/* True, once, when states that had been left out are to be published again. */
bool mqtt_denied_take_due(struct mqtt_denied *d, uint64_t now);
/* When that will be; UINT64_MAX: no need to look. */
uint64_t mqtt_denied_deadline(const struct mqtt_denied *d);

/* One that is refused, the one longest known, or NULL; *ret_n: how many there are. */
const struct mqtt_denied_topic *mqtt_denied_first(const struct mqtt_denied *d, size_t *ret_n);
