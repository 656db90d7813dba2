/* SPDX-License-Identifier: MIT */
#include "output-history.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "base/array.h"
#include "base/util.h"
#include "daemon/config/config-value.h"
#include "history-answer.h"
#include "history-sink.h"
#include "history-work.h"

#define COMMIT_USEC  (3600 * UINT64_C(1000000))
#define COMMIT_SLACK (60 * UINT64_C(1000000))
#define JOBS_MAX     1024
/* The file is opened when the service has begun, so that the start does not wait for it. */
#define OPEN_USEC (USEC_PER_SEC / 10)
/* By then the network, and with it the time, has come, or will not come soon. */
#define CLOCK_WAIT_USEC (15 * 60 * UINT64_C(1000000))
/* A clock that was never set: such a time is no time. 2020-01-01. */
#define TIME_MIN INT64_C(1577836800)

/* ---- the section ---- */

/* "2y", "400d", "no": config_usec stops at a year. */
static int parse_keep(const char *value, const char *suffix, void *field, struct config_answer *ret)
{
        char *end;
        unsigned long n = strtoul(value, &end, 10);
        uint64_t days = strcmp(end, "y") == 0 ? 366 : strcmp(end, "d") == 0 ? 1 : 0;

        if (strcmp(value, "no") != 0 && (*value < '1' || *value > '9' || n > 100000 || days == 0)) {
                config_answer(ret, "write how long, for example 2y or 400d, or no");
                return -EINVAL;
        }
        *(uint64_t *)field = n * days * 86400 * (uint64_t)USEC_PER_SEC;
        return 0;
}

static const struct config_key keys[] = {
        { "Keep", &config_usec, offsetof(struct config_history, keep_usec), "2y",
          .parse = parse_keep },
};

static const struct config_section section = {
        .name = "history",
        .size = sizeof(struct config_history),
        .keys = keys,
        .n_keys = ELEMENTSOF(keys),
};

/* ---- meters ---- */

static int compare_meters(const void *a, const void *b)
{
        const struct meter *left = (*(struct history_meter *const *)a)->meter;
        const struct meter *right = (*(struct history_meter *const *)b)->meter;

        return (left > right) - (left < right);
}

static struct history_meter *find_meter(const struct output_sink *s, const struct meter *meter)
{
        struct history_meter key = { .meter = meter }, *at = &key;
        struct history_meter **found = s->n_meters ? bsearch(&at, s->meters, s->n_meters,
                                                             sizeof(*s->meters), compare_meters)
                                                   : NULL;

        return found ? *found : NULL;
}

struct history_meter *history_find_id(const struct output_sink *s, const char *id)
{
        for (size_t i = 0; i < s->n_meters; i++)
                if (strcmp(s->meters[i]->meter->id, id) == 0)
                        return s->meters[i];
        return NULL;
}

/* ---- entries that wait to be written ---- */

static struct history_entry *add_entry(struct history_meter *hm)
{
        struct output_sink *s = hm->owner;
        struct history_entry *entry;

        if (s->n_pending == HISTORY_PENDING_MAX) {
                s->status.dropped++;
                return NULL;
        }
        if (!ARRAY_GROW(s->pending, s->n_pending, s->pending_room))
                return NULL;
        entry = &s->pending[s->n_pending++];
        *entry = (struct history_entry){ .unit = hm->unit };
        (void)snprintf(entry->meter, sizeof(entry->meter), "%s", hm->meter->id);
        return entry;
}

static void on_row(const struct quarter_row *row, void *userdata)
{
        struct history_entry *entry = add_entry(userdata);

        if (entry)
                entry->row = *row;
}

static void on_gap(const struct quarter_gap *gap, void *userdata)
{
        struct history_entry *entry = add_entry(userdata);

        if (entry)
                entry->gap = *gap;
}

static const struct quarter_ops quarter_callbacks = { on_row, on_gap };

/* ---- telegrams ---- */

/* The value of that name, if this telegram brought it. */
static const struct meter_value *fresh(const struct meter *m, const struct meter_update *update,
                                       const char *key)
{
        const struct meter_value *value = meter_find(m, key);

        return value && value->sequence == update->sequence ? value : NULL;
}

/* The counter of a meter of another medium: the first of its values of now that is one. */
static const struct meter_value *other_counter(const struct meter_update *update)
{
        for (size_t i = 0; i < update->n_values; i++) {
                const struct reading *reading = &update->values[i]->reading;

                if (reading->quantity && quantity_is_counter(reading->quantity) &&
                    !reading_is_past(reading))
                        return update->values[i];
        }
        return NULL;
}

static bool is_electricity(const struct meter *m)
{
        return strcmp(m->medium, "electricity") == 0;
}

static void take_counters(struct history_meter *hm, const struct meter_update *update,
                          struct quarter_sample *ret)
{
        const struct meter *m = hm->meter;
        bool electricity = is_electricity(m);
        const struct meter_value *values[QUARTER_N_COUNTERS] = {
                electricity ? fresh(m, update, "active_energy_import") : other_counter(update),
                electricity ? fresh(m, update, "active_energy_export") : NULL,
        };

        for (size_t i = 0; i < QUARTER_N_COUNTERS; i++) {
                const struct meter_value *value = values[i];
                const char *unit = value ? unit_name(value->reading.unit) : NULL;

                ret->counters[i] = QUARTER_UNKNOWN;
                if (!unit) /* also of a register whose scale is unknown */
                        continue;
                if (!*hm->unit.unit) {
                        (void)snprintf(hm->unit.unit, sizeof(hm->unit.unit), "%s", unit);
                        hm->unit.exponent = electricity ? 0 : -3;
                }
                if (strcmp(hm->unit.unit, unit) != 0)
                        continue;
                if (decimal_to_whole(value->reading.value, hm->unit.exponent, &ret->counters[i]) <
                    0)
                        ret->counters[i] = QUARTER_UNKNOWN;
                ret->interval = (uint32_t)(value->interval_usec / (uint64_t)USEC_PER_SEC);
        }
}

/* One direction says nothing of the other: short lists have the import alone, and it is 0 while the
 * meter exports (Norway: each 2.5 s). */
static void take_power(const struct meter *m, const struct meter_update *update,
                       struct quarter_sample *ret)
{
        struct decimal net;
        const struct meter_value *of = meter_net_power(m, 0, &net);
        int64_t watts;

        if (!of || of->sequence != update->sequence || of->mono_usec != m->last_mono_usec)
                return;
        ret->has_power =
                decimal_to_whole(net, 0, &watts) == 0 && watts > INT32_MIN && watts < INT32_MAX;
        ret->power = ret->has_power ? (int32_t)watts : 0;
}

/* Where it ended last time is asked once; a telegram or two that come before the answer are not
 * missed: the line is drawn over them. */
static bool is_ready(struct history_meter *hm)
{
        struct output_sink *s = hm->owner;
        struct history_job *job;

        if (hm->resumed || hm->asked || !s->opening || !*hm->unit.unit)
                return hm->resumed;
        job = history_job_new(s, HISTORY_JOB_LAST, hm->meter->id);
        hm->asked = job && history_post(s, job) == 0;
        return false;
}

/* A machine without a battery may begin long before the time at which it was stopped. Until its
 * clock is set, its time is no time either; one that was stopped in the future has to go on. */
static bool is_of_unset_clock(struct history_meter *hm, int64_t time)
{
        uint64_t up = 0;

        if (time >= hm->resumed_time)
                hm->resumed_time = 0;
        if (hm->resumed_time == 0)
                return false;
        /* fails only for clocks there are not */
        (void)sd_event_now(hm->owner->event, CLOCK_MONOTONIC, &up);
        return up - hm->owner->begun_usec < CLOCK_WAIT_USEC;
}

static void on_telegram(struct sink *sink, const struct meter *m, const struct meter_update *update)
{
        struct output_sink *s = (struct output_sink *)sink;
        struct history_meter *hm = find_meter(s, m);
        struct quarter_sample sample = { .time = (int64_t)update->host_usec / USEC_PER_SEC,
                                         .tariff = (uint8_t)m->tariff.active };

        if (!hm || sample.time < TIME_MIN)
                return;
        take_counters(hm, update, &sample);
        take_power(m, update, &sample);
        if (is_ready(hm) && !is_of_unset_clock(hm, sample.time))
                quarter_feed(&hm->quarter, &sample);
}

/* ---- meters come and go ---- */

static void on_meter_added(struct sink *sink, const struct meter *meter)
{
        struct output_sink *s = (struct output_sink *)sink;
        struct history_meter *hm;

        if (find_meter(s, meter))
                return;
        if (!ARRAY_GROW(s->meters, s->n_meters, s->meters_room))
                return; /* no history of this one; not reported, since all else fails too */
        hm = calloc(1, sizeof(*hm));
        if (!hm)
                return;
        hm->owner = s;
        hm->meter = meter;
        quarter_init(&hm->quarter, &quarter_callbacks, hm);
        s->meters[s->n_meters++] = hm;
        qsort(s->meters, s->n_meters, sizeof(struct history_meter *), compare_meters);
}

/* Where its counters stood, so that the next run goes on from there. */
static void keep_end(struct history_meter *hm)
{
        struct quarter_gap end = { .kind = QUARTER_END,
                                   .from = hm->quarter.last_time,
                                   .to = hm->quarter.last_time };

        if (!hm->quarter.has_last)
                return;
        memcpy(end.before, hm->quarter.last, sizeof(end.before));
        memcpy(end.after, hm->quarter.last, sizeof(end.after));
        on_gap(&end, hm);
}

static void on_meter_removed(struct sink *sink, const struct meter *meter)
{
        struct output_sink *s = (struct output_sink *)sink;
        struct history_meter *hm = find_meter(s, meter);
        size_t at = 0;

        if (!hm)
                return;
        keep_end(hm);
        while (s->meters[at] != hm)
                at++;
        s->n_meters--;
        memmove(&s->meters[at], &s->meters[at + 1],
                (s->n_meters - at) * sizeof(struct history_meter *));
        free(hm);
}

static void on_meter_forgotten(struct sink *sink, const char *id)
{
        struct output_sink *s = (struct output_sink *)sink;
        size_t kept = 0;

        for (size_t i = 0; i < s->n_pending; i++)
                if (strcmp(s->pending[i].meter, id) != 0)
                        s->pending[kept++] = s->pending[i];
        s->n_pending = kept;
        (void)history_post(s, history_job_new(s, HISTORY_JOB_FORGET,
                                              id)); /* fails only while the disk hangs */
}

/* ---- life ---- */

static int on_hour(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct output_sink *s = userdata;

        history_commit(s);
        return sd_event_source_set_time_relative(source, COMMIT_USEC);
}

/* Also where nothing is to be written: a fault of the file is noticed from the beginning. */
static int on_open(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct output_sink *s = userdata;
        int r = history_post(s, history_job_new(s, HISTORY_JOB_OPEN, ""));

        s->opening = true;
        for (size_t i = 0; i < s->n_meters; i++)
                (void)is_ready(s->meters[i]); /* those that were heard meanwhile are asked for */
        return r;
}

static void stop_timers(struct output_sink *s)
{
        s->timer = sd_event_source_disable_unref(s->timer);
        s->open_timer = sd_event_source_disable_unref(s->open_timer);
}

/* Its entries go to the disk, while other outputs that stop send theirs. */
static void on_stop(struct sink *sink)
{
        struct output_sink *s = (struct output_sink *)sink;

        stop_timers(s); /* nothing may be posted behind the job that closes the file */
        if (!s->worker || s->stopped_usec != 0)
                return;
        s->stopped_usec = jobs_now_usec();
        for (size_t i = 0; i < s->n_meters; i++)
                keep_end(s->meters[i]);
        history_commit(s);
        (void)history_post(s, history_job_new(s, HISTORY_JOB_CLOSE,
                                              "")); /* not closed is no harm to the file */
}

void history_left(struct output_sink *s)
{
        void (*on_left)(void *userdata) = s->on_left;

        s->on_left = NULL;
        if (on_left)
                on_left(s->userdata); /* touch nothing after this */
}

/* The thread hangs in a call to the disk. */
static int on_leave_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        history_left(userdata);
        return 0;
}

static void forget_meters(struct output_sink *s)
{
        for (size_t i = 0; i < s->n_meters; i++)
                free(s->meters[i]);
        free(s->meters);
        s->meters = NULL;
        s->n_meters = s->meters_room = 0;
}

/* The thread closes the file when it has written all; the service does not wait for that. */
static bool on_leave(struct sink *sink)
{
        struct output_sink *s = (struct output_sink *)sink;

        history_answer_cancel(s);
        forget_meters(s); /* they go on, and may end before this does */
        stop_timers(s);
        s->on_status = NULL;
        if (!s->worker)
                return true;
        s->on_left = s->leaves;
        return sd_event_add_time_relative(s->event, &s->leave_timer, CLOCK_MONOTONIC,
                                          jobs_left_usec(s->stopped_usec, JOBS_STOP_USEC), 0,
                                          on_leave_timer, s) < 0;
}

static struct sink *on_free(struct sink *sink)
{
        struct output_sink *s = (struct output_sink *)sink;

        s->on_left = NULL;
        s->leave_timer = sd_event_source_disable_unref(s->leave_timer);
        history_answer_cancel(s);
        on_stop(sink);
        if (!s->worker)
                history_disk_free(s->disk);
        s->worker = jobs_free(s->worker, jobs_left_usec(s->stopped_usec, JOBS_STOP_USEC));
        for (struct jobs_item *job = history_take_early(s), *next; job; job = next) {
                next = job->next;
                job->drop(job);
        }
        forget_meters(s);
        free(s->pending);
        free(s);
        return NULL;
}

static int on_begin(struct sink *sink);

static const struct sink_ops history_ops = {
        .name = "history",
        .stop = on_stop,
        .free = on_free,
        .leave = on_leave,
        .begin = on_begin,
        .meter_added = on_meter_added,
        .meter_removed = on_meter_removed,
        .telegram = on_telegram,
        .meter_forgotten = on_meter_forgotten,
};

static int begin_nothing(struct sink *sink)
{
        return 0;
}

static const struct sink_ops nothing_ops = {
        .name = "history",
        .begin = begin_nothing,
        .free = on_free,
};

static int add_timers(struct output_sink *s)
{
        int r;

        if (sd_event_get_state(s->event) == SD_EVENT_FINISHED)
                return 0; /* it begins only to write its entries */
        r = sd_event_add_time_relative(s->event, &s->timer, CLOCK_BOOTTIME, COMMIT_USEC,
                                       COMMIT_SLACK, on_hour, s);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(s->timer, "history-hour");
        r = sd_event_source_set_enabled(s->timer, SD_EVENT_ON);
        if (r < 0)
                return r;
        return sd_event_add_time_relative(s->event, &s->open_timer, CLOCK_MONOTONIC, OPEN_USEC,
                                          OPEN_USEC, on_open, s);
}

static int start(struct output_sink *s)
{
        int r = jobs_new(s->event, "history", JOBS_MAX, &s->worker);

        if (r >= 0)
                r = add_timers(s);
        if (r < 0)
                return r;
        for (struct jobs_item *job = history_take_early(s), *next; job; job = next) {
                next = job->next;
                (void)jobs_post(s->worker, job); /* there is room for all of them */
        }
        return 0;
}

static int on_begin(struct sink *sink)
{
        return start((struct output_sink *)sink);
}

static int output_history_new(const struct output_options *options, struct sink **ret)
{
        struct output_sink *s = calloc(1, sizeof(*s));
        int r = 0;

        if (!s)
                return -ENOMEM;
        s->early_last = &s->early;
        s->config = (const struct config_history *)options->config;
        s->event = options->event;
        /* fails only for clocks there are not */
        (void)sd_event_now(s->event, CLOCK_MONOTONIC, &s->begun_usec);
        s->on_status = options->on_status;
        s->leaves = options->on_left;
        s->userdata = options->userdata;
        s->status = (struct output_view){ .name = "history", .kind = "history", .error_code = "" };
        s->keeps = s->config->keep_usec && options->state_directory;
        s->sink.ops = s->keeps ? &history_ops : &nothing_ops;
        if (s->keeps)
                s->disk = history_disk_new(options->state_directory);
        if (s->keeps && !s->disk)
                r = -ENOMEM;
        else if (s->keeps && !options->wait)
                r = start(s);
        if (r < 0) {
                (void)on_free(&s->sink); /* NULL, by the rule of _free */
                return r;
        }
        *ret = &s->sink;
        return 0;
}

const struct output output_history = {
        .section = &section,
        .always = true,
        .new = output_history_new,
};
