/* SPDX-License-Identifier: MIT */
/*
 * Dutch and Belgian meters send 1-0:1.8.1 and 1-0:1.8.2 and no 1-0:1.8.0 (DSMR 5, P1 companion
 * standard, §6.12): the total is their sum, exactly, and marked as ours (DESIGN §5).
 */
#include "meter-derived.h"

#include <stdio.h>

#include "util.h"

/* Two registers at least: one alone may be of a list that comes in parts. */
#define REGISTERS_MIN 2

static bool is_register(const struct meter_value *value, uint8_t c)
{
        struct obis o = value->reading.obis;

        return o.a == 1 && o.c == c && o.d == 8 && o.e >= 1 && o.e <= TARIFF_MAX && o.f == 255 &&
               value->reading.quantity;
}

/* The sum of all registers there are; false unless each of them is in this telegram. */
static bool add_registers(const struct meter *m, uint8_t c, struct reading *ret)
{
        size_t n = 0;

        for (size_t i = 0; i < m->n_values; i++) {
                const struct meter_value *value = &m->values[i];

                if (!is_register(value, c))
                        continue;
                if (value->sequence != m->sequence)
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
        if (n < REGISTERS_MIN)
                return false;
        ret->obis.e = 0;
        ret->quantity = quantity_find(ret->obis);
        return ret->quantity != NULL;
}

static void derive(struct meter *m, uint8_t c, const struct meter_moment *now,
                   struct meter_update *update)
{
        struct reading total;
        size_t at;

        if (!add_registers(m, c, &total))
                return;
        at = meter_value_find(m, total.obis, m->n_values);
        if (at == METER_VALUES_MAX)
                return;
        if (at == m->n_values) {
                m->values[at] = (struct meter_value){ .flags = METER_VALUE_DERIVED };
                meter_value_name(m, &total, m->values[at].key);
                m->n_values++;
        } else if (!(m->values[at].flags & METER_VALUE_DERIVED)) {
                return; /* the meter sends it itself */
        }
        /* Its parts have been judged: what they make together is as plausible as they are. */
        meter_value_hold(&m->values[at], &total, now);
        m->values[at].sequence = m->sequence;
        update->values[update->n_values++] = &m->values[at];
}

void meter_derive(struct meter *m, const struct meter_moment *now, struct meter_update *update)
{
        if (m->channel)
                return;
        derive(m, 1, now, update);
        derive(m, 2, now, update);
}
