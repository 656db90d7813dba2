/* SPDX-License-Identifier: MIT */
#include "layout-evidence.h"

#include <math.h>
#include <stddef.h>

#include "base/util.h"

#define D_INSTANT 7
#define FACTOR    2.0 /* so much less is unlikely */
#define SLACK     1.5 /* so much more is impossible: not everything is measured at the same moment */
#define CLOSE     0.1
#define SMALL_VA  100.0 /* below this a rounded current proves nothing */
#define ALL       3     /* the index of a value of all phases */

static void note_phase(double value[3], double step[3], bool known[3], unsigned int phase,
                       double number, int8_t exponent)
{
        value[phase] = fabs(number);
        step[phase] = decimal_to_double((struct decimal){ 1, exponent });
        known[phase] = true;
}

/* Import less export, where a meter sends that alone (SML, D0). */
static void note_net(struct evidence *e, unsigned int phase, double watts)
{
        if (e->has_import[phase] || e->has_export[phase])
                return;
        e->import[phase] = MAX(watts, 0.0);
        e->export[phase] = MAX(-watts, 0.0);
        e->has_import[phase] = e->has_export[phase] = true;
}

static bool is_instant(struct obis obis)
{
        return obis.a == 1 && obis.d == D_INSTANT && obis.e == 0;
}

void evidence_add_number(struct evidence *e, struct obis obis, double number, int8_t exponent)
{
        unsigned int phase = obis.c > 20 && obis.c <= 80 ? (obis.c - 21U) / 20 : ALL;

        if (!is_instant(obis))
                return;
        switch (obis_phaseless(obis.c)) {
        case 1:
                e->import[phase] = number;
                e->has_import[phase] = true;
                break;
        case 2:
                e->export[phase] = number;
                e->has_export[phase] = true;
                break;
        case 3:
                e->reactive_import = phase == ALL ? number : e->reactive_import;
                e->has_reactive = e->has_reactive || phase == ALL;
                break;
        case 4:
                e->reactive_export = phase == ALL ? number : e->reactive_export;
                e->has_reactive = e->has_reactive || phase == ALL;
                break;
        case 11:
                if (phase < ALL)
                        note_phase(e->current.value, e->current.step, e->current.known, phase,
                                   number, exponent);
                break;
        case 12:
                if (phase < ALL)
                        note_phase(e->voltage.value, e->voltage.step, e->voltage.known, phase,
                                   number, exponent);
                break;
        case 16:
                note_net(e, phase, number);
                break;
        default:
                break;
        }
}

void evidence_add(struct evidence *e, struct obis obis, struct decimal value)
{
        if (is_instant(obis))
                evidence_add_number(e, obis, decimal_to_double(value), value.exponent);
}

/* Whether the root of `square` is more than `bound`, which is not negative. */
static bool is_above(double square, double bound)
{
        return square > bound * bound;
}

/* `least` and `most` volt-amperes that voltage and current can mean, with their rounding. */
static enum evidence_result compare(double power, double reactive, bool both_ways, double least,
                                    double most)
{
        double square = power * power + reactive * reactive;

        if (is_above(square, SLACK * most + SMALL_VA))
                return EVIDENCE_CONTRADICTS;
        if (most < SMALL_VA)
                return EVIDENCE_SILENT;
        /* Without the export, an import of 0 may be any export. */
        if (!both_ways && power == 0)
                return EVIDENCE_SILENT;
        if (least > SMALL_VA && !is_above(square, least / FACTOR - SMALL_VA / FACTOR))
                return EVIDENCE_UNLIKELY;
        return is_above(square, (1 - CLOSE) * MAX(least, 0.0)) &&
                               !is_above(square, (1 + CLOSE) * most)
                       ? EVIDENCE_CLOSE
                       : EVIDENCE_AGREES;
}

static enum evidence_result phase_result(const struct evidence *e, unsigned int phase)
{
        double volt = e->voltage.value[phase], ampere = e->current.value[phase];
        double power = e->import[phase] - e->export[phase];

        if (!e->voltage.known[phase] || !e->current.known[phase] ||
            !(e->has_import[phase] || e->has_export[phase]))
                return EVIDENCE_SILENT;
        return compare(power, 0, e->has_import[phase] && e->has_export[phase],
                       volt * (ampere - e->current.step[phase]),
                       volt * (ampere + e->current.step[phase]));
}

static enum evidence_result total_result(const struct evidence *e)
{
        double least = 0, most = 0, power, reactive;
        bool any = false, both;

        if (!e->has_import[ALL] && !e->has_export[ALL])
                return EVIDENCE_SILENT;
        for (unsigned int phase = 0; phase < ALL; phase++) {
                if (!e->current.known[phase])
                        continue;
                if (!e->voltage.known[phase])
                        return EVIDENCE_SILENT;
                any = true;
                least += e->voltage.value[phase] *
                         MAX(e->current.value[phase] - e->current.step[phase], 0.0);
                most += e->voltage.value[phase] *
                        (e->current.value[phase] + e->current.step[phase]);
        }
        if (!any)
                return EVIDENCE_SILENT;
        power = e->import[ALL] - e->export[ALL];
        reactive = e->reactive_import - e->reactive_export;
        both = e->has_import[ALL] && e->has_export[ALL];
        return compare(power, reactive, both, least, most);
}

double evidence_least_va(const struct evidence *e)
{
        double least = 0;

        for (unsigned int phase = 0; phase < ALL; phase++)
                if (e->current.known[phase] && e->voltage.known[phase])
                        least += e->voltage.value[phase] *
                                 MAX(e->current.value[phase] - e->current.step[phase], 0.0);
        return least;
}

enum evidence_result evidence_result_of(const struct evidence *e)
{
        enum evidence_result result = total_result(e);

        /* Phases know more than their sum. */
        for (unsigned int phase = 0; phase < ALL; phase++) {
                enum evidence_result r = phase_result(e, phase);

                if (r != EVIDENCE_SILENT && (result == EVIDENCE_SILENT || r > result))
                        result = r;
        }
        return result;
}
