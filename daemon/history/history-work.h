/* SPDX-License-Identifier: MIT */
/*
 * The jobs of the history's thread, which alone touches the disk: made on the loop, run in order,
 * and back on the loop when they are done.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jobs.h"
#include "history-file.h"
#include "output-history.h"

struct output_sink;
struct history_disk; /* the thread's own: the file, and where it lies */

enum history_job_kind {
        HISTORY_JOB_OPEN,
        HISTORY_JOB_PUT,
        HISTORY_JOB_LAST,
        HISTORY_JOB_READ,
        HISTORY_JOB_FORGET,
        HISTORY_JOB_IMPORT,
        HISTORY_JOB_CLOSE,
};

struct history_job {
        struct jobs_item job;
        enum history_job_kind kind;
        struct history_disk *disk;
        int result;
        bool damaged;
        char meter[METER_ID_MAX];
        struct history_unit unit;
        int64_t time, counters[QUARTER_N_COUNTERS]; /* HISTORY_JOB_LAST; HISTORY_JOB_PUT: prune
                                                       before `time` */
        struct history_entry *entries;              /* HISTORY_JOB_PUT, owned */
        size_t n_entries;
        struct history_question question;
        struct history_point *points; /* HISTORY_JOB_READ, owned */
        size_t n_points;
        struct history_import import;   /* HISTORY_JOB_IMPORT */
        struct history_sample *samples; /* HISTORY_JOB_IMPORT, owned */
        struct history_imported imported;
        void (*answer)(const struct history_answer *answer, void *userdata); /* HISTORY_JOB_READ */
        void (*imported_done)(int result, const struct history_imported *imported, void *userdata);
        void *userdata;
        struct history_job *next_asked;
};

/* The path of history.db in `directory`; owned until a HISTORY_JOB_CLOSE. NULL: no memory. */
struct history_disk *history_disk_new(const char *directory);
/* Of one that no thread ever had. */
void history_disk_free(struct history_disk *disk);

/* NULL: no memory, which history_post() takes too. */
struct history_job *history_job_new(struct output_sink *s, enum history_job_kind kind,
                                    const char *meter);
/* Takes the job over, also when it fails. Before there is a thread it waits for it. */
int history_post(struct output_sink *s, struct history_job *job);
/* Those that wait, in order. The caller takes them over. */
struct jobs_item *history_take_early(struct output_sink *s);

/* Hands the entries that wait to the thread. */
void history_commit(struct output_sink *s);
/* Seconds since 1970, as the loop sees them. */
int64_t history_now(const struct output_sink *s);
