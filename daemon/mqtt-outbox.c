/* SPDX-License-Identifier: MIT */
/*
 * Where each message is between the queue and the broker.
 */
#include "mqtt-outbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/util.h"

#define USEC_PER_SEC  UINT64_C(1000000)
#define USEC_PER_MSEC UINT64_C(1000)

#define ACK_USEC (20 * USEC_PER_SEC) /* from PUBLISH to PUBACK */
#define STALLED_USEC                                                                \
        (1 * USEC_PER_SEC) /* so long without one, it is as if the broker were away \
                            */
/* While the broker is away a killed process loses what came in this time, and no more. */
#define BATCH_USEC       (100 * USEC_PER_MSEC)
#define BATCH_BYTES      (32 * 1024)
#define SPOOL_RETRY_USEC (5 * USEC_PER_SEC)
#define REMOVE_USEC      (200 * USEC_PER_MSEC)
#define READ_AHEAD       32
/* Beyond this the rest stays in the queue. */
#define PENDING_BYTES_MAX (64 * 1024)
#define PUBLISH_BURST     256 /* then the socket is read again */
/* A connection that ends so soon after a message may have ended because of it. */
#define BEHIND_USEC (2 * USEC_PER_SEC)
/* … and so soon after an answer, which the broker sends in the same breath as the end. A longer
 * time would blame the last reading before a broker's restart. */
#define BEHIND_ANSWER_USEC (USEC_PER_SEC / 5)

void mqtt_outbox_done(struct mqtt_outbox *o)
{
        for (size_t i = 0; i < o->n_in_flight; i++)
                free(o->in_flight[i].m);
        message_list_clear(&o->pending);
        message_list_clear(&o->ahead);
        free(o->acked);
        mqtt_denied_clear(&o->denied);
        o->spool = mqtt_spool_free(o->spool);
        *o = (struct mqtt_outbox){ 0 };
}

bool mqtt_outbox_has_room(const struct mqtt_outbox *o)
{
        return o->pending.bytes < PENDING_BYTES_MAX;
}

static void flush_removed(struct mqtt_outbox *o)
{
        if (o->n_removed == 0)
                return;
        /* What cannot be removed is sent once more after a restart: better than not at all. */
        if (mqtt_spool_remove(o->spool, o->removed, o->n_removed) < 0)
                o->changed = true;
        o->n_removed = 0;
        if (mqtt_spool_count(o->spool) == 0)
                o->last_row = 0; /* its numbers begin anew */
}

static void row_delivered(struct mqtt_outbox *o, int64_t row, uint64_t now)
{
        if (o->n_removed == 0)
                o->removed_since_usec = now;
        o->removed[o->n_removed++] = row;
        if (o->n_removed == MQTT_OUTBOX_REMOVE_MAX)
                flush_removed(o);
}

/* Rows that have neither been sent nor been read to be sent next. */
static bool spool_has_unread(const struct mqtt_outbox *o)
{
        size_t known = o->n_removed + o->ahead.n;

        if (!o->spool || o->spool_unreadable)
                return false;
        for (size_t i = 0; i < o->n_in_flight; i++)
                known += o->in_flight[i].m->row != 0;
        return mqtt_spool_count(o->spool) > known;
}

/* Moves state messages of `from` to `to`: while connected they are sent, not kept. */
static void take_state(struct message_list *from, struct message_list *to)
{
        struct message_list rest = { 0 };
        struct message *m;

        while ((m = message_list_pop(from)))
                message_list_add(m->attributes.class == MESSAGE_STATE ? to : &rest, m);
        *from = rest;
}

static void pending_to_spool(struct mqtt_outbox *o, uint64_t now)
{
        struct message_list state = { 0 };

        if (!o->spool || now < o->spool_retry_usec)
                return;
        take_state(&o->pending, &state);
        if (o->pending.head && mqtt_spool_append(o->spool, &o->pending) < 0) {
                o->spool_retry_usec = now + SPOOL_RETRY_USEC;
                o->changed = true;
        }
        message_list_append(&o->pending, &state);
        o->dropped += mqtt_spool_dropped(o->spool) - o->spool_dropped;
        o->spool_dropped = mqtt_spool_dropped(o->spool);
}

void mqtt_outbox_keep(struct mqtt_outbox *o, uint64_t now)
{
        while (message_list_drop_oldest(&o->pending, MESSAGE_STATE))
                ;
        if (!o->pending.head) {
                o->pending_since_usec = 0;
                return;
        }
        if (o->pending_since_usec == 0)
                o->pending_since_usec = now;
        if (now - o->pending_since_usec < BATCH_USEC && o->pending.bytes < BATCH_BYTES)
                return;
        pending_to_spool(o, now);
        if (!o->pending.head)
                o->pending_since_usec = 0;
}

void mqtt_outbox_recover(struct mqtt_outbox *o)
{
        struct message_list list = { 0 };

        for (size_t i = 0; i < o->n_in_flight; i++) {
                if (o->in_flight[i].m->row != 0)
                        free(o->in_flight[i].m); /* it is still in the spool */
                else
                        message_list_add(&list, o->in_flight[i].m);
        }
        o->n_in_flight = 0;
        message_list_prepend(&o->pending, &list);
        message_list_clear(&o->ahead);
        if (o->spool)
                flush_removed(o);
        o->last_row = 0;
        o->spool_unreadable = false;
        free(o->acked);
        o->acked = NULL;
        o->acked_number = o->bare_number = o->n_sent = o->refused_usec = 0;
}

static bool is_reading(const struct message *m)
{
        return m->attributes.class != MESSAGE_STATE;
}

/* The connection ended behind this one: true when it is convicted of it. */
static bool strike(struct mqtt_outbox *o, const struct message *m, uint64_t now,
                   enum mqtt_hangup *verdict)
{
        *verdict = MQTT_HANGUP_SUSPICIOUS;
        return mqtt_denied_strike(&o->denied, m, now);
}

/*
 * A reading without an answer is blamed only when the broker has lately taken another one: one that
 * takes none at all is out of order, and they wait for it.
 */
static bool strike_unanswered(struct mqtt_outbox *o, uint64_t now, enum mqtt_hangup *verdict)
{
        const struct message *m = o->in_flight[0].m;

        if (is_reading(m) && !o->proven)
                return false;
        if (now - o->in_flight[0].since_usec >= BEHIND_USEC || !strike(o, m, now, verdict))
                return false;
        o->proven = o->proven && !is_reading(m);
        return true;
}

enum mqtt_hangup mqtt_outbox_judge(struct mqtt_outbox *o, bool silently, uint64_t now)
{
        enum mqtt_hangup verdict = MQTT_HANGUP_PLAIN;
        bool found = false;

        if (o->refused_usec != 0 && now - o->refused_usec < BEHIND_USEC)
                return MQTT_HANGUP_DENIED;
        if (!silently)
                return verdict;
        /* Messages are dealt with in order: it was one that nobody answered for, or the first one
         * of those that want an answer. The former are given one from now on. */
        if (o->bare_number > o->acked_number && now - o->bare_usec < BEHIND_USEC) {
                o->careful_until_usec = now + MQTT_DENIED_USEC;
                return MQTT_HANGUP_SUSPICIOUS;
        }
        /* mosquitto 2.0.11 acknowledges to MQTT 3.1.1 even what it refuses: then it is lost. */
        if (o->acked && !o->has_reasons && now - o->acked_usec < BEHIND_ANSWER_USEC)
                found = strike(o, o->acked, now, &verdict);
        /* One at a time: without the culprit the other one may prove to be innocent. */
        if (!found && o->n_in_flight > 0)
                found = strike_unanswered(o, now, &verdict);
        return found ? MQTT_HANGUP_DENIED : verdict;
}

static void add_in_flight(struct mqtt_outbox *o, struct message *m, int mid, uint64_t now)
{
        o->in_flight[o->n_in_flight++] = (struct mqtt_in_flight){ m, mid, now, ++o->n_sent };
}

bool mqtt_outbox_say(struct mqtt_outbox *o, struct mqtt_client *client, const char *topic,
                     const char *state, uint64_t now)
{
        static const struct message_attributes attributes = { .class = MESSAGE_STATE,
                                                              .qos = 1,
                                                              .retain = true };
        struct message *m;
        int mid;

        if (o->n_in_flight == MQTT_IN_FLIGHT_MAX || mqtt_denied_leaves_out(&o->denied, topic, now))
                return false;
        m = message_new(&attributes, topic, state, strlen(state));
        if (!m)
                return false;
        if (mqtt_client_publish(client, m, &mid) < 0) {
                free(m);
                return false;
        }
        add_in_flight(o, m, mid, now);
        return true;
}

/* MQTT 5 §3.4.2.1: refused, and so it would be again. */
static void message_refused(struct mqtt_outbox *o, struct message *m, uint64_t now)
{
        o->dropped++;
        o->refused_usec = now;
        mqtt_denied_add(&o->denied, m, now);
        o->changed = true;
        free(m);
}

static void message_taken(struct mqtt_outbox *o, struct message *m, uint64_t now)
{
        const struct message *sure = o->has_reasons ? m : o->acked;

        o->published++;
        o->refused_usec = 0;
        /* Without reasons an answer proves nothing until the broker has answered the next one. */
        if (sure) {
                o->proven = o->proven || is_reading(sure);
                if (mqtt_denied_accept(&o->denied, message_topic(sure)))
                        o->changed = true;
        }
        free(o->acked);
        o->acked = m;
        o->acked_usec = now;
}

void mqtt_outbox_acknowledge(struct mqtt_outbox *o, int mid, int reason, uint64_t now)
{
        struct message *m = NULL;

        for (size_t i = 0; i < o->n_in_flight && !m; i++) {
                if (o->in_flight[i].mid != mid)
                        continue;
                m = o->in_flight[i].m;
                o->acked_number = o->in_flight[i].number;
                memmove(&o->in_flight[i], &o->in_flight[i + 1],
                        (o->n_in_flight - i - 1) * sizeof(o->in_flight[0]));
                o->n_in_flight--;
        }
        if (!m)
                return; /* QoS 0: counted when it was written */
        if (m->row != 0)
                row_delivered(o, m->row, now);
        if (reason >= 0x80)
                message_refused(o, m, now);
        else
                message_taken(o, m, now);
}

/* The next message in order, or NULL. The spool is older than what is pending. */
static struct message *next_message(struct mqtt_outbox *o)
{
        int r;

        if (!o->ahead.head && spool_has_unread(o)) {
                r = mqtt_spool_read(o->spool, o->last_row, READ_AHEAD, &o->ahead);
                if (o->ahead.tail)
                        o->last_row = o->ahead.tail->row;
                /* What cannot be read waits for the next connection; what is new does not. */
                o->spool_unreadable = r < 0 || !o->ahead.head;
                o->changed = o->changed || r < 0;
        }
        return message_list_pop(o->ahead.head ? &o->ahead : &o->pending);
}

static void put_back(struct mqtt_outbox *o, struct message *m)
{
        struct message_list one = { 0 };

        if (m->row != 0) { /* it is still in the spool */
                free(m);
                return;
        }
        message_list_add(&one, m);
        message_list_prepend(&o->pending, &one);
}

/* It goes no further: delivered, refused, or left out. */
static void finish(struct mqtt_outbox *o, struct message *m, uint64_t *count, uint64_t now)
{
        ++*count;
        if (m->row != 0)
                row_delivered(o, m->row, now);
        free(m);
}

static void publish_pending(struct mqtt_outbox *o, struct mqtt_client *client, uint64_t now)
{
        struct message *m;
        int r, mid;

        for (size_t n = 0; n < PUBLISH_BURST && o->n_in_flight < MQTT_IN_FLIGHT_MAX; n++) {
                m = next_message(o);
                if (!m)
                        return;
                if (mqtt_denied_leaves_out(&o->denied, message_topic(m), now)) {
                        finish(o, m, &o->dropped, now);
                        continue;
                }
                if (now < o->careful_until_usec)
                        m->attributes.qos = 1;
                r = mqtt_client_publish(client, m, &mid);
                if (r == -ENOTCONN || r == -ENOMEM) {
                        put_back(o, m);
                        return;
                }
                if (r >= 0 && m->attributes.qos > 0) {
                        add_in_flight(o, m, mid, now);
                        continue;
                }
                if (r >= 0) {
                        o->bare_number = ++o->n_sent;
                        o->bare_usec = now;
                }
                /* What libmosquitto does not take, no broker would. */
                finish(o, m, r < 0 ? &o->dropped : &o->published, now);
        }
}

static bool is_stalled(const struct mqtt_outbox *o, uint64_t now)
{
        return o->n_in_flight > 0 && now - o->in_flight[0].since_usec >= STALLED_USEC;
}

void mqtt_outbox_pump(struct mqtt_outbox *o, struct mqtt_client *client, bool crowded, uint64_t now)
{
        if (o->write_ahead && o->pending.head)
                pending_to_spool(o, now);
        if (mqtt_outbox_can_send(o)) {
                mqtt_client_batch_begin(client);
                publish_pending(o, client, now);
                mqtt_client_batch_end(client);
        }
        if (o->pending.head && (crowded || is_stalled(o, now)))
                pending_to_spool(o, now);
}

void mqtt_outbox_tidy(struct mqtt_outbox *o, uint64_t now)
{
        if (o->n_removed > 0 &&
            (now - o->removed_since_usec >= REMOVE_USEC || mqtt_outbox_spooled(o) == 0))
                flush_removed(o);
}

bool mqtt_outbox_can_send(const struct mqtt_outbox *o)
{
        return o->n_in_flight < MQTT_IN_FLIGHT_MAX &&
               (o->pending.head || o->ahead.head || spool_has_unread(o));
}

bool mqtt_outbox_is_empty(const struct mqtt_outbox *o)
{
        return !o->pending.head && o->n_in_flight == 0;
}

bool mqtt_outbox_is_overdue(const struct mqtt_outbox *o, uint64_t now)
{
        return o->n_in_flight > 0 && now - o->in_flight[0].since_usec >= ACK_USEC;
}

uint64_t mqtt_outbox_deadline(const struct mqtt_outbox *o, bool connected, uint64_t now)
{
        uint64_t next = UINT64_MAX;

        if (!connected) {
                if (o->spool && o->pending.head && o->pending_since_usec != 0)
                        next = MAX(o->pending_since_usec + BATCH_USEC, o->spool_retry_usec);
                return next;
        }
        if (o->n_in_flight > 0) {
                next = o->in_flight[0].since_usec + ACK_USEC;
                /* Past that, what is still pending is state: it waits for the broker. */
                if (o->spool && o->pending.head && !is_stalled(o, now))
                        next = o->in_flight[0].since_usec + STALLED_USEC;
        }
        if (o->n_removed > 0)
                next = MIN(next, o->removed_since_usec + REMOVE_USEC);
        return MIN(next, mqtt_denied_deadline(&o->denied));
}

uint64_t mqtt_outbox_spooled(const struct mqtt_outbox *o)
{
        uint64_t count = o->spool ? mqtt_spool_count(o->spool) : 0;

        return count - MIN(count, o->n_removed);
}

uint64_t mqtt_outbox_store(struct mqtt_outbox *o)
{
        mqtt_outbox_recover(o);
        while (message_list_drop_oldest(&o->pending, MESSAGE_STATE))
                ;
        if (o->spool && mqtt_spool_append(o->spool, &o->pending) >= 0)
                return 0;
        return o->pending.n;
}
