/* SPDX-License-Identifier: MIT */
/*
 * One broker in the main loop (struct sink_mqtt), and the topics retained there about each meter:
 * published when a connection is made or something changed, emptied when they are out of date.
 */
#pragma once

#include <systemd/sd-event.h>

#include "daemon/formats/format-filter.h"
#include "daemon/formats/format.h"
#include "daemon/store/store.h"
#include "lib/model/sink.h"
#include "link-quality.h"
#include "mqtt-config.h"
#include "mqtt-queue.h"
#include "retained.h"

struct mqtt_worker;

struct mqtt_entry {
        char id[METER_ID_MAX];
        const struct meter *meter;  /* borrowed; NULL while it is removed, or not heard yet */
        struct meter_memory *known; /* its memory, over restarts; NULL: not known here */
        bool orphan;                /* published by a section that is gone */
        bool exact;                 /* … of earlier runs, with what was published last */
        struct retained retained;   /* where the broker has retained messages about it */
        bool parts_changed;         /* … in the set of parts, and not remembered yet */
        struct format_filter filter;
        struct link_quality quality;
        bool due;                 /* all of it is published when the ring has room */
        uint64_t health_usec;     /* when its health was published last; monotonic */
        uint64_t signature;       /* of the description sent last; 0: none */
        uint64_t described_usec;  /* since when n_described counts; monotonic */
        unsigned int n_described; /* because something changed; one less every DESCRIBE_USEC */
        uint64_t signed_usec;     /* when the signature was made last; monotonic, 0: never */
        struct mqtt_entry *next;
};

struct sink_mqtt {
        struct sink sink;
        sd_event_source *news, *status_timer, *birth_timer;
        struct mqtt_queue *queue;
        struct mqtt_worker *worker;       /* NULL: it waits for begin() */
        const struct config_mqtt *config; /* borrowed; for that worker, as these two */
        const char *state_directory;
        uint64_t denied_usec;
        struct format_context context;
        uint64_t interval_usec;
        struct decimal deadband;
        char *name, *version;
        char key[MQTT_PLACE_MAX]; /* of its retained topics in the store */
        bool leaving;             /* it empties its topics; other sections do not rely on them */
        struct sink_mqtt *next;   /* of all: sections may publish the same to one broker */
        void (*on_status)(const struct output_view *status, void *userdata);
        const char *(*meter_name)(void *userdata, const char *meter_id);
        uint64_t (*on_keep)(void *userdata);
        void (*on_kept)(uint64_t through, void *userdata);
        void (*on_left)(void *userdata);
        void *userdata;
        struct mqtt_entry *entries;
        size_t n_entries;
        struct mqtt_entry **by_id; /* the same n_entries in order; the array is owned */
        size_t n_room;
        struct link_converters converters;
        struct output_view status; /* as reported last */
        struct store *store;       /* borrowed; may be NULL */
        struct retained retained;  /* the same of the service itself */
        char state_topic[FORMAT_TOPIC_MAX];
        uint64_t n_connects, n_births, n_retries, n_offlines, n_left_out;
        uint64_t rival_usec; /* when another gateway on our topic was reported; 0: never */
        bool status_reported, connected;
        uint64_t lost_usec; /* when the last connection ended, or this began */
        uint64_t due_usec;  /* if the broker has not said by then whether it remembers */
        sd_event_source *keep_timer, *leave_timer;
        bool is_detached;  /* it has left the others of mqtt_publish_begin() */
        uint64_t coming;   /* the ticket of the telegram at hand; 0: none */
        uint64_t ticket;   /* the last one that has something to be kept */
        uint64_t kept;     /* the last one that is kept */
        bool late;         /* the disk does not take it, and is not waited for */
        bool counters_due; /* to be published when nothing older is on its way */
};

/* Adds it to the list of all, since sections may publish the same to one broker; takes it out, and
 * frees its entries. */
void mqtt_publish_begin(struct sink_mqtt *s);
void mqtt_publish_end(struct sink_mqtt *s);

/* The entry of a meter; NULL: none. */
struct mqtt_entry *mqtt_publish_find(struct sink_mqtt *s, const char *id);
/* … made when there is none; NULL: no memory. The second for one that is heard. */
struct mqtt_entry *mqtt_publish_obtain(struct sink_mqtt *s, const char *id);
struct mqtt_entry *mqtt_publish_meter(struct sink_mqtt *s, const struct meter *meter);
void mqtt_publish_drop(struct sink_mqtt *s, struct mqtt_entry *gone);

/* The meter with its memory, else as it is; NULL while it is not heard. */
const struct meter *mqtt_publish_model(const struct mqtt_entry *e);
/* For the formats; true until the next call. */
const struct format_context *mqtt_publish_context(struct sink_mqtt *s, const struct mqtt_entry *e);

/* Hands the messages, all about this meter, to the worker, and remembers their retained topics. */
void mqtt_publish_push(struct sink_mqtt *s, struct mqtt_entry *e, struct message_list *list);
void mqtt_publish_push_ticket(struct sink_mqtt *s, struct mqtt_entry *e, struct message_list *list,
                              uint64_t ticket);
void mqtt_publish_remember(struct sink_mqtt *s, const char *id, const struct retained *retained);

/* Appends the description and state, `always` or when it is another than was published; the second
 * before a telegram. */
void mqtt_publish_describe(struct sink_mqtt *s, struct mqtt_entry *e, bool always,
                           struct message_list *list);
void mqtt_publish_redescribe(struct sink_mqtt *s, struct mqtt_entry *e,
                             const struct meter_update *update, struct message_list *list);
/* All of one meter that was not pushed yet; all there is; the last counters. */
void mqtt_publish_anew(struct sink_mqtt *s, struct mqtt_entry *e);
void mqtt_publish_all(struct sink_mqtt *s);
/* Of all meters, as soon as the ring has room: messages left out may be of any. */
void mqtt_publish_due(struct sink_mqtt *s);
/* Goes on with those that are due; true while some are. */
bool mqtt_publish_continue(struct sink_mqtt *s);
/* Appends how well it is heard, unless that was published just now. */
void mqtt_publish_health(struct sink_mqtt *s, struct mqtt_entry *e, struct message_list *list);
void mqtt_publish_counters(struct sink_mqtt *s, enum mqtt_memory memory);

/* Loads the topics that this section has retained in earlier runs … */
void mqtt_publish_recall(struct sink_mqtt *s);
/* … and takes over those of sections that are gone or name another broker; before all is sent. */
void mqtt_publish_adopt(struct sink_mqtt *s);
/* Appends a message that empties each topic of a meter. */
void mqtt_publish_clear(struct mqtt_entry *e, struct message_list *list);

bool mqtt_publish_is_shared(const struct sink_mqtt *s, const char *id, const char *topic);
bool mqtt_publish_withdraw(const struct sink_mqtt *s, const char *id, struct retained *retained,
                           const struct message_list *used, struct message_list *list);

/* Monotonic. */
uint64_t mqtt_publish_now_usec(void);
