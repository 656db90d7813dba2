/* SPDX-License-Identifier: MIT */
/*
 * What is remembered across restarts, in one SQLite file under the state directory: learned lines,
 * adopted converters, keys set at run time. One small write per change, none in steady state. A
 * file that cannot be used is put aside and reported; the service goes on without memory.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "lib/cipher.h"
#include "lib/meter.h"
#include "lib/profile.h"
#include "lib/telegram.h"

struct store;

/* What was learned about one converter identity. */
struct store_converter {
        char identity[160];
        bool has_line;
        struct serial_line line;
        char profile[32];               /* "" when not known */
        char meter_id[TELEGRAM_ID_MAX]; /* the meter last seen behind it */
        bool adopted;
};

/* `directory` is created (0700) when missing. Never fails for a damaged file: it is renamed to
 * *.corrupt and a new one begun, with a log line. -errno when the directory cannot be used; the
 * daemon then runs on `NULL`, which every function below accepts. */
int store_new(const char *directory, struct store **ret);
struct store *store_free(struct store *store);

/*
 * From now on what is learned is written by a timer, all changes of 200 ms together: converters
 * that start at the same time must not wait for the disk one after the other. What else is put or
 * forgotten is on the disk when the call returns, and so is, by then, all that was learned before.
 */
int store_gather(struct store *store, sd_event *event);

/* 1 and *ret when the identity is known, 0 when not, -errno. */
int store_find_converter(struct store *store, const char *identity, struct store_converter *ret);
int store_put_converter(struct store *store, const struct store_converter *converter);
/* The same, to be found at once, but on the disk a moment later, as store_gather() says. */
int store_learn_converter(struct store *store, const struct store_converter *converter);
int store_forget_converter(struct store *store, const char *identity);
/* Calls `each` for all converters marked as adopted. */
int store_each_adopted(struct store *store,
                       void (*each)(const struct store_converter *converter, void *userdata),
                       void *userdata);

/* Keys set with `smctl set-key`, by meter id or system title (hex). 1 found, 0 not, -errno. */
int store_find_keys(struct store *store, const char *meter, struct cipher_keys *ret);
int store_put_keys(struct store *store, const char *meter, const struct cipher_keys *keys);
/* 1: forgotten, and overwritten on the disk; 0: there were none. */
int store_forget_keys(struct store *store, const char *meter);
/* The same of the index-th meter there is a key of, with its id; 0: there are fewer. */
int store_find_keys_at(struct store *store, size_t index, char ret_meter[static METER_ID_MAX],
                       struct cipher_keys *ret);
