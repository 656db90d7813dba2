/* SPDX-License-Identifier: MIT */
/*
 * The history as a sink: its meters, the entries that wait to be written, and the thread that
 * writes them. For the files beside it: output-history.c is its life, history-work.c has its jobs,
 * and history-answer.c the questions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "base/jobs.h"
#include "history-file.h"
#include "output-history.h"
#include "quarter.h"

#define USEC_PER_SEC INT64_C(1000000)
/* Entries that may wait for a disk that refuses: a week of one meter, a day of seven. */
#define HISTORY_PENDING_MAX 8192
/* Jobs that may wait for another sink to leave, which takes it two seconds at most. */
#define HISTORY_EARLY_MAX 256

struct config_history {
        struct config_item item;
        uint64_t keep_usec; /* 0: no history */
};

struct history_disk;
struct history_job;
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
        bool opening; /* HISTORY_JOB_OPEN was posted */
        void (*on_status)(const struct output_view *status, void *userdata);
        void *userdata;
        struct history_meter **meters; /* sorted by address of the meter */
        size_t n_meters, meters_room;
        struct history_entry *pending;
        size_t n_pending, pending_room;
        struct output_view status;
        bool status_known;         /* since it began */
        struct history_job *asked; /* questions that wait for their answer */
};

/* The meter of this id; NULL. */
struct history_meter *history_find_id(const struct output_sink *s, const char *id);

/* The file is closed, or the thread hangs; may free it. */
void history_left(struct output_sink *s);
