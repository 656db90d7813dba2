/* SPDX-License-Identifier: MIT */
/*
 * A virtual Kamstrup in its household, read by a profile whose scale of energy is wrong: it is
 * found by measurement within an hour, with the line that mends it, and then mended.
 */
#include "lib/decoder.h"
#include "lib/model/meter.h"
#include "sim/sim.h"
#include "tests/unit/known-profiles.h"
#include "tests/unit/test.h"

#define EVENING_S  1782839400 /* 2026-06-30 19:10 in Central Europe */
#define INTERVAL_S 10
#define HOUR_S     3600
#define SEC        1000000ull

static const struct obis import_energy = OBIS_OF(1, 0, 1, 8, 0, 255);

struct scale_case {
        const char *name;
        const char *energy; /* what the profile says of E, whose steps are 10 Wh */
        int factor;         /* by which a raw number is to be multiplied; 0: all is right */
};

/* Owned by the caller. */
static struct profile_set *profiles_with(const char *energy)
{
        struct profile_set *set = NULL;
        char text[256];

        (void)snprintf(
                text, sizeof(text),
                "[profile]\nName=kamstrup-omnipower\nMaker=KAM\nModel=OMNIPOWER\nPower=80kW\n"
                "[match]\nListId=Kamstrup_V*\nMaker=yes\n"
                "[scale]\nU=0\nI=-2\nP=0\nQ=0\nS=0\nE=%s\n",
                energy);
        assert_int_equal(profile_set_new(&set), 0);
        assert_int_equal(profile_set_add(set, slice_of_string(text), "wrong.profile", NULL), 0);
        return set;
}

static void read_telegram(struct decoder *d, struct meter *m, const struct sim_telegram *sent,
                          int64_t after_s)
{
        struct meter_update update;
        struct decoder_event event;
        unsigned int n = 0;

        decoder_feed(d, (struct slice){ sent->wire.out.data, sent->wire.out.len });
        while (decoder_next(d, &event) > 0) {
                if (event.type != DECODER_TELEGRAM)
                        continue;
                assert_int_equal(event.telegram->status, TELEGRAM_OK);
                assert_int_equal(meter_update(m, event.telegram,
                                              (uint64_t)(EVENING_S + after_s) * SEC,
                                              (uint64_t)(1000 + after_s) * SEC, 0, NULL, &update),
                                 0);
                n++;
        }
        assert_int_equal(n, 1);
}

/* What the meter sent of it, in Wh; 0 when this list has none. */
static double sent_energy(const struct sim_telegram *sent)
{
        for (size_t i = 0; i < sent->n_values; i++) {
                const struct sim_value *v = &sent->values[i];

                if (v->obis[2] == 1 && v->obis[3] == 8 && v->obis[4] == 0)
                        return decimal_to_double(
                                (struct decimal){ v->mantissa, (int8_t)v->exponent });
        }
        return 0;
}

static void run_case(void **state)
{
        const struct scale_case *c = *state;
        static struct sim_meter virtual;
        static struct sim_telegram sent;
        struct profile_set *profiles = profiles_with(c->energy);
        struct decoder_options options = { .profiles = profiles };
        struct sim_options how = { .seed = 5, .plain = true };
        struct meter_scale_fault fault;
        struct decoder *d = NULL;
        struct meter *m = NULL;
        int64_t found_s = 0;
        double energy = 0;

        assert_int_equal(sim_meter_init(&virtual, sim_profile_find("kamstrup-omnipower"), &how,
                                        sim_clock_central_europe(EVENING_S)),
                         0);
        assert_int_equal(decoder_new(&options, &d), 0);
        assert_int_equal(meter_new("5706567000000017", &m), 0);
        for (int64_t s = INTERVAL_S; s <= 3 * HOUR_S; s += INTERVAL_S) {
                memset(&sent, 0, sizeof(sent));
                assert_int_equal(sim_meter_telegram(&virtual,
                                                    sim_clock_central_europe(EVENING_S + s), &sent),
                                 0);
                read_telegram(d, m, &sent, s);
                energy = sent_energy(&sent) > 0 ? sent_energy(&sent) : energy;
                if (found_s || !meter_scale_contradicted(m, &fault))
                        continue;
                found_s = s;
                assert_int_equal(decimal_compare(fault.factor, (struct decimal){ c->factor, 0 }),
                                 0);
        }
        assert_int_equal(found_s > 0, c->factor > 0);
        assert_in_range(found_s, 0, HOUR_S);
        assert_false(meter_scale_contradicted(m, &fault)); /* it was measured, and took effect */
        assert_true(decimal_to_double(meter_find_obis(m, import_energy)->reading.value) == energy);
        meter_free(m);
        decoder_free(d);
        profile_set_free(profiles);
}

static struct scale_case cases[] = {
        { "the scale of the profile is right", "1", 0 },
        { "energy is ten times too small by the profile", "0", 10 },
        { "energy is ten times too great by the profile", "2", 10 },
};

int main(void)
{
        struct CMUnitTest tests[ELEMENTSOF(cases)];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                tests[i] = (struct CMUnitTest){ .name = cases[i].name,
                                                .test_func = run_case,
                                                .initial_state = &cases[i] };
        return cmocka_run_group_tests_name("sim-scale", tests, NULL, NULL);
}
