/* SPDX-License-Identifier: MIT */
/*
 * THE table of quantities (IEC 62056-6-1 §7.5 for electricity; EN 13757-1 for what sub-meters send;
 * names of smartmeter-datacollector 2.0.0 beside them). One row makes a quantity known to every
 * sink. Rows are in the order of their codes: quantity_find() halves its way through them.
 */
#include "quantity.h"

#include <string.h>

#include "util.h"

/* clang-format off */
/* One quantity, one row: wider than the page on purpose. */
static const struct quantity table[] = {
        { 0, 17, 0, 0, "limiter_threshold", "Limiter threshold", NULL, UNIT_W, QUANTITY_LIMIT },
        { 0, 24, 2, 1, "submeter_volume", "Sub-meter volume", NULL, UNIT_M3, QUANTITY_VOLUME },
        { 0, 24, 2, 3, "submeter_volume_uncorrected", "Sub-meter volume, not corrected for temperature", NULL, UNIT_M3, QUANTITY_VOLUME },
        { 0, 24, 3, 0, "submeter_volume_hourly", "Sub-meter volume, hourly value", NULL, UNIT_M3, QUANTITY_VOLUME },
        { 1, 1, 4, 0, "active_demand_import", "Active demand import, running average", NULL, UNIT_W, QUANTITY_DEMAND },
        { 1, 1, 5, 0, "active_demand_import_last", "Active demand import, last period", NULL, UNIT_W, QUANTITY_DEMAND },
        { 1, 1, 6, 0, "active_demand_import_max", "Active demand import, maximum of the month", NULL, UNIT_W, QUANTITY_DEMAND },
        { 1, 1, 7, 0, "active_power_import", "Active power import", "ACTIVE_POWER_P", UNIT_W, QUANTITY_POWER },
        { 1, 1, 8, 0, "active_energy_import", "Active energy import", "ACTIVE_ENERGY_P", UNIT_WH, QUANTITY_ENERGY },
        { 1, 1, 8, 1, "active_energy_import_t1", "Active energy import, tariff 1", "ACTIVE_ENERGY_P_T1", UNIT_WH, QUANTITY_ENERGY },
        { 1, 1, 8, 2, "active_energy_import_t2", "Active energy import, tariff 2", "ACTIVE_ENERGY_P_T2", UNIT_WH, QUANTITY_ENERGY },
        { 1, 1, 8, 3, "active_energy_import_t3", "Active energy import, tariff 3", NULL, UNIT_WH, QUANTITY_ENERGY },
        { 1, 1, 8, 4, "active_energy_import_t4", "Active energy import, tariff 4", NULL, UNIT_WH, QUANTITY_ENERGY },
        { 1, 1, 8, 5, "active_energy_import_t5", "Active energy import, tariff 5", NULL, UNIT_WH, QUANTITY_ENERGY },
        { 1, 1, 8, 6, "active_energy_import_t6", "Active energy import, tariff 6", NULL, UNIT_WH, QUANTITY_ENERGY },
        { 1, 1, 8, 7, "active_energy_import_t7", "Active energy import, tariff 7", NULL, UNIT_WH, QUANTITY_ENERGY },
        { 1, 1, 8, 8, "active_energy_import_t8", "Active energy import, tariff 8", NULL, UNIT_WH, QUANTITY_ENERGY },
        { 1, 2, 4, 0, "active_demand_export", "Active demand export, running average", NULL, UNIT_W, QUANTITY_DEMAND },
        { 1, 2, 5, 0, "active_demand_export_last", "Active demand export, last period", NULL, UNIT_W, QUANTITY_DEMAND },
        { 1, 2, 6, 0, "active_demand_export_max", "Active demand export, maximum of the month", NULL, UNIT_W, QUANTITY_DEMAND },
        { 1, 2, 7, 0, "active_power_export", "Active power export", "ACTIVE_POWER_N", UNIT_W, QUANTITY_POWER },
        { 1, 2, 8, 0, "active_energy_export", "Active energy export", "ACTIVE_ENERGY_N", UNIT_WH, QUANTITY_ENERGY },
        { 1, 2, 8, 1, "active_energy_export_t1", "Active energy export, tariff 1", "ACTIVE_ENERGY_N_T1", UNIT_WH, QUANTITY_ENERGY },
        { 1, 2, 8, 2, "active_energy_export_t2", "Active energy export, tariff 2", "ACTIVE_ENERGY_N_T2", UNIT_WH, QUANTITY_ENERGY },
        { 1, 2, 8, 3, "active_energy_export_t3", "Active energy export, tariff 3", NULL, UNIT_WH, QUANTITY_ENERGY },
        { 1, 2, 8, 4, "active_energy_export_t4", "Active energy export, tariff 4", NULL, UNIT_WH, QUANTITY_ENERGY },
        { 1, 2, 8, 5, "active_energy_export_t5", "Active energy export, tariff 5", NULL, UNIT_WH, QUANTITY_ENERGY },
        { 1, 2, 8, 6, "active_energy_export_t6", "Active energy export, tariff 6", NULL, UNIT_WH, QUANTITY_ENERGY },
        { 1, 2, 8, 7, "active_energy_export_t7", "Active energy export, tariff 7", NULL, UNIT_WH, QUANTITY_ENERGY },
        { 1, 2, 8, 8, "active_energy_export_t8", "Active energy export, tariff 8", NULL, UNIT_WH, QUANTITY_ENERGY },
        { 1, 3, 7, 0, "reactive_power_import", "Reactive power import", "REACTIVE_POWER_P", UNIT_VAR, QUANTITY_REACTIVE_POWER },
        { 1, 3, 8, 0, "reactive_energy_import", "Reactive energy import", "REACTIVE_ENERGY_P", UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 3, 8, 1, "reactive_energy_import_t1", "Reactive energy import, tariff 1", "REACTIVE_ENERGY_P_T1", UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 3, 8, 2, "reactive_energy_import_t2", "Reactive energy import, tariff 2", "REACTIVE_ENERGY_P_T2", UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 3, 8, 3, "reactive_energy_import_t3", "Reactive energy import, tariff 3", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 3, 8, 4, "reactive_energy_import_t4", "Reactive energy import, tariff 4", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 3, 8, 5, "reactive_energy_import_t5", "Reactive energy import, tariff 5", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 3, 8, 6, "reactive_energy_import_t6", "Reactive energy import, tariff 6", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 3, 8, 7, "reactive_energy_import_t7", "Reactive energy import, tariff 7", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 3, 8, 8, "reactive_energy_import_t8", "Reactive energy import, tariff 8", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 4, 7, 0, "reactive_power_export", "Reactive power export", "REACTIVE_POWER_N", UNIT_VAR, QUANTITY_REACTIVE_POWER },
        { 1, 4, 8, 0, "reactive_energy_export", "Reactive energy export", "REACTIVE_ENERGY_N", UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 4, 8, 1, "reactive_energy_export_t1", "Reactive energy export, tariff 1", "REACTIVE_ENERGY_N_T1", UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 4, 8, 2, "reactive_energy_export_t2", "Reactive energy export, tariff 2", "REACTIVE_ENERGY_N_T2", UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 4, 8, 3, "reactive_energy_export_t3", "Reactive energy export, tariff 3", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 4, 8, 4, "reactive_energy_export_t4", "Reactive energy export, tariff 4", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 4, 8, 5, "reactive_energy_export_t5", "Reactive energy export, tariff 5", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 4, 8, 6, "reactive_energy_export_t6", "Reactive energy export, tariff 6", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 4, 8, 7, "reactive_energy_export_t7", "Reactive energy export, tariff 7", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 4, 8, 8, "reactive_energy_export_t8", "Reactive energy export, tariff 8", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 5, 7, 0, "reactive_power_q1", "Reactive power quadrant I", NULL, UNIT_VAR, QUANTITY_REACTIVE_POWER },
        { 1, 5, 8, 0, "reactive_energy_q1", "Reactive energy quadrant I", "REACTIVE_ENERGY_Q1", UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 5, 8, 1, "reactive_energy_q1_t1", "Reactive energy quadrant I, tariff 1", "REACTIVE_ENERGY_Q1_T1", UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 5, 8, 2, "reactive_energy_q1_t2", "Reactive energy quadrant I, tariff 2", "REACTIVE_ENERGY_Q1_T2", UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 5, 8, 3, "reactive_energy_q1_t3", "Reactive energy quadrant I, tariff 3", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 5, 8, 4, "reactive_energy_q1_t4", "Reactive energy quadrant I, tariff 4", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 5, 8, 5, "reactive_energy_q1_t5", "Reactive energy quadrant I, tariff 5", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 5, 8, 6, "reactive_energy_q1_t6", "Reactive energy quadrant I, tariff 6", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 5, 8, 7, "reactive_energy_q1_t7", "Reactive energy quadrant I, tariff 7", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 5, 8, 8, "reactive_energy_q1_t8", "Reactive energy quadrant I, tariff 8", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 6, 7, 0, "reactive_power_q2", "Reactive power quadrant II", NULL, UNIT_VAR, QUANTITY_REACTIVE_POWER },
        { 1, 6, 8, 0, "reactive_energy_q2", "Reactive energy quadrant II", "REACTIVE_ENERGY_Q2", UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 6, 8, 1, "reactive_energy_q2_t1", "Reactive energy quadrant II, tariff 1", "REACTIVE_ENERGY_Q2_T1", UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 6, 8, 2, "reactive_energy_q2_t2", "Reactive energy quadrant II, tariff 2", "REACTIVE_ENERGY_Q2_T2", UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 6, 8, 3, "reactive_energy_q2_t3", "Reactive energy quadrant II, tariff 3", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 6, 8, 4, "reactive_energy_q2_t4", "Reactive energy quadrant II, tariff 4", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 6, 8, 5, "reactive_energy_q2_t5", "Reactive energy quadrant II, tariff 5", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 6, 8, 6, "reactive_energy_q2_t6", "Reactive energy quadrant II, tariff 6", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 6, 8, 7, "reactive_energy_q2_t7", "Reactive energy quadrant II, tariff 7", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 6, 8, 8, "reactive_energy_q2_t8", "Reactive energy quadrant II, tariff 8", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 7, 7, 0, "reactive_power_q3", "Reactive power quadrant III", NULL, UNIT_VAR, QUANTITY_REACTIVE_POWER },
        { 1, 7, 8, 0, "reactive_energy_q3", "Reactive energy quadrant III", "REACTIVE_ENERGY_Q3", UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 7, 8, 1, "reactive_energy_q3_t1", "Reactive energy quadrant III, tariff 1", "REACTIVE_ENERGY_Q3_T1", UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 7, 8, 2, "reactive_energy_q3_t2", "Reactive energy quadrant III, tariff 2", "REACTIVE_ENERGY_Q3_T2", UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 7, 8, 3, "reactive_energy_q3_t3", "Reactive energy quadrant III, tariff 3", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 7, 8, 4, "reactive_energy_q3_t4", "Reactive energy quadrant III, tariff 4", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 7, 8, 5, "reactive_energy_q3_t5", "Reactive energy quadrant III, tariff 5", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 7, 8, 6, "reactive_energy_q3_t6", "Reactive energy quadrant III, tariff 6", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 7, 8, 7, "reactive_energy_q3_t7", "Reactive energy quadrant III, tariff 7", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 7, 8, 8, "reactive_energy_q3_t8", "Reactive energy quadrant III, tariff 8", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 8, 7, 0, "reactive_power_q4", "Reactive power quadrant IV", NULL, UNIT_VAR, QUANTITY_REACTIVE_POWER },
        { 1, 8, 8, 0, "reactive_energy_q4", "Reactive energy quadrant IV", "REACTIVE_ENERGY_Q4", UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 8, 8, 1, "reactive_energy_q4_t1", "Reactive energy quadrant IV, tariff 1", "REACTIVE_ENERGY_Q4_T1", UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 8, 8, 2, "reactive_energy_q4_t2", "Reactive energy quadrant IV, tariff 2", "REACTIVE_ENERGY_Q4_T2", UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 8, 8, 3, "reactive_energy_q4_t3", "Reactive energy quadrant IV, tariff 3", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 8, 8, 4, "reactive_energy_q4_t4", "Reactive energy quadrant IV, tariff 4", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 8, 8, 5, "reactive_energy_q4_t5", "Reactive energy quadrant IV, tariff 5", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 8, 8, 6, "reactive_energy_q4_t6", "Reactive energy quadrant IV, tariff 6", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 8, 8, 7, "reactive_energy_q4_t7", "Reactive energy quadrant IV, tariff 7", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 8, 8, 8, "reactive_energy_q4_t8", "Reactive energy quadrant IV, tariff 8", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 9, 7, 0, "apparent_power_import", "Apparent power import", NULL, UNIT_VA, QUANTITY_APPARENT_POWER },
        { 1, 9, 8, 0, "apparent_energy_import", "Apparent energy import", NULL, UNIT_VAH, QUANTITY_APPARENT_ENERGY },
        { 1, 9, 8, 1, "apparent_energy_import_t1", "Apparent energy import, tariff 1", NULL, UNIT_VAH, QUANTITY_APPARENT_ENERGY },
        { 1, 9, 8, 2, "apparent_energy_import_t2", "Apparent energy import, tariff 2", NULL, UNIT_VAH, QUANTITY_APPARENT_ENERGY },
        { 1, 9, 8, 3, "apparent_energy_import_t3", "Apparent energy import, tariff 3", NULL, UNIT_VAH, QUANTITY_APPARENT_ENERGY },
        { 1, 9, 8, 4, "apparent_energy_import_t4", "Apparent energy import, tariff 4", NULL, UNIT_VAH, QUANTITY_APPARENT_ENERGY },
        { 1, 10, 7, 0, "apparent_power_export", "Apparent power export", NULL, UNIT_VA, QUANTITY_APPARENT_POWER },
        { 1, 10, 8, 0, "apparent_energy_export", "Apparent energy export", NULL, UNIT_VAH, QUANTITY_APPARENT_ENERGY },
        { 1, 10, 8, 1, "apparent_energy_export_t1", "Apparent energy export, tariff 1", NULL, UNIT_VAH, QUANTITY_APPARENT_ENERGY },
        { 1, 10, 8, 2, "apparent_energy_export_t2", "Apparent energy export, tariff 2", NULL, UNIT_VAH, QUANTITY_APPARENT_ENERGY },
        { 1, 10, 8, 3, "apparent_energy_export_t3", "Apparent energy export, tariff 3", NULL, UNIT_VAH, QUANTITY_APPARENT_ENERGY },
        { 1, 10, 8, 4, "apparent_energy_export_t4", "Apparent energy export, tariff 4", NULL, UNIT_VAH, QUANTITY_APPARENT_ENERGY },
        { 1, 13, 7, 0, "power_factor", "Power factor", "POWER_FACTOR", UNIT_NONE, QUANTITY_POWER_FACTOR },
        { 1, 14, 7, 0, "frequency", "Frequency", "NET_FREQUENCY", UNIT_HZ, QUANTITY_FREQUENCY },
        { 1, 15, 7, 0, "active_power_sum", "Active power, import and export added", NULL, UNIT_W, QUANTITY_POWER },
        { 1, 15, 8, 0, "active_energy_sum", "Active energy, import and export added", NULL, UNIT_WH, QUANTITY_ENERGY },
        { 1, 15, 8, 1, "active_energy_sum_t1", "Active energy, import and export added, tariff 1", NULL, UNIT_WH, QUANTITY_ENERGY },
        { 1, 15, 8, 2, "active_energy_sum_t2", "Active energy, import and export added, tariff 2", NULL, UNIT_WH, QUANTITY_ENERGY },
        { 1, 15, 8, 3, "active_energy_sum_t3", "Active energy, import and export added, tariff 3", NULL, UNIT_WH, QUANTITY_ENERGY },
        { 1, 15, 8, 4, "active_energy_sum_t4", "Active energy, import and export added, tariff 4", NULL, UNIT_WH, QUANTITY_ENERGY },
        { 1, 16, 7, 0, "active_power_net", "Active power, import less export", NULL, UNIT_W, QUANTITY_POWER },
        { 1, 16, 8, 0, "active_energy_net", "Active energy, import less export", NULL, UNIT_WH, QUANTITY_NET_ENERGY },
        { 1, 16, 8, 1, "active_energy_net_t1", "Active energy, import less export, tariff 1", NULL, UNIT_WH, QUANTITY_NET_ENERGY },
        { 1, 16, 8, 2, "active_energy_net_t2", "Active energy, import less export, tariff 2", NULL, UNIT_WH, QUANTITY_NET_ENERGY },
        { 1, 16, 8, 3, "active_energy_net_t3", "Active energy, import less export, tariff 3", NULL, UNIT_WH, QUANTITY_NET_ENERGY },
        { 1, 16, 8, 4, "active_energy_net_t4", "Active energy, import less export, tariff 4", NULL, UNIT_WH, QUANTITY_NET_ENERGY },
        { 1, 21, 7, 0, "active_power_import_l1", "Active power import, phase 1", "ACTIVE_POWER_P_L1", UNIT_W, QUANTITY_POWER },
        { 1, 21, 8, 0, "active_energy_import_l1", "Active energy import, phase 1", "ACTIVE_ENERGY_P_L1", UNIT_WH, QUANTITY_ENERGY },
        { 1, 22, 7, 0, "active_power_export_l1", "Active power export, phase 1", "ACTIVE_POWER_N_L1", UNIT_W, QUANTITY_POWER },
        { 1, 22, 8, 0, "active_energy_export_l1", "Active energy export, phase 1", "ACTIVE_ENERGY_N_L1", UNIT_WH, QUANTITY_ENERGY },
        { 1, 23, 7, 0, "reactive_power_import_l1", "Reactive power import, phase 1", "REACTIVE_POWER_P_L1", UNIT_VAR, QUANTITY_REACTIVE_POWER },
        { 1, 23, 8, 0, "reactive_energy_import_l1", "Reactive energy import, phase 1", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 24, 7, 0, "reactive_power_export_l1", "Reactive power export, phase 1", "REACTIVE_POWER_N_L1", UNIT_VAR, QUANTITY_REACTIVE_POWER },
        { 1, 24, 8, 0, "reactive_energy_export_l1", "Reactive energy export, phase 1", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 29, 7, 0, "apparent_power_import_l1", "Apparent power import, phase 1", NULL, UNIT_VA, QUANTITY_APPARENT_POWER },
        { 1, 30, 7, 0, "apparent_power_export_l1", "Apparent power export, phase 1", NULL, UNIT_VA, QUANTITY_APPARENT_POWER },
        { 1, 31, 4, 0, "current_limit_l1", "Current limit, phase 1", NULL, UNIT_A, QUANTITY_LIMIT },
        { 1, 31, 7, 0, "current_l1", "Current, phase 1", "CURRENT_L1", UNIT_A, QUANTITY_CURRENT },
        { 1, 32, 7, 0, "voltage_l1", "Voltage, phase 1", "VOLTAGE_L1", UNIT_V, QUANTITY_VOLTAGE },
        { 1, 33, 7, 0, "power_factor_l1", "Power factor, phase 1", "POWER_FACTOR_L1", UNIT_NONE, QUANTITY_POWER_FACTOR },
        { 1, 35, 7, 0, "active_power_sum_l1", "Active power, import and export added, phase 1", NULL, UNIT_W, QUANTITY_POWER },
        { 1, 36, 7, 0, "active_power_net_l1", "Active power, import less export, phase 1", NULL, UNIT_W, QUANTITY_POWER },
        { 1, 41, 7, 0, "active_power_import_l2", "Active power import, phase 2", "ACTIVE_POWER_P_L2", UNIT_W, QUANTITY_POWER },
        { 1, 41, 8, 0, "active_energy_import_l2", "Active energy import, phase 2", "ACTIVE_ENERGY_P_L2", UNIT_WH, QUANTITY_ENERGY },
        { 1, 42, 7, 0, "active_power_export_l2", "Active power export, phase 2", "ACTIVE_POWER_N_L2", UNIT_W, QUANTITY_POWER },
        { 1, 42, 8, 0, "active_energy_export_l2", "Active energy export, phase 2", "ACTIVE_ENERGY_N_L2", UNIT_WH, QUANTITY_ENERGY },
        { 1, 43, 7, 0, "reactive_power_import_l2", "Reactive power import, phase 2", "REACTIVE_POWER_P_L2", UNIT_VAR, QUANTITY_REACTIVE_POWER },
        { 1, 43, 8, 0, "reactive_energy_import_l2", "Reactive energy import, phase 2", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 44, 7, 0, "reactive_power_export_l2", "Reactive power export, phase 2", "REACTIVE_POWER_N_L2", UNIT_VAR, QUANTITY_REACTIVE_POWER },
        { 1, 44, 8, 0, "reactive_energy_export_l2", "Reactive energy export, phase 2", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 49, 7, 0, "apparent_power_import_l2", "Apparent power import, phase 2", NULL, UNIT_VA, QUANTITY_APPARENT_POWER },
        { 1, 50, 7, 0, "apparent_power_export_l2", "Apparent power export, phase 2", NULL, UNIT_VA, QUANTITY_APPARENT_POWER },
        { 1, 51, 4, 0, "current_limit_l2", "Current limit, phase 2", NULL, UNIT_A, QUANTITY_LIMIT },
        { 1, 51, 7, 0, "current_l2", "Current, phase 2", "CURRENT_L2", UNIT_A, QUANTITY_CURRENT },
        { 1, 52, 7, 0, "voltage_l2", "Voltage, phase 2", "VOLTAGE_L2", UNIT_V, QUANTITY_VOLTAGE },
        { 1, 53, 7, 0, "power_factor_l2", "Power factor, phase 2", "POWER_FACTOR_L2", UNIT_NONE, QUANTITY_POWER_FACTOR },
        { 1, 55, 7, 0, "active_power_sum_l2", "Active power, import and export added, phase 2", NULL, UNIT_W, QUANTITY_POWER },
        { 1, 56, 7, 0, "active_power_net_l2", "Active power, import less export, phase 2", NULL, UNIT_W, QUANTITY_POWER },
        { 1, 61, 7, 0, "active_power_import_l3", "Active power import, phase 3", "ACTIVE_POWER_P_L3", UNIT_W, QUANTITY_POWER },
        { 1, 61, 8, 0, "active_energy_import_l3", "Active energy import, phase 3", "ACTIVE_ENERGY_P_L3", UNIT_WH, QUANTITY_ENERGY },
        { 1, 62, 7, 0, "active_power_export_l3", "Active power export, phase 3", "ACTIVE_POWER_N_L3", UNIT_W, QUANTITY_POWER },
        { 1, 62, 8, 0, "active_energy_export_l3", "Active energy export, phase 3", "ACTIVE_ENERGY_N_L3", UNIT_WH, QUANTITY_ENERGY },
        { 1, 63, 7, 0, "reactive_power_import_l3", "Reactive power import, phase 3", "REACTIVE_POWER_P_L3", UNIT_VAR, QUANTITY_REACTIVE_POWER },
        { 1, 63, 8, 0, "reactive_energy_import_l3", "Reactive energy import, phase 3", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 64, 7, 0, "reactive_power_export_l3", "Reactive power export, phase 3", "REACTIVE_POWER_N_L3", UNIT_VAR, QUANTITY_REACTIVE_POWER },
        { 1, 64, 8, 0, "reactive_energy_export_l3", "Reactive energy export, phase 3", NULL, UNIT_VARH, QUANTITY_REACTIVE_ENERGY },
        { 1, 69, 7, 0, "apparent_power_import_l3", "Apparent power import, phase 3", NULL, UNIT_VA, QUANTITY_APPARENT_POWER },
        { 1, 70, 7, 0, "apparent_power_export_l3", "Apparent power export, phase 3", NULL, UNIT_VA, QUANTITY_APPARENT_POWER },
        { 1, 71, 4, 0, "current_limit_l3", "Current limit, phase 3", NULL, UNIT_A, QUANTITY_LIMIT },
        { 1, 71, 7, 0, "current_l3", "Current, phase 3", "CURRENT_L3", UNIT_A, QUANTITY_CURRENT },
        { 1, 72, 7, 0, "voltage_l3", "Voltage, phase 3", "VOLTAGE_L3", UNIT_V, QUANTITY_VOLTAGE },
        { 1, 73, 7, 0, "power_factor_l3", "Power factor, phase 3", "POWER_FACTOR_L3", UNIT_NONE, QUANTITY_POWER_FACTOR },
        { 1, 75, 7, 0, "active_power_sum_l3", "Active power, import and export added, phase 3", NULL, UNIT_W, QUANTITY_POWER },
        { 1, 76, 7, 0, "active_power_net_l3", "Active power, import less export, phase 3", NULL, UNIT_W, QUANTITY_POWER },
        { 1, 81, 7, 1, "angle_u2_u1", "Phase angle U2 to U1", NULL, UNIT_DEGREE, QUANTITY_ANGLE },
        { 1, 81, 7, 2, "angle_u3_u1", "Phase angle U3 to U1", NULL, UNIT_DEGREE, QUANTITY_ANGLE },
        { 1, 81, 7, 4, "angle_ui_l1", "Phase angle U to I, phase 1", NULL, UNIT_DEGREE, QUANTITY_ANGLE },
        { 1, 81, 7, 15, "angle_ui_l2", "Phase angle U to I, phase 2", NULL, UNIT_DEGREE, QUANTITY_ANGLE },
        { 1, 81, 7, 26, "angle_ui_l3", "Phase angle U to I, phase 3", NULL, UNIT_DEGREE, QUANTITY_ANGLE },
        { 1, 81, 7, 40, "angle_iu_l1", "Phase angle I to U, phase 1", "ANGLE_UI_L1", UNIT_DEGREE, QUANTITY_ANGLE },
        { 1, 81, 7, 51, "angle_iu_l2", "Phase angle I to U, phase 2", "ANGLE_UI_L2", UNIT_DEGREE, QUANTITY_ANGLE },
        { 1, 81, 7, 62, "angle_iu_l3", "Phase angle I to U, phase 3", "ANGLE_UI_L3", UNIT_DEGREE, QUANTITY_ANGLE },
        { 1, 90, 7, 0, "current_sum", "Current, all phases added", NULL, UNIT_A, QUANTITY_CURRENT },
        { 1, 91, 7, 0, "current_neutral", "Current of the neutral", NULL, UNIT_A, QUANTITY_CURRENT },
};
/* clang-format on */

static uint32_t code_of(uint8_t a, uint8_t c, uint8_t d, uint8_t e)
{
        return (uint32_t)a << 24 | (uint32_t)c << 16 | (uint32_t)d << 8 | e;
}

const struct quantity *quantity_find(struct obis obis)
{
        uint32_t wanted = code_of(obis.a, obis.c, obis.d, obis.e);
        size_t low = 0, high = ELEMENTSOF(table);

        while (low < high) {
                size_t middle = (low + high) / 2;
                const struct quantity *row = &table[middle];
                uint32_t code = code_of(row->a, row->c, row->d, row->e);

                if (code == wanted)
                        return row;
                if (code < wanted)
                        low = middle + 1;
                else
                        high = middle;
        }
        return NULL;
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
