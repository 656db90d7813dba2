/* SPDX-License-Identifier: MIT */
/*
 * THE table of quantities (IEC 62056-6-1 §7.5 for electricity; EN 13757-1 for what sub-meters send;
 * names of smartmeter-datacollector 2.0.0 beside them). One row makes a quantity known to every
 * sink, and its label, marked by N_(), to the catalogues of who translates it. Rows are in the
 * order of their codes: quantity_find() halves its way through them.
 */
#include "quantity.h"

#include <endian.h>
#include <stddef.h>
#include <string.h>

#include "base/util.h"

/* clang-format off */
/* Wider than the page on purpose: a row is a quantity, or one of each tariff or phase. */
#define ROW(a, c, d, e, name, label, datacollector, unit, kind) \
        { a, c, d, e, name, label, datacollector, UNIT_##unit, QUANTITY_##kind },

/* A register, without and with the tariffs that the table knows of it. */
#define TARIFF(c, e, name, label, datacollector, unit, kind) \
        ROW(1, c, 8, e, name "_t" #e, label ", tariff " #e, datacollector, unit, kind)
#define TARIFFS_3_TO_8(c, name, label, unit, kind) \
        TARIFF(c, 3, name, label, NULL, unit, kind) TARIFF(c, 4, name, label, NULL, unit, kind) \
        TARIFF(c, 5, name, label, NULL, unit, kind) TARIFF(c, 6, name, label, NULL, unit, kind) \
        TARIFF(c, 7, name, label, NULL, unit, kind) TARIFF(c, 8, name, label, NULL, unit, kind)
#define REGISTER_8(c, name, label, datacollector, unit, kind) \
        ROW(1, c, 8, 0, name, label, datacollector, unit, kind) \
        TARIFF(c, 1, name, label, datacollector "_T1", unit, kind) \
        TARIFF(c, 2, name, label, datacollector "_T2", unit, kind) \
        TARIFFS_3_TO_8(c, name, label, unit, kind)
#define REGISTER_4(c, name, label, unit, kind) \
        ROW(1, c, 8, 0, name, label, NULL, unit, kind) \
        TARIFF(c, 1, name, label, NULL, unit, kind) TARIFF(c, 2, name, label, NULL, unit, kind) \
        TARIFF(c, 3, name, label, NULL, unit, kind) TARIFF(c, 4, name, label, NULL, unit, kind)

/* The phases: their groups C are those of the sums, 20 further for each (IEC 62056-6-1, value group C). */
#define AT(phase, c) (20 * (phase) + (c))
#define PHASE_ROW(phase, c, d, name, label, datacollector, unit, kind) \
        ROW(1, AT(phase, c), d, 0, name "_l" #phase, label ", phase " #phase, datacollector, unit, kind)
#define PHASE(p) \
        PHASE_ROW(p, 1, 7, "active_power_import", N_("Active power import"), "ACTIVE_POWER_P_L" #p, W, POWER) \
        PHASE_ROW(p, 1, 8, "active_energy_import", N_("Active energy import"), "ACTIVE_ENERGY_P_L" #p, WH, ENERGY) \
        PHASE_ROW(p, 2, 7, "active_power_export", N_("Active power export"), "ACTIVE_POWER_N_L" #p, W, POWER) \
        PHASE_ROW(p, 2, 8, "active_energy_export", N_("Active energy export"), "ACTIVE_ENERGY_N_L" #p, WH, ENERGY) \
        PHASE_ROW(p, 3, 7, "reactive_power_import", N_("Reactive power import"), "REACTIVE_POWER_P_L" #p, VAR, REACTIVE_POWER) \
        PHASE_ROW(p, 3, 8, "reactive_energy_import", N_("Reactive energy import"), NULL, VARH, REACTIVE_ENERGY) \
        PHASE_ROW(p, 4, 7, "reactive_power_export", N_("Reactive power export"), "REACTIVE_POWER_N_L" #p, VAR, REACTIVE_POWER) \
        PHASE_ROW(p, 4, 8, "reactive_energy_export", N_("Reactive energy export"), NULL, VARH, REACTIVE_ENERGY) \
        PHASE_ROW(p, 9, 7, "apparent_power_import", N_("Apparent power import"), NULL, VA, APPARENT_POWER) \
        PHASE_ROW(p, 10, 7, "apparent_power_export", N_("Apparent power export"), NULL, VA, APPARENT_POWER) \
        PHASE_ROW(p, 11, 4, "current_limit", N_("Current limit"), NULL, A, LIMIT) \
        PHASE_ROW(p, 11, 7, "current", N_("Current"), "CURRENT_L" #p, A, CURRENT) \
        PHASE_ROW(p, 12, 7, "voltage", N_("Voltage"), "VOLTAGE_L" #p, V, VOLTAGE) \
        PHASE_ROW(p, 13, 7, "power_factor", N_("Power factor"), "POWER_FACTOR_L" #p, NONE, POWER_FACTOR) \
        PHASE_ROW(p, 15, 7, "active_power_sum", N_("Active power, import and export added"), NULL, W, POWER) \
        PHASE_ROW(p, 16, 7, "active_power_net", N_("Active power, import less export"), NULL, W, POWER)

static const struct quantity table[] = {
        ROW(0, 17, 0, 0, "limiter_threshold", N_("Limiter threshold"), NULL, W, LIMIT)
        ROW(0, 24, 2, 1, "submeter_volume", N_("Sub-meter volume"), NULL, M3, VOLUME)
        ROW(0, 24, 2, 3, "submeter_volume_uncorrected", N_("Sub-meter volume, not corrected for temperature"), NULL, M3, VOLUME)
        ROW(0, 24, 3, 0, "submeter_volume_hourly", N_("Sub-meter volume, hourly value"), NULL, M3, VOLUME)

        ROW(1, 1, 4, 0, "active_demand_import", N_("Active demand import, running average"), NULL, W, DEMAND)
        ROW(1, 1, 5, 0, "active_demand_import_last", N_("Active demand import, last period"), NULL, W, DEMAND)
        ROW(1, 1, 6, 0, "active_demand_import_max", N_("Active demand import, maximum of the month"), NULL, W, DEMAND)
        ROW(1, 1, 7, 0, "active_power_import", N_("Active power import"), "ACTIVE_POWER_P", W, POWER)
        REGISTER_8(1, "active_energy_import", N_("Active energy import"), "ACTIVE_ENERGY_P", WH, ENERGY)
        ROW(1, 2, 4, 0, "active_demand_export", N_("Active demand export, running average"), NULL, W, DEMAND)
        ROW(1, 2, 5, 0, "active_demand_export_last", N_("Active demand export, last period"), NULL, W, DEMAND)
        ROW(1, 2, 6, 0, "active_demand_export_max", N_("Active demand export, maximum of the month"), NULL, W, DEMAND)
        ROW(1, 2, 7, 0, "active_power_export", N_("Active power export"), "ACTIVE_POWER_N", W, POWER)
        REGISTER_8(2, "active_energy_export", N_("Active energy export"), "ACTIVE_ENERGY_N", WH, ENERGY)

        ROW(1, 3, 7, 0, "reactive_power_import", N_("Reactive power import"), "REACTIVE_POWER_P", VAR, REACTIVE_POWER)
        REGISTER_8(3, "reactive_energy_import", N_("Reactive energy import"), "REACTIVE_ENERGY_P", VARH, REACTIVE_ENERGY)
        ROW(1, 4, 7, 0, "reactive_power_export", N_("Reactive power export"), "REACTIVE_POWER_N", VAR, REACTIVE_POWER)
        REGISTER_8(4, "reactive_energy_export", N_("Reactive energy export"), "REACTIVE_ENERGY_N", VARH, REACTIVE_ENERGY)
        ROW(1, 5, 7, 0, "reactive_power_q1", N_("Reactive power quadrant I"), NULL, VAR, REACTIVE_POWER)
        REGISTER_8(5, "reactive_energy_q1", N_("Reactive energy quadrant I"), "REACTIVE_ENERGY_Q1", VARH, REACTIVE_ENERGY)
        ROW(1, 6, 7, 0, "reactive_power_q2", N_("Reactive power quadrant II"), NULL, VAR, REACTIVE_POWER)
        REGISTER_8(6, "reactive_energy_q2", N_("Reactive energy quadrant II"), "REACTIVE_ENERGY_Q2", VARH, REACTIVE_ENERGY)
        ROW(1, 7, 7, 0, "reactive_power_q3", N_("Reactive power quadrant III"), NULL, VAR, REACTIVE_POWER)
        REGISTER_8(7, "reactive_energy_q3", N_("Reactive energy quadrant III"), "REACTIVE_ENERGY_Q3", VARH, REACTIVE_ENERGY)
        ROW(1, 8, 7, 0, "reactive_power_q4", N_("Reactive power quadrant IV"), NULL, VAR, REACTIVE_POWER)
        REGISTER_8(8, "reactive_energy_q4", N_("Reactive energy quadrant IV"), "REACTIVE_ENERGY_Q4", VARH, REACTIVE_ENERGY)

        ROW(1, 9, 7, 0, "apparent_power_import", N_("Apparent power import"), NULL, VA, APPARENT_POWER)
        REGISTER_4(9, "apparent_energy_import", N_("Apparent energy import"), VAH, APPARENT_ENERGY)
        ROW(1, 10, 7, 0, "apparent_power_export", N_("Apparent power export"), NULL, VA, APPARENT_POWER)
        REGISTER_4(10, "apparent_energy_export", N_("Apparent energy export"), VAH, APPARENT_ENERGY)

        ROW(1, 13, 7, 0, "power_factor", N_("Power factor"), "POWER_FACTOR", NONE, POWER_FACTOR)
        ROW(1, 14, 7, 0, "frequency", N_("Frequency"), "NET_FREQUENCY", HZ, FREQUENCY)
        ROW(1, 15, 7, 0, "active_power_sum", N_("Active power, import and export added"), NULL, W, POWER)
        REGISTER_4(15, "active_energy_sum", N_("Active energy, import and export added"), WH, ENERGY)
        ROW(1, 16, 7, 0, "active_power_net", N_("Active power, import less export"), NULL, W, POWER)
        REGISTER_4(16, "active_energy_net", N_("Active energy, import less export"), WH, NET_ENERGY)

        PHASE(1)
        PHASE(2)
        PHASE(3)

        ROW(1, 81, 7, 1, "angle_u2_u1", N_("Phase angle U2 to U1"), NULL, DEGREE, ANGLE)
        ROW(1, 81, 7, 2, "angle_u3_u1", N_("Phase angle U3 to U1"), NULL, DEGREE, ANGLE)
        ROW(1, 81, 7, 4, "angle_ui_l1", N_("Phase angle U to I") ", phase 1", NULL, DEGREE, ANGLE)
        ROW(1, 81, 7, 15, "angle_ui_l2", N_("Phase angle U to I") ", phase 2", NULL, DEGREE, ANGLE)
        ROW(1, 81, 7, 26, "angle_ui_l3", N_("Phase angle U to I") ", phase 3", NULL, DEGREE, ANGLE)
        ROW(1, 81, 7, 40, "angle_iu_l1", N_("Phase angle I to U") ", phase 1", "ANGLE_UI_L1", DEGREE, ANGLE)
        ROW(1, 81, 7, 51, "angle_iu_l2", N_("Phase angle I to U") ", phase 2", "ANGLE_UI_L2", DEGREE, ANGLE)
        ROW(1, 81, 7, 62, "angle_iu_l3", N_("Phase angle I to U") ", phase 3", "ANGLE_UI_L3", DEGREE, ANGLE)
        ROW(1, 90, 7, 0, "current_sum", N_("Current, all phases added"), NULL, A, CURRENT)
        ROW(1, 91, 7, 0, "current_neutral", N_("Current of the neutral"), NULL, A, CURRENT)
        ROW(7, 23, 1, 0, "gas_volume_hourly", N_("Gas volume, hourly value"), NULL, M3, VOLUME)
};
/* clang-format on */

/* Its four bytes as one number, which sorts as they do. */
static uint32_t code_of(const struct quantity *row)
{
        uint32_t code;

        _Static_assert(offsetof(struct quantity, e) == offsetof(struct quantity, a) + 3,
                       "the code is read at once");
        memcpy(&code, row, sizeof(code));
        return be32toh(code);
}

/* The greatest power of two that is not above the number of rows. */
#define HALF ((size_t)1 << (31 - __builtin_clz((unsigned int)ELEMENTSOF(table))))

const struct quantity *quantity_find(struct obis obis)
{
        uint32_t wanted = code_of(&(struct quantity){ obis.a, obis.c, obis.d, obis.e });
        const struct quantity *row = table, *upper = &table[ELEMENTSOF(table) - HALF];

        /* Without a branch that cannot be predicted, and in steps that the compiler knows: it is
         * done for every value of a telegram. The two halves of the first step overlap. */
        row = code_of(upper) <= wanted ? upper : row;
#pragma GCC unroll 16
        for (size_t step = HALF / 2; step > 0; step /= 2)
                row = code_of(row + step) <= wanted ? row + step : row;
        return code_of(row) == wanted ? row : NULL;
}

const struct quantity *quantity_find_name(const char *name)
{
        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (strcmp(table[i].name, name) == 0)
                        return &table[i];
        return NULL;
}

const struct quantity *quantity_at(size_t i)
{
        return i < ELEMENTSOF(table) ? &table[i] : NULL;
}

_Static_assert(ELEMENTSOF(table) < QUANTITIES_MAX, "tables of what is known of each hold them");

size_t quantity_index(const struct quantity *quantity)
{
        return (size_t)(quantity - table);
}

bool quantity_is_counter(const struct quantity *quantity)
{
        if (!quantity)
                return false;
        switch (quantity->kind) {
        case QUANTITY_ENERGY:
        case QUANTITY_REACTIVE_ENERGY:
        case QUANTITY_APPARENT_ENERGY:
        case QUANTITY_VOLUME:
        case QUANTITY_HEAT:
                return true;
        case QUANTITY_POWER:
        case QUANTITY_REACTIVE_POWER:
        case QUANTITY_APPARENT_POWER:
        case QUANTITY_NET_ENERGY:
        case QUANTITY_VOLTAGE:
        case QUANTITY_CURRENT:
        case QUANTITY_FREQUENCY:
        case QUANTITY_POWER_FACTOR:
        case QUANTITY_ANGLE:
        case QUANTITY_DEMAND:
        case QUANTITY_LIMIT:
        case QUANTITY_OTHER:
                break;
        }
        return false;
}
