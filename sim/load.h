/* SPDX-License-Identifier: MIT */
/*
 * The load of a virtual meter: a household on three phases with a kettle, a heat pump, an oven in
 * the evening, and solar panels that export at noon. Power is a pure function of seed and time; the
 * registers add it up second by second, so that energy is exactly the integral of power.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

enum sim_register {
        SIM_REGISTER_IMPORT,     /* +A */
        SIM_REGISTER_EXPORT,     /* -A */
        SIM_REGISTER_REACTIVE_1, /* +R */
        SIM_REGISTER_REACTIVE_2, /* -R */
        SIM_REGISTER_QUADRANT_1, /* then II, III, IV */
        SIM_REGISTER_QUADRANT_2,
        SIM_REGISTER_QUADRANT_3,
        SIM_REGISTER_QUADRANT_4,
        SIM_REGISTER_PHASE_IMPORT, /* then L2, L3 */
        SIM_REGISTER_PHASE_EXPORT = SIM_REGISTER_PHASE_IMPORT + 3,
        SIM_N_REGISTERS = SIM_REGISTER_PHASE_EXPORT + 3,
};

struct sim_load {
        uint64_t seed;
        struct sim_clock clock;
        int64_t power_w[3], reactive_var[3]; /* per phase; export is negative */
        int64_t voltage_dv[3];               /* 0.1 V */
        int64_t current_ma[3];
        int64_t total_w, total_var;
        int64_t energy_ws[SIM_N_REGISTERS][2]; /* in watt-seconds, by tariff 1 and 2 */
        int64_t gas_l;       /* a gas meter on the same telegram, every five minutes */
        int64_t gas_epoch_s; /* when it was read last */
};

/* A household at an instant, its registers as the seed gives them. */
void sim_load_init(struct sim_load *load, uint64_t seed, struct sim_clock clock);

/* Lets the time between pass; going back in time changes nothing but the clock. */
void sim_load_advance(struct sim_load *load, struct sim_clock clock);

/* 1 from 06:00 to 22:00 local time, else 2. */
int sim_load_tariff(const struct sim_load *load);

/* A number that seed and keys alone decide. */
uint64_t sim_load_hash(uint64_t seed, uint64_t a, uint64_t b);

/*
 * The value of groups C, D, E (IEC 62056-6-1) as mantissa × 10^exponent in `*ret_unit`.
 * False when this household does not measure it.
 */
bool sim_load_value(const struct sim_load *load, uint8_t c, uint8_t d, uint8_t e,
                    int64_t *ret_mantissa, int *ret_exponent, const char **ret_unit);
