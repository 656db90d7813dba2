/* SPDX-License-Identifier: MIT */
/*
 * Where each message is between the queue and the broker.
 */
#include "mqtt-outbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "mqtt-error.h"

#define USEC_PER_SEC  UINT64_C(1000000)
#define USEC_PER_MSEC UINT64_C(1000)

#define ACK_USEC      (20 * USEC_PER_SEC) /* from PUBLISH to PUBACK */
#define STALLED_USEC  (1 * USEC_PER_SEC)  /* without an answer: as if the broker were away */
#define HOLD_MIN_USEC (1 * USEC_PER_SEC)  /* after "not now", doubled each time */
#define HOLD_MAX_USEC (60 * USEC_PER_SEC)
/* While the broker is away a killed process loses what came in this time, and no more. */
#define BATCH_USEC       (100 * USEC_PER_MSEC)
#define BATCH_BYTES      (32 * 1024)
#define SPOOL_RETRY_USEC (5 * USEC_PER_SEC)
#define REMOVE_USEC      (200 * USEC_PER_MSEC)
#define READ_AHEAD       32
/* Beyond this the rest stays in the queue. */
#define PENDING_BYTES_MAX (64 * 1024)
#define PUBLISH_BURST     256 /* then the socket is read again */
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

/* Up to here all that the spool ever held has been delivered, or dropped for lack of room. */
static int64_t delivered_through(const struct mqtt_outbox *o)
{
        for (size_t i = 0; i < o->n_in_flight; i++)
                if (o->in_flight[i].m->row != 0)
                        return o->in_flight[i].m->row - 1;
        return o->ahead.head ? o->ahead.head->row - 1 : o->last_row;
}

static void remove_delivered(struct mqtt_outbox *o, uint64_t now)
{
        uint64_t before, gone;

        if (o->n_delivered == 0 || now < o->remove_retry_usec)
                return;
        before = mqtt_spool_count(o->spool);
        /* A full disk takes no removal either. Delivered messages are known by their number, so
         * nothing is sent twice while we run. */
        if (mqtt_spool_remove(o->spool, delivered_through(o)) < 0) {
                o->remove_retry_usec = now + SPOOL_RETRY_USEC;
                o->changed = true;
                return;
        }
        gone = before - MIN(before, mqtt_spool_count(o->spool));
        o->n_delivered =
                mqtt_spool_count(o->spool) == 0 ? 0 : o->n_delivered - MIN(o->n_delivered, gone);
        o->delivered_usec = now;
}

static void row_delivered(struct mqtt_outbox *o, uint64_t now)
{
        if (o->n_delivered == 0)
                o->delivered_usec = now;
        o->n_delivered++;
}

/* Rows that have not been read to be sent next. */
static bool spool_has_unread(const struct mqtt_outbox *o)
{
        return o->spool && !o->spool_unreadable && mqtt_spool_count(o->spool) > 0 &&
               mqtt_spool_last_row(o->spool) > o->last_row;
}

/* A later message of the list that is kept says something else about its topic. */
static bool is_outdated(const struct message *state)
{
        for (const struct message *m = state->next; m; m = m->next)
                if (m->attributes.class != MESSAGE_STATE &&
                    strcmp(message_topic(m), message_topic(state)) == 0)
                        return true;
        return false;
}

/* Moves state messages of `from` to `to`: while connected they are sent, not kept. */
static void take_state(struct message_list *from, struct message_list *to)
{
        struct message_list rest = { 0 };

        while (from->head) {
                bool is_state = from->head->attributes.class == MESSAGE_STATE;
                bool outdated = is_state && is_outdated(from->head);
                struct message *m = message_list_pop(from);

                if (outdated)
                        free(m);
                else
                        message_list_add(is_state ? to : &rest, m);
        }
        *from = rest;
}

/* Messages in flight are older than pending ones, and go before them. */
static int append_pending(struct mqtt_outbox *o)
{
        struct message *first[MQTT_IN_FLIGHT_MAX];
        int r;

        for (size_t i = 0; i < o->n_in_flight; i++)
                first[i] = o->in_flight[i].m;
        r = mqtt_spool_append_behind(o->spool, first, o->n_in_flight, &o->pending);
        for (size_t i = 0; r >= 0 && i < o->n_in_flight; i++)
                o->last_row = MAX(o->last_row, first[i]->row); /* not to be read again */
        return r;
}

static void pending_to_spool(struct mqtt_outbox *o, uint64_t now)
{
        struct message_list state = { 0 };

        if (!o->spool || now < o->spool_retry_usec)
                return;
        take_state(&o->pending, &state);
        if (o->pending.head && append_pending(o) < 0) {
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
        if (!o->write_ahead && now - o->pending_since_usec < BATCH_USEC &&
            o->pending.bytes < BATCH_BYTES)
                return;
        pending_to_spool(o, now);
        if (!o->pending.head)
                o->pending_since_usec = 0;
}

/* Messages in flight are to be sent again: all of them back to their old place. */
static void take_back(struct mqtt_outbox *o)
{
        struct message_list rows = { 0 }, others = { 0 };

        for (size_t i = 0; i < o->n_in_flight; i++) {
                struct message *m = o->in_flight[i].m;

                if (o->in_flight[i].superseded) {
                        o->n_delivered += m->row != 0;
                        o->dropped++;
                        free(m);
                } else {
                        message_list_add(m->row != 0 ? &rows : &others, m);
                }
        }
        o->n_in_flight = 0;
        message_list_prepend(&o->ahead, &rows);
        message_list_prepend(&o->pending, &others);
}

void mqtt_outbox_recover(struct mqtt_outbox *o)
{
        take_back(o);
        o->spool_unreadable = false;
        o->hold_until_usec = o->remove_retry_usec = 0;
        o->hold_reason = 0;
        o->too_large[0] = '\0'; /* of that connection's broker */
        free(o->acked);
        o->acked = NULL;
        o->acked_number = o->bare_number = o->n_sent = o->refused_usec = 0;
}

static void add_in_flight(struct mqtt_outbox *o, struct message *m, int mid, uint64_t now)
{
        o->in_flight[o->n_in_flight++] = (struct mqtt_in_flight){
                .m = m, .mid = mid, .since_usec = now, .number = ++o->n_sent
        };
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
        if (mqtt_client_max_qos(client) == 0)
                free(m); /* QoS 0: never acknowledged */
        else
                add_in_flight(o, m, mid, now);
        mqtt_client_flush(client); /* at once, and not with what the broker says next */
        return true;
}

static void message_refused(struct mqtt_outbox *o, struct message *m, uint64_t now)
{
        o->dropped++;
        o->refused_usec = now;
        mqtt_denied_add(&o->denied, m, now);
        o->changed = true;
        free(m);
}

/* The broker takes nothing just now. It is asked again with a single message, then with more. */
static void hold(struct mqtt_outbox *o, int reason, uint64_t now)
{
        if (now >= o->hold_until_usec) {
                o->hold_usec =
                        o->hold_usec == 0 ? HOLD_MIN_USEC : MIN(2 * o->hold_usec, HOLD_MAX_USEC);
                o->hold_until_usec = now + o->hold_usec;
        }
        o->window = 1;
        o->changed = o->changed || o->hold_reason != reason;
        o->hold_reason = reason;
}

static void release(struct mqtt_outbox *o, uint64_t now)
{
        if (o->window != 0)
                o->window = 2 * o->window < MQTT_IN_FLIGHT_MAX ? 2 * o->window : 0;
        if (now < o->hold_until_usec)
                return; /* of those that were sent with the refused one */
        o->hold_usec = 0;
        o->changed = o->changed || o->hold_reason != 0;
        o->hold_reason = 0;
}

static bool is_held(const struct mqtt_outbox *o, uint64_t now)
{
        if (now < o->hold_until_usec)
                return true;
        for (size_t i = 0; i < o->n_in_flight; i++)
                if (o->in_flight[i].refused)
                        return true;
        return false;
}

/* An older value of a retained topic must not follow this one, which the broker has taken. */
static void supersede(struct mqtt_outbox *o, size_t n, const struct message *m)
{
        for (size_t i = 0; i < n; i++) {
                const struct message *older = o->in_flight[i].m;

                if (o->in_flight[i].refused && older->attributes.retain &&
                    strcmp(message_topic(older), message_topic(m)) == 0)
                        o->in_flight[i].superseded = true;
        }
}

/* When all others are answered, those that were refused go back to their places together. */
static void take_back_refused(struct mqtt_outbox *o)
{
        for (size_t i = 0; i < o->n_in_flight; i++)
                if (!o->in_flight[i].refused)
                        return;
        take_back(o);
}

/*
 * Nothing waits whose answer would show that the broker takes messages again: newer values took the
 * place of all that was refused, or only messages without an answer (QoS 0) were left.
 */
static void end_idle_hold(struct mqtt_outbox *o)
{
        if (o->hold_reason == 0 || !mqtt_outbox_is_empty(o) || o->ahead.head || spool_has_unread(o))
                return;
        o->hold_until_usec = o->hold_usec = 0;
        o->hold_reason = 0;
        o->changed = true;
}

static void message_taken(struct mqtt_outbox *o, struct message *m, uint64_t now)
{
        const struct message *sure = o->has_reasons ? m : o->acked;

        o->published++;
        o->refused_usec = 0;
        /* Without reasons an answer proves nothing until the broker has answered the next one. */
        if (sure) {
                o->proven = o->proven || sure->attributes.class != MESSAGE_STATE;
                if (mqtt_denied_accept(&o->denied, message_topic(sure)))
                        o->changed = true;
        }
        free(o->acked);
        o->acked = m;
        o->acked_usec = now;
}

static void leave_flight(struct mqtt_outbox *o, size_t at)
{
        memmove(&o->in_flight[at], &o->in_flight[at + 1],
                (o->n_in_flight - at - 1) * sizeof(o->in_flight[0]));
        o->n_in_flight--;
}

void mqtt_outbox_acknowledge(struct mqtt_outbox *o, int mid, int reason, uint64_t now)
{
        struct message *m;
        size_t at = 0;

        while (at < o->n_in_flight && (o->in_flight[at].mid != mid || o->in_flight[at].refused))
                at++;
        if (at == o->n_in_flight)
                return; /* QoS 0: counted when it was written */
        m = o->in_flight[at].m;
        o->acked_number = o->in_flight[at].number;
        if (reason >= 0x80 && !mqtt_error_is_of_topic(reason)) {
                o->in_flight[at].refused = true;
                hold(o, reason, now);
                take_back_refused(o);
                return;
        }
        leave_flight(o, at);
        if (m->row != 0)
                row_delivered(o, now);
        if (reason >= 0x80) {
                message_refused(o, m, now);
        } else {
                supersede(o, at, m);
                release(o, now);
                message_taken(o, m, now);
        }
        take_back_refused(o);
}

/* The next message in order, or NULL. The spool is older than what is pending. */
static struct message *next_message(struct mqtt_outbox *o)
{
        int r;

        if (!o->ahead.head && spool_has_unread(o)) {
                r = mqtt_spool_read(o->spool, o->last_row, READ_AHEAD, &o->ahead);
                if (o->ahead.tail)
                        o->last_row = o->ahead.tail->row;
                /* Messages that cannot be read wait for the next connection; new ones do not. */
                o->spool_unreadable = r < 0;
                if (r >= 0 && !o->ahead.head)
                        o->last_row = mqtt_spool_last_row(o->spool); /* dropped for SpoolMax= */
                o->changed = o->changed || r < 0;
        }
        return message_list_pop(o->ahead.head ? &o->ahead : &o->pending);
}

static void put_back(struct mqtt_outbox *o, struct message *m)
{
        struct message_list one = { 0 };

        message_list_add(&one, m);
        message_list_prepend(m->row != 0 ? &o->ahead : &o->pending, &one);
}

/* It goes no further: delivered, refused, or left out. */
static void finish(struct mqtt_outbox *o, struct message *m, uint64_t *count, uint64_t now)
{
        ++*count;
        if (m->row != 0)
                row_delivered(o, now);
        free(m);
}

static void note_too_large(struct mqtt_outbox *o, const struct message *m)
{
        o->n_too_large++;
        o->changed = true;
        (void)snprintf(o->too_large, sizeof(o->too_large), "%.127s", message_topic(m));
}

static bool has_window(const struct mqtt_outbox *o)
{
        return o->n_in_flight < (o->window != 0 ? o->window : MQTT_IN_FLIGHT_MAX);
}

static void publish_pending(struct mqtt_outbox *o, struct mqtt_client *client, uint64_t now)
{
        struct message *m;
        int r, mid;

        for (size_t n = 0; n < PUBLISH_BURST && has_window(o); n++) {
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
                if (r == -ENOTCONN || r == -ENOMEM || r == -EAGAIN) {
                        put_back(o, m);
                        return;
                }
                if (r >= 0 && m->attributes.qos > 0 && mqtt_client_max_qos(client) > 0) {
                        add_in_flight(o, m, mid, now);
                        continue;
                }
                if (r >= 0) {
                        o->bare_number = ++o->n_sent;
                        o->bare_usec = now;
                }
                if (r == -EMSGSIZE)
                        note_too_large(o, m);
                /* A message that libmosquitto refuses, every broker would. */
                finish(o, m, r < 0 ? &o->dropped : &o->published, now);
        }
}

bool mqtt_outbox_is_stalled(const struct mqtt_outbox *o, uint64_t now)
{
        return o->n_in_flight > 0 && now - o->in_flight[0].since_usec >= STALLED_USEC;
}

void mqtt_outbox_pump(struct mqtt_outbox *o, struct mqtt_client *client, bool crowded, uint64_t now)
{
        if (o->write_ahead && o->pending.head)
                pending_to_spool(o, now);
        if (mqtt_outbox_can_send(o, now)) {
                publish_pending(o, client, now);
                mqtt_client_flush(client);
        }
        if (o->pending.head && (crowded || mqtt_outbox_is_stalled(o, now) || is_held(o, now)))
                pending_to_spool(o, now);
        end_idle_hold(o);
}

void mqtt_outbox_tidy(struct mqtt_outbox *o, uint64_t now)
{
        if (now - o->delivered_usec >= REMOVE_USEC || mqtt_outbox_spooled(o) == 0)
                remove_delivered(o, now);
}

bool mqtt_outbox_can_send(const struct mqtt_outbox *o, uint64_t now)
{
        return has_window(o) && !is_held(o, now) &&
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
                        next = MAX(o->pending_since_usec + (o->write_ahead ? 0 : BATCH_USEC),
                                   o->spool_retry_usec);
                return next;
        }
        if (o->n_in_flight > 0) {
                next = o->in_flight[0].since_usec + ACK_USEC;
                /* Past that, what is still pending is state: it waits for the broker. */
                if (o->spool && o->pending.head && !mqtt_outbox_is_stalled(o, now))
                        next = o->in_flight[0].since_usec + STALLED_USEC;
        }
        if (o->n_delivered > 0)
                next = MIN(next, MAX(o->delivered_usec + REMOVE_USEC, o->remove_retry_usec));
        if (now < o->hold_until_usec)
                next = MIN(next, o->hold_until_usec);
        return MIN(next, mqtt_denied_deadline(&o->denied));
}

bool mqtt_outbox_is_kept(const struct mqtt_outbox *o)
{
        if (!o->write_ahead)
                return false; /* not waited for */
        for (const struct message *m = o->pending.head; o->spool && m; m = m->next)
                if (m->attributes.class != MESSAGE_STATE)
                        return false;
        return true;
}

uint64_t mqtt_outbox_spooled(const struct mqtt_outbox *o)
{
        uint64_t count = o->spool ? mqtt_spool_count(o->spool) : 0;

        return count - MIN(count, o->n_delivered);
}

uint64_t mqtt_outbox_store(struct mqtt_outbox *o)
{
        mqtt_outbox_recover(o);
        if (o->spool)
                remove_delivered(o, 0);
        while (message_list_drop_oldest(&o->pending, MESSAGE_STATE))
                ;
        if (o->spool && mqtt_spool_append(o->spool, &o->pending) >= 0)
                return 0;
        return o->pending.n;
}
