/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <stdlib.h>

/* How often the gas meter answers: DSMR 5 reads its slaves every five minutes. */
#define GAS_PERIOD_S 300

/* A gap longer than this (a laptop that slept) is not lived through second by second. */
#define ADVANCE_MAX_S (31 * 86400)

/* Watts of one phase at each full hour, before the appliances. */
static const int base_w[25] = { 70,  60,  60,  60,  65,  90,  180, 240, 210, 160, 150, 170, 220,
                                180, 150, 150, 170, 230, 320, 360, 340, 280, 190, 110, 70 };

struct instant {
        int64_t power_w[3], reactive_var[3];
};

uint64_t sim_load_hash(uint64_t seed, uint64_t a, uint64_t b)
{
        /* The finaliser of splitmix64 over an odd combination of the keys. */
        uint64_t z = seed + a * 0x9e3779b97f4a7c15ULL + b * 0xd1b54a32d192ed03ULL;

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
}

/* A number of 0..n-1. */
static int64_t pick(uint64_t seed, uint64_t a, int64_t b, int64_t n)
{
        return (int64_t)(sim_load_hash(seed, a, (uint64_t)b) % (uint64_t)n);
}

static int64_t second_of_day(int64_t epoch_s, int offset_min)
{
        int64_t s = (epoch_s + (int64_t)offset_min * 60) % 86400;

        return s < 0 ? s + 86400 : s;
}

static int64_t solar_w(uint64_t seed, int64_t epoch_s, int64_t day_s)
{
        /* A parabola from 06:30 to 20:10 with its top of 6 kW at 13:20, and passing clouds. */
        const int64_t rise_s = 23400, set_s = 72600, top_w = 6000;
        int64_t half = (set_s - rise_s) / 2;
        int64_t x = day_s - (rise_s + set_s) / 2;

        if (day_s <= rise_s || day_s >= set_s)
                return 0;
        return top_w * (half * half - x * x) / (half * half) *
               (85 + pick(seed, 11, epoch_s / 60, 16)) / 100;
}

static struct instant power_at(uint64_t seed, int64_t epoch_s, int offset_min)
{
        struct instant now = { 0 };
        int64_t day_s = second_of_day(epoch_s, offset_min);
        int64_t hour = day_s / 3600, into = day_s % 3600;
        int64_t sun = solar_w(seed, epoch_s, day_s) / 3;
        int64_t quarter = epoch_s / 900;
        int64_t load[3];

        for (int i = 0; i < 3; i++)
                load[i] = base_w[hour] + (base_w[hour + 1] - base_w[hour]) * into / 3600 +
                          pick(seed, (uint64_t)i + 1, epoch_s / 3, 21) - 10;
        if (pick(seed, 5, quarter, 6) == 0 && epoch_s % 900 < 60 + pick(seed, 6, quarter, 180))
                load[0] += 2000; /* a kettle */
        if (hour >= 18 && hour < 20 && epoch_s / 60 % 2 == 0)
                load[2] += 1600; /* an oven under its thermostat */
        for (int i = 0; i < 3; i++)
                now.reactive_var[i] = load[i] / 6 - 35;
        if (epoch_s % 1800 < 700) { /* a heat pump */
                load[1] += 750;
                now.reactive_var[1] += 260;
        }
        for (int i = 0; i < 3; i++)
                now.power_w[i] = load[i] - sun;
        return now;
}

/* Adds one second of a power that may be negative to the register of its direction. */
static void count_second(struct sim_load *load, enum sim_register positive,
                         enum sim_register negative, int tariff, int64_t power)
{
        load->energy_ws[power >= 0 ? positive : negative][tariff] += power >= 0 ? power : -power;
}

int sim_load_tariff(const struct sim_load *load)
{
        int64_t hour = second_of_day(load->clock.epoch_s, load->clock.offset_min) / 3600;

        return hour >= 6 && hour < 22 ? 1 : 2;
}

static void live_second(struct sim_load *load, int64_t epoch_s)
{
        struct instant now = power_at(load->seed, epoch_s, load->clock.offset_min);
        int64_t hour = second_of_day(epoch_s, load->clock.offset_min) / 3600;
        int tariff = hour >= 6 && hour < 22 ? 0 : 1;
        int64_t w = now.power_w[0] + now.power_w[1] + now.power_w[2];
        int64_t var = now.reactive_var[0] + now.reactive_var[1] + now.reactive_var[2];
        enum sim_register quadrant =
                w >= 0 ? (var >= 0 ? SIM_REGISTER_QUADRANT_1 : SIM_REGISTER_QUADRANT_4)
                       : (var >= 0 ? SIM_REGISTER_QUADRANT_2 : SIM_REGISTER_QUADRANT_3);

        count_second(load, SIM_REGISTER_IMPORT, SIM_REGISTER_EXPORT, tariff, w);
        count_second(load, SIM_REGISTER_REACTIVE_1, SIM_REGISTER_REACTIVE_2, tariff, var);
        count_second(load, quadrant, quadrant, tariff, var);
        for (int i = 0; i < 3; i++)
                count_second(load, SIM_REGISTER_PHASE_IMPORT + (enum sim_register)i,
                             SIM_REGISTER_PHASE_EXPORT + (enum sim_register)i, tariff,
                             now.power_w[i]);
        if (epoch_s % GAS_PERIOD_S == 0) {
                load->gas_l += pick(load->seed, 21, epoch_s / GAS_PERIOD_S, 60);
                load->gas_epoch_s = epoch_s;
        }
}

static int64_t root_of(int64_t square)
{
        int64_t root = 0;

        for (int64_t bit = (int64_t)1 << 30; bit > 0; bit >>= 1)
                if ((root + bit) * (root + bit) <= square)
                        root += bit;
        return root;
}

static void measure(struct sim_load *load)
{
        int64_t epoch_s = load->clock.epoch_s;
        struct instant now = power_at(load->seed, epoch_s, load->clock.offset_min);

        load->total_w = load->total_var = 0;
        for (int i = 0; i < 3; i++) {
                int64_t w = now.power_w[i], var = now.reactive_var[i];

                load->power_w[i] = w;
                load->reactive_var[i] = var;
                load->total_w += w;
                load->total_var += var;
                load->voltage_dv[i] =
                        2310 - w / 100 + pick(load->seed, 31 + (uint64_t)i, epoch_s / 2, 25) - 12;
                load->current_ma[i] = root_of(w * w + var * var) * 10000 / load->voltage_dv[i];
        }
}

void sim_load_init(struct sim_load *load, uint64_t seed, struct sim_clock clock)
{
        *load = (struct sim_load){ .seed = seed, .clock = clock };
        for (int i = 0; i < SIM_N_REGISTERS; i++)
                for (int tariff = 0; tariff < 2; tariff++)
                        load->energy_ws[i][tariff] =
                                (100000 + pick(seed, 41 + (uint64_t)i, tariff, 4000000)) * 3600;
        load->gas_l = 100000 + pick(seed, 22, 0, 4000000);
        load->gas_epoch_s = clock.epoch_s - clock.epoch_s % GAS_PERIOD_S;
        measure(load);
}

void sim_load_advance(struct sim_load *load, struct sim_clock clock)
{
        int64_t from = load->clock.epoch_s;

        load->clock = clock;
        if (clock.epoch_s - from > ADVANCE_MAX_S)
                from = clock.epoch_s - ADVANCE_MAX_S;
        for (int64_t s = from; s < clock.epoch_s; s++)
                live_second(load, s + 1);
        measure(load);
}

/* Which register groups C and phase name; -1 for none. */
static int register_of(uint8_t c)
{
        if (c >= 1 && c <= 8)
                return SIM_REGISTER_IMPORT + c - 1;
        if (c == 21 || c == 41 || c == 61)
                return SIM_REGISTER_PHASE_IMPORT + (c - 21) / 20;
        if (c == 22 || c == 42 || c == 62)
                return SIM_REGISTER_PHASE_EXPORT + (c - 22) / 20;
        return -1;
}

static bool energy_value(const struct sim_load *load, uint8_t c, uint8_t e, int64_t *ret_mantissa,
                         const char **ret_unit)
{
        int r = register_of(c);
        int64_t ws = 0;

        if (r < 0)
                return false;
        for (int tariff = 0; tariff < 2; tariff++)
                if (e == 0 || e == tariff + 1)
                        ws += load->energy_ws[r][tariff];
        *ret_mantissa = ws / 3600;
        *ret_unit = c >= 3 && c <= 8 ? "varh" : "Wh";
        return true;
}

static int64_t positive(int64_t value)
{
        return value > 0 ? value : 0;
}

/* Groups C of one phase are those of the sum plus 20, 40, 60. */
static bool power_value(const struct sim_load *load, uint8_t c, int64_t *ret_mantissa,
                        int *ret_exponent, const char **ret_unit)
{
        int phase = c / 20 - 1;
        int64_t w = phase < 0 ? load->total_w : load->power_w[phase];
        int64_t var = phase < 0 ? load->total_var : load->reactive_var[phase];
        int64_t va = root_of(w * w + var * var);
        static const char *const units[] = { "W", "W", "var", "var" };

        switch (c % 20) {
        case 1:
        case 3:
                *ret_mantissa = positive(c % 20 == 1 ? w : var);
                *ret_unit = units[c % 20 - 1];
                return true;
        case 2:
        case 4:
                *ret_mantissa = positive(c % 20 == 2 ? -w : -var);
                *ret_unit = units[c % 20 - 1];
                return true;
        case 9:
        case 10:
                *ret_mantissa = (w >= 0) == (c % 20 == 9) ? va : 0;
                *ret_unit = "VA";
                return true;
        case 13:
                *ret_mantissa = va == 0 ? 1000 : llabs(w) * 1000 / va;
                *ret_exponent = -3;
                *ret_unit = "";
                return true;
        case 16:
                *ret_mantissa = w;
                *ret_unit = "W";
                return true;
        default:
                return false;
        }
}

bool sim_load_value(const struct sim_load *load, uint8_t c, uint8_t d, uint8_t e,
                    int64_t *ret_mantissa, int *ret_exponent, const char **ret_unit)
{
        *ret_exponent = 0;
        if (d == 8)
                return energy_value(load, c, e, ret_mantissa, ret_unit);
        if (d != 7 || c >= 80)
                return false;
        if (c > 20 && c % 20 == 11) {
                *ret_mantissa = load->current_ma[c / 20 - 1];
                *ret_exponent = -3;
                *ret_unit = "A";
                return true;
        }
        if (c > 20 && c % 20 == 12) {
                *ret_mantissa = load->voltage_dv[c / 20 - 1];
                *ret_exponent = -1;
                *ret_unit = "V";
                return true;
        }
        if (c == 14) {
                *ret_mantissa = 5000 + pick(load->seed, 51, load->clock.epoch_s, 7) - 3;
                *ret_exponent = -2;
                *ret_unit = "Hz";
                return true;
        }
        return power_value(load, c, ret_mantissa, ret_exponent, ret_unit);
}
