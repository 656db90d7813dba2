/* SPDX-License-Identifier: MIT */
/*
 * Scales for values that came without one (PROTOCOL §4.2), with a check against physics where a
 * family is known to send two: a voltage no network has, a current its phase's power contradicts.
 */
#include <string.h>

#include "layout.h"
#include "util.h"

#define C_VOLTAGE     12
#define C_CURRENT     11
#define D_INSTANT     7
#define VOLTAGE_MIN   80  /* below the lowest mains of the world, 100 V, less 20 % */
#define VOLTAGE_MAX   500 /* above 400 V between phases, plus 20 % */
#define DIRECT_MAX_A  125 /* no meter without transformers carries more */
#define CONTRADICTION 3   /* times the current that its own power and factor explain */

/* What most families do; a wrong guess shows in the check of voltages. */
static const struct profile_scale common_scales[] = {
        { C_VOLTAGE, D_INSTANT, 0, -1, NULL },
        { C_CURRENT, D_INSTANT, -2, -3, NULL },
        { 13, D_INSTANT, -3, -3, NULL },
};

static bool type_ends_with(const struct telegram *t, const char *suffix)
{
        size_t n = strlen(suffix);

        for (size_t i = 0; i < t->n_texts; i++) {
                const struct text *text = &t->texts[i];

                if (text->obis.c == 96 && text->obis.d == 1 && text->obis.e == 1 &&
                    text->value.len >= n &&
                    memcmp(text->value.data + text->value.len - n, suffix, n) == 0)
                        return true;
        }
        return false;
}

static const struct profile_scale *
find_scale(const struct telegram *t, const struct profile_scale *scales, size_t n, struct obis obis)
{
        uint8_t c = obis_phaseless(obis.c);

        for (size_t i = 0; i < n; i++) {
                if (obis.a != 1 || scales[i].d != obis.d || (scales[i].c && scales[i].c != c))
                        continue;
                if (!scales[i].type_suffix || type_ends_with(t, scales[i].type_suffix))
                        return &scales[i];
        }
        return NULL;
}

/* The unscaled instantaneous value of phase 1..3, 0 when there is none. */
static int64_t phase_value(const struct telegram *t, unsigned int phase, uint8_t c)
{
        for (size_t i = 0; i < t->n_readings; i++) {
                struct obis obis = t->readings[i].obis;

                if (obis.a == 1 && obis.d == D_INSTANT && obis.e == 0 && obis.c == c + 20 * phase)
                        return t->readings[i].value.mantissa;
        }
        return 0;
}

static double power_of_ten(int exponent)
{
        return decimal_to_double((struct decimal){ 1, (int8_t)exponent });
}

/* True when no voltage of the telegram is possible on this scale, and on the other one is. */
static bool voltage_contradicts(const struct telegram *t, const struct profile_scale *scale)
{
        int64_t most = 0;
        double volt, other;

        for (unsigned int phase = 1; phase <= 3; phase++)
                most = MAX(most, phase_value(t, phase, C_VOLTAGE));
        volt = (double)most * power_of_ten(scale->exponent);
        other = (double)most * power_of_ten(scale->alternative);
        return most > 0 && (volt < VOLTAGE_MIN || volt > VOLTAGE_MAX) && other >= VOLTAGE_MIN &&
               other <= VOLTAGE_MAX;
}

/* I = P / (U × power factor): holds per phase, whatever the others import or export. */
static bool phase_contradicts(const struct telegram *t, unsigned int phase, double ampere)
{
        int64_t power = MAX(phase_value(t, phase, 1), phase_value(t, phase, 2));
        int64_t volt = phase_value(t, phase, C_VOLTAGE);
        int64_t factor = phase_value(t, phase, 13); /* in hundredths where lists carry it */

        if (power < 100 || volt <= 0 || factor <= 0 || factor > 100)
                return false;
        return ampere > CONTRADICTION * (double)power * 100 / ((double)volt * (double)factor);
}

/* Transformer-operated Kamstrup meters count in mA where others count in 0.01 A. */
static bool current_contradicts(const struct telegram *t, const struct profile_scale *scale)
{
        for (unsigned int phase = 1; phase <= 3; phase++) {
                double ampere =
                        (double)phase_value(t, phase, C_CURRENT) * power_of_ten(scale->exponent);

                if (ampere > DIRECT_MAX_A || phase_contradicts(t, phase, ampere))
                        return true;
        }
        return false;
}

static int8_t choose_exponent(const struct telegram *t, const struct profile_scale *scale,
                              uint8_t c)
{
        bool contradicts = false;

        if (scale->alternative == scale->exponent)
                return scale->exponent;
        if (c == C_VOLTAGE)
                contradicts = voltage_contradicts(t, scale);
        else if (c == C_CURRENT)
                contradicts = current_contradicts(t, scale);
        return contradicts ? scale->alternative : scale->exponent;
}

void layout_scale(struct telegram *telegram, const struct meter_profile *profile)
{
        const struct profile_scale *scales = profile ? profile->scales : common_scales;
        size_t n = profile ? profile->n_scales : ELEMENTSOF(common_scales);
        int8_t exponents[TELEGRAM_READINGS_MAX];

        /* All exponents first: the checks look at unscaled values. */
        for (size_t i = 0; i < telegram->n_readings; i++) {
                const struct reading *reading = &telegram->readings[i];
                const struct profile_scale *scale =
                        reading->scaled ? NULL : find_scale(telegram, scales, n, reading->obis);

                exponents[i] =
                        scale ? choose_exponent(telegram, scale, obis_phaseless(reading->obis.c))
                              : 0;
        }
        for (size_t i = 0; i < telegram->n_readings; i++)
                if (!telegram->readings[i].scaled)
                        telegram->readings[i].value.exponent = exponents[i];
}
