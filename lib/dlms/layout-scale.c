/* SPDX-License-Identifier: MIT */
/*
 * Scales for values that came without one. The profile names them; where it names several
 * candidates, one is evident when the telegram makes the others impossible. Else the usual one is
 * taken where power, voltage and current bear it out, or where no telegram can decide (energies:
 * they are measured, lib/model). An open one stays a number as sent, without unit, until the meter
 * has proved a scale in another telegram; so does a number of no row in the profile.
 */
#include <string.h>

#include "base/util.h"
#include "layout-evidence.h"
#include "layout.h"

#define D_INSTANT 7
/* So much must flow for the usual scale to be borne out: of less, a tenth is lost in the noise. */
#define DECISIVE_VA 200.0

/* A telegram whose numbers are being scaled: which row scales each reading, found once. */
struct scaling {
        struct telegram *telegram;
        const struct meter_profile *profile;
        const struct profile_scale *rows[TELEGRAM_READINGS_MAX]; /* NULL: none, or it has a scale */
};

/* True when the greatest value of the row can be on this scale: smaller ones are of phases that are
 * off, or nearly so. */
static bool is_in_range(const struct scaling *s, const struct profile_scale *scale, int8_t exponent)
{
        const struct profile_range *range = NULL;
        struct decimal most = { 0, exponent };

        for (size_t i = 0; i < s->telegram->n_readings; i++) {
                const struct reading *reading = &s->telegram->readings[i];

                if (s->rows[i] != scale)
                        continue;
                if (!range)
                        range = profile_find_range(s->profile, reading->obis);
                if (!range)
                        return true;
                most.mantissa = MAX(most.mantissa, reading->value.mantissa);
        }
        return !range || profile_range_holds(range, most);
}

/*
 * Whether power, voltage and current agree if the row's values are on this scale; and no meter
 * carries more volt-amperes, in and out, than its connection. *ret_va: how many they are.
 */
static enum evidence_result ask_evidence(const struct scaling *s, const struct profile_scale *scale,
                                         int8_t exponent, double *ret_va)
{
        const struct profile_range *power = &s->profile->power;
        struct evidence evidence = { 0 };

        for (size_t i = 0; i < s->telegram->n_readings; i++) {
                const struct reading *reading = &s->telegram->readings[i];
                struct decimal value = reading->value;

                if (reading->obis.d != D_INSTANT)
                        continue;
                if (reading_is_unscaled(reading)) {
                        if (s->rows[i] != scale)
                                continue;
                        value.exponent = exponent;
                }
                evidence_add(&evidence, reading->obis, value);
        }
        *ret_va = evidence_least_va(&evidence);
        if (power->given && *ret_va > decimal_to_double(power->most))
                return EVIDENCE_CONTRADICTS;
        return evidence_result_of(&evidence);
}

/* Of a row for one code, too. */
static char kind_of(const struct profile_scale *scale)
{
        return scale->kind
                       ? scale->kind
                       : profile_kind_of((struct obis)OBIS_OF(1, 0, scale->c, scale->d, 0, 255));
}

/* Zero is zero by any scale. */
static bool is_all_zero(const struct scaling *s, const struct profile_scale *scale)
{
        for (size_t i = 0; i < s->telegram->n_readings; i++)
                if (s->rows[i] == scale && s->telegram->readings[i].value.mantissa != 0)
                        return false;
        return true;
}

/*
 * The candidate that alone is possible is evident. Where several are, the usual one needs something
 * that bears it out, and another one is likely if it fits closely and no other does well: phases
 * that import and export at once, reactive current and a night without load make any scale look
 * like any other. SCALE_NONE when none is possible.
 */
static enum scale_source choose(const struct scaling *s, const struct profile_scale *scale,
                                int8_t *ret)
{
        size_t n_possible = 0, n_close = 0, n_unlikely = 0;
        int8_t usual = 0, close = 0;
        char kind = kind_of(scale);
        /* the usual one fits: a telegram can decide about voltage and current alone */
        bool fits = (kind != 'U' && kind != 'I') || is_all_zero(s, scale);

        for (size_t i = 0; i < scale->n_exponents; i++) {
                int8_t exponent = scale->exponents[i];
                enum evidence_result evidence = EVIDENCE_SILENT;
                double va = 0;

                if (!is_in_range(s, scale, exponent))
                        continue;
                if (kind == 'I')
                        evidence = ask_evidence(s, scale, exponent, &va);
                if (evidence == EVIDENCE_CONTRADICTS)
                        continue;
                if (n_possible++ == 0) {
                        usual = exponent;
                        fits |= va > DECISIVE_VA &&
                                (evidence == EVIDENCE_CLOSE || evidence == EVIDENCE_AGREES);
                }
                if (evidence == EVIDENCE_CLOSE) {
                        n_close++;
                        close = exponent;
                }
                n_unlikely += evidence == EVIDENCE_UNLIKELY;
        }
        if (n_possible == 0)
                return SCALE_NONE;
        *ret = usual;
        if (n_possible == 1)
                return SCALE_EVIDENT;
        if (fits)
                return SCALE_CANDIDATE;
        if (n_close != 1 || n_unlikely != n_possible - 1)
                return SCALE_OPEN;
        *ret = close;
        return SCALE_LIKELY;
}

static bool is_used(const struct scaling *s, const struct profile_scale *scale)
{
        for (size_t i = 0; i < s->telegram->n_readings; i++)
                if (s->rows[i] == scale)
                        return true;
        return false;
}

static void scale_by_candidates(struct scaling *s, const struct profile_scale *scale)
{
        int8_t exponent = 0;
        enum scale_source source = choose(s, scale, &exponent);

        /* A value that is impossible by every scale stays a number as sent. */
        if (source == SCALE_NONE)
                return;
        for (size_t i = 0; i < s->telegram->n_readings; i++) {
                struct reading *reading = &s->telegram->readings[i];

                if (s->rows[i] != scale)
                        continue;
                reading->likely = exponent;
                if (source == SCALE_LIKELY || source == SCALE_OPEN)
                        reading->scale = source;
                else
                        reading_set_scale(reading, exponent, source);
        }
}

void layout_scale(struct telegram *telegram, const struct meter_profile *profile)
{
        struct scaling s;
        size_t several = 0; /* readings that have candidates */

        if (!profile || profile->n_scales == 0)
                return;
        s.telegram = telegram;
        s.profile = profile;
        for (size_t i = 0; i < telegram->n_readings; i++) {
                struct reading *reading = &telegram->readings[i];

                s.rows[i] =
                        reading_is_unscaled(reading) ? profile_scale_of(profile, reading) : NULL;
                if (s.rows[i] && s.rows[i]->n_exponents == 1)
                        reading_set_scale(reading, s.rows[i]->exponents[0], SCALE_PROFILE);
                several += s.rows[i] && s.rows[i]->n_exponents > 1;
        }
        /* Currents last: voltages and powers, which show their scale, are scaled then. */
        for (int currents = 0; several > 0 && currents < 2; currents++)
                for (size_t row = 0; row < profile->n_scales; row++) {
                        const struct profile_scale *scale = &profile->scales[row];

                        if (scale->n_exponents > 1 && (kind_of(scale) == 'I') == currents &&
                            is_used(&s, scale))
                                scale_by_candidates(&s, scale);
                }
}
