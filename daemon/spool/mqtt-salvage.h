/* SPDX-License-Identifier: MIT */
/*
 * Saves the readable rows of a damaged spool: around a page that is gone, row by row, and behind a
 * first page that no longer says what the file holds.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/formats/message.h"

struct sqlite3_stmt;

/* The columns of a message, as the functions here take them. */
#define MQTT_SALVAGE_COLUMNS "id, class, qos, retain, expiry, topic, payload, digest"

/* The message of a row: owned, free(). NULL: no memory. */
struct message *mqtt_salvage_message(struct sqlite3_stmt *row);
/* Of all that a row says. SQLite notices a page that makes no sense, not a digit that changed. */
int64_t mqtt_salvage_digest(const struct message *m);
/* The message is as it was written: its digest is in the eighth column of this row, or NULL. */
bool mqtt_salvage_is_whole(const struct message *m, struct sqlite3_stmt *row);

/* Hands each message that is whole to `take`, in order; ends with the first error that it returns.
 * `schema` is what a spool begins with: where nothing can be read, the file gets a first page that
 * says so. *ret_n: how many there were. A file of which nothing can be read is no error. */
int mqtt_salvage(const char *path, const char *schema,
                 int (*take)(void *userdata, const struct message *m), void *userdata,
                 uint64_t *ret_n);
