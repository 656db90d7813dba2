/* SPDX-License-Identifier: MIT */
/*
 * Retained topics of a broker, by meter: how they are published, remembered and emptied.
 */
#include "mqtt-publish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/array.h"
#include "base/sorted.h"
#include "base/util.h"

/* A description of a hundred values is 40 kB, retained: a meter whose name changed with each
 * telegram made each telegram's 270 bytes that long. */
#define DESCRIBE_USEC  UINT64_C(10000000)
#define DESCRIBE_BURST 8
/* Intervals that were learned are looked at so often. */
#define SIGN_USEC UINT64_C(10000000)
/* Health is published so often at most: each message is a row in a history database. */
#define HEALTH_USEC UINT64_C(60000000)

static struct sink_mqtt *sinks; /* the main loop's alone */

void mqtt_publish_begin(struct sink_mqtt *s)
{
        s->next = sinks;
        sinks = s;
}

void mqtt_publish_end(struct sink_mqtt *s)
{
        struct sink_mqtt **at = &sinks;

        while (*at != s)
                at = &(*at)->next;
        *at = s->next;
        while (s->entries)
                mqtt_publish_drop(s, s->entries);
        free(s->by_id);
        s->by_id = NULL;
        s->n_room = 0;
        link_converters_done(&s->converters);
        retained_done(&s->retained);
}

static int compare_ids(const void *elements, size_t at, const void *key)
{
        const struct sink_mqtt *s = elements;

        return strcmp(s->by_id[at]->id, key);
}

static size_t place_of(const struct sink_mqtt *s, const char *id, bool *ret_found)
{
        return sorted_place(s, s->n_entries, id, compare_ids, ret_found);
}

struct mqtt_entry *mqtt_publish_find(struct sink_mqtt *s, const char *id)
{
        bool found;
        size_t at = place_of(s, id, &found);

        return found ? s->by_id[at] : NULL;
}

static void remove_from_order(struct sink_mqtt *s, const struct mqtt_entry *gone)
{
        bool found;
        size_t at = place_of(s, gone->id, &found);

        s->n_entries--;
        memmove(s->by_id + at, s->by_id + at + 1,
                (s->n_entries - at) * sizeof(struct mqtt_entry *));
}

/* False: no memory. */
static bool insert_in_order(struct sink_mqtt *s, struct mqtt_entry *e)
{
        bool found;
        size_t at = place_of(s, e->id, &found);

        if (!ARRAY_GROW(s->by_id, s->n_entries, s->n_room))
                return false;
        memmove(s->by_id + at + 1, s->by_id + at,
                (s->n_entries - at) * sizeof(struct mqtt_entry *));
        s->by_id[at] = e;
        s->n_entries++;
        return true;
}

void mqtt_publish_drop(struct sink_mqtt *s, struct mqtt_entry *gone)
{
        for (struct mqtt_entry **at = &s->entries; *at; at = &(*at)->next) {
                if (*at != gone)
                        continue;
                *at = gone->next;
                remove_from_order(s, gone);
                format_filter_done(&gone->filter);
                retained_done(&gone->retained);
                free(gone);
                return;
        }
}

/* NULL: no memory. */
struct mqtt_entry *mqtt_publish_obtain(struct sink_mqtt *s, const char *id)
{
        struct mqtt_entry *e = mqtt_publish_find(s, id);

        if (e)
                return e;
        e = calloc(1, sizeof(*e));
        if (!e)
                return NULL;
        (void)snprintf(e->id, sizeof(e->id), "%s", id);
        if (!insert_in_order(s, e)) {
                free(e);
                return NULL;
        }
        e->next = s->entries;
        s->entries = e;
        return e;
}

struct mqtt_entry *mqtt_publish_meter(struct sink_mqtt *s, const struct meter *meter)
{
        struct mqtt_entry *e = mqtt_publish_obtain(s, meter->id);

        if (e)
                e->meter = meter;
        return e;
}

const struct meter *mqtt_publish_model(const struct mqtt_entry *e)
{
        return e->known ? e->known->look(e->known) : e->meter;
}

/* The context for this meter: its name, and its parts that are retained. */
const struct format_context *mqtt_publish_context(struct sink_mqtt *s, const struct mqtt_entry *e)
{
        const char *name = s->meter_name ? s->meter_name(s->userdata, e->id) : NULL;

        s->context.meter_name = name ? name : "";
        s->context.parts = e->retained.topics;
        s->context.n_parts = e->retained.n;
        return &s->context;
}

void mqtt_publish_remember(struct sink_mqtt *s, const char *id, const struct retained *retained)
{
        char *text = retained_print(retained);

        if (text)
                (void)store_put_retained(s->store, s->key, id,
                                         text); /* without memory: next time */
        free(text);
}

/* Every message about a meter goes this way, so that its retained topics are known. */
void mqtt_publish_push_ticket(struct sink_mqtt *s, struct mqtt_entry *e, struct message_list *list,
                              uint64_t ticket)
{
        if (retained_note(&e->retained, list) || e->parts_changed)
                mqtt_publish_remember(s, e->id, &e->retained);
        e->parts_changed = false;
        mqtt_queue_push_ticket(s->queue, list, ticket);
}

void mqtt_publish_push(struct sink_mqtt *s, struct mqtt_entry *e, struct message_list *list)
{
        mqtt_publish_push_ticket(s, e, list, 0);
}

uint64_t mqtt_publish_now_usec(void)
{
        struct timespec ts;

        (void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail for this clock */
        return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* A description that changes more often waits for a later telegram. */
static bool may_describe(struct mqtt_entry *e)
{
        uint64_t now = mqtt_publish_now_usec(), over = (now - e->described_usec) / DESCRIBE_USEC;

        e->described_usec += over * DESCRIBE_USEC;
        e->n_described -= (unsigned int)MIN(over, e->n_described);
        if (e->n_described >= DESCRIBE_BURST)
                return false;
        e->n_described++;
        return true;
}

static void add_health(struct sink_mqtt *s, struct mqtt_entry *e, struct message_list *list)
{
        uint64_t now = mqtt_publish_now_usec();

        s->context.damaged_frames = link_quality_of(&e->quality, &s->converters, e->id, now);
        format_health(mqtt_publish_context(s, e), mqtt_publish_model(e), list);
}

void mqtt_publish_health(struct sink_mqtt *s, struct mqtt_entry *e, struct message_list *list)
{
        uint64_t now = mqtt_publish_now_usec();

        if (!s->connected || now - e->health_usec < MAX(HEALTH_USEC, s->interval_usec))
                return;
        e->health_usec = now;
        add_health(s, e, list);
}

static void add_part(const char *part, void *userdata)
{
        struct mqtt_entry *e = userdata;

        e->parts_changed = retained_add(&e->retained, part) || e->parts_changed;
}

/* Without a connection it waits: the next one publishes all. */
void mqtt_publish_describe(struct sink_mqtt *s, struct mqtt_entry *e, bool always,
                           struct message_list *list)
{
        const struct format_context *context;
        const struct meter *model = mqtt_publish_model(e);
        uint64_t signature;

        if (!s->connected || !model)
                return;
        context = mqtt_publish_context(s, e);
        signature = format_signature(context, model);
        e->signed_usec = mqtt_publish_now_usec();
        if (!always && signature == e->signature)
                return;
        if (!always && !may_describe(e)) {
                e->signed_usec = 0;
                return;
        }
        format_describe(context, model, list);
        format_state(context, model, list);
        format_parts(context, model, add_part, e);
        e->signature = signature;
        if (list->incomplete) { /* the next telegram tries again */
                e->signature = ~signature;
                e->signed_usec = 0;
        }
}

/* How long values are good for follows from the intervals, which are learned now. */
static bool learns_interval(const struct meter *meter)
{
        return meter->recent.n < ELEMENTSOF(meter->recent.ms);
}

void mqtt_publish_redescribe(struct sink_mqtt *s, struct mqtt_entry *e,
                             const struct meter_update *update, struct message_list *list)
{
        if (update->described_anew || e->signed_usec == 0 || learns_interval(e->meter) ||
            mqtt_publish_now_usec() - e->signed_usec >= SIGN_USEC)
                mqtt_publish_describe(s, e, false, list);
}

/* Another section publishes this topic there too, and goes on: the topic stays. */
bool mqtt_publish_is_shared(const struct sink_mqtt *s, const char *id, const char *topic)
{
        for (struct sink_mqtt *other = sinks; other; other = other->next) {
                const struct mqtt_entry *e = mqtt_publish_find(other, id);

                if (other != s && !other->leaving && mqtt_config_same_place(other->key, s->key) &&
                    (strcmp(other->state_topic, topic) == 0 ||
                     (e && retained_has(&e->retained, topic))))
                        return true;
        }
        return false;
}

/*
 * Empties the retained topics that are none of `used`: those of a format, an instance or a value
 * that is gone. `id` is the meter's; "" for the service itself. True when a topic is another
 * section's from now on.
 */
bool mqtt_publish_withdraw(const struct sink_mqtt *s, const char *id, struct retained *retained,
                           const struct message_list *used, struct message_list *list)
{
        bool left = false;

        for (size_t i = retained->n; i-- > 0;) {
                const char *topic = retained->topics[i];

                if (retained_is_part(topic) || message_list_retains(used, topic))
                        continue;
                if (mqtt_publish_is_shared(s, id, topic))
                        left |= retained_remove(retained, topic);
                else
                        format_clear(topic, list);
        }
        return left;
}

/* Publishes all about a meter when a connection has been made, and empties topics out of date. */
void mqtt_publish_anew(struct sink_mqtt *s, struct mqtt_entry *e)
{
        const struct meter *model = mqtt_publish_model(e);
        struct message_list used = { 0 }, list = { 0 };

        mqtt_publish_describe(s, e, true, &used);
        if (!s->connected || !model)
                return;
        add_health(s, e, &used);
        format_counters(mqtt_publish_context(s, e), model, 0, UINT64_MAX, &used);
        /* Without memory for all of it nobody knows what is out of date. */
        if (!used.incomplete && mqtt_publish_withdraw(s, e->id, &e->retained, &used, &list))
                mqtt_publish_remember(s, e->id, &e->retained);
        message_list_clear(&used);
        mqtt_publish_describe(s, e, true, &list);
        add_health(s, e, &list);
        mqtt_publish_push(s, e, &list);
}

/* Moves messages from `from` to `to` that the broker lacks, or may lack. */
static void take_missing(const struct mqtt_entry *e, enum mqtt_memory memory, bool current,
                         struct message_list *from, struct message_list *to)
{
        struct message *m;

        while ((m = message_list_pop(from)))
                if (memory == MQTT_MEMORY_BLANK || (memory == MQTT_MEMORY_UNKNOWN && current) ||
                    !retained_has(&e->retained, message_topic(m)))
                        message_list_add(to, m);
                else
                        free(m);
}

/*
 * The last counters, for a broker that does not remember them or never had them; those since the
 * last connection ended come by themselves. Those of an earlier run that did not end in order may
 * be older than those of the broker: they are for one that has none.
 */
void mqtt_publish_counters(struct sink_mqtt *s, enum mqtt_memory memory)
{
        s->counters_due = false;
        for (struct mqtt_entry *e = s->entries; e; e = e->next) {
                const struct meter *model = mqtt_publish_model(e);
                struct message_list all = { 0 }, list = { 0 };

                if (!model)
                        continue;
                format_counters(mqtt_publish_context(s, e), model, 1, s->lost_usec, &all);
                take_missing(e, memory, true, &all, &list);
                format_counters(mqtt_publish_context(s, e), model, 0, 1, &all);
                take_missing(e, memory, e->exact, &all, &list);
                mqtt_publish_push(s, e, &list);
        }
}

/* The topics of the service itself: another instance's are emptied. */
static void announce_service(struct sink_mqtt *s)
{
        static const struct message_attributes retained = { .class = MESSAGE_STATE,
                                                            .qos = 1,
                                                            .retain = true };
        struct message_list used = { 0 }, list = { 0 };
        bool another;

        format_add(&used, &retained, s->state_topic, "online"); /* the worker says so */
        if (used.incomplete)
                return; /* the next connection withdraws */
        another = mqtt_publish_withdraw(s, "", &s->retained, &used, &list);
        another = retained_note(&s->retained, &list) || another;
        another = retained_note(&s->retained, &used) || another; /* all are noted */
        if (another)
                mqtt_publish_remember(s, "", &s->retained);
        message_list_clear(&used);
        mqtt_queue_push(s->queue, &list);
}

void mqtt_publish_recall(struct sink_mqtt *s)
{
        char id[METER_ID_MAX];
        const char *topics;

        for (size_t i = 0; (topics = store_retained_at(s->store, s->key, i, id)); i++) {
                struct mqtt_entry *e = *id ? mqtt_publish_obtain(s, id) : NULL;

                if (e)
                        retained_parse(&e->retained, topics);
                else if (!*id)
                        retained_parse(&s->retained, topics);
        }
}

static bool is_key_of_sink(const char *key)
{
        const struct sink_mqtt *s = sinks;

        while (s && strcmp(s->key, key) != 0)
                s = s->next;
        return s;
}

/* False: no memory. */
static bool adopt(struct sink_mqtt *s, const char *key)
{
        char id[METER_ID_MAX];
        const char *topics;

        while ((topics = store_retained_at(s->store, key, 0, id))) {
                struct mqtt_entry *e = *id ? mqtt_publish_obtain(s, id) : NULL;

                if (*id && !e)
                        return false;
                retained_parse(e ? &e->retained : &s->retained, topics);
                if (e)
                        e->orphan = true;
                mqtt_publish_remember(s, id, e ? &e->retained : &s->retained);
                if (store_put_retained(s->store, key, id, "") < 0)
                        return false;
        }
        return true;
}

void mqtt_publish_adopt(struct sink_mqtt *s)
{
        char key[MQTT_PLACE_MAX];

        for (size_t i = 0; store_retained_output_at(s->store, i, key, sizeof(key));) {
                if (!mqtt_config_same_place(key, s->key) || is_key_of_sink(key)) {
                        i++;
                        continue;
                }
                if (!adopt(s, key))
                        return; /* out of memory: with the next connection */
                i = 0;
        }
}

void mqtt_publish_clear(struct mqtt_entry *e, struct message_list *list)
{
        retained_drop_parts(&e->retained);
        for (size_t i = 0; i < e->retained.n; i++)
                format_clear(e->retained.topics[i], list);
}

/* This meter is not known any more. */
static void clear_orphan(struct sink_mqtt *s, struct mqtt_entry *e)
{
        struct message_list list = { 0 };

        mqtt_publish_clear(e, &list);
        mqtt_publish_push(s, e, &list);
}

void mqtt_publish_due(struct sink_mqtt *s)
{
        for (struct mqtt_entry *e = s->entries; e; e = e->next)
                e->due = true;
}

/* Never more than the ring takes: many descriptions would push each other out of it. */
bool mqtt_publish_continue(struct sink_mqtt *s)
{
        for (struct mqtt_entry *e = s->entries; e; e = e->next) {
                if (!e->due)
                        continue;
                if (mqtt_queue_is_crowded(s->queue))
                        return true;
                e->due = false;
                mqtt_publish_anew(s, e);
        }
        return false;
}

void mqtt_publish_all(struct sink_mqtt *s)
{
        announce_service(s);
        for (struct mqtt_entry *e = s->entries; e; e = e->next) {
                if (e->orphan && !mqtt_publish_model(e))
                        clear_orphan(s, e);
                e->orphan = false;
        }
        mqtt_publish_due(s);
        (void)mqtt_publish_continue(s); /* the caller looks again in a moment */
}
