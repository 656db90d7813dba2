/* SPDX-License-Identifier: MIT */
/*
 * Scales for values that came without one. The profile names them; where it names several
 * candidates, one is evident only when the telegram makes the others impossible, else the usual one
 * or a likely one stands until evidence over several telegrams decides (lib/model). Without a row
 * in the profile a number stays as sent, and has no unit.
 */
#include <string.h>

#include "base/util.h"
#include "layout-evidence.h"
#include "layout.h"

#define D_INSTANT 7

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

/* Whether power, voltage and current agree if the row's values are on this scale. */
static enum evidence_result ask_evidence(const struct scaling *s, const struct profile_scale *scale,
                                         int8_t exponent)
{
        struct evidence evidence = { 0 };

        for (size_t i = 0; i < s->telegram->n_readings; i++) {
                const struct reading *reading = &s->telegram->readings[i];
                struct decimal value = reading->value;

                if (reading->obis.d != D_INSTANT)
                        continue;
                if (reading_is_unscaled(reading)) {
                        if (!s->rows[i])
                                continue;
                        value.exponent = s->rows[i] == scale ? exponent : s->rows[i]->exponents[0];
                }
                evidence_add(&evidence, reading->obis, value);
        }
        return evidence_result_of(&evidence);
}

/*
 * The candidate that alone is possible is evident. Where several are, one is likely if it fits
 * closely and no other does well; else the usual one stands. SCALE_NONE when none is possible.
 */
static enum scale_source choose(const struct scaling *s, const struct profile_scale *scale,
                                int8_t *ret)
{
        size_t n_possible = 0, n_close = 0, n_unlikely = 0;
        int8_t usual = 0, close = 0;

        for (size_t i = 0; i < scale->n_exponents; i++) {
                int8_t exponent = scale->exponents[i];
                enum evidence_result evidence = EVIDENCE_SILENT;

                if (!is_in_range(s, scale, exponent))
                        continue;
                if (scale->kind == 'I')
                        evidence = ask_evidence(s, scale, exponent);
                if (evidence == EVIDENCE_CONTRADICTS)
                        continue;
                if (n_possible++ == 0)
                        usual = exponent;
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
        if (n_close != 1 || n_unlikely != n_possible - 1)
                return SCALE_CANDIDATE;
        *ret = close;
        return SCALE_LIKELY;
}

static void scale_by_candidates(struct scaling *s, const struct profile_scale *scale)
{
        int8_t exponent = 0;
        enum scale_source source = choose(s, scale, &exponent);

        /* What no scale makes possible stays a number that nobody understands. */
        if (source == SCALE_NONE)
                return;
        for (size_t i = 0; i < s->telegram->n_readings; i++)
                if (s->rows[i] == scale)
                        reading_set_scale(&s->telegram->readings[i], exponent, source);
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
        for (size_t row = 0; several > 0 && row < profile->n_scales; row++) {
                const struct profile_scale *scale = &profile->scales[row];
                bool used = false;

                if (scale->n_exponents == 1)
                        continue;
                for (size_t i = 0; !used && i < telegram->n_readings; i++)
                        used = s.rows[i] == scale;
                if (used)
                        scale_by_candidates(&s, scale);
        }
}
