/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the history output share: its meters, what waits to be written, and the jobs
 * of the thread that alone touches the disk. For the files beside it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jobs.h"
#include "history-file.h"
#include "output-history.h"
#include "quarter.h"

#define USEC_PER_SEC INT64_C(1000000)
/* What may wait for a disk that refuses: a week of one meter, a day of seven. */
#define HISTORY_PENDING_MAX 8192
/* What may wait for another one to leave, which takes it two seconds at most. */
#define HISTORY_EARLY_MAX 256

struct config_history {
        struct config_item item;
        uint64_t keep_usec; /* 0: no history */
};

/* The thread's own. */
struct history_disk {
        char *path;
        struct history_file *file; /* NULL: cannot be used */
};

struct output_sink;

struct history_meter {
        struct output_sink *owner;
        const struct meter *meter;
        struct history_unit unit; /* "" until it is known what the meter counts */
        bool asked, resumed;      /* for its last counters */
        int64_t resumed_time;     /* when an earlier run had those; 0: none had */
        struct quarter quarter;
};

struct output_sink {
        struct sink sink;
        const struct config_history *config;
        bool keeps;          /* and it is no stand-in for one that is switched off */
        struct jobs *worker; /* NULL: it keeps nothing, or waits for another one that leaves */
        struct jobs_item *early, **early_last; /* jobs of before begin() */
        size_t n_early;
        void (*leaves)(void *userdata);  /* of its options */
        void (*on_left)(void *userdata); /* the same while it leaves, else NULL */
        sd_event_source *leave_timer;
        uint64_t begun_usec;   /* monotonic */
        uint64_t stopped_usec; /* when it was asked to stop; monotonic, 0: it was not */
        struct history_disk *disk;
        sd_event *event;
        sd_event_source *timer, *open_timer;
        bool opening; /* the thread was told to */
        void (*on_status)(const struct output_view *status, void *userdata);
        void *userdata;
        struct history_meter **meters; /* sorted by address of the meter */
        size_t n_meters, meters_room;
        struct history_entry *pending;
        size_t n_pending, pending_room;
        struct output_view status;
        bool status_told;          /* since it began */
        struct history_job *asked; /* questions that wait for their answer */
};

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
/* Those that wait, in order, for whoever takes them over. */
struct jobs_item *history_take_early(struct output_sink *s);

/* Hands what waits to the thread. */
void history_commit(struct output_sink *s);
/* Seconds since 1970, as the loop sees them. */
int64_t history_now(const struct output_sink *s);

/* The meter of this id; NULL. */
struct history_meter *history_find_id(const struct output_sink *s, const char *id);

/* The file is closed, or the thread hangs; may free it. */
void history_left(struct output_sink *s);

/* A HISTORY_JOB_READ is done: its question is answered. */
void history_answer_done(struct output_sink *s, struct history_job *job);
/* A HISTORY_JOB_IMPORT is done: who brought it is told. */
void history_import_done(struct output_sink *s, struct history_job *job);
/* All who wait are told that there will be no answer. */
void history_answer_cancel(struct output_sink *s);
