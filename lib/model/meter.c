/* SPDX-License-Identifier: MIT */
/*
 * The model of one meter: its latest values, and whether they are possible (docs/design.md §4).
 * Short and long lists of a meter come in turn; a value that a telegram does not carry keeps its
 * own age.
 */
#include "meter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "lib/value/id.h"
#include "meter-derived.h"
#include "meter-value.h"

#define USEC_PER_SEC    1000000ull
#define HEARD_ONCE_USEC (300 * USEC_PER_SEC)
/* Before this a clock was never set: P1 meters without time say 2000-01-01 (wall µs of 2010). */
#define CLOCK_MIN_USEC (1262304000ll * 1000000)

/* ---- life ---- */

static void set_id(char to[static METER_ID_MAX], const char *from)
{
        if (id_clean(to, METER_ID_MAX, slice_of_string(from)) == 0)
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
                submeter_name(parent->id, submeter, id);
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
        if (text->label[0])
                (void)snprintf(key, METER_KEY_MAX, "%s", text->label);
        else
                (void)obis_print(text->obis, key); /* returns it */
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

                /* Whose it is matters only where it is new: it is asked for again below. */
                hint = meter_value_find(m, obis, hint);
                if (hint < m->n_values)
                        hint++;
                else
                        n_values += submeter_channel(telegram, obis) == m->channel;
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

        m->scales.sequence = m->sequence;
        for (size_t i = 0; i < telegram->n_readings; i++) {
                struct reading reading = telegram->readings[i];
                struct meter_value *value;
                bool is_other;
                int r;

                if (submeter_channel(telegram, reading.obis) != m->channel)
                        continue;
                at = meter_value_find(m, reading.obis, at);
                if (at == METER_VALUES_MAX)
                        continue;
                value = &m->values[at];
                /* The meter's own value replaces a computed one. */
                if (at == m->n_values || value->flags & METER_VALUE_DERIVED) {
                        update->described_anew = true;
                        m->n_values += at == m->n_values;
                        *value = (struct meter_value){ 0 };
                        meter_value_name(m, &reading, value->key);
                        value->reading = reading;
                }
                at++;
                /* The first of several with one code: the others are history (0-0:98.1.0). */
                if (value->sequence == m->sequence)
                        continue;
                r = meter_value_scale(m->settings, &reading);
                meter_scales_apply(&m->scales, &reading);
                is_other = value->reading.unit != reading.unit ||
                           value->reading.scale != reading.scale;
                if (r == 0 && meter_value_accept(m, value, &reading, now)) {
                        update->values[update->n_values++] = value;
                        update->described_anew |= is_other;
                } else {
                        update->suspects[update->n_suspects++] = value;
                }
                value->sequence = m->sequence;
        }
        m->statistics.readings += update->n_values;
        m->statistics.suspects += update->n_suspects;
}

static bool is_energy(const struct meter_value *value)
{
        struct obis o = value->reading.obis;

        return o.a == 1 && o.d == 8 && (o.c == 1 || o.c == 2 || o.c == 15 || o.c == 16) &&
               value->reading.scale != SCALE_WIRE && value->reading.scale != SCALE_CONFIGURED;
}

/* Held values were read by the wrong scale: they move with it, so that nothing seems to jump. */
static void shift_energies(struct meter *m, int8_t shift)
{
        for (size_t i = 0; i < m->n_values; i++) {
                struct meter_value *value = &m->values[i];
                int exponent = value->reading.value.exponent + shift;

                if (!is_energy(value) || exponent < -DECIMAL_EXPONENT_MAX ||
                    exponent > DECIMAL_EXPONENT_MAX)
                        continue;
                reading_set_scale(&value->reading, (int8_t)exponent, SCALE_MEASURED);
                value->n_suspect = 0;
        }
}

static const struct reading *find_total(const struct meter_update *update, uint8_t c, uint8_t d)
{
        for (size_t i = 0; i < update->n_values; i++) {
                const struct reading *reading = &update->values[i]->reading;
                struct obis o = reading->obis;

                if (o.c != c)
                        continue;
                if (o.a == 1 && o.d == d && o.e == 0 && o.f == 255)
                        return reading;
        }
        return NULL;
}

static bool prove_scales(struct meter *m, const struct meter_update *update, uint64_t mono_usec)
{
        const struct reading *powers[2], *energies[2];
        bool changed;
        int8_t shift;

        for (uint8_t i = 0; i < ELEMENTSOF(powers); i++) {
                powers[i] = find_total(update, (uint8_t)(i + 1), 7);
                energies[i] = find_total(update, (uint8_t)(i + 1), 8);
        }
        if (m->channel == 0)
                meter_scales_compare(&m->scales, powers, energies, mono_usec);
        for (size_t i = 0; i < ELEMENTSOF(powers) && m->channel == 0; i++)
                if (energies[i] && meter_scales_replace(&m->scales, i, energies[i], &shift))
                        shift_energies(m, shift);
        changed = m->scales.changed;
        m->scales.changed = false;
        return changed;
}

static bool take_texts(struct meter *m, const struct telegram *telegram)
{
        bool changed = false;

        for (size_t i = 0; i < telegram->n_texts; i++) {
                const struct text *text = &telegram->texts[i];
                char key[METER_KEY_MAX];
                char value[METER_TEXT_MAX];
                size_t n = utf8_cut(text->value, sizeof(value) - 1), at;

                if (submeter_text_channel(telegram, text) != m->channel)
                        continue;
                text_key(text, key);
                if (n > 0)
                        memcpy(value, text->value.data, n);
                value[n] = '\0';
                at = find_text(m, key);
                if (at == METER_TEXTS_MAX)
                        continue;
                if (at == m->n_texts)
                        m->n_texts++;
                else if (strcmp(m->texts[at].value, value) == 0)
                        continue;
                memcpy(m->texts[at].key, key, sizeof(key));
                memcpy(m->texts[at].value, value, n + 1);
                changed = true;
        }
        return changed;
}

/* The name of a medium by the group A of its values, where no profile says. */
static const char *medium_of(const struct telegram *telegram)
{
        for (size_t i = 0; i < telegram->n_readings; i++) {
                const char *medium = obis_medium(telegram->readings[i].obis.a);

                if (medium)
                        return medium;
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

/* A sub-meter has its own maker: the one in the telegram is of the meter that sends. */
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

/*
 * Whose key is wrong is wrong each time: a state that calls it so needs two telegrams in a row, in
 * which damaged ones do not count. A key that no telegram proved before is unverified until then.
 */
static enum meter_key_state assess_key(struct meter *m, enum meter_key_state result)
{
        if (m->key_result == result)
                return result;
        m->key_result = result;
        if (m->key_state == METER_KEY_NOT_NEEDED || m->key_state == METER_KEY_MISSING)
                return METER_KEY_UNVERIFIED;
        return m->key_state;
}

bool meter_key_is_wrong(const struct meter *m)
{
        return m->key_state == METER_KEY_WRONG_ENCRYPTION ||
               m->key_state == METER_KEY_WRONG_AUTHENTICATION;
}

bool meter_key_given(struct meter *m)
{
        m->key_result = METER_KEY_UNVERIFIED;
        /* One that sends in plain text needs none. */
        return m->encrypted && set_key_state(m, METER_KEY_UNVERIFIED);
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
        ret->described_anew = false;
        ret->host_usec = host_usec;
        ret->sequence = ++m->sequence;
        if (m->sequence == 1)
                m->first_mono_usec = mono_usec;
        m->statistics.telegrams++;
        m->statistics.replays += telegram->replayed;
        ret->came_online = heard(m, host_usec, mono_usec);
        ret->time_usec = take_clock(m, host_usec, clock_usec);
        ret->identity_changed = take_identity(m, telegram);
        m->encrypted = telegram->encrypted;
        m->key_result = METER_KEY_OK;
        ret->key_state_changed =
                set_key_state(m, telegram->encrypted ? METER_KEY_OK : METER_KEY_NOT_NEEDED);
        take_readings(m, telegram, &now, ret);
        ret->texts_changed = take_texts(m, telegram);
        ret->tariff_changed = take_tariff(m, telegram, ret, host_usec, zone);
        meter_derive(m, &now, ret);
        ret->scales_changed = prove_scales(m, ret, mono_usec);
        ret->described_anew |= ret->identity_changed || ret->tariff_changed || ret->scales_changed;
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
                m->key_result = state = METER_KEY_MISSING;
                m->statistics.key_failures++;
                break;
        case TELEGRAM_WRONG_ENCRYPTION_KEY:
                state = assess_key(m, METER_KEY_WRONG_ENCRYPTION);
                m->statistics.key_failures++;
                break;
        case TELEGRAM_WRONG_AUTHENTICATION_KEY:
                state = assess_key(m, METER_KEY_WRONG_AUTHENTICATION);
                m->statistics.key_failures++;
                break;
        case TELEGRAM_DAMAGED: /* these say nothing of the key */
        case TELEGRAM_UNAUTHENTICATED:
                break;
        case TELEGRAM_REPLAYED: /* these opened, or were not tried */
                m->key_result = METER_KEY_UNVERIFIED;
                break;
        case TELEGRAM_SUITE_UNSUPPORTED:
        case TELEGRAM_LAYOUT_UNKNOWN:
                m->key_result = METER_KEY_UNVERIFIED;
                m->statistics.unknown_layouts++;
                break;
        case TELEGRAM_OK: /* not refused: the caller has meter_update() for it */
                return false;
        }
        changed = heard(m, host_usec, mono_usec);
        changed |= set_key_state(m, state);
        /* A forged telegram, or one with a damaged head, does not show how the meter sends. */
        if (telegram->status == TELEGRAM_DAMAGED || telegram->status == TELEGRAM_UNAUTHENTICATED)
                return changed;
        changed |= m->encrypted != telegram->encrypted;
        m->encrypted = telegram->encrypted;
        return changed;
}

/* ---- age ---- */

uint64_t meter_deadline(const struct meter *m)
{
        uint64_t usual_usec = m->profile ? m->profile->interval_s * USEC_PER_SEC : 0;

        if (!m->online)
                return UINT64_MAX;
        if (m->interval_usec)
                return m->last_mono_usec + meter_silence_allowed(m->interval_usec);
        /* Heard once: a utility may have set another interval than the family's. */
        return m->last_mono_usec + MAX(meter_silence_allowed(usual_usec), HEARD_ONCE_USEC);
}

static bool move(uint64_t *usec, const struct clock_setting *setting)
{
        if (*usec < setting->from_usec || *usec > setting->to_usec)
                return false;
        *usec += (uint64_t)setting->by_usec; /* modulo 2^64: backwards, too */
        return true;
}

void meter_clock_set(struct meter *m, const struct clock_setting *setting)
{
        if (move(&m->last_host_usec, setting) && m->clock_usec != 0)
                m->clock_deviation_usec = m->clock_usec - (int64_t)m->last_host_usec;
        for (size_t i = 0; i < m->n_values; i++)
                (void)move(&m->values[i].host_usec, setting); /* or it is of an earlier run */
        (void)move(&m->tariff.since_usec, setting);
        (void)move(&m->tariff.registers_usec, setting);
        m->tariff.recheck_usec = 0; /* when a schedule switches next is another time now */
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
        bool whole_code;

        for (size_t i = 0; i < m->n_values; i++)
                if (strcmp(m->values[i].key, key) == 0)
                        return &m->values[i];
        whole_code = strchr(key, ':') || strchr(key, '-');
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
                const struct obis *have = &m->values[i].reading.obis;

                /* C first, and alone: most of them differ in it */
                if (have->c != obis.c)
                        continue;
                if (obis_same_quantity(*have, obis) && have->a == obis.a && have->f == obis.f)
                        return &m->values[i];
        }
        return NULL;
}

bool meter_scale_contradicted(const struct meter *m, struct meter_scale_fault *ret)
{
        for (uint8_t direction = 0; direction < 2; direction++) {
                const struct scale_proof *proof = &m->scales.proofs[direction];
                struct obis obis = OBIS_OF(1, 0, (uint8_t)(direction + 1), 8, 0, 255);
                const struct meter_value *value;

                if (proof->state != SCALE_CONTRADICTED)
                        continue;
                value = meter_find_obis(m, obis);
                if (!value)
                        continue;
                *ret = (struct meter_scale_fault){
                        obis, { 1, (int8_t)(value->reading.value.exponent + proof->shift) }
                };
                return true;
        }
        return false;
}

const char *meter_key_state_name(enum meter_key_state state)
{
        switch (state) {
        case METER_KEY_NOT_NEEDED:
                return "not-needed";
        case METER_KEY_MISSING:
                return "missing";
        case METER_KEY_UNVERIFIED:
                return "unverified";
        case METER_KEY_OK:
                return "ok";
        case METER_KEY_WRONG_ENCRYPTION:
                return "wrong-encryption-key";
        case METER_KEY_WRONG_AUTHENTICATION:
                return "wrong-authentication-key";
        }
        return "not-needed";
}
