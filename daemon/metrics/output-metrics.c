/* SPDX-License-Identifier: MIT */
#include "output-metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/jobs.h"
#include "base/log.h"
#include "base/util.h"
#include "daemon/config/config-value.h"
#include "lib/model/metrics.h"
#include "lib/value/maker.h"

/* Scrapers come every 15 s or more seldom: a file of this age is new enough for them. */
#define WRITE_USEC  (5 * UINT64_C(1000000))
#define WRITE_SLACK UINT64_C(500000)

/* ---- the section ---- */

struct config_metrics {
        struct config_item item;
        char *file;
};

static const struct config_key keys[] = {
        { "File", &config_string, offsetof(struct config_metrics, file),
          "/run/smartmeterd/metrics.prom", .parse = config_value_path },
};

static const struct config_section section = {
        .name = "metrics",
        .size = sizeof(struct config_metrics),
        .keys = keys,
        .n_keys = ELEMENTSOF(keys),
};

/* ---- meters, converters, outputs ---- */

/* Borrowed objects of one kind, in order of appearance. */
struct objects {
        const void **list;
        size_t n, room;
};

struct output_sink {
        struct sink sink;
        const struct config_metrics *config;
        struct jobs *worker;
        uint64_t stopped_usec; /* when it was asked to stop; 0: it was not */
        sd_event *event;
        sd_event_source *timer, *leave_timer;
        void (*on_left)(void *userdata);
        bool leaving;
        char *version;
        const char *(*meter_name)(void *userdata, const char *meter_id);
        void (*on_status)(const struct output_view *status, void *userdata);
        void *userdata;
        struct objects meters, converters, outputs;
        struct output_view status;
        bool writing, changed; /* a job is under way; and something changed since it was made */
};

/* Out of memory: it is missing in the file, and the next change may bring it. */
static void add_object(struct objects *objects, const void *object)
{
        for (size_t i = 0; i < objects->n; i++)
                if (objects->list[i] == object)
                        return;
        if (!ARRAY_GROW(objects->list, objects->n, objects->room))
                return;
        objects->list[objects->n++] = object;
}

static void remove_object(struct objects *objects, const void *object)
{
        for (size_t i = 0; i < objects->n; i++)
                if (objects->list[i] == object) {
                        memmove(&objects->list[i], &objects->list[i + 1],
                                (objects->n - i - 1) * sizeof(objects->list[0]));
                        objects->n--;
                        return;
                }
}

/* ---- the text ---- */

static void add_readings(struct metrics *m, const struct meter *meter, const char *name,
                         uint64_t now_host_usec)
{
        for (size_t i = 0; i < meter->n_values; i++) {
                const struct meter_value *value = &meter->values[i];
                const struct quantity *quantity = value->reading.quantity;
                bool counts = quantity && quantity_is_counter(quantity);

                /* A counter stands where it stood; a power of an hour ago is no power. */
                if (!counts &&
                    (!meter->online || meter_value_flags(value, now_host_usec) & METER_VALUE_STALE))
                        continue;
                if (reading_is_unscaled(&value->reading)) /* a sample has no way to say so */
                        continue;
                metrics_add_reading(m, meter->id, name, value->key, unit_name(value->reading.unit),
                                    value->reading.value);
        }
}

static void add_meter(struct metrics *m, const struct meter *meter, const char *name,
                      uint64_t now_host_usec)
{
        const struct metrics_meter row = {
                .id = meter->id,
                .name = name,
                .manufacturer = meter->manufacturer,
                .model = maker_skip(meter->manufacturer, meter->model),
                .medium = meter->medium,
                .online = meter->online,
                .last_telegram_usec = meter->last_host_usec,
                .telegrams = meter->statistics.telegrams,
                .suspects = meter->statistics.suspects,
                .key_failures = meter->statistics.key_failures,
                .replays = meter->statistics.replays,
                .tariff = meter->tariff.active,
                .tariff_label = meter->tariff.active ? tariff_label(&meter->tariff) : "",
        };

        metrics_add_meter(m, &row);
        add_readings(m, meter, name, now_host_usec);
}

static char *make_text(struct output_sink *s)
{
        struct metrics *m = metrics_new();
        uint64_t now_host_usec;
        char *text;

        if (!m)
                return NULL;
        if (sd_event_now(s->event, CLOCK_REALTIME, &now_host_usec) < 0)
                now_host_usec = 0; /* nothing looks old then */
        metrics_add_service(m, s->version);
        for (size_t i = 0; i < s->converters.n; i++)
                metrics_add_converter(m, s->converters.list[i]);
        for (size_t i = 0; i < s->meters.n; i++) {
                const struct meter *meter = s->meters.list[i];
                const char *name = s->meter_name ? s->meter_name(s->userdata, meter->id) : "";

                add_meter(m, meter, name, now_host_usec);
        }
        for (size_t i = 0; i < s->outputs.n; i++)
                metrics_add_output(m, s->outputs.list[i]);
        text = metrics_text(m);
        metrics_free(m);
        return text;
}

/* ---- the file ---- */

struct job {
        struct jobs_item job;
        char *path, *text;
        int error; /* positive errno; 0: written */
};

/* Beside it, so that renaming is within one file system; 0 or errno. */
static int write_file(const char *path, const char *text)
{
        OWNED_FREE char *beside = NULL;
        size_t n = strlen(text), at = 0;

        if (asprintf(&beside, "%s.new", path) < 0) {
                beside = NULL;
                return ENOMEM;
        }
        OWNED_FD int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0)
                return errno;
        if (fchmod(fd, 0644) < 0) /* others are to read it, whatever our umask is */
                return errno;
        while (at < n) {
                ssize_t written = write(fd, text + at, n - at);

                if (written < 0 && errno != EINTR) {
                        int error = errno;

                        (void)unlink(beside); /* half of one is of no use */
                        return error;
                }
                at += written > 0 ? (size_t)written : 0;
        }
        return rename(beside, path) < 0 ? errno : 0;
}

static void job_run(struct jobs_item *job)
{
        struct job *j = (struct job *)job;

        j->error = write_file(j->path, j->text);
}

static void job_drop(struct jobs_item *job)
{
        struct job *j = (struct job *)job;

        free(j->path);
        free(j->text);
        free(j);
}

/* The file goes with its section: a file that is not updated any more would mislead. */
static void remove_run(struct jobs_item *job)
{
        (void)unlink(((struct job *)job)->path); /* gone already is as good */
}

static void left(struct output_sink *s)
{
        if (!s->leaving)
                return;
        s->leaving = false;
        s->on_left(s->userdata); /* touch nothing after this */
}

static void remove_done(struct jobs_item *job, void *userdata)
{
        left(userdata);
}

static void report_status(struct output_sink *s, int error)
{
        struct output_view *now = &s->status;
        bool was_connected = now->connected;

        now->connected = !error;
        now->published += !error;
        now->dropped += error != 0;
        now->error_code = error ? "cannot-write" : "";
        now->last_error[0] = '\0';
        if (error)
                (void)snprintf(now->last_error, sizeof(now->last_error),
                               "%.120s cannot be written: %s%s", s->config->file, strerror(error),
                               error == EROFS || error == EACCES
                                       ? " (is its folder in ReadWritePaths= of the unit?)"
                                       : "");
        if (error && (was_connected || now->dropped == 1))
                log_warning("metrics: %s", now->last_error);
        /* The number of files written is of no interest each time; a change of state is. */
        if (s->on_status && (was_connected != now->connected || now->published + now->dropped == 1))
                s->on_status(now, s->userdata);
}

static void arm(struct output_sink *s)
{
        int enabled = SD_EVENT_OFF;

        s->changed = true;
        (void)sd_event_source_get_enabled(s->timer, &enabled);
        if (enabled != SD_EVENT_OFF || s->writing)
                return;
        (void)sd_event_source_set_time_relative(s->timer, WRITE_USEC);
        (void)sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
}

static void job_done(struct jobs_item *job, void *userdata)
{
        struct output_sink *s = userdata;

        s->writing = false;
        if (!s->timer) /* it leaves: the file is the thread's to remove */
                return;
        report_status(s, ((struct job *)job)->error);
        if (s->changed)
                arm(s);
}

static void post(struct output_sink *s)
{
        struct job *j = calloc(1, sizeof(*j));

        if (!j)
                return; /* out of memory: the next change tries again */
        j->job = (struct jobs_item){ job_run, job_done, job_drop, s, NULL };
        j->path = strdup(s->config->file);
        j->text = make_text(s);
        if (!j->path || !j->text) {
                job_drop(&j->job);
                return;
        }
        s->changed = false;
        s->writing = jobs_post(s->worker, &j->job) >= 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct output_sink *s = userdata;

        if (s->worker)
                post(s);
        else
                arm(s); /* another one is still leaving */
        return 0;
}

/* ---- the sink ---- */

#define SINK_OF(sink_) ((struct output_sink *)(sink_))

static void on_meter_added(struct sink *sink, const struct meter *meter)
{
        add_object(&SINK_OF(sink)->meters, meter);
        arm(SINK_OF(sink));
}

static void on_meter_removed(struct sink *sink, const struct meter *meter)
{
        remove_object(&SINK_OF(sink)->meters, meter);
        arm(SINK_OF(sink));
}

static void on_telegram(struct sink *sink, const struct meter *meter,
                        const struct meter_update *update)
{
        arm(SINK_OF(sink));
}

static void on_meter_changed(struct sink *sink, const struct meter *meter)
{
        arm(SINK_OF(sink));
}

static void on_converter_added(struct sink *sink, const struct converter_view *view)
{
        add_object(&SINK_OF(sink)->converters, view);
        arm(SINK_OF(sink));
}

static void on_converter_changed(struct sink *sink, const struct converter_view *view)
{
        arm(SINK_OF(sink));
}

static void on_converter_removed(struct sink *sink, const struct converter_view *view)
{
        remove_object(&SINK_OF(sink)->converters, view);
        arm(SINK_OF(sink));
}

static void on_output_added(struct sink *sink, const struct output_view *view)
{
        add_object(&SINK_OF(sink)->outputs, view);
        arm(SINK_OF(sink));
}

static void on_output_changed(struct sink *sink, const struct output_view *view)
{
        arm(SINK_OF(sink));
}

static void on_output_removed(struct sink *sink, const struct output_view *view)
{
        remove_object(&SINK_OF(sink)->outputs, view);
        arm(SINK_OF(sink));
}

static void on_retry(struct sink *sink)
{
        arm(SINK_OF(sink));
}

static void on_stop(struct sink *sink)
{
        SINK_OF(sink)->stopped_usec = jobs_now_usec();
}

/* The thread hangs in a call to the disk. */
static int on_leave_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        left(userdata);
        return 0;
}

static bool on_leave(struct sink *sink)
{
        struct output_sink *s = SINK_OF(sink);
        struct job *j;

        s->timer = sd_event_source_disable_unref(s->timer);
        s->on_status = NULL;
        if (!s->worker || (!s->writing && s->status.published == 0))
                return true;
        j = calloc(1, sizeof(*j));
        if (!j)
                return true;
        j->job = (struct jobs_item){ remove_run, remove_done, job_drop, s, NULL };
        j->path = strdup(s->config->file);
        if (!j->path) {
                job_drop(&j->job);
                return true;
        }
        s->leaving = jobs_post(s->worker, &j->job) >= 0;
        s->status.published = 0; /* the file is the thread's to remove */
        return !s->leaving ||
               sd_event_add_time_relative(s->event, &s->leave_timer, CLOCK_MONOTONIC,
                                          jobs_left_usec(s->stopped_usec, JOBS_STOP_USEC), 0,
                                          on_leave_timer, s) < 0;
}

static struct sink *on_free(struct sink *sink)
{
        struct output_sink *s = SINK_OF(sink);

        if (!s)
                return NULL;
        s->timer = sd_event_source_disable_unref(s->timer);
        s->leave_timer = sd_event_source_disable_unref(s->leave_timer);
        s->worker = jobs_free(s->worker, jobs_left_usec(s->stopped_usec, JOBS_STOP_USEC));
        if (s->status.published > 0)
                (void)unlink(s->config->file); /* with the service, as with its section */
        free(s->meters.list);
        free(s->converters.list);
        free(s->outputs.list);
        free(s->version);
        free(s);
        return NULL;
}
DEFINE_OWNED(sink, struct sink *, on_free);

static int on_begin(struct sink *sink)
{
        return jobs_new(SINK_OF(sink)->event, "metrics", 2, &SINK_OF(sink)->worker);
}

static const struct sink_ops ops = {
        .name = "metrics",
        .stop = on_stop,
        .free = on_free,
        .leave = on_leave,
        .begin = on_begin,
        .retry = on_retry,
        .meter_added = on_meter_added,
        .meter_removed = on_meter_removed,
        .telegram = on_telegram,
        .telegram_refused = on_meter_changed,
        .meter_changed = on_meter_changed,
        .converter_added = on_converter_added,
        .converter_changed = on_converter_changed,
        .converter_removed = on_converter_removed,
        .output_added = on_output_added,
        .output_changed = on_output_changed,
        .output_removed = on_output_removed,
};

static int new_metrics(const struct output_options *options, struct sink **ret)
{
        struct output_sink *s = calloc(1, sizeof(*s));
        OWNED(sink) struct sink *sink = (struct sink *)s;
        int r;

        if (!s)
                return -ENOMEM;
        s->sink.ops = &ops;
        s->event = options->event;
        s->on_left = options->on_left;
        s->config = (const struct config_metrics *)options->config;
        s->version = strdup(options->version ? options->version : "");
        s->meter_name = options->meter_name;
        s->on_status = options->on_status;
        s->userdata = options->userdata;
        s->status = (struct output_view){ .name = section.name,
                                          .kind = section.name,
                                          .error_code = "" };
        if (!s->version)
                return -ENOMEM;
        r = options->wait ? 0 : on_begin(sink);
        if (r >= 0)
                r = sd_event_add_time_relative(options->event, &s->timer, CLOCK_MONOTONIC, 0,
                                               WRITE_SLACK, on_timer, s);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(s->timer, "metrics");
        *ret = TAKE(sink);
        return 0;
}

const struct output output_metrics = { .section = &section, .new = new_metrics };
