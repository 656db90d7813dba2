/* SPDX-License-Identifier: MIT */
/*
 * Which message made a broker hang up, when it does not say so: mqtt_outbox_assess().
 */
#include "base/util.h"
#include "mqtt-outbox.h"

#define USEC_PER_SEC UINT64_C(1000000)

/* A connection that ends so soon after a message may have ended because of it. */
#define BEHIND_USEC (2 * USEC_PER_SEC)
/* … and so soon after an answer, which the broker sends in the same breath as the end. A longer
 * time would blame the last reading before a broker's restart. */
#define BEHIND_ANSWER_USEC (USEC_PER_SEC / 5)

static bool is_reading(const struct message *m)
{
        return m->attributes.class != MESSAGE_STATE;
}

/* The connection ended behind this one: true when that is taken for the reason. */
static bool suspect(struct mqtt_outbox *o, const struct message *m, uint64_t now,
                    enum mqtt_hangup *hangup)
{
        *hangup = MQTT_HANGUP_SUSPICIOUS;
        return mqtt_denied_suspect(&o->denied, m, now);
}

/*
 * A reading without an answer is blamed only when the broker has lately taken another one: one that
 * takes none at all is out of order, and they wait for it.
 */
static bool suspect_unanswered(struct mqtt_outbox *o, uint64_t now, enum mqtt_hangup *hangup)
{
        const struct message *m = o->in_flight[0].m;

        if (is_reading(m) && !o->proven)
                return false;
        if (now - o->in_flight[0].since_usec >= BEHIND_USEC || !suspect(o, m, now, hangup))
                return false;
        o->proven = o->proven && !is_reading(m);
        return true;
}

enum mqtt_hangup mqtt_outbox_assess(struct mqtt_outbox *o, bool silently, uint64_t now)
{
        enum mqtt_hangup hangup = MQTT_HANGUP_PLAIN;
        bool found = false;

        if (o->refused_usec != 0 && now - o->refused_usec < BEHIND_USEC)
                return MQTT_HANGUP_DENIED;
        if (!silently)
                return hangup;
        /* Messages are dealt with in order: it was one without an answer, or the first of those
         * that want one. The former are sent with QoS 1 from now on. */
        if (o->bare_number > o->acked_number && now - o->bare_usec < BEHIND_USEC) {
                o->careful_until_usec = now + MQTT_DENIED_USEC;
                return MQTT_HANGUP_SUSPICIOUS;
        }
        /* mosquitto 2.0.11 acknowledges to MQTT 3.1.1 even what it refuses: then it is lost. */
        if (o->acked && !o->has_reasons && now - o->acked_usec < BEHIND_ANSWER_USEC)
                found = suspect(o, o->acked, now, &hangup);
        /* One at a time: without the reason the other one may be taken. */
        if (!found && o->n_in_flight > 0)
                found = suspect_unanswered(o, now, &hangup);
        return found ? MQTT_HANGUP_DENIED : hangup;
}
