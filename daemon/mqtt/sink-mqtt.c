/* SPDX-License-Identifier: MIT */
/*
 * One MQTT broker as a sink: formats telegrams in the main loop, hands the messages to the worker,
 * and publishes retained topics again whenever a connection has been made or Home Assistant was
 * started.
 */
#include "sink-mqtt.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"
#include "base/util.h"
#include "daemon/formats/format.h"
#include "daemon/spool/mqtt-spool.h"
#include "mqtt-error.h"
#include "mqtt-left.h"
#include "mqtt-publish.h"
#include "mqtt-settings.h"
#include "mqtt-worker.h"

/* The status is reported this long after the telegram that moved its counters. */
#define STATUS_USEC  UINT64_C(1000000)
#define STATUS_SLACK UINT64_C(500000)
/* A broker that lets us read our own topic says within this time what it had there. */
#define MEMORY_USEC UINT64_C(10000000)
/* Another gateway on our topic is reported so often at most. */
#define RIVAL_USEC UINT64_C(3600000000)
/* Home Assistant asks for answers spread over time when it starts. */
#define BIRTH_MAX_USEC UINT64_C(3000000)
/* A disk that takes nothing for so long is not waited for: clients of the bus wait for it too. */
#define KEEP_USEC UINT64_C(1000000)
/* Entries of meters that were removed and never forgotten; beyond, the oldest goes. */
#define ENTRIES_MAX 512

static void arm(sd_event_source *timer, uint64_t usec)
{
        int enabled = SD_EVENT_OFF;

        (void)sd_event_source_get_enabled(timer, &enabled);
        if (enabled != SD_EVENT_OFF)
                return;
        (void)sd_event_source_set_time_relative(timer, usec);
        (void)sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

/* ---- readings are kept before other outputs show them (Durability=always) ---- */

/* Reports how far that is. A disk that takes something, however slowly, is waited for. */
static void look_at_kept(struct sink_mqtt *s)
{
        uint64_t kept = mqtt_queue_kept(s->queue);

        if (kept == s->kept && s->kept != s->ticket)
                return;
        s->kept = kept;
        if (kept == s->ticket) {
                s->late = false;
                (void)sd_event_source_set_enabled(s->keep_timer, SD_EVENT_OFF);
                s->on_kept(UINT64_MAX, s->userdata);
        } else if (!s->late) {
                (void)sd_event_source_set_time_relative(s->keep_timer, KEEP_USEC);
                s->on_kept(kept, s->userdata);
        }
}

static void sink_mqtt_telegram_coming(struct sink *sink, const struct meter *meter)
{
        struct sink_mqtt *s = (struct sink_mqtt *)sink;

        (void)meter;
        if (sink->keeps && !s->late)
                s->coming = s->on_keep(s->userdata);
}

static void push_telegram(struct sink_mqtt *s, struct mqtt_entry *e, struct message_list *list)
{
        if (list->head && s->coming != 0) {
                if (s->kept == s->ticket)
                        arm(s->keep_timer, KEEP_USEC);
                s->ticket = s->coming;
        }
        mqtt_publish_push_ticket(s, e, list, s->coming);
}

/* A telegram of which nothing is kept (Interval=) is held back no longer than the one before. */
static void end_coming(struct sink_mqtt *s)
{
        if (s->coming != 0 && s->kept == s->ticket)
                s->on_kept(UINT64_MAX, s->userdata);
        s->coming = 0;
}

/* ---- status ---- */

static void log_status(const struct sink_mqtt *s, const struct output_view *before)
{
        const sd_id128_t id = LOG_ID_SINK_STATE;
        struct log_about about = { .sink = s->name, .message_id = &id };

        if (strcmp(before->last_error, s->status.last_error) != 0 && s->status.last_error[0])
                log_about(LOG_WARNING, &about, "MQTT: %s", s->status.last_error);
        else if (before->connected != s->status.connected)
                log_about(LOG_INFO, &about, "MQTT: %s",
                          s->status.connected ? "connected" : "disconnected");
}

static void report_status(struct sink_mqtt *s, const struct mqtt_status *w,
                          const struct mqtt_ring *ring)
{
        struct output_view before = s->status;
        struct output_view *now = &s->status;

        now->connected = w->connected;
        now->queued = ring->n + w->in_flight;
        now->spooled = w->spooled;
        now->published = w->published;
        now->dropped = w->dropped + ring->dropped;
        now->error_code = mqtt_error_of_status(w, now->last_error, sizeof(now->last_error));
        log_status(s, &before);
        if (s->status_reported && before.connected == now->connected &&
            before.queued == now->queued && before.spooled == now->spooled &&
            before.published == now->published && before.dropped == now->dropped &&
            strcmp(before.last_error, now->last_error) == 0)
                return;
        s->status_reported = true;
        if (s->on_status)
                s->on_status(now, s->userdata);
}

/* Our topic was contradicted and has been corrected; it may happen again. */
static void report_rival(struct sink_mqtt *s, const struct mqtt_status *w)
{
        const struct log_about about = { .sink = s->name };

        if (w->n_offlines == s->n_offlines)
                return;
        s->n_offlines = w->n_offlines;
        if (s->rival_usec != 0 && mqtt_publish_now_usec() - s->rival_usec < RIVAL_USEC)
                return;
        s->rival_usec = mqtt_publish_now_usec();
        log_about(LOG_WARNING, &about,
                  "MQTT: somebody else said \"offline\" at %s: another gateway may use "
                  "Instance=%s; set one of its own in each",
                  s->state_topic, s->context.instance);
}

static void look_at_worker(struct sink_mqtt *s)
{
        struct mqtt_status w;
        struct mqtt_ring ring;
        uint32_t random = 0;
        bool due;

        mqtt_queue_status(s->queue, &w, &ring);
        if (s->sink.keeps)
                look_at_kept(s);
        if (s->late && !*w.spool_error)
                (void)snprintf(w.spool_error, sizeof(w.spool_error),
                               "The disk takes nothing: readings are sent before they are kept, "
                               "though Durability=always");
        if (s->connected && (!w.connected || w.n_connects != s->n_connects))
                s->lost_usec = mqtt_publish_now_usec();
        s->connected = w.connected;
        if (w.n_connects != s->n_connects || w.n_retries != s->n_retries) {
                s->n_connects = w.n_connects;
                s->n_retries = w.n_retries;
                mqtt_publish_adopt(s);
                mqtt_publish_all(s);
                s->counters_due = true;
                s->due_usec = mqtt_publish_now_usec() + MEMORY_USEC;
        }
        /* Descriptions that the ring had no room for are missing at the broker. */
        if (ring.states_left_out != s->n_left_out && s->connected)
                mqtt_publish_due(s);
        s->n_left_out = ring.states_left_out;
        due = s->connected && mqtt_publish_continue(s);
        /* messages of the spool are older, and must not come behind them */
        if (s->counters_due && s->connected && w.spooled == 0 &&
            (w.memory != MQTT_MEMORY_UNKNOWN || mqtt_publish_now_usec() >= s->due_usec))
                mqtt_publish_counters(s, w.memory);
        if (w.n_births != s->n_births) {
                s->n_births = w.n_births;
                if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
                        random = 0; /* too early for randomness: at once, then */
                arm(s->birth_timer, random % BIRTH_MAX_USEC);
        }
        report_rival(s, &w);
        report_status(s, &w, &ring);
        /* Numbers that still move are looked at again, without a wake-up of their own. */
        if (w.spooled > 0 || ring.n > 0 || w.in_flight > 0 || due ||
            (s->counters_due && s->connected))
                arm(s->status_timer, STATUS_USEC);
}

/* It leaves: only the kept messages and the end still matter. May free it. */
static void look_for_end(struct sink_mqtt *s)
{
        struct mqtt_status w;
        struct mqtt_ring ring;

        mqtt_queue_status(s->queue, &w, &ring); /* these are no news any more */
        if (s->sink.keeps)
                look_at_kept(s);
        if (mqtt_worker_has_ended(s->worker))
                s->on_left(s->userdata);
}

static int on_news(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        struct sink_mqtt *s = userdata;

        (void)source;
        (void)fd;
        (void)revents;
        if (s->is_detached)
                look_for_end(s); /* touch nothing after this */
        else
                look_at_worker(s);
        return 0;
}

/* The thread hangs in a call to the disk. */
static int on_leave_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct sink_mqtt *s = userdata;

        (void)source;
        (void)usec;
        s->on_left(s->userdata); /* touch nothing after this */
        return 0;
}

static int on_status_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        (void)source;
        (void)usec;
        look_at_worker(userdata);
        return 0;
}

static int on_keep_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct sink_mqtt *s = userdata;

        (void)source;
        (void)usec;
        look_at_kept(s);
        if (s->kept == s->ticket)
                return 0;
        if (!s->worker) { /* no fault of the disk: the one before it is still writing */
                arm(s->keep_timer, KEEP_USEC);
                return 0;
        }
        s->late = true;
        s->on_kept(UINT64_MAX, s->userdata);
        if (!s->is_detached)
                look_at_worker(s);
        return 0;
}

static int on_birth_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        (void)source;
        (void)usec;
        mqtt_publish_all(userdata);
        look_at_worker(userdata);
        return 0;
}

/* ---- sink ---- */

static void sink_mqtt_meter_added(struct sink *sink, const struct meter *meter)
{
        struct sink_mqtt *s = (struct sink_mqtt *)sink;
        struct mqtt_entry *e = mqtt_publish_meter(s, meter);
        struct message_list list = { 0 };

        if (!e)
                return; /* out of memory: tried again with its first telegram */
        mqtt_publish_describe(s, e, true, &list);
        mqtt_publish_push(s, e, &list);
}

static void sink_mqtt_meter_known(struct sink *sink, struct meter_memory *memory, bool exact)
{
        struct sink_mqtt *s = (struct sink_mqtt *)sink;
        struct mqtt_entry *e = mqtt_publish_obtain(s, memory->look(memory)->id);

        if (!e)
                return; /* out of memory */
        e->known = memory;
        e->exact = exact;
        if (s->connected)
                mqtt_publish_anew(s, e);
}

static void sink_mqtt_meter_removed(struct sink *sink, const struct meter *meter)
{
        struct sink_mqtt *s = (struct sink_mqtt *)sink;
        struct mqtt_entry *e = mqtt_publish_find(s, meter->id);
        struct message_list list = { 0 };
        struct meter gone = *meter; /* a shallow copy, for this call only */

        gone.online = false;
        if (!e)
                return;
        if (s->connected)
                format_state(mqtt_publish_context(s, e), &gone, &list);
        mqtt_publish_push(s, e, &list);
        e->meter = NULL;
        if (!e->known && s->n_entries > ENTRIES_MAX)
                mqtt_publish_drop(s, e);
}

static void publish_telegram(struct sink_mqtt *s, const struct meter *meter,
                             const struct meter_update *update)
{
        struct mqtt_entry *e = mqtt_publish_meter(s, meter);
        const struct format_context *context;
        struct message_list list = { 0 };
        struct format_values values;

        if (!e)
                return; /* out of memory */
        /* an entity must be known before its value comes */
        mqtt_publish_redescribe(s, e, update, &list);
        context = mqtt_publish_context(s, e);
        if (s->connected && !list.head && (update->came_online || update->tariff_changed))
                format_state(context, meter, &list);
        format_filter_apply(&e->filter, s->interval_usec, s->deadband, update, &values);
        format_telegram(context, meter, update, &values, &list);
        mqtt_publish_health(s, e, &list);
        push_telegram(s, e, &list);
        arm(s->status_timer, STATUS_USEC);
}

static void sink_mqtt_telegram(struct sink *sink, const struct meter *meter,
                               const struct meter_update *update)
{
        struct sink_mqtt *s = (struct sink_mqtt *)sink;

        publish_telegram(s, meter, update);
        end_coming(s);
}

static void sink_mqtt_meter_changed(struct sink *sink, const struct meter *meter)
{
        struct sink_mqtt *s = (struct sink_mqtt *)sink;
        struct mqtt_entry *e = mqtt_publish_meter(s, meter);
        struct message_list list = { 0 };

        if (!e)
                return; /* out of memory */
        mqtt_publish_describe(s, e, false, &list);
        if (s->connected && !list.head)
                format_state(mqtt_publish_context(s, e), meter, &list);
        mqtt_publish_push(s, e, &list);
}

static void sink_mqtt_meter_forgotten(struct sink *sink, const char *meter_id)
{
        struct sink_mqtt *s = (struct sink_mqtt *)sink;
        struct mqtt_entry *e = mqtt_publish_find(s, meter_id);
        struct message_list list = { 0 };

        if (!e)
                return;
        mqtt_publish_clear(e, &list);
        mqtt_publish_push(s, e, &list);
        mqtt_publish_drop(s, e);
        arm(s->status_timer, STATUS_USEC);
}

/* Its section is gone, or names another broker: all retained topics of this one are emptied. */
static void sink_mqtt_withdraw(struct sink *sink)
{
        struct sink_mqtt *s = (struct sink_mqtt *)sink;

        if (!s->connected) {
                log_notice("MQTT %s: the broker is away: its retained topics are emptied when a "
                           "section is connected to it again",
                           s->name);
                return;
        }
        s->leaving = true;
        for (struct mqtt_entry *e = s->entries; e; e = e->next) {
                struct message_list none = { 0 }, list = { 0 };

                retained_drop_parts(&e->retained);
                if (mqtt_publish_withdraw(s, e->id, &e->retained, &none, &list))
                        mqtt_publish_remember(s, e->id, &e->retained);
                mqtt_publish_push(s, e, &list);
        }
        (void)store_put_retained(s->store, s->key, "", ""); /* the worker's goodbye empties it */
        mqtt_queue_request(s->queue, mqtt_publish_is_shared(s, "", s->state_topic)
                                             ? MQTT_REQUEST_NO_GOODBYE
                                             : MQTT_REQUEST_WITHDRAW);
}

static void sink_mqtt_converter_added(struct sink *sink, const struct converter_view *converter)
{
        link_converters_add(&((struct sink_mqtt *)sink)->converters, converter);
}

static void sink_mqtt_converter_removed(struct sink *sink, const struct converter_view *converter)
{
        link_converters_remove(&((struct sink_mqtt *)sink)->converters, converter);
}

static void sink_mqtt_reconnect(struct sink *sink)
{
        struct sink_mqtt *s = (struct sink_mqtt *)sink;

        mqtt_queue_request(s->queue, MQTT_REQUEST_RECONNECT);
}

static void sink_mqtt_retry(struct sink *sink)
{
        struct sink_mqtt *s = (struct sink_mqtt *)sink;

        mqtt_queue_request(s->queue, MQTT_REQUEST_RETRY);
        if (s->connected)
                mqtt_publish_all(s); /* topics may have been deleted by hand before a reload */
        arm(s->status_timer, STATUS_USEC);
        for (struct mqtt_entry *e = s->entries; e && s->connected; e = e->next) {
                struct message_list list = { 0 };

                if (mqtt_publish_model(e))
                        format_counters(mqtt_publish_context(s, e), mqtt_publish_model(e),
                                        e->exact ? 0 : 1, UINT64_MAX, &list);
                mqtt_publish_push(s, e, &list);
        }
}

static void sink_mqtt_stop(struct sink *sink)
{
        struct sink_mqtt *s = (struct sink_mqtt *)sink;

        if (s->worker)
                mqtt_worker_stop(s->worker);
}

static void detach(struct sink_mqtt *s)
{
        s->status_timer = sd_event_source_disable_unref(s->status_timer);
        s->birth_timer = sd_event_source_disable_unref(s->birth_timer);
        if (!s->is_detached)
                mqtt_publish_end(s);
        s->is_detached = true;
}

/* Other outputs still wait for telegrams that are kept first: so it waits until the end. */
static bool sink_mqtt_leave(struct sink *sink)
{
        struct sink_mqtt *s = (struct sink_mqtt *)sink;

        detach(s);
        if (!s->worker || mqtt_worker_has_ended(s->worker))
                return true;
        return sd_event_add_time_relative(sd_event_source_get_event(s->news), &s->leave_timer,
                                          CLOCK_MONOTONIC, mqtt_worker_left_usec(s->worker), 0,
                                          on_leave_timer, s) < 0;
}

static struct sink *sink_mqtt_free(struct sink *sink)
{
        struct sink_mqtt *s = (struct sink_mqtt *)sink;
        struct message_list left = { 0 };

        if (!s)
                return NULL;
        s->news = sd_event_source_disable_unref(s->news);
        s->keep_timer = sd_event_source_disable_unref(s->keep_timer);
        s->leave_timer = sd_event_source_disable_unref(s->leave_timer);
        detach(s);
        if (!s->worker && s->queue) {
                (void)mqtt_queue_take(s->queue, &left);
                s->queue = mqtt_queue_free(s->queue);
        }
        s->worker = mqtt_worker_free(s->worker, &left);
        if (sink->keeps)
                s->on_kept(UINT64_MAX, s->userdata);
        mqtt_left_keep(s->name ? s->name : "", &left);
        free(s->name);
        free(s->version);
        free(s);
        return NULL;
}

DEFINE_OWNED(sink, struct sink *, sink_mqtt_free);

/* ---- making one ---- */

static void set_context(struct sink_mqtt *s, const struct config_mqtt *config)
{
        mqtt_config_context(config, &s->context);
        s->context.version = s->version;
        s->interval_usec = config->interval_usec;
        s->deadband = config->deadband;
}

static bool is_spooled(const struct sink_mqtt *s)
{
        return s->config->spool != MQTT_SPOOL_NO && s->state_directory;
}

static bool keeps(const struct sink_mqtt *s)
{
        return s->config->durability == MQTT_ALWAYS && is_spooled(s);
}

static int start_worker(struct sink_mqtt *s)
{
        const struct config_mqtt *config = s->config;
        struct mqtt_worker_options worker = { .write_ahead = config->durability == MQTT_ALWAYS };
        char client_id[128], births[MQTT_BIRTHS_MAX][FORMAT_TOPIC_MAX] = { "" };
        struct message_list left = { 0 };
        int r;

        mqtt_settings_client_id(config, client_id, sizeof(client_id));
        for (size_t i = 0; i < MQTT_BIRTHS_MAX; i++)
                (void)format_birth_topic(&s->context, i, births[i]); /* "" where there is none */
        r = mqtt_settings_copy(config, client_id, s->state_topic, births, &worker.settings);
        if (r < 0)
                return r;
        if (is_spooled(s)) {
                struct mqtt_spool_options spool = { .directory = s->state_directory,
                                                    .name = s->name,
                                                    .bytes_max = config->spool_max_bytes,
                                                    .durable = config->durability == MQTT_ALWAYS };

                r = mqtt_spool_new(&spool, &worker.spool);
                if (r < 0) {
                        mqtt_settings_done(&worker.settings);
                        return r;
                }
        }
        mqtt_left_take(s->name, &left);
        mqtt_queue_push_first(s->queue, &left);
        worker.spool_when_reached = config->spool == MQTT_SPOOL_REACHED;
        worker.queue = s->queue;
        worker.denied_usec = s->denied_usec;
        r = mqtt_worker_new(&worker, &s->worker);
        if (r < 0) {
                s->news = sd_event_source_disable_unref(s->news);
                s->queue = NULL; /* freed, as all that was handed over */
        }
        return r;
}

static int sink_mqtt_begin(struct sink *sink)
{
        return start_worker((struct sink_mqtt *)sink);
}

static int add_sources(struct sink_mqtt *s, sd_event *event)
{
        int r;

        r = sd_event_add_io(event, &s->news, mqtt_queue_news_fd(s->queue), EPOLLIN, on_news, s);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(s->news, "mqtt-news");
        r = sd_event_add_time_relative(event, &s->status_timer, CLOCK_MONOTONIC, 0, STATUS_SLACK,
                                       on_status_timer, s);
        if (r < 0)
                return r; /* shown at once, for a first status; armed by telegrams afterwards */
        (void)sd_event_source_set_description(s->status_timer, "mqtt-status");
        r = sd_event_add_time_relative(event, &s->birth_timer, CLOCK_MONOTONIC, 0, 0,
                                       on_birth_timer, s);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(s->birth_timer, "mqtt-birth");
        r = sd_event_source_set_enabled(s->birth_timer, SD_EVENT_OFF);
        if (r < 0 || !s->sink.keeps)
                return r;
        r = sd_event_add_time_relative(event, &s->keep_timer, CLOCK_MONOTONIC, 0, 0, on_keep_timer,
                                       s);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(s->keep_timer, "mqtt-keep");
        return sd_event_source_set_enabled(s->keep_timer, SD_EVENT_OFF);
}

static const struct sink_ops sink_mqtt_ops = {
        .name = "mqtt",
        .named_only = true,
        .stop = sink_mqtt_stop,
        .free = sink_mqtt_free,
        .leave = sink_mqtt_leave,
        .begin = sink_mqtt_begin,
        .reconnect = sink_mqtt_reconnect,
        .retry = sink_mqtt_retry,
        .withdraw = sink_mqtt_withdraw,
        .meter_known = sink_mqtt_meter_known,
        .meter_added = sink_mqtt_meter_added,
        .meter_removed = sink_mqtt_meter_removed,
        .telegram_coming = sink_mqtt_telegram_coming,
        .telegram = sink_mqtt_telegram,
        .meter_changed = sink_mqtt_meter_changed,
        .meter_forgotten = sink_mqtt_meter_forgotten,
        .converter_added = sink_mqtt_converter_added,
        .converter_removed = sink_mqtt_converter_removed,
};

static void set_callbacks(struct sink_mqtt *s, const struct sink_mqtt_options *options)
{
        s->on_status = options->on_status;
        s->on_keep = options->on_keep;
        s->on_kept = options->on_kept;
        s->on_left = options->on_left;
        s->meter_name = options->meter_name;
        s->userdata = options->userdata;
}

int sink_mqtt_new(const struct sink_mqtt_options *options, struct sink **ret)
{
        OWNED(sink) struct sink *sink = NULL;
        struct sink_mqtt *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        sink = &s->sink;
        s->sink.ops = &sink_mqtt_ops;
        mqtt_publish_begin(s);
        s->name = strdup(options->config->item.name);
        s->version = strdup(options->version ? options->version : "");
        if (!s->name || !s->version)
                return -ENOMEM;
        set_callbacks(s, options);
        s->config = options->config;
        s->state_directory = options->state_directory;
        s->denied_usec = options->denied_usec;
        s->status = (struct output_view){ .name = s->name, .kind = "mqtt", .error_code = "" };
        s->store = options->store;
        s->lost_usec = mqtt_publish_now_usec(); /* earlier ones came to others */
        set_context(s, options->config);
        format_state_topic(&s->context, s->state_topic);
        (void)mqtt_config_retained_key(options->config, s->key);
        mqtt_publish_recall(s);
        s->sink.keeps = options->on_keep && keeps(s);
        r = mqtt_queue_new(MQTT_QUEUE_BYTES_MAX, &s->queue);
        if (r >= 0)
                r = add_sources(s, options->event);
        if (r >= 0 && !options->wait)
                r = start_worker(s);
        if (r < 0)
                return r;
        *ret = TAKE(sink);
        return 0;
}

static int new_output(const struct output_options *options, struct sink **ret)
{
        return sink_mqtt_new(
                &(struct sink_mqtt_options){
                        .event = options->event,
                        .config = (const struct config_mqtt *)options->config,
                        .state_directory = options->state_directory,
                        .version = options->version,
                        .on_status = options->on_status,
                        .on_keep = options->on_keep,
                        .on_kept = options->on_kept,
                        .on_left = options->on_left,
                        .wait = options->wait,
                        .userdata = options->userdata,
                        .meter_name = options->meter_name,
                        .store = options->store,
                },
                ret);
}

static bool is_same_place(const struct config_item *a, const struct config_item *b)
{
        char left[MQTT_PLACE_MAX], right[MQTT_PLACE_MAX];

        return mqtt_config_same_place(
                mqtt_config_retained_key((const struct config_mqtt *)a, left),
                mqtt_config_retained_key((const struct config_mqtt *)b, right));
}

const struct output output_mqtt = {
        .section = &config_section_mqtt,
        .new = new_output,
        .report_left = mqtt_left_report,
        .is_same_place = is_same_place,
        .settled = mqtt_left_end,
};
