/* SPDX-License-Identifier: MIT */
/*
 * The household behind the virtual meters: energy is the integral of power to the watt-second, the
 * same seed gives the same values, noon exports, and nothing ever falls.
 */
#include "sim-compare.h"

#define NIGHT_S 1782770400 /* 2026-06-30 00:00 in Central Europe */

static struct sim_load load_at(uint64_t seed, int64_t epoch_s)
{
        struct sim_load load;

        sim_load_init(&load, seed, sim_clock_central_europe(epoch_s));
        return load;
}

static int64_t sum(const struct sim_load *load, enum sim_register r)
{
        return load->energy_ws[r][0] + load->energy_ws[r][1];
}

static void energy_is_power_added_up(void **state)
{
        struct sim_load load = load_at(5, NIGHT_S);
        int64_t import = sum(&load, SIM_REGISTER_IMPORT);
        int64_t export = sum(&load, SIM_REGISTER_EXPORT);

        for (int64_t s = 1; s <= 86400; s++) {
                sim_load_advance(&load, sim_clock_central_europe(NIGHT_S + s));
                import += load.total_w > 0 ? load.total_w : 0;
                export += load.total_w < 0 ? -load.total_w : 0;
        }
        assert_int_equal(sum(&load, SIM_REGISTER_IMPORT), import);
        assert_int_equal(sum(&load, SIM_REGISTER_EXPORT), export);
}

static void large_steps_are_many_small_ones(void **state)
{
        struct sim_load small = load_at(5, NIGHT_S), large = load_at(5, NIGHT_S);

        for (int64_t s = 7; s <= 7 * 5000; s += 7)
                sim_load_advance(&small, sim_clock_central_europe(NIGHT_S + s));
        sim_load_advance(&large, sim_clock_central_europe(NIGHT_S + 7 * 5000));
        assert_memory_equal(small.energy_ws, large.energy_ws, sizeof(small.energy_ws));
        assert_int_equal(small.gas_l, large.gas_l);
}

static void registers_agree_with_each_other(void **state)
{
        struct sim_load before = load_at(9, NIGHT_S), after = before;
        int64_t reactive = 0;

        sim_load_advance(&after, sim_clock_central_europe(NIGHT_S + 86400));
        for (int r = 0; r < SIM_N_REGISTERS; r++)
                for (int tariff = 0; tariff < 2; tariff++)
                        assert_true(after.energy_ws[r][tariff] >= before.energy_ws[r][tariff]);
        /* Quadrants I and II are +R, III and IV are -R (IEC 62056-6-1). */
        reactive = sum(&after, SIM_REGISTER_QUADRANT_1) - sum(&before, SIM_REGISTER_QUADRANT_1) +
                   sum(&after, SIM_REGISTER_QUADRANT_2) - sum(&before, SIM_REGISTER_QUADRANT_2);
        assert_int_equal(reactive, sum(&after, SIM_REGISTER_REACTIVE_1) -
                                           sum(&before, SIM_REGISTER_REACTIVE_1));
        assert_true(after.gas_l > before.gas_l);
}

static void night_imports_and_noon_exports(void **state)
{
        for (uint64_t seed = 0; seed < 50; seed++) {
                struct sim_load night = load_at(seed, NIGHT_S + 3 * 3600);
                struct sim_load noon = load_at(seed, NIGHT_S + 13 * 3600 + 1200);

                assert_true(night.total_w > 0);
                assert_true(noon.total_w < 0);
                assert_int_equal(sim_load_tariff(&night), 2);
                assert_int_equal(sim_load_tariff(&noon), 1);
                for (int i = 0; i < 3; i++)
                        assert_in_range(noon.voltage_dv[i], 2070, 2530);
        }
}

static void same_seed_same_bytes(void **state)
{
        static struct sim_telegram a, b;
        struct sim_meter first, second;
        bool differs = false;

        for (uint64_t seed = 1; seed <= 2; seed++) {
                struct sim_options options = { .seed = seed }, one = { .seed = 1 };
                const struct sim_profile *p = sim_profile_find("lgz-e450");

                assert_int_equal(sim_meter_init(&first, p, &one, sim_test_clock(0)), 0);
                assert_int_equal(sim_meter_init(&second, p, &options, sim_test_clock(0)), 0);
                assert_int_equal(sim_meter_telegram(&first, sim_test_clock(5), &a), 0);
                assert_int_equal(sim_meter_telegram(&second, sim_test_clock(5), &b), 0);
                differs = a.wire.out.len != b.wire.out.len ||
                          memcmp(a.wire.out.data, b.wire.out.data, a.wire.out.len) != 0;
                assert_int_equal(differs, seed != 1);
        }
}

static void frame_counter_grows_over_a_restart(void **state)
{
        struct sim_options options = { .encrypt = true };
        static struct sim_telegram t;
        struct sim_meter meter;
        uint32_t last = 0;

        for (int restart = 0; restart < 3; restart++) {
                assert_int_equal(sim_meter_init(&meter, sim_profile_find("lgz-e450"), &options,
                                                sim_test_clock(restart * 100)),
                                 0);
                for (int i = 0; i < 20; i++) {
                        assert_int_equal(sim_meter_telegram(
                                                 &meter, sim_test_clock(restart * 100 + i * 5), &t),
                                         0);
                        assert_true(meter.cipher.counter > last);
                        last = meter.cipher.counter;
                }
        }
}

static struct zone_case {
        const char *name;
        int64_t epoch_s;
        int want_offset_min;
        int want_hour;
} zone_cases[] = {
        { "last second of winter time", 1774745999, 60, 1 },
        { "first second of summer time", 1774746000, 120, 3 },
        { "last second of summer time", 1792889999, 120, 2 },
        { "first second of winter time", 1792890000, 60, 2 },
        { "new year", 1767222000, 60, 0 },
        { "last second of winter time after 2038", 2374102799, 60, 1 },
        { "first second of summer time after 2038", 2374102800, 120, 3 },
};

static void run_zone(void **state)
{
        const struct zone_case *c = *state;
        struct sim_clock clock = sim_clock_central_europe(c->epoch_s);

        assert_int_equal(clock.offset_min, c->want_offset_min);
        assert_int_equal(clock.dst, c->want_offset_min == 120);
        assert_int_equal(clock.hour, c->want_hour);
}

int main(void)
{
        const struct CMUnitTest more[] = {
                cmocka_unit_test(energy_is_power_added_up),
                cmocka_unit_test(large_steps_are_many_small_ones),
                cmocka_unit_test(registers_agree_with_each_other),
                cmocka_unit_test(night_imports_and_noon_exports),
                cmocka_unit_test(same_seed_same_bytes),
                cmocka_unit_test(frame_counter_grows_over_a_restart),
        };

        return test_run_rows_and("sim-load", zone_cases, ELEMENTSOF(zone_cases),
                                 sizeof(zone_cases[0]), run_zone, more, ELEMENTSOF(more));
}
