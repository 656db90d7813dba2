/* SPDX-License-Identifier: MIT */
/*
 * A small table searched from one end to the other: it is empty nearly always, and is not looked
 * through then.
 */
#include "mqtt-denied.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* A topic that is not sent any more is forgotten so long after its time. Hourly lists come. */
#define FORGET_PERIODS 9

#define SUSPICIONS_MIN 3
#define SUSPICIONS_MAX 8

static uint64_t period(const struct mqtt_denied *d)
{
        return d->usec ? d->usec : MQTT_DENIED_USEC;
}

static bool is_denied(const struct mqtt_denied_topic *t)
{
        return t->topic && t->until_usec != 0;
}

/* So many are to be looked through. */
static size_t n_places(const struct mqtt_denied *d)
{
        return d->n_taken > 0 ? MQTT_DENIED_MAX : 0;
}

static void forget(struct mqtt_denied *d, struct mqtt_denied_topic *t)
{
        d->n_taken -= t->topic != NULL;
        free(t->topic);
        *t = (struct mqtt_denied_topic){ 0 };
}

void mqtt_denied_clear(struct mqtt_denied *d)
{
        for (size_t i = 0; i < n_places(d); i++)
                forget(d, &d->topics[i]);
}

static struct mqtt_denied_topic *find(struct mqtt_denied *d, const char *topic)
{
        for (size_t i = 0; i < n_places(d); i++)
                if (d->topics[i].topic && strcmp(d->topics[i].topic, topic) == 0)
                        return &d->topics[i];
        return NULL;
}

/* A free place, else that of a suspect, else that of the topic asked for least lately. */
static struct mqtt_denied_topic *find_place(struct mqtt_denied *d)
{
        struct mqtt_denied_topic *best = &d->topics[0];

        for (size_t i = 0; i < MQTT_DENIED_MAX; i++) {
                struct mqtt_denied_topic *t = &d->topics[i];

                if (!t->topic)
                        return t;
                if (is_denied(best) && !is_denied(t))
                        best = t;
                else if (is_denied(best) == is_denied(t) && t->used < best->used)
                        best = t;
        }
        return best;
}

/* NULL when out of memory: it is found out once more then. */
static struct mqtt_denied_topic *need(struct mqtt_denied *d, const struct message *m)
{
        struct mqtt_denied_topic *t = find(d, message_topic(m));
        char *topic;

        if (!t) {
                topic = strdup(message_topic(m));
                if (!topic)
                        return NULL;
                t = find_place(d);
                forget(d, t);
                t->topic = topic;
                d->n_taken++;
                t->is_state = m->attributes.class == MESSAGE_STATE;
        }
        t->used = ++d->n_used;
        return t;
}

void mqtt_denied_add(struct mqtt_denied *d, const struct message *m, uint64_t now)
{
        struct mqtt_denied_topic *t = need(d, m);

        if (!t)
                return;
        t->until_usec = now + period(d);
        t->guessed = t->tried = false;
}

bool mqtt_denied_suspect(struct mqtt_denied *d, const struct message *m, uint64_t now)
{
        struct mqtt_denied_topic *t = need(d, m);

        if (!t)
                return false;
        if (now - d->cleared_usec >= MQTT_DENIED_USEC)
                d->n_cleared = 0;
        if (now - t->suspected_usec >= MQTT_DENIED_USEC)
                t->suspicions = 0;
        t->suspicions++;
        t->suspected_usec = now;
        if (t->until_usec == 0 &&
            t->suspicions < MIN(SUSPICIONS_MIN + d->n_cleared, SUSPICIONS_MAX))
                return false;
        t->until_usec = now + period(d);
        t->guessed = true;
        t->tried = false;
        return true;
}

bool mqtt_denied_accept(struct mqtt_denied *d, const char *topic)
{
        struct mqtt_denied_topic *t = find(d, topic);
        bool was_denied;

        if (!t)
                return false;
        was_denied = is_denied(t);
        if (!was_denied && t->suspicions > 0) {
                d->n_cleared++;
                d->cleared_usec = t->suspected_usec;
        }
        forget(d, t);
        return was_denied;
}

bool mqtt_denied_leaves_out(struct mqtt_denied *d, const char *topic, uint64_t now)
{
        struct mqtt_denied_topic *t = find(d, topic);

        if (!t || now >= t->until_usec)
                return false;
        t->used = ++d->n_used;
        return true;
}

void mqtt_denied_retry(struct mqtt_denied *d, uint64_t now)
{
        for (size_t i = 0; i < n_places(d); i++) {
                if (!is_denied(&d->topics[i]))
                        continue;
                d->topics[i].until_usec = MIN(d->topics[i].until_usec, now);
                d->topics[i].tried = false;
        }
}

bool mqtt_denied_take_due(struct mqtt_denied *d, uint64_t now)
{
        bool due = false;

        for (size_t i = 0; i < n_places(d); i++) {
                struct mqtt_denied_topic *t = &d->topics[i];

                if (!is_denied(t) || now < t->until_usec)
                        continue;
                if (now - t->until_usec >= FORGET_PERIODS * period(d)) {
                        forget(d, t);
                } else if (t->is_state && !t->tried) {
                        t->tried = due = true;
                }
        }
        return due;
}

uint64_t mqtt_denied_deadline(const struct mqtt_denied *d)
{
        uint64_t next = UINT64_MAX;

        for (size_t i = 0; i < n_places(d); i++) {
                const struct mqtt_denied_topic *t = &d->topics[i];

                if (!is_denied(t))
                        continue;
                next = MIN(next, t->is_state && !t->tried
                                         ? t->until_usec
                                         : t->until_usec + FORGET_PERIODS * period(d));
        }
        return next;
}

const struct mqtt_denied_topic *mqtt_denied_first(const struct mqtt_denied *d, size_t *ret_n)
{
        const struct mqtt_denied_topic *first = NULL;

        *ret_n = 0;
        for (size_t i = 0; i < n_places(d); i++) {
                if (!is_denied(&d->topics[i]))
                        continue;
                if (!first)
                        first = &d->topics[i];
                ++*ret_n;
        }
        return first;
}
