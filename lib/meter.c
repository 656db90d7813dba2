/* SPDX-License-Identifier: MIT */
/*
 * The model of one meter: what it said last, value by value, and whether that can be (DESIGN §4).
 * Short and long lists of a meter come in turn; a value a telegram does not carry keeps its own
 * age.
 */
#include "meter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "meter-derived.h"
#include "meter-value.h"
#include "util.h"

#define USEC_PER_SEC 1000000ull
/* Before this a clock was never set: P1 meters without time say 2000-01-01 (wall µs of 2010). */
#define CLOCK_MIN_USEC (1262304000ll * 1000000)

/* ---- life ---- */

static void set_id(char to[static METER_ID_MAX], const char *from)
{
        size_t n = strnlen(from, METER_ID_MAX - 1);

        for (size_t i = 0; i < n; i++)
                to[i] = from[i] < 0x20 || from[i] > 0x7e || from[i] == '/' ? '_' : from[i];
        to[n] = '\0';
        if (n == 0)
                memcpy(to, "unknown", sizeof("unknown"));
}

int meter_new(const char *id, struct meter **ret)
{
        struct meter *m = calloc(1, sizeof(*m));

        if (!m)
                return -ENOMEM;
        set_id(m->id, id);
        m->medium = "electricity";
        *ret = m;
        return 0;
}

int meter_new_submeter(const struct meter *parent, const struct submeter *submeter,
                       struct meter **ret)
{
        char id[METER_ID_MAX];
        int r;

        if (submeter->id[0])
                set_id(id, submeter->id);
        else
                (void)snprintf(id, sizeof(id), "%.*s-%u", METER_ID_MAX - 5, parent->id,
                               submeter->channel);
        r = meter_new(id, ret);
        if (r < 0)
                return r;
        memcpy((*ret)->parent_id, parent->id, sizeof(parent->id));
        (*ret)->channel = submeter->channel;
        (*ret)->medium = submeter->medium;
        return 0;
}

struct meter *meter_free(struct meter *m)
{
        if (!m)
                return NULL;
        free(m->texts);
        free(m->values);
        free(m);
        return NULL;
}

void meter_configure(struct meter *m, const struct meter_settings *settings)
{
        m->settings = settings;
        tariff_configure(&m->tariff, settings && m->channel == 0 ? settings->tariff : NULL);
}

/* ---- a telegram ---- */

static void text_key(const struct text *text, char key[static METER_KEY_MAX])
{
        char code[OBIS_TEXT_MAX];

        (void)snprintf(key, METER_KEY_MAX, "%s",
                       text->label[0] ? text->label : obis_print(text->obis, code));
}

static size_t find_text(const struct meter *m, const char *key)
{
        size_t i;

        for (i = 0; i < m->n_texts; i++)
                if (strcmp(m->texts[i].key, key) == 0)
                        break;
        return i;
}

/* All the memory this telegram needs, before anything is changed. */
static int make_room(struct meter *m, const struct telegram *telegram)
{
        size_t n_values = m->n_values, n_texts = m->n_texts, hint = 0;
        char key[METER_KEY_MAX];

        for (size_t i = 0; i < telegram->n_readings; i++) {
                struct obis obis = telegram->readings[i].obis;

                if (submeter_channel(telegram, obis) != m->channel)
                        continue;
                hint = meter_value_find(m, obis, hint);
                n_values += hint++ == m->n_values;
        }
        for (size_t i = 0; i < telegram->n_texts; i++) {
                if (submeter_text_channel(telegram, &telegram->texts[i]) != m->channel)
                        continue;
                text_key(&telegram->texts[i], key);
                n_texts += find_text(m, key) == m->n_texts;
        }
        n_values += n_values > m->n_values ? METER_DERIVED_MAX : 0;
        n_values = MIN(n_values, METER_VALUES_MAX);
        n_texts = MIN(n_texts, METER_TEXTS_MAX);
        if (n_values > m->n_values_room) {
                struct meter_value *values = reallocarray(m->values, n_values, sizeof(*m->values));

                if (!values)
                        return -ENOMEM;
                m->values = values;
                m->n_values_room = n_values;
        }
        if (n_texts > m->n_texts_room) {
                struct meter_text *texts = reallocarray(m->texts, n_texts, sizeof(*m->texts));

                if (!texts)
                        return -ENOMEM;
                m->texts = texts;
                m->n_texts_room = n_texts;
        }
        return 0;
}

static void take_readings(struct meter *m, const struct telegram *telegram,
                          const struct meter_moment *now, struct meter_update *update)
{
        size_t at = 0;

        for (size_t i = 0; i < telegram->n_readings; i++) {
                struct reading reading = telegram->readings[i];
                struct meter_value *value;

                if (submeter_channel(telegram, reading.obis) != m->channel)
                        continue;
                at = meter_value_find(m, reading.obis, at);
                if (at == METER_VALUES_MAX)
                        continue;
                value = &m->values[at];
                /* The meter's own takes the place of what was computed for the lack of it. */
                if (at == m->n_values || value->flags & METER_VALUE_DERIVED) {
                        m->n_values += at == m->n_values;
                        *value = (struct meter_value){ 0 };
                        meter_value_name(m, &reading, value->key);
                        value->reading = reading;
                }
                at++;
                /* The first of several with one code: the others are history (0-0:98.1.0). */
                if (value->sequence == m->sequence)
                        continue;
                if (meter_value_scale(m->settings, &reading) == 0 &&
                    meter_value_accept(m, value, &reading, now))
                        update->values[update->n_values++] = value;
                else
                        update->suspects[update->n_suspects++] = value;
                value->sequence = m->sequence;
        }
        m->statistics.readings += update->n_values;
        m->statistics.suspects += update->n_suspects;
}

static bool take_texts(struct meter *m, const struct telegram *telegram)
{
        bool changed = false;

        for (size_t i = 0; i < telegram->n_texts; i++) {
                const struct text *text = &telegram->texts[i];
                char key[METER_KEY_MAX];
                char value[METER_TEXT_MAX];
                size_t at;

                if (submeter_text_channel(telegram, text) != m->channel)
                        continue;
                text_key(text, key);
                (void)snprintf(value, sizeof(value), "%.*s",
                               (int)MIN(text->value.len, sizeof(value)),
                               text->value.len ? (const char *)text->value.data : "");
                at = find_text(m, key);
                if (at == METER_TEXTS_MAX)
                        continue;
                if (at == m->n_texts)
                        m->n_texts++;
                else if (strcmp(m->texts[at].value, value) == 0)
                        continue;
                memcpy(m->texts[at].key, key, sizeof(key));
                memcpy(m->texts[at].value, value, sizeof(value));
                changed = true;
        }
        return changed;
}

/* What a medium is called by the group A of its values, where no profile says. */
static const char *medium_of(const struct telegram *telegram)
{
        static const char *const media[] = {
                [1] = "electricity", [4] = "heat-cost", [5] = "cooling", [6] = "heat",
                [7] = "gas",         [8] = "water",     [9] = "water"
        };

        for (size_t i = 0; i < telegram->n_readings; i++) {
                uint8_t a = telegram->readings[i].obis.a;

                if (a < ELEMENTSOF(media) && media[a])
                        return media[a];
        }
        return NULL;
}

static bool take_string(char *to, size_t size, const char *from)
{
        if (!from[0] || strncmp(to, from, size) == 0)
                return false;
        (void)snprintf(to, size, "%s", from);
        return true;
}

/* A sub-meter has its own maker: what the telegram says is of the meter that sends. */
static bool take_identity(struct meter *m, const struct telegram *telegram)
{
        const char *medium = medium_of(telegram);
        bool changed;

        if (m->channel)
                return false;
        if (telegram->profile)
                medium = telegram->profile->medium;
        changed = take_string(m->manufacturer, sizeof(m->manufacturer), telegram->manufacturer);
        changed |= take_string(m->model, sizeof(m->model), telegram->model);
        if (telegram->profile && m->profile != telegram->profile) {
                m->profile = telegram->profile;
                changed = true;
        }
        if (medium && strcmp(m->medium, medium) != 0) {
                m->medium = medium;
                changed = true;
        }
        return changed;
}

static bool set_key_state(struct meter *m, enum meter_key_state state)
{
        bool changed = m->key_state != state;

        m->key_state = state;
        return changed;
}

/* The meter was heard: interval and online. True when it came back. */
static bool heard(struct meter *m, uint64_t host_usec, uint64_t mono_usec)
{
        bool came = !m->online;

        if (m->last_mono_usec && mono_usec > m->last_mono_usec)
                interval_add(&m->recent, mono_usec - m->last_mono_usec);
        m->interval_usec = interval_usec_get(&m->recent);
        m->last_host_usec = host_usec;
        m->last_mono_usec = mono_usec;
        m->online = true;
        return came;
}

static int64_t take_clock(struct meter *m, uint64_t host_usec, int64_t clock_usec)
{
        m->clock_usec = clock_usec;
        m->clock_deviation_usec = clock_usec ? clock_usec - (int64_t)host_usec : 0;
        if (clock_usec < CLOCK_MIN_USEC || (m->settings && m->settings->use_host_time))
                return (int64_t)host_usec;
        return clock_usec;
}

static bool take_tariff(struct meter *m, const struct telegram *telegram,
                        const struct meter_update *update, uint64_t host_usec,
                        const struct tariff_zone *zone)
{
        const struct reading *accepted[METER_VALUES_MAX];

        if (m->channel)
                return false;
        for (size_t i = 0; i < update->n_values; i++)
                accepted[i] = &update->values[i]->reading;
        return tariff_update(&m->tariff, telegram, accepted, update->n_values, host_usec, zone);
}

int meter_update(struct meter *m, const struct telegram *telegram, uint64_t host_usec,
                 uint64_t mono_usec, int64_t clock_usec, const struct tariff_zone *zone,
                 struct meter_update *ret)
{
        const struct meter_moment now = { host_usec, mono_usec, clock_usec, telegram->replayed };
        int r;

        r = make_room(m, telegram);
        if (r < 0)
                return r;

        ret->telegram = telegram;
        ret->n_values = ret->n_suspects = 0;
        ret->host_usec = host_usec;
        ret->sequence = ++m->sequence;
        m->statistics.telegrams++;
        m->statistics.replays += telegram->replayed;
        ret->came_online = heard(m, host_usec, mono_usec);
        ret->time_usec = take_clock(m, host_usec, clock_usec);
        ret->identity_changed = take_identity(m, telegram);
        m->encrypted = telegram->encrypted;
        ret->key_state_changed =
                set_key_state(m, telegram->encrypted ? METER_KEY_OK : METER_KEY_NOT_NEEDED);
        take_readings(m, telegram, &now, ret);
        ret->texts_changed = take_texts(m, telegram);
        ret->tariff_changed = take_tariff(m, telegram, ret, host_usec, zone);
        meter_derive(m, &now, ret);
        return 0;
}

bool meter_refuse(struct meter *m, const struct telegram *telegram, uint64_t host_usec,
                  uint64_t mono_usec)
{
        enum meter_key_state state = m->key_state;
        bool changed;

        switch (telegram->status) {
        case TELEGRAM_KEY_MISSING:
        case TELEGRAM_SYSTEM_TITLE_MISSING: /* the title is half of the key's use */
                state = METER_KEY_MISSING;
                m->statistics.key_failures++;
                break;
        case TELEGRAM_WRONG_ENCRYPTION_KEY:
                state = METER_KEY_WRONG_ENCRYPTION;
                m->statistics.key_failures++;
                break;
        case TELEGRAM_WRONG_AUTHENTICATION_KEY:
                state = METER_KEY_WRONG_AUTHENTICATION;
                m->statistics.key_failures++;
                break;
        case TELEGRAM_SUITE_UNSUPPORTED:
        case TELEGRAM_LAYOUT_UNKNOWN:
                m->statistics.unknown_layouts++;
                break;
        case TELEGRAM_OK: /* not refused: the caller has meter_update() for it */
                return false;
        }
        changed = heard(m, host_usec, mono_usec);
        changed |= set_key_state(m, state);
        changed |= m->encrypted != telegram->encrypted;
        m->encrypted = telegram->encrypted;
        return changed;
}

/* ---- age ---- */

uint64_t meter_deadline(const struct meter *m)
{
        uint64_t interval_usec = m->interval_usec;

        if (!m->online)
                return UINT64_MAX;
        if (interval_usec == 0 && m->profile)
                interval_usec = m->profile->interval_s * USEC_PER_SEC;
        return m->last_mono_usec + meter_silence_allowed(interval_usec);
}

bool meter_expire(struct meter *m, uint64_t mono_usec, bool force)
{
        if (!m->online || (!force && mono_usec < meter_deadline(m)))
                return false;
        m->online = false;
        return true;
}

/* ---- looking up ---- */

const struct meter_value *meter_find(const struct meter *m, const char *key)
{
        struct obis obis;
        bool whole_code = strchr(key, ':') || strchr(key, '-');

        for (size_t i = 0; i < m->n_values; i++)
                if (strcmp(m->values[i].key, key) == 0)
                        return &m->values[i];
        if (obis_parse(slice_of_string(key), &obis) != (int)strlen(key))
                return NULL;
        for (size_t i = 0; i < m->n_values; i++) {
                struct obis have = m->values[i].reading.obis;

                if (obis_equal(have, obis) ||
                    (!whole_code && have.f == obis.f && obis_same_quantity(have, obis)))
                        return &m->values[i];
        }
        return NULL;
}

const struct meter_value *meter_find_obis(const struct meter *m, struct obis obis)
{
        for (size_t i = 0; i < m->n_values; i++) {
                struct obis have = m->values[i].reading.obis;

                if (have.a == obis.a && have.f == obis.f && obis_same_quantity(have, obis))
                        return &m->values[i];
        }
        return NULL;
}

const char *meter_key_state_name(enum meter_key_state state)
{
        switch (state) {
        case METER_KEY_NOT_NEEDED:
                return "not-needed";
        case METER_KEY_MISSING:
                return "missing";
        case METER_KEY_OK:
                return "ok";
        case METER_KEY_WRONG_ENCRYPTION:
                return "wrong-encryption-key";
        case METER_KEY_WRONG_AUTHENTICATION:
                return "wrong-authentication-key";
        }
        return "not-needed";
}
