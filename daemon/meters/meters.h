/* SPDX-License-Identifier: MIT */
/*
 * All meters: made when a telegram first names them, bound to the converter that carries them,
 * handed to the sinks. A meter outlives its converter's tty, and moves with its telegrams.
 */
#pragma once

#include <systemd/sd-event.h>

#include "base/util.h"
#include "daemon/converter/converter.h"
#include "lib/model/meter.h"
#include "lib/model/sink.h"

struct meters;
struct entry;

/* Of all meters of one converter: far more than an M-Bus adapter carries. */
#define METERS_PER_CONVERTER_MAX 48

/*
 * A converter as the meters see it: which are read through it, and which keys its decoder gets. In
 * its owner's storage, from meters_line_init() to meters_line_done(); what follows `converter` is
 * the meters' own.
 */
struct meters_line {
        struct meters *meters;       /* borrowed */
        struct converter *converter; /* borrowed; set by the owner before the first telegram */
        const char *ids[METERS_PER_CONVERTER_MAX + 1]; /* as the outputs show them */
        struct entry *latest;                          /* a telegram without id is of this one */
        /* Hashes of what one telegram each named, 0: none; of as many as may take turns. */
        uint32_t pending[METERS_PER_CONVERTER_MAX];
        unsigned int next_pending; /* the oldest, which gives way */
        bool said_full;
        struct meters_line *next;
};

struct meters_options {
        sd_event *event;
        struct store *store; /* keys set at run time; may be NULL */
        struct sink **sinks; /* head of the list; borrowed, may change between calls */
        /* A key was changed or taken away: forget the expanded ones. May be NULL. */
        void (*forget_keys)(void *userdata);
        void *userdata;
};

int meters_new(const struct meters_options *options, struct meters **ret);
struct meters *meters_free(struct meters *ms);
DEFINE_OWNED(meters, struct meters *, meters_free);

/* Names, keys, limits from here on; borrowed until the next call. */
void meters_configure(struct meters *ms, const struct config *config);

void meters_line_init(struct meters_line *line, struct meters *ms);
/* Its converter is about to be freed: nothing may point to either. */
void meters_line_done(struct meters_line *line);
/* Its port was closed: its meters go offline. */
void meters_line_lost(struct meters_line *line);

/* A telegram that came through it. */
void meters_take(struct meters_line *line, const struct telegram *telegram);
/* Is the telegram of this meter? 1 yes, 0 it does not say, -1 of another one, whose id is then in
 * `ret_id`. */
int meters_assess(const struct meters *ms, const struct telegram *telegram, const char *id,
                  char ret_id[static METER_ID_MAX]);
/* The keyring of its decoder: keys, and what is kept of system titles. Borrows the line. */
struct keyring meters_keyring(struct meters_line *line);
/* The keys of a system title (or NULL) seen on it; borrowed until the next call. */
const struct cipher_keys *meters_find_keys(struct meters_line *line, const uint8_t *title);
/*
 * Keys of meters that were not heard yet, of sections and set at run time: one by one, NULL after
 * the last. They may be named by the id, which an encrypted telegram does not show. Borrowed until
 * the next call.
 */
const struct cipher_keys *meters_try_keys(struct meters *ms, size_t attempt);
/* As in struct keyring. */
bool meters_recall_title(struct meters *ms, const uint8_t *title, const struct cipher_keys *keys,
                         struct decoder_title *ret);
void meters_remember_title(struct meters *ms, const uint8_t *title, const struct cipher_keys *keys,
                           const char *meter_id, const struct decoder_title *what);
bool meters_must_authenticate(struct meters_line *line, const char *meter_id);
/* Keys were set or taken away: what was looked up before is looked up again, and forgotten. */
void meters_keys_changed(struct meters *ms);
/* By id, configured name, or system title; of a meter that may not have been heard yet. They take
 * the place of what was set before, whatever it was named then. -ENAMETOOLONG, or the store's. */
int meters_set_keys(struct meters *ms, const char *name, const struct cipher_keys *keys);
/* 1: they are forgotten, 0: none were set, or what the store says. */
int meters_forget_keys(struct meters *ms, const char *name);

size_t meters_count(const struct meters *ms);
/* By id or by configured name; NULL when there is none. */
const struct meter *meters_find(const struct meters *ms, const char *key);
/* The index-th meter of this run or an earlier one, as it was last; NULL behind the last. */
const struct meter *meters_remembered_at(const struct meters *ms, size_t i);
/* The store has been read only now. */
void meters_recall_all(struct meters *ms);
/* Removes it from everywhere, retained traces and keys set at run time too; by its id, or by the
 * configured name of one that is not heard. -ENOENT. */
int meters_forget(struct meters *ms, const char *id);
/* Announces the meters there are to a new sink. */
void meters_announce(const struct meters *ms, struct sink *sink);
/* The configured name, "" when there is none. */
const char *meters_name(const struct meters *ms, const char *id);
