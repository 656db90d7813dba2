/* SPDX-License-Identifier: MIT */
/* One value of a meter: its name, its scale, its plausibility (docs/design.md §4), its age. */
#include "meter-value.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "plausibility.h"

#define USEC_PER_SEC     1000000ull
#define USEC_PER_MS      1000ull
#define SILENCE_MIN_USEC (30 * USEC_PER_SEC)
#define SILENCE_FACTOR   3
/* A value seen only once may belong to an hourly or daily list: it is old after a day. */
#define SEEN_ONCE_USEC (24 * 3600 * USEC_PER_SEC)
/* A meter was exchanged, when so many implausible telegrams in a row agree (docs/design.md §4). */
#define CONSISTENT_TELEGRAMS 3

size_t meter_value_find(const struct meter *m, struct obis obis, size_t hint)
{
        if (hint < m->n_values && obis_equal(m->values[hint].reading.obis, obis))
                return hint;
        for (size_t i = 0; i < m->n_values; i++)
                if (obis_equal(m->values[i].reading.obis, obis))
                        return i;
        return m->n_values;
}

static bool has_key(const struct meter *m, const char *key)
{
        for (size_t i = 0; i < m->n_values; i++)
                if (strcmp(m->values[i].key, key) == 0)
                        return true;
        return false;
}

void meter_value_name(const struct meter *m, const struct reading *reading,
                      char key[static METER_KEY_MAX])
{
        const struct quantity *quantity = reading->quantity;
        char code[OBIS_TEXT_MAX];

        /* A code with F is of a past billing period: the name is that of the present value. */
        if (quantity && !reading_is_past(reading) && !has_key(m, quantity->name))
                (void)snprintf(key, METER_KEY_MAX, "%s", quantity->name);
        else
                (void)snprintf(key, METER_KEY_MAX, "%s", obis_print(reading->obis, code));
}

/* value = raw number × scale (docs/design.md §2: a [meter] section wins over everything). */
int meter_value_scale(const struct meter_settings *settings, struct reading *reading)
{
        for (size_t i = 0; settings && i < settings->n_scales; i++) {
                const struct meter_scale *scale = &settings->scales[i];
                struct decimal value = scale->scale;

                if (!obis_same_quantity(scale->obis, reading->obis))
                        continue;
                if (__builtin_mul_overflow(reading->value.mantissa, scale->scale.mantissa,
                                           &value.mantissa) ||
                    decimal_shift(value, reading->point, &value) < 0)
                        return -ERANGE;
                reading->value.mantissa = value.mantissa;
                reading_set_scale(reading, value.exponent, SCALE_CONFIGURED);
                return 0;
        }
        return 0;
}

static int64_t max_power(const struct meter *m, const struct reading *reading)
{
        const struct quantity *quantity = reading->quantity;

        if (quantity->kind == QUANTITY_VOLUME || quantity->kind == QUANTITY_HEAT ||
            reading_is_unscaled(reading))
                return 0;
        if (m->settings && m->settings->max_power_w > 0)
                return m->settings->max_power_w;
        if (m->profile && m->profile->max_power_w > 0)
                return m->profile->max_power_w;
        return PLAUSIBILITY_POWER_DEFAULT_W;
}

/*
 * Time for which the power may have flowed: by the clock that saw most of it (a suspended machine
 * stops the monotonic one, telegrams that were stored up carry the meter's), and at least the usual
 * interval.
 */
static uint64_t elapsed_ms(const struct meter_value *value, const struct meter_moment *now)
{
        uint64_t elapsed = value->interval_usec;

        if (now->mono_usec > value->mono_usec)
                elapsed = MAX(elapsed, now->mono_usec - value->mono_usec);
        if (now->host_usec > value->host_usec)
                elapsed = MAX(elapsed, now->host_usec - value->host_usec);
        if (value->clock_usec > 0 && now->clock_usec > value->clock_usec)
                elapsed = MAX(elapsed, (uint64_t)(now->clock_usec - value->clock_usec));
        return elapsed / USEC_PER_MS;
}

/* Counts a suspect; true when it is the one that convinces. */
static bool convinces(struct meter_value *value, struct decimal reading,
                      const struct meter_moment *now, int64_t power)
{
        enum plausibility p;
        uint64_t ms;

        if (now->replayed)
                return false;
        if (value->n_suspect > 0) {
                ms = now->mono_usec > value->candidate_usec ? now->mono_usec - value->candidate_usec
                                                            : 0;
                ms = MAX(ms, value->interval_usec) / USEC_PER_MS;
                p = plausibility_assess(value->candidate, reading, ms, power);
                if (p == PLAUSIBILITY_FALLS || p == PLAUSIBILITY_TOO_FAST)
                        value->n_suspect = 0;
        }
        value->n_suspect++;
        value->candidate = reading;
        value->candidate_usec = now->mono_usec;
        return value->n_suspect >= CONSISTENT_TELEGRAMS;
}

static bool is_checked(const struct reading *reading)
{
        return !reading_is_past(reading) && quantity_is_counter(reading->quantity);
}

void meter_value_hold(struct meter_value *value, const struct reading *reading,
                      const struct meter_moment *now)
{
        value->reading = *reading;
        if (value->sequence > 0 && now->mono_usec > value->mono_usec)
                interval_add(&value->recent, now->mono_usec - value->mono_usec);
        value->interval_usec = interval_usec_get(&value->recent);
        value->host_usec = now->host_usec;
        value->mono_usec = now->mono_usec;
        value->clock_usec = now->clock_usec;
}

bool meter_value_accept(const struct meter *m, struct meter_value *value,
                        const struct reading *reading, const struct meter_moment *now)
{
        struct decimal held = value->reading.value;
        enum plausibility p = PLAUSIBILITY_OK;
        int64_t power = 0;

        if (value->sequence > 0 && is_checked(reading)) {
                power = max_power(m, reading);
                p = plausibility_assess(held, reading->value, elapsed_ms(value, now), power);
        }
        if ((p == PLAUSIBILITY_FALLS || p == PLAUSIBILITY_TOO_FAST) &&
            !convinces(value, reading->value, now, power)) {
                value->flags |= METER_VALUE_SUSPECT;
                return false;
        }
        meter_value_hold(value, reading, now);
        if (p == PLAUSIBILITY_COARSER)
                value->reading.value = held;
        value->flags &= ~(uint32_t)METER_VALUE_SUSPECT;
        value->n_suspect = 0;
        return true;
}

uint64_t meter_silence_allowed(uint64_t interval_usec)
{
        return MAX(interval_usec * SILENCE_FACTOR, SILENCE_MIN_USEC);
}

uint32_t meter_value_flags(const struct meter_value *value, uint64_t now_host_usec)
{
        uint64_t age = now_host_usec > value->host_usec ? now_host_usec - value->host_usec : 0;
        uint64_t allowed =
                value->interval_usec ? meter_silence_allowed(value->interval_usec) : SEEN_ONCE_USEC;

        return value->flags | (age > allowed ? METER_VALUE_STALE : 0u) |
               (reading_is_unscaled(&value->reading) ? METER_VALUE_UNSCALED : 0u);
}
