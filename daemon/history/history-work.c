/* SPDX-License-Identifier: MIT */
/* The jobs of the history's thread: their work there, and their end on the loop. */
#include "history-work.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "history-answer.h"
#include "history-sink.h"

/* ---- the thread's side ---- */

struct history_disk {
        char *path;
        struct history_file *file; /* NULL: cannot be used */
};

struct history_disk *history_disk_new(const char *directory)
{
        struct history_disk *disk = calloc(1, sizeof(*disk));

        if (disk && asprintf(&disk->path, "%s/history.db", directory) >= 0)
                return disk;
        free(disk);
        return NULL;
}

void history_disk_free(struct history_disk *disk)
{
        if (!disk)
                return;
        disk->file = history_file_free(disk->file);
        free(disk->path);
        free(disk);
}

static int run_put(struct history_job *job)
{
        int r = history_file_put(job->disk->file, job->entries, job->n_entries);

        return r < 0 || job->time == 0 ? r : history_file_prune(job->disk->file, job->time);
}

/* A disk that was full when we began, or a file that a backup had locked, is tried again with each
 * job. Questions are answered from memory meanwhile. */
static bool need_file(struct history_job *job)
{
        struct history_disk *disk = job->disk;
        bool asks = job->kind == HISTORY_JOB_READ || job->kind == HISTORY_JOB_LAST;

        if (!disk->file)
                job->result = history_file_new(disk->path, &disk->file, &job->damaged);
        if (!disk->file && asks)
                job->result = -ENODEV;
        return disk->file;
}

static void run(struct jobs_item *j)
{
        struct history_job *job = (struct history_job *)j;
        struct history_disk *disk = job->disk;

        if (job->kind != HISTORY_JOB_CLOSE && !need_file(job))
                return;
        switch (job->kind) {
        case HISTORY_JOB_OPEN:
                break;
        case HISTORY_JOB_PUT:
                job->result = run_put(job);
                break;
        case HISTORY_JOB_LAST:
                job->result = history_file_last(disk->file, job->meter, &job->time, job->counters,
                                                &job->unit);
                break;
        case HISTORY_JOB_READ:
                job->result = history_file_read(disk->file, job->meter, job->question.from,
                                                job->question.to, &job->points, &job->n_points,
                                                &job->unit);
                break;
        case HISTORY_JOB_FORGET:
                job->result = history_file_forget(disk->file, job->meter);
                break;
        case HISTORY_JOB_IMPORT:
                job->result = history_file_import(disk->file, &job->import, &job->imported);
                break;
        case HISTORY_JOB_CLOSE:
                history_disk_free(disk);
                break;
        }
}

static void drop(struct jobs_item *j)
{
        struct history_job *job = (struct history_job *)j;

        free(job->entries);
        free(job->points);
        free(job->samples);
        free(job);
}

/* ---- the loop's side ---- */

int64_t history_now(const struct output_sink *s)
{
        uint64_t now = 0;

        (void)sd_event_now(s->event, CLOCK_REALTIME,
                           &now); /* fails only for clocks there are not */
        return (int64_t)now / USEC_PER_SEC;
}

static void set_error(struct output_sink *s, int error)
{
        bool was = s->status.connected || !s->status_known;

        s->status_known = true;
        s->status.connected = error == 0;
        s->status.error_code = error == 0 ? "" : error == -ENOSPC ? "disk-full" : "disk-error";
        (void)snprintf(s->status.last_error, sizeof(s->status.last_error), "%s%s",
                       error ? "the history cannot be written: " : "",
                       error ? strerror(-error) : "");
        if (was && error)
                log_warning("%s", s->status.last_error);
        if (s->on_status)
                s->on_status(&s->status, s->userdata);
}

/* Before the entries that came since, so that the order of time is kept. */
static void put_back(struct output_sink *s, struct history_job *job)
{
        size_t n = MIN(job->n_entries, (size_t)HISTORY_PENDING_MAX - s->n_pending);
        struct history_entry *all = reallocarray(job->entries, n + s->n_pending, sizeof(*all));

        s->status.dropped += job->n_entries - n;
        if (!all)
                return;
        job->entries = NULL;
        if (s->n_pending > 0)
                memcpy(all + n, s->pending, s->n_pending * sizeof(*all));
        free(s->pending);
        s->pending = all;
        s->n_pending = s->pending_room = n + s->n_pending;
}

static void done_put(struct output_sink *s, struct history_job *job)
{
        if (job->result < 0)
                put_back(s, job);
        else
                s->status.published += job->n_entries;
        set_error(s, job->result);
}

static void done_last(struct output_sink *s, struct history_job *job)
{
        struct history_meter *hm = history_find_id(s, job->meter);

        if (!hm || hm->resumed)
                return;
        hm->resumed = true;
        /* Another unit: the meter was another one, or was read in another way. */
        if (job->result == 1 && strcmp(hm->unit.unit, job->unit.unit) == 0 &&
            hm->unit.exponent == job->unit.exponent) {
                hm->resumed_time = job->time;
                quarter_resume(&hm->quarter, job->time, job->counters);
        }
}

static void done(struct jobs_item *j, void *userdata)
{
        struct output_sink *s = userdata;
        struct history_job *job = (struct history_job *)j;

        if (job->damaged)
                log_error("history.db is damaged: it is kept as history.db.corrupt, and a new one "
                          "begins");
        switch (job->kind) {
        case HISTORY_JOB_OPEN:
                set_error(s, job->result);
                break;
        case HISTORY_JOB_PUT:
                done_put(s, job);
                break;
        case HISTORY_JOB_LAST:
                done_last(s, job);
                break;
        case HISTORY_JOB_READ:
                history_answer_done(s, job);
                break;
        case HISTORY_JOB_IMPORT:
                history_import_done(s, job);
                break;
        case HISTORY_JOB_FORGET:
                break;
        case HISTORY_JOB_CLOSE:
                history_left(s);
                break;
        }
}

struct history_job *history_job_new(struct output_sink *s, enum history_job_kind kind,
                                    const char *meter)
{
        struct history_job *job = calloc(1, sizeof(*job));

        if (!job)
                return NULL;
        job->job = (struct jobs_item){ .run = run, .done = done, .drop = drop, .userdata = s };
        job->kind = kind;
        job->disk = s->disk;
        (void)snprintf(job->meter, sizeof(job->meter), "%s", meter);
        return job;
}

/* For the thread, once there is one. */
static int put_early(struct output_sink *s, struct history_job *job)
{
        if (s->n_early == HISTORY_EARLY_MAX) {
                drop(&job->job);
                return -ENOBUFS;
        }
        job->job.next = NULL;
        *s->early_last = &job->job;
        s->early_last = &job->job.next;
        s->n_early++;
        return 0;
}

int history_post(struct output_sink *s, struct history_job *job)
{
        if (!job)
                return -ENOMEM;
        return s->worker ? jobs_post(s->worker, &job->job) : put_early(s, job);
}

struct jobs_item *history_take_early(struct output_sink *s)
{
        struct jobs_item *first = s->early;

        s->early = NULL;
        s->early_last = &s->early;
        s->n_early = 0;
        return first;
}

void history_commit(struct output_sink *s)
{
        struct history_job *job;
        int64_t keep = (int64_t)(s->config->keep_usec / (uint64_t)USEC_PER_SEC);

        if (s->n_pending == 0 || !s->worker)
                return;
        job = history_job_new(s, HISTORY_JOB_PUT, "");
        if (!job)
                return;
        job->entries = TAKE(s->pending);
        job->n_entries = s->n_pending;
        job->time = MAX(history_now(s) - keep, (int64_t)0);
        s->n_pending = s->pending_room = 0;
        (void)history_post(s,
                           job); /* too many jobs wait: the disk hangs, which is reported by then */
}
