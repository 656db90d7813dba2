/* SPDX-License-Identifier: MIT */
#include "meter-scale.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define D_ENERGY    8
#define USEC_PER_MS 1000ull
#define MS_PER_HOUR 3600000
/* Telegrams in a row that must agree before a remembered scale is changed. */
#define AGAINST_MAX 3
/* Loads in a row at which a scale must look likely before it is taken for evident, by which part of
 * the last one they differ, and how many times the least one the greatest must be. */
#define LIKELY_MIN   8
#define LOAD_DIFFERS 5
#define LOAD_SPAN    4
/* Power that was not sent for longer than this may have been anything. */
#define GAP_MAX_USEC (150 * 1000000ull)
/* So many steps of the register make its own rounding a matter of a few percent. */
#define STEPS_MIN 20
/* And so much energy by power: below, a stove that switched between two telegrams is all of it. */
#define INTEGRAL_MIN_WH 20
#define REPLACE_USEC    (3600 * 1000000ull)
/* Over all that time they agree so well; loads that switch in step with the telegrams do not. */
#define REPLACE_LEAST 0.9
#define REPLACE_MOST  1.1
/* The other direction may have gained such a part of it: a step that was nearly full. */
#define STILL_PART 20
#define SHIFT_MAX  3

/* ---- memory ---- */

static struct scale_entry *find(struct scale_memory *memory, uint8_t c, uint8_t d)
{
        for (size_t i = 0; i < memory->n; i++)
                if (memory->entries[i].c == c && memory->entries[i].d == d)
                        return &memory->entries[i];
        return NULL;
}

static struct scale_entry *obtain(struct scale_memory *memory, uint8_t c, uint8_t d)
{
        struct scale_entry *e = find(memory, c, d);

        if (e || memory->n == SCALE_MEMORY_MAX)
                return e;
        e = &memory->entries[memory->n++];
        *e = (struct scale_entry){ .c = c, .d = d };
        return e;
}

/* Energies of both directions, with and without tariff, come by one scale: C 1, 2, 15, 16. */
static uint8_t key_of(struct obis obis)
{
        uint8_t c = obis_phaseless(obis.c);

        return obis.d == D_ENERGY && (c == 2 || c == 15 || c == 16) ? 1 : c;
}

/*
 * Phases that import and export at once can look like a smaller scale for hours, yet not at one
 * load after the other: true once telegrams of many and very different loads, and none that says
 * otherwise between them, took the same exponent for likely.
 */
static bool is_borne_out(struct scale_entry *e, const struct reading *reading, uint64_t sequence)
{
        int64_t number = llabs(reading->value.mantissa), past = e->likely_last;

        if (e->likely_sequence == sequence)
                return false;
        e->likely_sequence = sequence;
        if (reading->scale != SCALE_LIKELY) {
                e->n_likely = 0;
                return false;
        }
        if (e->n_likely == 0 || e->likely != reading->likely) {
                e->n_likely = 1;
                e->likely = reading->likely;
                e->likely_last = e->likely_least = e->likely_most = number;
                return false;
        }
        if (llabs(number - past) < past / LOAD_DIFFERS)
                return false; /* the same load proves nothing new */
        e->n_likely = (uint8_t)MIN(e->n_likely + 1, LIKELY_MIN);
        e->likely_last = number;
        e->likely_least = MIN(e->likely_least, number);
        e->likely_most = MAX(e->likely_most, number);
        return e->n_likely == LIKELY_MIN && e->likely_most / LOAD_SPAN >= e->likely_least;
}

static bool is_choice(const struct reading *reading)
{
        switch (reading->scale) {
        case SCALE_CANDIDATE:
        case SCALE_EVIDENT:
        case SCALE_LIKELY:
        case SCALE_OPEN:
                return true;
        case SCALE_NONE:
        case SCALE_PROFILE:
        case SCALE_MEASURED:
        case SCALE_WIRE:
        case SCALE_CONFIGURED:
                break;
        }
        return false;
}

/* Telegrams in a row that prove another scale than the one that is remembered. */
static void learn_against(struct meter_scales *scales, struct scale_entry *e, int8_t exponent)
{
        if (e->against == scales->sequence)
                return;
        e->against = scales->sequence;
        if (++e->n_against < AGAINST_MAX)
                return;
        e->exponent = exponent;
        e->n_against = 0;
        scales->changed = true;
}

/* Learns the scale among candidates: a proved one counts, one that is left open does not. */
static void learn(struct meter_scales *scales, struct scale_entry *e, const struct reading *reading)
{
        bool evident = reading->scale == SCALE_EVIDENT;
        int8_t exponent = reading->value.exponent;

        if (!evident && e->source != SCALE_EVIDENT && is_borne_out(e, reading, scales->sequence)) {
                evident = true;
                exponent = reading->likely;
        }
        if (evident && e->source != SCALE_EVIDENT) {
                scales->changed = true;
                *e = (struct scale_entry){
                        .c = e->c, .d = e->d, .exponent = exponent, .source = SCALE_EVIDENT
                };
        } else if (evident && exponent == e->exponent) {
                e->n_against = 0;
        } else if (evident) {
                learn_against(scales, e, exponent);
        } else if (e->source == SCALE_NONE && reading->scale == SCALE_CANDIDATE) {
                e->exponent = exponent;
                e->source = SCALE_CANDIDATE;
        }
}

void meter_scales_apply(struct meter_scales *scales, struct reading *reading)
{
        bool choice = is_choice(reading);
        struct scale_entry *e;

        if (reading->obis.a != 1 || reading->scale == SCALE_WIRE ||
            reading->scale == SCALE_CONFIGURED)
                return;
        e = choice ? obtain(&scales->memory, key_of(reading->obis), reading->obis.d)
                   : find(&scales->memory, key_of(reading->obis), reading->obis.d);
        if (!e)
                return;
        if (choice && e->source != SCALE_MEASURED)
                learn(scales, e, reading);
        /* A scale that a telegram leaves open needs a proof: being the usual one is not enough. */
        if (reading_is_unscaled(reading) && e->source != SCALE_EVIDENT &&
            e->source != SCALE_MEASURED)
                return;
        if (choice || e->source == SCALE_MEASURED)
                reading_set_scale(reading, e->exponent, e->source);
}

/* ---- proof ---- */

/* value × 10^3, rounded towards zero: 0 when it does not fit. */
static int64_t thousandths(struct decimal value)
{
        int64_t m = value.mantissa;

        for (int e = value.exponent + 3; e > 0 && m; e--)
                if (__builtin_mul_overflow(m, 10, &m))
                        return 0;
        for (int e = value.exponent + 3; e < 0 && m; e++)
                m /= 10;
        return m;
}

static void restart(struct scale_proof *p, const struct scale_proof *other)
{
        p->running = true;
        p->watt_ms = 0;
        p->load_usec = 0;
        p->begin = p->last;
        p->has_other = other->has_last;
        p->other_begin = other->last;
}

static void add_power(struct scale_proof *p, const struct reading *power, uint64_t mono_usec)
{
        uint64_t usec = mono_usec - p->power_mono_usec;

        if (p->power_mono_usec == 0 || mono_usec < p->power_mono_usec || usec > GAP_MAX_USEC) {
                p->running = false;
        } else if (p->running) {
                p->watt_ms += p->power_w * (int64_t)(usec / USEC_PER_MS);
                if (p->power_w > 0)
                        p->load_usec += usec;
        }
        p->power_w = thousandths(power->value) / 1000;
        p->power_mono_usec = mono_usec;
}

/* Gained over expected energy, by the scale that is `shift` powers of ten further. */
static double ratio_of(int64_t gained_mwh, int64_t expected_mwh, int8_t shift)
{
        return (double)gained_mwh / (double)expected_mwh *
               decimal_to_double((struct decimal){ 1, shift });
}

/* The power of ten between gained and expected; false when it is between two of them. */
static bool find_shift(int64_t gained_mwh, int64_t expected_mwh, int8_t *ret)
{
        for (int8_t shift = -SHIFT_MAX; shift <= SHIFT_MAX; shift++) {
                double ratio = ratio_of(gained_mwh, expected_mwh, shift);

                if (ratio > 0.75 && ratio < 1.35) {
                        *ret = shift;
                        return true;
                }
        }
        return false;
}

/* Whether the other direction stood still while this one gained. */
static bool flows_one_way(const struct scale_proof *p, const struct scale_proof *other,
                          int64_t gained_mwh)
{
        struct decimal gained;

        if (!p->has_other)
                return !other->has_last;
        return decimal_subtract(other->last, p->other_begin, &gained) == 0 &&
               gained.mantissa >= 0 && thousandths(gained) <= gained_mwh / STILL_PART;
}

static void note_contradiction(struct scale_proof *p, int8_t shift)
{
        if (p->state == SCALE_CONTRADICTED && p->shift == shift)
                return;
        p->state = SCALE_CONTRADICTED;
        p->shift = shift;
        p->contradicted_usec = 0;
        p->gained_mwh = p->expected_mwh = 0;
}

static void note_ratio(struct scale_proof *p, int64_t gained_mwh, int64_t expected_mwh)
{
        int8_t shift;

        if (find_shift(gained_mwh, expected_mwh, &shift)) {
                if (shift == 0) {
                        p->state = SCALE_PROVED;
                        p->shift = 0;
                } else {
                        note_contradiction(p, shift);
                }
        }
        if (p->state != SCALE_CONTRADICTED)
                return;
        p->contradicted_usec += p->load_usec;
        p->gained_mwh += gained_mwh;
        p->expected_mwh += expected_mwh;
}

static void assess(struct scale_proof *p, const struct scale_proof *other)
{
        int64_t expected_mwh = p->watt_ms / (MS_PER_HOUR / 1000), gained_mwh;
        struct decimal gained;

        if (decimal_subtract(p->last, p->begin, &gained) < 0 || gained.mantissa < 0) {
                restart(p, other);
                return;
        }
        gained_mwh = thousandths(gained);
        if (expected_mwh < INTEGRAL_MIN_WH * 1000 ||
            gained_mwh < STEPS_MIN * thousandths((struct decimal){ 1, p->last.exponent }))
                return;
        if (flows_one_way(p, other, gained_mwh))
                note_ratio(p, gained_mwh, expected_mwh);
        restart(p, other);
}

static void compare(struct scale_proof *p, const struct scale_proof *other,
                    const struct reading *power, const struct reading *energy, uint64_t mono_usec)
{
        if (power && !reading_is_unscaled(power))
                add_power(p, power, mono_usec);
        if (energy && (energy->scale == SCALE_WIRE || energy->scale == SCALE_CONFIGURED)) {
                p->state = SCALE_UNPROVED; /* the scale is given: it needs no proof */
                p->running = false;
                return;
        }
        if (!energy)
                return;
        if (!p->running)
                restart(p, other);
        else
                assess(p, other);
}

void meter_scales_compare(struct meter_scales *scales, const struct reading *const powers[static 2],
                          const struct reading *const energies[static 2], uint64_t mono_usec)
{
        struct scale_proof *p = scales->proofs;

        for (size_t i = 0; i < ELEMENTSOF(scales->proofs); i++) {
                if (!energies[i])
                        continue;
                p[i].last = energies[i]->value;
                p[i].has_last = true;
        }
        for (size_t i = 0; i < ELEMENTSOF(scales->proofs); i++)
                compare(&p[i], &p[1 - i], powers[i], energies[i], mono_usec);
}

bool meter_scales_replace(struct meter_scales *scales, size_t direction,
                          const struct reading *energy, int8_t *ret_shift)
{
        struct scale_proof *p = &scales->proofs[direction];
        int exponent = energy->value.exponent + p->shift;
        struct scale_entry *e;

        double ratio;

        if (p->state != SCALE_CONTRADICTED || p->contradicted_usec < REPLACE_USEC)
                return false;
        ratio = ratio_of(p->gained_mwh, p->expected_mwh, p->shift);
        if (ratio < REPLACE_LEAST || ratio > REPLACE_MOST || exponent < -DECIMAL_EXPONENT_MAX ||
            exponent > DECIMAL_EXPONENT_MAX)
                return false;
        e = obtain(&scales->memory, key_of(energy->obis), D_ENERGY);
        if (!e)
                return false;
        e->exponent = (int8_t)exponent;
        e->source = SCALE_MEASURED;
        *ret_shift = p->shift;
        for (size_t i = 0; i < ELEMENTSOF(scales->proofs); i++) /* both are shown by it */
                scales->proofs[i] = (struct scale_proof){
                        .state = i == direction ? SCALE_PROVED : SCALE_UNPROVED,
                        .power_w = scales->proofs[i].power_w,
                        .power_mono_usec = scales->proofs[i].power_mono_usec
                };
        scales->changed = true;
        return true;
}

/* ---- on paper ---- */

static const char letters[] = {
        [SCALE_CANDIDATE] = 'c', [SCALE_EVIDENT] = 'e', [SCALE_MEASURED] = 'm'
};

void scale_memory_print(const struct scale_memory *memory, char buf[static SCALE_MEMORY_TEXT_MAX])
{
        size_t at = 0;

        buf[0] = '\0';
        for (size_t i = 0; i < memory->n; i++) {
                const struct scale_entry *e = &memory->entries[i];

                if (e->source != SCALE_EVIDENT && e->source != SCALE_MEASURED)
                        continue; /* a guess is made anew */
                at += (size_t)snprintf(buf + at, SCALE_MEMORY_TEXT_MAX - at, "%s%u.%u=%d%c",
                                       at ? " " : "", e->c, e->d, e->exponent, letters[e->source]);
        }
}

int scale_memory_parse(const char *text, struct scale_memory *ret)
{
        struct scale_memory memory = { 0 };

        while (*text) {
                struct scale_entry *e;
                unsigned int c, d;
                int exponent, n = 0;
                char letter;

                if (sscanf(text, "%3u.%3u=%3d%c%n", &c, &d, &exponent, &letter, &n) != 4 ||
                    memory.n == SCALE_MEMORY_MAX || c > UINT8_MAX || d > UINT8_MAX ||
                    exponent < -DECIMAL_EXPONENT_MAX || exponent > DECIMAL_EXPONENT_MAX ||
                    (letter != 'e' && letter != 'm'))
                        return -EINVAL;
                e = &memory.entries[memory.n++];
                *e = (struct scale_entry){ .c = (uint8_t)c,
                                           .d = (uint8_t)d,
                                           .exponent = (int8_t)exponent,
                                           .source =
                                                   letter == 'm' ? SCALE_MEASURED : SCALE_EVIDENT };
                text += n;
                text += *text == ' ';
        }
        *ret = memory;
        return 0;
}
