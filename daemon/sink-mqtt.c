/* SPDX-License-Identifier: MIT */
/*
 * One MQTT broker as a sink: formats telegrams in the main loop, hands the messages to the worker,
 * and tells anew what is retained whenever a connection has been made or Home Assistant was
 * started.
 */
#include "sink-mqtt.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "format-filter.h"
#include "format.h"
#include "lib/util.h"
#include "log.h"
#include "mqtt-error.h"
#include "mqtt-queue.h"
#include "mqtt-settings.h"
#include "mqtt-spool.h"
#include "mqtt-worker.h"

/* Counters are told this long after the telegram that moved them. */
#define STATUS_USEC  UINT64_C(1000000)
#define STATUS_SLACK UINT64_C(500000)
/* Home Assistant asks for answers spread over time when it starts (FIELD §3.1). */
#define BIRTH_MAX_USEC UINT64_C(3000000)
/* Entries of meters that were removed and never forgotten; beyond, the oldest goes. */
#define ENTRIES_MAX 512

struct entry {
        char id[METER_ID_MAX];
        const struct meter *meter; /* borrowed; NULL while it is removed */
        struct format_filter filter;
        uint64_t signature; /* of the description sent last; 0: none */
        struct entry *next;
};

struct sink_mqtt {
        struct sink sink;
        sd_event_source *news, *status_timer, *birth_timer;
        struct mqtt_queue *queue;
        struct mqtt_worker *worker;
        struct format_context context;
        uint64_t interval_usec;
        struct decimal deadband;
        char *name, *version;
        void (*on_status)(const struct sink_mqtt_status *status, void *userdata);
        const char *(*meter_name)(void *userdata, const char *meter_id);
        void *userdata;
        struct entry *entries;
        size_t n_entries;
        struct sink_mqtt_status status; /* as told last */
        uint64_t n_connects, n_births, n_retries;
        bool told, connected;
};

/* ---- meters ---- */

static struct entry *find_entry(struct sink_mqtt *s, const char *id)
{
        for (struct entry *e = s->entries; e; e = e->next)
                if (strcmp(e->id, id) == 0)
                        return e;
        return NULL;
}

static void remove_entry(struct sink_mqtt *s, struct entry *gone)
{
        for (struct entry **at = &s->entries; *at; at = &(*at)->next) {
                if (*at != gone)
                        continue;
                *at = gone->next;
                format_filter_done(&gone->filter);
                free(gone);
                s->n_entries--;
                return;
        }
}

static struct entry *need_entry(struct sink_mqtt *s, const struct meter *meter)
{
        struct entry *e = find_entry(s, meter->id);

        if (!e) {
                e = calloc(1, sizeof(*e));
                if (!e)
                        return NULL;
                memcpy(e->id, meter->id, sizeof(e->id));
                e->next = s->entries;
                s->entries = e;
                s->n_entries++;
        }
        e->meter = meter;
        return e;
}

/* The context for this meter: its name is all that differs. */
static const struct format_context *context_for(struct sink_mqtt *s, const char *meter_id)
{
        const char *name = s->meter_name ? s->meter_name(s->userdata, meter_id) : NULL;

        s->context.meter_name = name ? name : "";
        return &s->context;
}

/* Without a broker nobody would see it, and with the next connection it is told anyway. */
static void describe(struct sink_mqtt *s, struct entry *e, bool always, struct message_list *list)
{
        const struct format_context *context;
        uint64_t signature;

        if (!s->connected || !e->meter)
                return;
        context = context_for(s, e->id);
        signature = format_signature(context, e->meter);
        if (!always && signature == e->signature)
                return;
        e->signature = signature;
        format_describe(context, e->meter, list);
        format_state(context, e->meter, list);
}

static void announce_all(struct sink_mqtt *s)
{
        struct message_list list = { 0 };

        for (struct entry *e = s->entries; e; e = e->next)
                describe(s, e, true, &list);
        mqtt_queue_push(s->queue, &list);
}

/* ---- status ---- */

static void log_status(const struct sink_mqtt *s, const struct sink_mqtt_status *before)
{
        const sd_id128_t id = LOG_ID_SINK_STATE;
        struct log_about about = { .sink = s->name, .message_id = &id };

        if (strcmp(before->last_error, s->status.last_error) != 0 && s->status.last_error[0])
                log_about(LOG_WARNING, &about, "MQTT: %s", s->status.last_error);
        else if (before->connected != s->status.connected)
                log_about(LOG_INFO, &about, "MQTT: %s",
                          s->status.connected ? "connected" : "disconnected");
}

static void tell_status(struct sink_mqtt *s, const struct mqtt_status *w, size_t n_queued,
                        uint64_t ring_dropped)
{
        struct sink_mqtt_status before = s->status;
        struct sink_mqtt_status *now = &s->status;

        now->connected = w->connected;
        now->queued = n_queued + w->in_flight;
        now->spooled = w->spooled;
        now->published = w->published;
        now->dropped = w->dropped + ring_dropped;
        mqtt_error_of_status(w, now->last_error, sizeof(now->last_error));
        log_status(s, &before);
        if (s->told && before.connected == now->connected && before.queued == now->queued &&
            before.spooled == now->spooled && before.published == now->published &&
            before.dropped == now->dropped && strcmp(before.last_error, now->last_error) == 0)
                return;
        s->told = true;
        if (s->on_status)
                s->on_status(now, s->userdata);
}

static void arm(sd_event_source *timer, uint64_t usec)
{
        int enabled = SD_EVENT_OFF;

        (void)sd_event_source_get_enabled(timer, &enabled);
        if (enabled != SD_EVENT_OFF)
                return;
        (void)sd_event_source_set_time_relative(timer, usec);
        (void)sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

static void look_at_worker(struct sink_mqtt *s)
{
        struct mqtt_status w;
        uint64_t ring_dropped;
        size_t n_queued = mqtt_queue_status(s->queue, &w, &ring_dropped);
        uint32_t random = 0;

        s->connected = w.connected;
        if (w.n_connects != s->n_connects || w.n_retries != s->n_retries) {
                s->n_connects = w.n_connects;
                s->n_retries = w.n_retries;
                announce_all(s);
        }
        if (w.n_births != s->n_births) {
                s->n_births = w.n_births;
                if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
                        random = 0; /* too early for randomness: at once, then */
                arm(s->birth_timer, random % BIRTH_MAX_USEC);
        }
        tell_status(s, &w, n_queued, ring_dropped);
        /* Numbers that still move are worth another look, without anyone being woken for it. */
        if (w.spooled > 0 || n_queued > 0 || w.in_flight > 0)
                arm(s->status_timer, STATUS_USEC);
}

static int on_news(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        (void)source;
        (void)fd;
        (void)revents;
        look_at_worker(userdata);
        return 0;
}

static int on_status_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        (void)source;
        (void)usec;
        look_at_worker(userdata);
        return 0;
}

static int on_birth_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        (void)source;
        (void)usec;
        announce_all(userdata);
        return 0;
}

/* ---- sink ---- */

static void sink_mqtt_meter_added(struct sink *sink, const struct meter *meter)
{
        struct sink_mqtt *s = (struct sink_mqtt *)sink;
        struct entry *e = need_entry(s, meter);
        struct message_list list = { 0 };

        if (!e)
                return; /* out of memory: tried again with its first telegram */
        describe(s, e, true, &list);
        mqtt_queue_push(s->queue, &list);
}

static void sink_mqtt_meter_removed(struct sink *sink, const struct meter *meter)
{
        struct sink_mqtt *s = (struct sink_mqtt *)sink;
        struct entry *e = find_entry(s, meter->id);
        struct message_list list = { 0 };
        struct meter gone = *meter; /* a shallow copy, for this call only */

        gone.online = false;
        if (s->connected)
                format_state(context_for(s, meter->id), &gone, &list);
        mqtt_queue_push(s->queue, &list);
        if (e)
                e->meter = NULL;
        if (e && s->n_entries > ENTRIES_MAX)
                remove_entry(s, e);
}

static void sink_mqtt_telegram(struct sink *sink, const struct meter *meter,
                               const struct meter_update *update)
{
        struct sink_mqtt *s = (struct sink_mqtt *)sink;
        struct entry *e = need_entry(s, meter);
        const struct format_context *context;
        struct message_list list = { 0 };
        struct format_values values;

        if (!e)
                return;               /* out of memory */
        describe(s, e, false, &list); /* an entity must be known before its value comes */
        context = context_for(s, e->id);
        if (s->connected && !list.head && (update->came_online || update->tariff_changed))
                format_state(context, meter, &list);
        format_filter_apply(&e->filter, s->interval_usec, s->deadband, update, &values);
        format_telegram(context, meter, update, &values, &list);
        mqtt_queue_push(s->queue, &list);
        arm(s->status_timer, STATUS_USEC);
}

static void sink_mqtt_meter_changed(struct sink *sink, const struct meter *meter)
{
        struct sink_mqtt *s = (struct sink_mqtt *)sink;
        struct entry *e = need_entry(s, meter);
        struct message_list list = { 0 };

        if (!e)
                return; /* out of memory */
        describe(s, e, false, &list);
        if (s->connected && !list.head)
                format_state(context_for(s, e->id), meter, &list);
        mqtt_queue_push(s->queue, &list);
}

static void sink_mqtt_meter_forgotten(struct sink *sink, const char *meter_id)
{
        struct sink_mqtt *s = (struct sink_mqtt *)sink;
        struct entry *e = find_entry(s, meter_id);
        struct message_list list = { 0 };

        format_forget(context_for(s, meter_id), meter_id, e ? e->meter : NULL, &list);
        mqtt_queue_push(s->queue, &list);
        if (e)
                remove_entry(s, e);
        arm(s->status_timer, STATUS_USEC);
}

static struct sink *sink_mqtt_free(struct sink *sink)
{
        struct sink_mqtt *s = (struct sink_mqtt *)sink;
        uint64_t lost = 0;

        if (!s)
                return NULL;
        s->news = sd_event_source_disable_unref(s->news);
        s->status_timer = sd_event_source_disable_unref(s->status_timer);
        s->birth_timer = sd_event_source_disable_unref(s->birth_timer);
        s->worker = mqtt_worker_free(s->worker, &lost);
        if (lost > 0)
                log_warning("MQTT %s: %" PRIu64 " messages were neither sent nor kept",
                            s->name ? s->name : "", lost);
        s->queue = mqtt_queue_free(s->queue);
        while (s->entries)
                remove_entry(s, s->entries);
        free(s->name);
        free(s->version);
        free(s);
        return NULL;
}

DEFINE_OWNED(sink, struct sink *, sink_mqtt_free);

static const struct sink_ops sink_mqtt_ops = {
        .name = "mqtt",
        .free = sink_mqtt_free,
        .meter_added = sink_mqtt_meter_added,
        .meter_removed = sink_mqtt_meter_removed,
        .telegram = sink_mqtt_telegram,
        .meter_changed = sink_mqtt_meter_changed,
        .meter_forgotten = sink_mqtt_meter_forgotten,
};

/* ---- making one ---- */

/* A configured word of a topic; slashes inside separate levels and stay. */
static void set_levels(const char *text, const char *otherwise, char buf[static FORMAT_SEGMENT_MAX])
{
        const char *from = text && *text ? text : otherwise;
        size_t n = 0;

        for (; from[n] && n + 1 < FORMAT_SEGMENT_MAX; n++) {
                char level[2] = { from[n], '\0' };

                if (from[n] != '/')
                        (void)format_segment(level, level, sizeof(level));
                buf[n] = level[0];
        }
        buf[n] = '\0';
}

static void set_context(struct sink_mqtt *s, const struct config_mqtt *config)
{
        char host[256] = "";

        (void)gethostname(host, sizeof(host) - 1); /* an unnamed machine is "_" */
        host[strcspn(host, ".")] = '\0';
        s->context = (struct format_context){ .formats = config->formats,
                                              .version = s->version,
                                              .meter_name = "" };
        (void)format_segment(config->instance && *config->instance ? config->instance : host,
                             s->context.instance, sizeof(s->context.instance));
        (void)format_segment(config->group && *config->group ? config->group : "building",
                             s->context.group, sizeof(s->context.group));
        set_levels(config->discovery_prefix, "homeassistant", s->context.discovery_prefix);
        set_levels(config->jeedom_root, "jeedom", s->context.jeedom_root);
        s->interval_usec = config->interval_usec;
        s->deadband = config->deadband;
        s->context.resend_usec = MAX(config->interval_usec,
                                     config->deadband.mantissa != 0 ? FORMAT_FILTER_REST_USEC : 0);
}

static int start_worker(struct sink_mqtt *s, const struct sink_mqtt_options *options)
{
        const struct config_mqtt *config = options->config;
        struct mqtt_worker_options worker = { .write_ahead = config->durability_always };
        char client_id[128], state_topic[FORMAT_TOPIC_MAX], birth_topic[FORMAT_TOPIC_MAX];
        bool spooled = config->spool != MQTT_SPOOL_NO && options->state_directory;
        int r;

        r = mqtt_queue_new(MQTT_QUEUE_BYTES_MAX, &s->queue);
        if (r < 0)
                return r;
        mqtt_settings_client_id(config, client_id, sizeof(client_id));
        format_state_topic(&s->context, state_topic);
        (void)snprintf(birth_topic, sizeof(birth_topic), "%s/status", s->context.discovery_prefix);
        r = mqtt_settings_copy(config, client_id, state_topic,
                               config->formats & MQTT_FORMAT_HOMEASSISTANT ? birth_topic : NULL,
                               &worker.settings);
        if (r < 0)
                return r;
        if (spooled) {
                struct mqtt_spool_options spool = { .directory = options->state_directory,
                                                    .name = s->name,
                                                    .bytes_max = config->spool_max_bytes,
                                                    .durable = config->durability_always };

                r = mqtt_spool_new(&spool, &worker.spool);
                if (r < 0) {
                        mqtt_settings_done(&worker.settings);
                        return r;
                }
        }
        worker.spool_when_reached = config->spool == MQTT_SPOOL_REACHED;
        worker.queue = s->queue;
        worker.denied_usec = options->denied_usec;
        return mqtt_worker_new(&worker, &s->worker);
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
        return sd_event_source_set_enabled(s->birth_timer, SD_EVENT_OFF);
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
        s->name = strdup(options->config->name ? options->config->name : "mqtt");
        s->version = strdup(options->version ? options->version : "");
        if (!s->name || !s->version)
                return -ENOMEM;
        s->on_status = options->on_status;
        s->meter_name = options->meter_name;
        s->userdata = options->userdata;
        s->status.name = s->name;
        set_context(s, options->config);
        r = start_worker(s, options);
        if (r < 0)
                return r;
        r = add_sources(s, options->event);
        if (r < 0)
                return r;
        *ret = TAKE(sink);
        return 0;
}

void sink_mqtt_reconnect(struct sink *sink)
{
        struct sink_mqtt *s = (struct sink_mqtt *)sink;

        mqtt_queue_request(s->queue, MQTT_REQUEST_RECONNECT);
}

void sink_mqtt_retry(struct sink *sink)
{
        struct sink_mqtt *s = (struct sink_mqtt *)sink;

        mqtt_queue_request(s->queue, MQTT_REQUEST_RETRY);
}
