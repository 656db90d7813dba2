/* SPDX-License-Identifier: MIT */
/*
 * Facts remembered across restarts, in one SQLite file under the state directory: learned lines,
 * adopted converters, keys set at run time, scales, the memory of meters and the topics retained by
 * brokers. All rows stand in memory; a thread reads the file once and writes changes, so that the
 * loop never waits for a disk. A file that cannot be used is put aside and reported, a disk that
 * refuses or does not answer is tried again; the service goes on with the rows in memory.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "lib/dlms/cipher.h"
#include "lib/model/meter.h"
#include "lib/profile/profile.h"
#include "lib/value/telegram.h"

struct store;

struct store_options {
        sd_event *event;
        const char *directory; /* created (0700) when missing */
        uint64_t wait_usec;    /* for the disk at the start; 0: 3 s (for tests) */
        uint64_t retry_usec;   /* after a failure; 0: 30 s (for tests) */
        /* The disk begins or ceases to take writes; `loaded`: the file was read only now, and rows
         * that were not found before may be there. May be NULL. Called from the loop. */
        void (*changed)(bool loaded, void *userdata);
        void *userdata;
};

/*
 * Begins to read the file. A fault of the disk is no failure. -ENOMEM, or another errno when there
 * can be no thread; `NULL` is then a store that every function below accepts, and that remembers
 * nothing.
 */
int store_new(const struct store_options *options, struct store **ret);
/*
 * The one wait, before anything is looked for: until the file is read, if the disk answers within
 * wait_usec; else the store goes on empty, and takes the file's rows, where nothing newer was put,
 * whenever they come.
 */
void store_wait(struct store *store);
/* Writes dirty rows, in at most 2 s. Returns NULL. */
struct store *store_free(struct store *store);
/* The same in so much time: rows that a hanging disk has not taken by then are lost. */
struct store *store_free_in(struct store *store, uint64_t usec);

/* 0, or why the last changes are not on the disk: -errno; -ETIMEDOUT: it does not answer. */
int store_error(const struct store *store);

/*
 * Calls `done` when everything put before is on the disk, or with -errno when it is not: refused,
 * or not there after 5 s (-ETIMEDOUT). Perhaps before this returns; once in any case, at the latest
 * from store_free().
 */
void store_sync(struct store *store, void (*done)(int result, void *userdata), void *userdata);

/* ---- converters ---- */

/* The facts learned about one converter identity. */
struct store_converter {
        char identity[160];
        bool has_line;
        struct serial_line line;
        char profile[32];               /* "" when not known */
        char meter_id[TELEGRAM_ID_MAX]; /* the meter last seen behind it */
        bool adopted;
        char socket[128]; /* where it was plugged when this was learned (ID_PATH) */
        char refused[16]; /* why it is not opened: a code of Converter1, "shared", or "" */
};

/* 1 and *ret when the identity is known, 0 when not. */
int store_find_converter(struct store *store, const char *identity, struct store_converter *ret);
/* -ENOMEM. */
int store_put_converter(struct store *store, const struct store_converter *converter);
/* The same, on the disk a moment later, with what others learn at the same time. */
int store_learn_converter(struct store *store, const struct store_converter *converter);
int store_forget_converter(struct store *store, const char *identity);
/* The index-th of them; 0: there are fewer. */
int store_find_converter_at(struct store *store, size_t index, struct store_converter *ret);

/* ---- meters ---- */

/* The scales of a meter as scale_memory_print() writes them. 1 found, 0 not. */
int store_find_scales(struct store *store, const char *meter,
                      char ret_text[static SCALE_MEMORY_TEXT_MAX]);
/* "" forgets them. -ENOMEM. */
int store_put_scales(struct store *store, const char *meter, const char *text);

/* ---- trust ---- */

/* A system title that was heard, and by which keys. */
struct store_title {
        char title[2 * CIPHER_TITLE_BYTES + 1]; /* in hex */
        char meter[METER_ID_MAX];               /* "" while it has not said its id */
        char keys[17];      /* differs for other keys; the keys cannot be derived from it */
        uint32_t counter;   /* frame counter of its last telegram */
        bool authenticated; /* its tags were right */
};

/* 1 and *ret when it is known, 0 when not. */
int store_find_title(struct store *store, const char *title, struct store_title *ret);
/* The index-th there is; 0: there are fewer. */
int store_find_title_at(struct store *store, size_t index, struct store_title *ret);
/*
 * -ENOMEM. A counter that only went on is on the disk within the hour or at an orderly stop; all
 * else a moment later.
 */
int store_put_title(struct store *store, const struct store_title *title);
/* 1: it was there, 0: not. */
int store_forget_title(struct store *store, const char *title);

#define STORE_FRAMING_MAX 24
/* The framing that a converter's line spoke last. 1 found, 0 not. */
int store_find_framing(struct store *store, const char *identity,
                       char ret_framing[static STORE_FRAMING_MAX]);
/* -ENOMEM. */
int store_put_framing(struct store *store, const char *identity, const char *framing);
int store_forget_framing(struct store *store, const char *identity);
/* ---- memory of meters ---- */

/* The memory of the index-th meter, as memory_print() writes it; borrowed until the next change.
 * NULL: there are fewer. */
const char *store_meter_at(struct store *store, size_t index, char ret_meter[static METER_ID_MAX]);
/* -ENOMEM. `someday`: with other writes, within the hour. */
int store_put_meter(struct store *store, const char *meter, const char *what, bool someday);
/* 1: it was known, 0: not. */
int store_forget_meter(struct store *store, const char *meter);

/* ---- retained topics ---- */

/* The topics, one a line, at which `output` has retained messages about the index-th of its meters;
 * the service's own go by "". Borrowed until the next change; NULL: there are fewer. */
const char *store_retained_at(struct store *store, const char *output, size_t index,
                              char ret_meter[static METER_ID_MAX]);
/* The output of the index-th such entry of all; NULL: there are fewer. Returns `ret`. */
const char *store_retained_output_at(struct store *store, size_t index, char *ret, size_t size);
/* "" forgets them. -ENOMEM. */
int store_put_retained(struct store *store, const char *output, const char *meter,
                       const char *topics);

/* ---- keys ---- */

/* Keys set with `smctl set-key`, by meter id or system title (hex). 1 found, 0 not. */
int store_find_keys(struct store *store, const char *meter, struct cipher_keys *ret);
/* -ENOMEM. */
int store_put_keys(struct store *store, const char *meter, const struct cipher_keys *keys);
/* 1: forgotten, and overwritten on the disk; 0: there were none. */
int store_forget_keys(struct store *store, const char *meter);
/* The same of the index-th meter there is a key of, with its id; 0: there are fewer. */
int store_find_keys_at(struct store *store, size_t index, char ret_meter[static METER_ID_MAX],
                       struct cipher_keys *ret);
