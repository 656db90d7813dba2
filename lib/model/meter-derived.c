/* SPDX-License-Identifier: MIT */
/*
 * Values that follow from others of the same telegram, computed once for every output and marked
 * (METER_VALUE_DERIVED):
 *
 *      1.8.0, 2.8.0    the sum of the tariff registers, where no total is sent (DSMR 5 §6.12)
 *      1.7.0, 2.7.0    of 16.7.0, where a meter sends the signed sum alone (SML basic meters)
 *      16.7.0          import less export, where both are sent
 */
#include "meter-derived.h"

#include <stdio.h>

#include "base/util.h"

#define C_IMPORT   1
#define C_EXPORT   2
#define C_NET      16
#define PHASE_STEP 20 /* 21, 22 and 36 of L1, 41 … of L2, 61 … of L3 (IEC 62056-6-1) */
#define D_POWER    7
#define D_ENERGY   8
/* Lists with more than the others come every hour at the latest. */
#define PARTS_USEC (65 * 60 * UINT64_C(1000000))

static bool is_register(const struct meter_value *value)
{
        struct obis o = value->reading.obis;

        return o.a == 1 && o.d == 8 && o.e >= 1 && o.e <= TARIFF_MAX && o.f == 255 &&
               value->reading.quantity;
}

static const struct meter_value *find(const struct meter *m, uint8_t c, uint8_t d)
{
        return meter_find_obis(m, (struct obis)OBIS_OF(1, 0, c, d, 0, 255));
}

/* One register alone may be of a list that comes in parts; not where it was a total before. */
static bool may_be_part(const struct meter *m, uint8_t c, const struct meter_moment *now)
{
        const struct meter_value *total = find(m, c, D_ENERGY);

        return !(total && total->flags & METER_VALUE_DERIVED) &&
               now->mono_usec - m->first_mono_usec < PARTS_USEC;
}

/* The sum of all registers there are; false unless this telegram has each of them, in a scale that
 * is known. */
static bool add_registers(const struct meter *m, uint8_t c, const struct meter_moment *now,
                          struct reading *ret)
{
        size_t n = 0;

        for (size_t i = 0; i < m->n_values; i++) {
                const struct meter_value *value = &m->values[i];

                if (value->reading.obis.c != c || !is_register(value))
                        continue;
                if (value->sequence != m->sequence || reading_is_unscaled(&value->reading))
                        return false;
                if (n++ == 0) {
                        *ret = value->reading;
                        continue;
                }
                /* A second channel has registers of its own. */
                if (value->reading.obis.b != ret->obis.b ||
                    decimal_add(ret->value, value->reading.value, &ret->value) < 0)
                        return false;
        }
        if (n == 0 || (n == 1 && may_be_part(m, c, now)))
                return false;
        ret->obis.e = 0;
        ret->quantity = quantity_find(ret->obis);
        return ret->quantity != NULL;
}

/* The meter's own value with this code, of whichever telegram. */
static bool is_sent(const struct meter *m, uint8_t c, uint8_t d)
{
        const struct meter_value *value = find(m, c, d);

        return value && !(value->flags & METER_VALUE_DERIVED);
}

/* The value of this telegram; NULL when it has none, or its scale is unknown. */
static const struct reading *find_now(const struct meter *m, uint8_t c, uint8_t d)
{
        const struct meter_value *value = find(m, c, d);

        if (!value || value->sequence != m->sequence || value->mono_usec != m->last_mono_usec ||
            value->flags & METER_VALUE_DERIVED || reading_is_unscaled(&value->reading))
                return NULL;
        return &value->reading;
}

static void hold(struct meter *m, const struct reading *reading, const struct meter_moment *now,
                 struct meter_update *update)
{
        size_t at = meter_value_find(m, reading->obis, m->n_values);

        if (at == METER_VALUES_MAX)
                return;
        if (at == m->n_values) {
                m->values[at] = (struct meter_value){ .flags = METER_VALUE_DERIVED };
                meter_value_name(m, reading, m->values[at].key);
                m->n_values++;
                update->described_anew = true;
        } else if (!(m->values[at].flags & METER_VALUE_DERIVED)) {
                return; /* the meter sends it itself */
        }
        update->described_anew |= m->values[at].reading.unit != reading->unit ||
                                  m->values[at].reading.scale != reading->scale;
        /* Its parts have been assessed: their sum is as plausible as they are. */
        meter_value_hold(&m->values[at], reading, now);
        m->values[at].sequence = m->sequence;
        update->values[update->n_values++] = &m->values[at];
}

static void derive_total(struct meter *m, uint8_t c, const struct meter_moment *now,
                         struct meter_update *update)
{
        struct reading total;

        if (add_registers(m, c, now, &total))
                hold(m, &total, now, update);
}

/* Derives the power of one direction from the signed sum of all phases. */
static void derive_direction(struct meter *m, const struct reading *net, uint8_t c,
                             const struct meter_moment *now, struct meter_update *update)
{
        struct reading power = *net;

        power.obis.c = c;
        power.quantity = quantity_find(power.obis);
        if (c == C_EXPORT)
                power.value.mantissa = -power.value.mantissa;
        if (power.value.mantissa < 0)
                power.value.mantissa = 0;
        hold(m, &power, now, update);
}

static void derive_net(struct meter *m, const struct reading *import, const struct reading *export,
                       const struct meter_moment *now, struct meter_update *update)
{
        struct reading net = *import;

        if (decimal_subtract(import->value, export->value, &net.value) < 0)
                return;
        net.obis.c = C_NET;
        net.quantity = quantity_find(net.obis);
        hold(m, &net, now, update);
}

static void derive_power(struct meter *m, const struct meter_moment *now,
                         struct meter_update *update)
{
        const struct reading *net = find_now(m, C_NET, D_POWER);
        const struct reading *import = find_now(m, C_IMPORT, D_POWER);
        const struct reading *export = find_now(m, C_EXPORT, D_POWER);

        if (import && export && !is_sent(m, C_NET, D_POWER)) {
                struct reading copies[] = { *import, *export };

                derive_net(m, &copies[0], &copies[1], now, update);
        } else if (net && net->value.mantissa != INT64_MIN && !is_sent(m, C_IMPORT, D_POWER) &&
                   !is_sent(m, C_EXPORT, D_POWER)) {
                struct reading copy = *net;

                derive_direction(m, &copy, C_IMPORT, now, update);
                derive_direction(m, &copy, C_EXPORT, now, update);
        }
}

void meter_derive(struct meter *m, const struct meter_moment *now, struct meter_update *update)
{
        if (m->channel)
                return;
        derive_total(m, C_IMPORT, now, update);
        derive_total(m, C_EXPORT, now, update);
        derive_power(m, now, update);
}

/* ---- asked for, and held nowhere ---- */

/* NULL: the meter does not send it. *ret_unknown: it does, and nobody knows what it says in W. */
static const struct meter_value *find_power(const struct meter *m, unsigned c, bool *ret_unknown)
{
        const struct meter_value *value = find(m, (uint8_t)c, D_POWER);

        *ret_unknown =
                value && (reading_is_unscaled(&value->reading) || value->reading.unit != UNIT_W);
        return value;
}

/* A refused value has the sequence of the telegram and the time of the one before. */
static bool is_of_one_telegram(const struct meter_value *a, const struct meter_value *b)
{
        return a->sequence == b->sequence && a->mono_usec == b->mono_usec;
}

static bool is_newer(const struct meter_value *a, const struct meter_value *b)
{
        return a && a->sequence > b->sequence;
}

const struct meter_value *meter_net_power(const struct meter *m, unsigned phase,
                                          struct decimal *ret)
{
        const unsigned int step = PHASE_STEP * phase;
        bool no_net, no_import, no_export;
        const struct meter_value *net = find_power(m, C_NET + step, &no_net);
        const struct meter_value *in = find_power(m, C_IMPORT + step, &no_import);
        const struct meter_value *out = find_power(m, C_EXPORT + step, &no_export);
        const struct decimal none = { 0, 0 };
        bool sent = net && !(net->flags & METER_VALUE_DERIVED) && !no_net;

        if (sent && !is_newer(in, net) && !is_newer(out, net)) {
                *ret = net->reading.value;
                return net;
        }
        if (no_import || no_export || (!in && !out) || (sent && !(in && out)) ||
            (in && out && !is_of_one_telegram(in, out)) ||
            decimal_subtract(in ? in->reading.value : none, out ? out->reading.value : none, ret) <
                    0)
                return NULL;
        return in ? in : out;
}
