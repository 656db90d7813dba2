/* SPDX-License-Identifier: MIT */
/*
 * Values that no check sum bears out are compared with those before: M-Bus has an 8-bit sum, and
 * GCM without a tag deciphers a flipped bit to a flipped bit. A damaged value seldom fits the
 * values that the meter sent before. A doubt that comes back was none: the grid fails, clocks are
 * set, meters are exchanged.
 */
#include "decoder-doubt.h"

#include <math.h>
#include <string.h>

#include "base/util.h"
#include "lib/dlms/layout-evidence.h"
#include "lib/model/plausibility.h"
#include "lib/profile/profile.h"

#define CLOCK_BACK_MAX_S      60
#define IN_A_ROW_S            30
#define VOLTAGE_STEP          0.05 /* EN 61000-3-3 allows switched loads 3.3 to 7 % of dip */
#define POWER_FACTOR_SLACK_VA 100.0
#define POWER_FACTOR_SLACK    1.15
#define LOAD_FACTOR           3.0 /* loads that came and went between two telegrams */
#define LOAD_STEP_W           3000
#define FORGET_AFTER          4    /* telegrams without the doubt */
#define SUM_SLACK             0.05 /* phases are not measured at one moment */
#define SUM_SLACK_W           20
#define PHASES                3
#define ALL                   PHASES /* the index of what all phases do together */

/* Whether the powers of the phases make the power of all. */
enum sum {
        SUM_UNSAID,
        SUM_AGREES,
        SUM_DIFFERS,
};

/* The grid as one telegram shows it, found in one pass: a doubt must not cost a telegram. */
struct look {
        struct evidence evidence;
        enum evidence_result result;
        double power[2]; /* in and out; negative: it does not say */
        double factor;   /* negative: it does not say */
        enum sum sum;
        bool possible; /* each value is one that the meter can measure */
};

/* True when the meter can measure it by its profile, or any meter can; zero is always possible. */
static bool is_possible(const struct meter_profile *profile, double value, char kind)
{
        const struct profile_range *range = profile ? profile_range_of(profile, kind) : NULL;
        double size = fabs(value);

        if (range)
                return value == 0 || (size >= range->low && size <= range->high);
        switch (kind) {
        case 'U':
        case 'I':
        case 'F':
                return true;
        case 'A':
                return size <= 1;
        default:
                return size <= PLAUSIBILITY_POWER_DEFAULT_W;
        }
}

static enum sum sum_of(const struct evidence *e)
{
        double net = 0, size = 0;
        size_t n = 0;

        for (unsigned int phase = 0; phase < PHASES; phase++) {
                if (!e->has_import[phase] && !e->has_export[phase])
                        continue;
                net += e->import[phase] - e->export[phase];
                size += fabs(e->import[phase] - e->export[phase]);
                n++;
        }
        if (n < PHASES || !(e->has_import[ALL] || e->has_export[ALL]))
                return SUM_UNSAID;
        return fabs(e->import[ALL] - e->export[ALL] - net) <= SUM_SLACK * size + SUM_SLACK_W
                       ? SUM_AGREES
                       : SUM_DIFFERS;
}

/* A number of unknown scale is compared with nothing. */
static void look_at(const struct telegram *t, struct look *ret)
{
        struct evidence *e = &ret->evidence;

        *ret = (struct look){ .factor = -1, .possible = true };
        for (size_t i = 0; i < t->n_readings; i++) {
                const struct reading *reading = &t->readings[i];
                char kind = profile_kind_of(reading->obis);
                double value;

                if (!kind || kind == 'E' || reading_is_unscaled(reading))
                        continue;
                value = decimal_to_double(reading->value);
                ret->possible = ret->possible && is_possible(t->profile, value, kind);
                if (kind == 'A' && reading->obis.c == 13 && reading->obis.e == 0)
                        ret->factor = fabs(value);
                else
                        evidence_add_number(e, reading->obis, value, reading->value.exponent);
        }
        ret->power[0] = e->has_import[ALL] ? fabs(e->import[ALL]) : -1;
        ret->power[1] = e->has_export[ALL] ? fabs(e->export[ALL]) : -1;
        ret->result = evidence_result_of(e);
        ret->sum = sum_of(e);
}

/* No more active power than voltages, currents and power factor allow. */
static bool factor_agrees(const struct look *now)
{
        double apparent = 0;

        if (now->factor < 0)
                return true;
        for (unsigned int phase = 0; phase < PHASES; phase++) {
                if (!now->evidence.voltage.known[phase] || !now->evidence.current.known[phase])
                        return true;
                apparent += now->evidence.voltage.value[phase] * now->evidence.current.value[phase];
        }
        return fabs(now->evidence.import[ALL] - now->evidence.export[ALL]) <=
               POWER_FACTOR_SLACK * now->factor * apparent + POWER_FACTOR_SLACK_VA;
}

/*
 * More power than voltages and currents carry cannot be; much less is usual where phases import and
 * export at once, and a doubt only where it was not so just before.
 */
static bool powers_agree(const struct look *now, const struct doubt_past *past)
{
        return now->result != EVIDENCE_CONTRADICTS &&
               (now->result != EVIDENCE_UNLIKELY || past->unlikely) && factor_agrees(now);
}

static bool flows_both_ways(const struct look *now)
{
        return now->power[0] > 0 && now->power[1] > 0;
}

/* They come in the same order each time: *at is where the next one is likely to be. */
static struct doubt_register *find_register(struct doubt_past *past, struct obis obis, size_t *at)
{
        for (size_t n = past->n_registers; n > 0; n--, ++*at) {
                if (*at >= past->n_registers)
                        *at = 0;
                if (obis_equal(past->registers[*at].obis, obis))
                        return &past->registers[(*at)++];
        }
        return NULL;
}

static bool is_register(const struct reading *reading)
{
        return reading->obis.a == 1 && reading->obis.d == 8 && reading->obis.f == 255 &&
               !reading_is_unscaled(reading);
}

/*
 * The power at which energy may have risen: between two telegrams in a row three times the greater
 * of their powers in its direction, and a kettle more; else as much as the connection carries.
 */
static int64_t power_allowed(const struct telegram *t, const struct look *now,
                             const struct doubt_past *past, uint8_t c, int64_t elapsed_s)
{
        int64_t most = t->profile && t->profile->max_power_w ? t->profile->max_power_w
                                                             : PLAUSIBILITY_POWER_DEFAULT_W;
        double power;

        if (elapsed_s > IN_A_ROW_S || c < 1 || c > ELEMENTSOF(now->power))
                return most;
        power = MAX(now->power[c - 1], past->power[c - 1]);
        return power < 0 ? most : MIN(most, (int64_t)(LOAD_FACTOR * power) + LOAD_STEP_W);
}

static bool registers_go_on(const struct telegram *t, const struct look *now,
                            struct doubt_past *past, int64_t elapsed_s)
{
        size_t at = 0;

        for (size_t i = 0; i < t->n_readings; i++) {
                const struct reading *reading = &t->readings[i];
                const struct doubt_register *last =
                        is_register(reading) ? find_register(past, reading->obis, &at) : NULL;
                enum plausibility result;

                if (!last)
                        continue;
                result = plausibility_assess(
                        last->value, reading->value, (uint64_t)MAX(elapsed_s, 0) * 1000,
                        elapsed_s > 0 ? power_allowed(t, now, past, reading->obis.c, elapsed_s)
                                      : 0);
                if (result == PLAUSIBILITY_FALLS || result == PLAUSIBILITY_TOO_FAST)
                        return false;
        }
        return true;
}

static bool voltages_go_on(const struct look *now, const struct doubt_past *past)
{
        for (unsigned int phase = 0; phase < PHASES; phase++) {
                double was = past->voltage[phase], is = now->evidence.voltage.value[phase];

                if (was > 0 && is > 0 && fabs(is - was) > was * VOLTAGE_STEP)
                        return false;
        }
        return true;
}

static unsigned int doubts_of(const struct telegram *t, const struct look *now, int64_t now_s,
                              struct doubt_past *past)
{
        int64_t elapsed_s = now_s && past->time_s ? now_s - past->time_s : 0;
        unsigned int doubts = 0;

        if (!now->possible)
                doubts |= DOUBT_RANGE;
        if (!powers_agree(now, past))
                doubts |= DOUBT_POWER;
        if (flows_both_ways(now) && !past->both_ways)
                doubts |= DOUBT_BOTH_WAYS;
        if (now->sum == SUM_DIFFERS && past->sums_up)
                doubts |= DOUBT_SUM;
        if (!registers_go_on(t, now, past, elapsed_s))
                doubts |= DOUBT_REGISTER;
        if (elapsed_s > 0 && elapsed_s <= IN_A_ROW_S && !voltages_go_on(now, past))
                doubts |= DOUBT_VOLTAGE;
        if (elapsed_s < -CLOCK_BACK_MAX_S)
                doubts |= DOUBT_CLOCK;
        return doubts;
}

static void keep(const struct telegram *t, const struct look *now, int64_t now_s,
                 struct doubt_past *past)
{
        size_t at = 0;

        past->time_s = now_s ? now_s : past->time_s;
        if (now->power[0] >= 0) {
                past->both_ways = flows_both_ways(now);
                past->unlikely = now->result == EVIDENCE_UNLIKELY;
                past->sums_up = now->sum == SUM_AGREES;
        }
        memcpy(past->power, now->power, sizeof(past->power));
        memcpy(past->voltage, now->evidence.voltage.value, sizeof(past->voltage));
        for (size_t i = 0; i < t->n_readings; i++) {
                const struct reading *reading = &t->readings[i];
                struct doubt_register *last;

                if (!is_register(reading))
                        continue;
                last = find_register(past, reading->obis, &at);
                if (!last && past->n_registers < ELEMENTSOF(past->registers))
                        last = &past->registers[past->n_registers++];
                if (last)
                        *last = (struct doubt_register){ reading->obis, reading->value };
        }
}

static struct doubt_past *find_past(struct doubt_pasts *pasts, uint64_t sender)
{
        for (size_t i = 0; i < DOUBT_METERS; i++)
                if (pasts->list[i].sender == sender)
                        return &pasts->list[i];
        return NULL;
}

bool doubt_is_none(struct doubt_pasts *pasts, const struct telegram *t, uint64_t sender)
{
        int64_t now_s = t->time.valid ? datetime_to_epoch(&t->time) : 0;
        struct doubt_past *past = find_past(pasts, sender);
        unsigned int doubts;
        struct look now;

        look_at(t, &now);
        if (!past) {
                past = &pasts->list[pasts->next++ % DOUBT_METERS];
                *past = (struct doubt_past){ .sender = sender };
                keep(t, &now, now_s, past);
                return true;
        }
        doubts = doubts_of(t, &now, now_s, past);
        if (doubts & ~past->doubts) {
                past->doubts |= doubts;
                past->n_without = 0;
                return false;
        }
        past->n_without = doubts ? 0 : past->n_without + 1;
        if (past->n_without >= FORGET_AFTER)
                past->doubts = 0;
        keep(t, &now, now_s, past);
        return true;
}
