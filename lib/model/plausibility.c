/* SPDX-License-Identifier: MIT */
/*
 * The plausibility of counters (docs/design.md §4). A register shows its value in steps: 1 Wh, 10
 * Wh, 1 kWh. The step is the scale it is sent with, or, where a meter merely cuts the last digits
 * off, the zeros at the end of both values. One step is always allowed: it may have been full to
 * the brim.
 */
#include "plausibility.h"

#include "base/util.h"

#define MS_PER_HOUR 3600000
/* The coarsest register in the field: SML meters without PIN cut energies to whole kWh. */
#define STEP_EXPONENT_MAX 3

/* How many zeros end the mantissa, as an exponent of the value; a zero could be of any step. */
static int step_exponent(struct decimal value)
{
        int exponent = value.exponent;

        if (value.mantissa == 0)
                return MAX(exponent, STEP_EXPONENT_MAX);
        for (int64_t left = value.mantissa; exponent < STEP_EXPONENT_MAX && left % 10 == 0;
             left /= 10)
                exponent++;
        return exponent;
}

/* True when `coarse` is what remains of `fine` after cutting it to a step of 10^exponent. */
static bool is_cut_of(struct decimal coarse, struct decimal fine, int exponent)
{
        struct decimal step = { 1, (int8_t)exponent };
        struct decimal difference;

        return decimal_subtract(fine, coarse, &difference) == 0 &&
               decimal_compare(difference, step) < 0;
}

static enum plausibility assess_fall(struct decimal last, struct decimal now, bool energy)
{
        int exponent = now.exponent;

        /* The short list says 12340 in tens, the long one had said 12345: nothing has fallen. */
        if (exponent > last.exponent && exponent <= STEP_EXPONENT_MAX &&
            is_cut_of(now, last, exponent))
                return PLAUSIBILITY_COARSER;
        /* A meter that lost its PIN state sends 12345000.0 after 12345678.9. */
        if (energy && step_exponent(now) >= STEP_EXPONENT_MAX &&
            is_cut_of(now, last, STEP_EXPONENT_MAX))
                return PLAUSIBILITY_COARSER;
        return PLAUSIBILITY_FALLS;
}

/* Thousandths of what the power makes in the time; negative when that is beyond 64 bits. */
static int64_t rise_allowed(uint64_t elapsed_ms, int64_t max_power)
{
        int64_t product;

        if (elapsed_ms > INT64_MAX ||
            __builtin_mul_overflow((int64_t)elapsed_ms, max_power, &product))
                return -1;
        /* power × hours × 1000 */
        return product / (MS_PER_HOUR / 1000);
}

enum plausibility plausibility_assess(struct decimal last, struct decimal now, uint64_t elapsed_ms,
                                      int64_t max_power)
{
        int order = decimal_compare(now, last), exponent;
        struct decimal rise, limit;
        int64_t allowed;
        bool is_known;

        if (order < 0)
                return assess_fall(last, now, max_power != 0);
        if (order == 0 || max_power == 0)
                return PLAUSIBILITY_OK;
        allowed = rise_allowed(elapsed_ms, max_power);
        if (allowed < 0)
                return PLAUSIBILITY_OK;

        /* Mostly the power alone allows it, and the step need not be found. */
        limit = (struct decimal){ allowed, -3 };
        is_known = decimal_subtract(now, last, &rise) == 0;
        if (is_known && decimal_compare(rise, limit) <= 0)
                return PLAUSIBILITY_OK;
        exponent = MIN(step_exponent(last), step_exponent(now));
        exponent = MAX(exponent, MAX(last.exponent, now.exponent));
        if (decimal_add(limit, (struct decimal){ 1, (int8_t)exponent }, &limit) < 0)
                return PLAUSIBILITY_OK;
        return !is_known || decimal_compare(rise, limit) > 0 ? PLAUSIBILITY_TOO_FAST
                                                             : PLAUSIBILITY_OK;
}
