/* SPDX-License-Identifier: MIT */
/*
 * The rows in memory, and the thread that has the file. One job is under way at a time and takes
 * all that changed until it began: on a slow disk changes are merged, and never queue.
 */
#include "store.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/array.h"
#include "base/jobs.h"
#include "base/log.h"
#include "base/sorted.h"
#include "base/util.h"
#include "store-file.h"

#define USEC_PER_SEC UINT64_C(1000000)
#define WAIT_USEC    (3 * USEC_PER_SEC)
#define STOP_USEC    (2 * USEC_PER_SEC)
#define SYNC_USEC    (5 * USEC_PER_SEC)
#define SOON_USEC    (USEC_PER_SEC / 5)
#define SOMEDAY_USEC (3600 * USEC_PER_SEC)
#define SOMEDAY_LATE (60 * USEC_PER_SEC)
#define RETRY_USEC   (30 * USEC_PER_SEC)

/* The thread's, except for fields under the lock; freed by the last job, or after the thread. */
struct disk {
        char *directory;
        struct store_file *file; /* NULL: not open (yet) */
        bool opened_once;
        pthread_mutex_t lock;
        pthread_cond_t answered; /* the first job was done */
        bool has_answered;       /* or has at least read what it has */
        int result;              /* of it, and of those that followed */
        /* Rows that were read, until the loop takes them. */
        struct store_rows loaded;
        bool has_loaded;
};

struct write_job {
        struct jobs_item item;
        struct disk *disk;
        struct store_rows rows; /* copies */
        bool is_last;           /* closes the file */
        bool aside;             /* the old file is now *.corrupt */
        bool damaged;           /* the file that was written to is no more: all is to be written */
        int result;
};

struct waiter {
        void (*done)(int result, void *userdata);
        void *userdata;
        uint64_t job;      /* the number of the job that has it */
        uint64_t deadline; /* monotonic */
        struct waiter *next;
};

struct store {
        struct store_options options;
        struct jobs *jobs;
        struct disk *disk;      /* NULL: handed to the last job */
        struct write_job *last; /* made in advance: leaving needs no memory */
        sd_event_source *timer, *sync_timer;
        uint64_t timer_usec;     /* when it is due; 0: off */
        struct store_row **rows; /* sorted by table and key */
        size_t n, room;
        bool loaded, writing, again;
        uint64_t n_jobs;    /* begun */
        uint64_t late_usec; /* when the one under way is late; 0: it was said */
        int error;
        struct waiter *waiters;
};

DEFINE_OWNED(store, struct store *, store_free);

static uint64_t now_usec(const struct store *store)
{
        uint64_t now = 0;

        (void)sd_event_now(store->options.event, CLOCK_MONOTONIC, &now); /* fails after a fork */
        return now;
}

/* ---- the thread's side ---- */

static void disk_free(struct disk *disk)
{
        disk->file = store_file_free(disk->file);
        store_rows_free(&disk->loaded);
        (void)pthread_cond_destroy(&disk->answered);
        (void)pthread_mutex_destroy(&disk->lock);
        free(disk->directory);
        free(disk);
}

/* Under the lock. */
static void answer(struct disk *disk, int result)
{
        disk->has_answered = true;
        disk->result = result;
        (void)pthread_cond_broadcast(&disk->answered);
}

static void on_read(struct store_rows *rows, void *userdata)
{
        struct disk *disk = userdata;

        (void)pthread_mutex_lock(&disk->lock);
        if (!disk->opened_once) {
                disk->loaded = *rows;
                disk->has_loaded = true;
                *rows = (struct store_rows){ 0 };
        }
        disk->opened_once = true;
        answer(disk, 0);
        (void)pthread_mutex_unlock(&disk->lock);
}

static void run(struct jobs_item *item)
{
        struct write_job *job = (struct write_job *)item;
        struct disk *disk = job->disk;

        if (!disk->file)
                job->result =
                        store_file_open(disk->directory, on_read, disk, &disk->file, &job->aside);
        if (disk->file && job->rows.n > 0)
                job->result = store_file_write(disk->file, job->rows.rows, job->rows.n);
        if (job->result == -EBADMSG && disk->file) {
                disk->file = store_file_free(disk->file);
                job->damaged = true;
                if (store_file_put_aside(disk->directory) >= 0)
                        job->aside = true;
        }
        (void)pthread_mutex_lock(&disk->lock);
        answer(disk, job->result);
        (void)pthread_mutex_unlock(&disk->lock);
}

static void drop(struct jobs_item *item)
{
        struct write_job *job = (struct write_job *)item;

        store_rows_free(&job->rows);
        if (job->is_last)
                disk_free(job->disk);
        free(job);
}

/* ---- rows ---- */

static int compare_keys(const struct store_table *table, const char *a, const char *b)
{
        return table->any_case ? strcasecmp(a, b) : strcmp(a, b);
}

struct row_key {
        const struct store_table *table;
        const char *key;
};

static int compare_rows(const void *elements, size_t at, const void *key)
{
        const struct store_row *row = ((const struct store *)elements)->rows[at];
        const struct row_key *sought = key;

        return row->table == sought->table
                       ? compare_keys(row->table, store_row_text(row, 0), sought->key)
                       : strcmp(row->table->name, sought->table->name);
}

/* Where the row is, or would be. */
static size_t place_of(const struct store *store, const struct store_table *table, const char *key,
                       bool *ret_found)
{
        const struct row_key sought = { table, key };

        return sorted_place(store, store->n, &sought, compare_rows, ret_found);
}

/* Takes the row over; it takes the place of the one with its key. -ENOMEM: dropped. */
static int set_row(struct store *store, struct store_row *row)
{
        bool found;
        size_t at = place_of(store, row->table, store_row_text(row, 0), &found);

        if (found) {
                (void)store_row_free(store->rows[at]); /* NULL, by the rule of _free */
                store->rows[at] = row;
                return 0;
        }
        if (!ARRAY_GROW(store->rows, store->n, store->room)) {
                (void)store_row_free(row);
                return -ENOMEM;
        }
        memmove(store->rows + at + 1, store->rows + at, (store->n - at) * sizeof(*store->rows));
        store->rows[at] = row;
        store->n++;
        return 0;
}

static void remove_written_tombstones(struct store *store)
{
        size_t n = 0;

        for (size_t i = 0; i < store->n; i++) {
                struct store_row *row = store->rows[i];

                if (row->gone && !row->dirty)
                        (void)store_row_free(row);
                else
                        store->rows[n++] = row;
        }
        store->n = n;
}

/* Takes the file's rows, where nothing newer was put meanwhile. True: they were read now. */
static bool take_loaded(struct store *store)
{
        struct store_rows rows = { 0 };
        struct disk *disk = store->disk;
        bool found;

        (void)pthread_mutex_lock(&disk->lock);
        if (disk->has_loaded) {
                rows = disk->loaded;
                disk->loaded = (struct store_rows){ 0 };
        }
        found = disk->has_loaded;
        disk->has_loaded = false;
        (void)pthread_mutex_unlock(&disk->lock);
        for (size_t i = 0; i < rows.n; i++) {
                struct store_row *row = TAKE(rows.rows[i]);
                bool known;

                (void)place_of(store, row->table, store_row_text(row, 0), &known);
                if (known)
                        (void)store_row_free(row);
                else
                        (void)set_row(store, row); /* no memory: it is found again at next start */
        }
        free(rows.rows);
        store->loaded = store->loaded || found;
        return found;
}

/* ---- writing ---- */

static void arm(struct store *store, uint64_t after_usec, uint64_t late_usec)
{
        uint64_t at = now_usec(store) + after_usec;

        if (store->timer_usec != 0 && store->timer_usec <= at)
                return;
        if (sd_event_source_set_time(store->timer, at) < 0 ||
            sd_event_source_set_time_accuracy(store->timer, late_usec) < 0 ||
            sd_event_source_set_enabled(store->timer, SD_EVENT_ONESHOT) < 0)
                return; /* only in a forked child */
        store->timer_usec = at;
}

static void disarm(struct store *store)
{
        if (store->timer_usec == 0)
                return;
        (void)sd_event_source_set_enabled(store->timer, SD_EVENT_OFF);
        store->timer_usec = 0;
}

static void finish_waiters(struct store *store, uint64_t up_to_job, uint64_t now, int result)
{
        struct waiter *due = NULL;

        for (struct waiter **at = &store->waiters; *at;) {
                struct waiter *w = *at;

                if (w->job > up_to_job && w->deadline > now) {
                        at = &w->next;
                        continue;
                }
                *at = w->next;
                w->next = due;
                due = w;
        }
        while (due) {
                struct waiter *next = due->next;

                due->done(result, due->userdata);
                free(due);
                due = next;
        }
}

static void report(struct store *store, int error, bool loaded)
{
        const struct log_about about = { .error = -error };
        int before = store->error;

        store->error = error;
        if (error < 0 && error != before)
                log_about(LOG_WARNING, &about,
                          "%s/state.db: %s; what is learned is kept in memory and tried again",
                          store->options.directory,
                          error == -ETIMEDOUT ? "the disk does not answer" : strerror(-error));
        if (error == 0 && before < 0)
                log_notice("%s/state.db: the disk takes again what is to be remembered",
                           store->options.directory);
        if (store->options.changed && (error != before || loaded))
                store->options.changed(loaded, store->options.userdata);
}

/* For the flush that waits longest, or for a job without one. */
static void arm_sync(struct store *store)
{
        uint64_t at = store->writing && store->late_usec ? store->late_usec : UINT64_MAX;

        for (const struct waiter *w = store->waiters; w; w = w->next)
                at = MIN(at, w->deadline);
        if (at != UINT64_MAX)
                (void)sd_event_source_set_time(store->sync_timer, at);
        (void)sd_event_source_set_enabled(store->sync_timer,
                                          at == UINT64_MAX ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

static void on_written(struct jobs_item *item, void *userdata);

/* Copies of the dirty rows, which count as written from now on. */
static int collect(struct store *store, struct store_rows *ret)
{
        size_t n = 0;

        for (size_t i = 0; i < store->n; i++)
                n += store->rows[i]->dirty;
        ret->rows = calloc(n + 1, sizeof(*ret->rows));
        if (!ret->rows)
                return -ENOMEM;
        for (size_t i = 0; i < store->n; i++) {
                struct store_row *row = store->rows[i], *copy;

                if (!row->dirty)
                        continue;
                copy = store_row_new(row->table, row->values);
                if (!copy)
                        return -ENOMEM;
                copy->gone = row->gone;
                ret->rows[ret->n++] = copy;
        }
        for (size_t i = 0; i < store->n; i++)
                store->rows[i]->dirty = false;
        return 0;
}

static struct write_job *job_new(struct store *store)
{
        struct write_job *job = calloc(1, sizeof(*job));

        if (!job)
                return NULL;
        job->item = (struct jobs_item){ run, on_written, drop, store, NULL };
        job->disk = store->disk;
        return job;
}

static int post(struct store *store)
{
        struct write_job *job = job_new(store);
        int r;

        if (!job)
                return -ENOMEM;
        r = collect(store, &job->rows);
        if (r < 0) {
                drop(&job->item);
                return r;
        }
        store->n_jobs++;
        store->writing = true;
        store->again = false;
        store->late_usec = now_usec(store) + SYNC_USEC;
        disarm(store);
        arm_sync(store);
        return jobs_post(store->jobs, &job->item); /* there is room: it is the only one */
}

static bool is_dirty(const struct store *store)
{
        for (size_t i = 0; i < store->n; i++)
                if (store->rows[i]->dirty)
                        return true;
        return false;
}

static void write_now(struct store *store)
{
        if (store->writing)
                store->again = true;
        else if (post(store) < 0)
                arm(store, RETRY_USEC, USEC_PER_SEC);
}

/* Rows that were not written are dirty again, unless newer ones already are. */
static void put_back(struct store *store, const struct store_rows *rows)
{
        for (size_t i = 0; i < rows->n; i++) {
                bool found;
                size_t at = place_of(store, rows->rows[i]->table, store_row_text(rows->rows[i], 0),
                                     &found);

                if (found)
                        store->rows[at]->dirty = true;
        }
}

static void on_written(struct jobs_item *item, void *userdata)
{
        const struct write_job *job = (struct write_job *)item;
        struct store *store = userdata;
        bool loaded = take_loaded(store);
        int result = job->result;

        store->writing = false;
        if (job->aside)
                log_warning("%s/state.db cannot be used (damaged, unreadable, or of a newer "
                            "version); it is kept as %s/state.db.corrupt and what was learned is "
                            "learned anew",
                            store->options.directory, store->options.directory);
        for (size_t i = 0; (job->damaged || job->aside) && i < store->n; i++)
                store->rows[i]->dirty = true;
        if (job->damaged && job->aside)
                store->again = true; /* into a new file, at once */
        if (result < 0)
                put_back(store, &job->rows);
        else
                remove_written_tombstones(store);
        if (store->again)
                write_now(store);
        else if ((is_dirty(store) || !store->loaded || result < 0) && store->timer_usec == 0)
                arm(store, store->options.retry_usec ? store->options.retry_usec : RETRY_USEC,
                    USEC_PER_SEC);
        if (job->damaged && store->writing)
                return; /* the next one answers those who wait */
        report(store, result, loaded);
        finish_waiters(store, store->n_jobs - store->writing, 0, result);
        arm_sync(store);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct store *store = userdata;

        store->timer_usec = 0;
        write_now(store);
        return 0;
}

static int on_sync_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct store *store = userdata;

        store->late_usec = 0;
        report(store, store->error < 0 ? store->error : -ETIMEDOUT, false);
        finish_waiters(store, 0, now_usec(store), -ETIMEDOUT);
        arm_sync(store);
        return 0;
}

/* ---- public: rows ---- */

const struct store_row *store_find(const struct store *store, const struct store_table *table,
                                   const char *key)
{
        bool found = false;
        size_t at = store ? place_of(store, table, key, &found) : 0;

        return found && !store->rows[at]->gone ? store->rows[at] : NULL;
}

const struct store_row *store_at(const struct store *store, const struct store_table *table,
                                 size_t index)
{
        bool found;
        size_t at = store ? place_of(store, table, "", &found) : 0; /* no key is before "" */

        for (; store && at < store->n && store->rows[at]->table == table; at++)
                if (!store->rows[at]->gone && index-- == 0)
                        return store->rows[at];
        return NULL;
}

static bool is_same(const struct store_row *row, const struct store_value *values)
{
        for (size_t i = 0; row->table->columns[i]; i++) {
                const struct store_value *a = &row->values[i], *b = &values[i];

                if (!a->data != !b->data ||
                    (a->data && (a->len != b->len || memcmp(a->data, b->data, a->len) != 0)))
                        return false;
        }
        return true;
}

int store_put(struct store *store, const struct store_table *table,
              const struct store_value *values, enum store_when when)
{
        const struct store_row *before = store_find(store, table, values[0].data);
        struct store_row *row;
        int r;

        if (!store || (before && is_same(before, values)))
                return 0;
        row = store_row_new(table, values);
        if (!row)
                return -ENOMEM;
        row->dirty = true;
        r = set_row(store, row);
        if (r < 0)
                return r;
        if (when == STORE_NOW)
                write_now(store);
        else
                arm(store, when == STORE_SOON ? SOON_USEC : SOMEDAY_USEC,
                    when == STORE_SOON ? SOON_USEC / 10 : SOMEDAY_LATE);
        return 0;
}

int store_delete(struct store *store, const struct store_table *table, const char *key)
{
        bool found = false;
        size_t at = store ? place_of(store, table, key, &found) : 0;
        struct store_row *row = found ? store->rows[at] : NULL;
        struct store_value value = store_text(key);
        struct store_value values[STORE_COLUMNS_MAX] = { value };
        int was = row && !row->gone;

        /* a file that was not read yet may have it */
        if (!store || (!was && store->loaded))
                return was;
        row = store_row_new(table, values);
        if (!row)
                return -ENOMEM;
        row->gone = row->dirty = true;
        if (set_row(store, row) < 0)
                return -ENOMEM;
        write_now(store);
        return was;
}

/* ---- public: the store ---- */

int store_error(const struct store *store)
{
        return store ? store->error : 0;
}

void store_sync(struct store *store, void (*done)(int result, void *userdata), void *userdata)
{
        struct waiter *w;

        if (!store || (!store->writing && !is_dirty(store))) {
                done(0, userdata);
                return;
        }
        if (is_dirty(store))
                write_now(store);
        w = calloc(1, sizeof(*w));
        if (!w) {
                done(-ENOMEM, userdata);
                return;
        }
        *w = (struct waiter){ done, userdata, store->n_jobs + store->again,
                              now_usec(store) + SYNC_USEC, store->waiters };
        store->waiters = w;
        arm_sync(store);
}

static int add_timers(struct store *store)
{
        sd_event *event = store->options.event;
        int r = sd_event_add_time(event, &store->timer, CLOCK_MONOTONIC, 0, 0, on_timer, store);

        if (r < 0)
                return r;
        (void)sd_event_source_set_description(store->timer, "store");
        r = sd_event_add_time(event, &store->sync_timer, CLOCK_MONOTONIC, 0, 0, on_sync_timer,
                              store);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(store->sync_timer, "store-sync");
        /* Behind the news of a job: one that was done in time is not late when the loop is. */
        r = sd_event_source_set_priority(store->sync_timer, SD_EVENT_PRIORITY_NORMAL + 1);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(store->timer, SD_EVENT_OFF);
        return r < 0 ? r : sd_event_source_set_enabled(store->sync_timer, SD_EVENT_OFF);
}

static struct disk *disk_new(const char *directory)
{
        struct disk *disk = calloc(1, sizeof(*disk));
        pthread_condattr_t attr;

        if (!disk)
                return NULL;
        (void)pthread_mutex_init(&disk->lock, NULL); /* these cannot fail on Linux */
        (void)pthread_condattr_init(&attr);
        (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        (void)pthread_cond_init(&disk->answered, &attr);
        (void)pthread_condattr_destroy(&attr);
        disk->directory = strdup(directory);
        if (!disk->directory) {
                disk_free(disk);
                return NULL;
        }
        return disk;
}

void store_wait(struct store *store)
{
        struct timespec until;
        struct disk *disk;
        uint64_t usec;
        int code = 0, result;

        if (!store)
                return;
        disk = store->disk;
        usec = store->options.wait_usec ? store->options.wait_usec : WAIT_USEC;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        usec += (uint64_t)until.tv_nsec / 1000;
        until.tv_sec += (time_t)(usec / USEC_PER_SEC);
        until.tv_nsec = (long)(usec % USEC_PER_SEC * 1000);
        (void)pthread_mutex_lock(&disk->lock);
        while (!disk->has_answered && code == 0)
                code = pthread_cond_timedwait(&disk->answered, &disk->lock, &until);
        result = code != 0 ? -ETIMEDOUT : disk->result;
        (void)pthread_mutex_unlock(&disk->lock);
        if (result < 0)
                report(store, result, false);
        (void)take_loaded(store);
}

int store_new(const struct store_options *options, struct store **ret)
{
        OWNED(store) struct store *store = calloc(1, sizeof(*store));
        int r;

        if (!store)
                return -ENOMEM;
        store->options = *options;
        store->disk = disk_new(options->directory);
        if (!store->disk)
                return -ENOMEM;
        store->options.directory = store->disk->directory;
        store->last = job_new(store);
        if (!store->last)
                return -ENOMEM;
        r = add_timers(store);
        if (r >= 0)
                r = jobs_new(options->event, "store", 2, &store->jobs);
        if (r >= 0)
                r = post(store);
        if (r < 0)
                return r;
        *ret = TAKE(store);
        return 0;
}

/* The last job closes the file; a thread that hangs keeps it, and all it needs. */
static void stop(struct store *store, uint64_t usec)
{
        struct write_job *last = TAKE(store->last);

        if (collect(store, &last->rows) < 0)
                log_warning("out of memory: what was learned last is not remembered");
        last->is_last = true;
        (void)jobs_post(store->jobs, &last->item); /* there is room: one other is under way */
        store->jobs = jobs_free(store->jobs, usec);
        store->disk = NULL;
}

struct store *store_free(struct store *store)
{
        return store_free_in(store, STOP_USEC);
}

struct store *store_free_in(struct store *store, uint64_t usec)
{
        if (!store)
                return NULL;
        store->timer = sd_event_source_disable_unref(store->timer);
        store->sync_timer = sd_event_source_disable_unref(store->sync_timer);
        if (store->jobs)
                stop(store, usec);
        if (store->last)
                drop(&store->last->item);
        if (store->disk)
                disk_free(store->disk);
        finish_waiters(store, UINT64_MAX, UINT64_MAX, -ECANCELED);
        for (size_t i = 0; i < store->n; i++)
                (void)store_row_free(store->rows[i]); /* NULL, by the rule of _free */
        free(store->rows);
        free(store);
        return NULL;
}
