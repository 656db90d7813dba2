/* SPDX-License-Identifier: MIT */
/*
 * Messages on disk for the time a broker is away: one SQLite file per sink, opened when the first
 * message must be kept, removed when the last one has been delivered. Belongs to the worker thread.
 * Trouble with the disk never loses what is in memory: it is reported, and tried again.
 */
#pragma once

#include "daemon/formats/message.h"

/* A row's place in the tree and its small columns, beside topic and payload. */
#define MQTT_SPOOL_ROW_BYTES 40

struct mqtt_spool;

struct mqtt_spool_options {
        const char *directory;
        const char *name;   /* of the sink; becomes part of the file's name */
        uint64_t bytes_max; /* SpoolMax= */
        bool durable;       /* each batch reaches the disk before the call returns */
};

/* Touches no file. Fails for lack of memory only. */
int mqtt_spool_new(const struct mqtt_spool_options *options, struct mqtt_spool **ret);
/* Looks at what the last run left, before all of the following: this, as those, may wait for the
 * disk. */
void mqtt_spool_open(struct mqtt_spool *spool);
/* The file stays if there is something in it. */
struct mqtt_spool *mqtt_spool_free(struct mqtt_spool *spool);

/* The broker has answered once, in this run or an earlier one: there is something to wait for. A
 * mark beside the file remembers it; if it cannot be made, the next run finds out again. */
bool mqtt_spool_was_reached(const struct mqtt_spool *spool);
void mqtt_spool_set_reached(struct mqtt_spool *spool);

/* How many messages it holds; how many it had to drop for SpoolMax= so far. */
uint64_t mqtt_spool_count(const struct mqtt_spool *spool);
uint64_t mqtt_spool_dropped(const struct mqtt_spool *spool);

/* The fault, in a sentence that says what to do; "" when there is none. */
const char *mqtt_spool_error(const struct mqtt_spool *spool);

/* The number of the newest message written so far; numbers rise and are never used twice. */
int64_t mqtt_spool_last_row(const struct mqtt_spool *spool);

/*
 * Writes all of `list` in one transaction and frees it; state messages are freed unwritten. On
 * failure -errno, and `list` is as it was. Beyond bytes_max the oldest instantaneous messages go,
 * then the oldest of energy.
 */
int mqtt_spool_append(struct mqtt_spool *spool, struct message_list *list);
/* The same, and in the same transaction before them the n messages of `first`, which are older:
 * they stay the caller's and are given their rows, unless they have one or are states. */
int mqtt_spool_append_behind(struct mqtt_spool *spool, struct message *const *first, size_t n,
                             struct message_list *list);

/* Appends to `ret` up to n messages whose row is larger than `after`, in order. They stay. */
int mqtt_spool_read(struct mqtt_spool *spool, int64_t after, size_t n, struct message_list *ret);

/* All up to this row have been delivered. When none is left the file is removed. */
int mqtt_spool_remove(struct mqtt_spool *spool, int64_t through);
