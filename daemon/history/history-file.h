/* SPDX-License-Identifier: MIT */
/*
 * history.db: quarters and gaps of all meters in one SQLite file. Used by one thread at a time,
 * which may wait for the disk: not by the main loop.
 * Each function that writes does so in one transaction.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "history-import.h"
#include "history-sum.h"
#include "lib/model/meter.h"
#include "quarter.h"

struct history_file;

/* Counters are integers: a number of `unit` × 10^exponent. */
struct history_unit {
        char unit[8]; /* "Wh", "m³", "GJ" */
        int8_t exponent;
};

/* A quarter or a gap (gap.kind not 0) of one meter. */
struct history_entry {
        char meter[METER_ID_MAX];
        struct history_unit unit;
        struct quarter_row row;
        struct quarter_gap gap;
};

/*
 * Makes the file (0600) when it is missing, brings an older one to the present form, puts one that
 * is damaged aside as *.corrupt (*ret_damaged) and begins anew. Owned: history_file_free().
 */
int history_file_new(const char *path, struct history_file **ret, bool *ret_damaged);
struct history_file *history_file_free(struct history_file *file);

/* All in one transaction, or nothing. */
int history_file_put(struct history_file *file, const struct history_entry *entries, size_t n);
/* Removes entries that ended before `before` (seconds since 1970). */
int history_file_prune(struct history_file *file, int64_t before);
int history_file_forget(struct history_file *file, const char *meter);

/* An import of one meter from a file. Its samples have no fault (history-import.h). */
struct history_import {
        char meter[METER_ID_MAX];
        struct history_unit unit; /* of the meter's counters */
        uint32_t interval;        /* usual seconds between samples; after three as many: a gap */
        int64_t oldest, newest;   /* entries that begin before or end after are left out */
        bool replace;             /* also what was measured */
        const struct history_sample *samples;
        size_t n;
};

/*
 * Writes the import's quarters where nothing was measured, and removes those of an earlier import
 * of the same time: the same file twice is the same as once. All in one transaction, or nothing.
 * -EMEDIUMTYPE: the meter is known to count in another unit.
 */
int history_file_import(struct history_file *file, const struct history_import *import,
                        struct history_imported *ret);

/*
 * The points of a meter in [from, to], in order of time, and the last one before. *ret: owned,
 * free(). 0 with none when the meter is not known.
 */
int history_file_read(struct history_file *file, const char *meter, int64_t from, int64_t to,
                      struct history_point **ret, size_t *ret_n, struct history_unit *ret_unit);

/* The latest counters of a meter: 1 and both written, 0 when there are none. */
int history_file_last(struct history_file *file, const char *meter, int64_t *ret_time,
                      int64_t ret_counters[QUARTER_N_COUNTERS], struct history_unit *ret_unit);
