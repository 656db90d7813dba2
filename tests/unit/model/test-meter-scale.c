/* SPDX-License-Identifier: MIT */
/* Scales that no telegram states: one per quantity, remembered, and measured against the power. */
#include "meter-fixture.h"

#define TELEGRAM_S 10

static void add_scaled(const char *code, int64_t mantissa, int exponent, enum scale_source source)
{
        struct obis obis;

        assert_true(obis_parse(slice_of_string(code), &obis) > 0);
        telegram_add_reading(&telegram, obis, (struct decimal){ mantissa, (int8_t)exponent },
                             UNIT_UNSAID, source);
}

/* A load of `power_w` for some hours; the register counts steps of 10^true_exponent Wh. */
static struct proof_case {
        const char *name;
        int64_t power_w;
        int true_exponent;
        int told_exponent; /* of the profile */
        enum scale_source source;
        unsigned int energy_every_s, gap_s; /* power is silent for gap_s in each 10 min */
        unsigned int hours_before, hours_after;
        const char *want_before, *want_after; /* "proved", "contradicted 1", "measured 1" */
} proof_cases[] = {
        { "right from the start", 2000, 1, 1, SCALE_PROFILE, 10, 0, 1, 2, "proved", "proved" },
        { "ten times too small (Kamstrup)", 2000, 1, 0, SCALE_PROFILE, 10, 0, 1, 2,
          "contradicted 1", "measured 1" },
        { "ten times too small, registers once an hour", 2000, 1, 0, SCALE_PROFILE, 3600, 0, 1, 3,
          "contradicted 1", "measured 1" },
        { "ten times too great", 2000, 0, 1, SCALE_PROFILE, 10, 0, 1, 2, "contradicted -1",
          "measured 0" },
        { "nobody told", 2000, 1, 0, SCALE_NONE, 10, 0, 1, 2, "contradicted 1", "measured 1" },
        { "the wire is not doubted", 2000, 1, 0, SCALE_WIRE, 10, 0, 1, 2, "", "" },
        { "no load proves nothing", 0, 1, 0, SCALE_PROFILE, 10, 0, 1, 3, "", "" },
        { "a small load takes longer", 100, 1, 1, SCALE_PROFILE, 10, 0, 1, 5, "", "proved" },
        { "power with gaps proves nothing", 2000, 1, 0, SCALE_PROFILE, 3600, 300, 1, 3, "", "" },
        { "power that is a third off is no power of ten", 6000, 1, 1, SCALE_CANDIDATE, 10, 0, 1, 2,
          "proved", "proved" },
};

static const char *state_of(const struct meter *m, char buf[static 32])
{
        const struct scale_proof *p = &m->scales.proofs[0];
        const struct scale_memory *memory = &m->scales.memory;

        if (memory->n && memory->entries[0].source == SCALE_MEASURED)
                (void)snprintf(buf, 32, "measured %d", memory->entries[0].exponent);
        else if (p->state == SCALE_CONTRADICTED)
                (void)snprintf(buf, 32, "contradicted %d", p->shift);
        else
                (void)snprintf(buf, 32, "%s", p->state == SCALE_PROVED ? "proved" : "");
        return buf;
}

static int64_t run_load(struct meter *m, const struct proof_case *c, unsigned int from_s,
                        unsigned int to_s)
{
        int64_t steps = 0, watt_s = (int64_t)c->power_w * from_s;

        for (unsigned int at = from_s; at <= to_s; at += TELEGRAM_S, watt_s += c->power_w * 10) {
                steps = 5000 + watt_s / (3600 * (c->true_exponent == 1 ? 10 : 1));
                begin();
                if (at % 600 >= c->gap_s)
                        add_scaled("1-1:1.7.0", c->power_w, 0, SCALE_PROFILE);
                if (at % c->energy_every_s == 0)
                        add_scaled("1-1:1.8.0", steps, c->told_exponent, c->source);
                (void)take(m, at);
        }
        return steps;
}

static void run_case(void **state)
{
        const struct proof_case *c = *state;
        struct meter *m = new_meter();
        struct meter_scale_fault fault;
        const struct meter_value *value;
        char buf[32];
        int64_t steps;

        (void)run_load(m, c, 0, c->hours_before * 3600 - TELEGRAM_S);
        if (c->energy_every_s < 3600)
                assert_string_equal(state_of(m, buf), c->want_before);
        assert_int_equal(meter_scale_contradicted(m, &fault),
                         strncmp(state_of(m, buf), "contradicted", 12) == 0);
        steps = run_load(m, c, c->hours_before * 3600, c->hours_after * 3600);
        assert_string_equal(state_of(m, buf), c->want_after);
        value = meter_find(m, "active_energy_import");
        assert_non_null(value);
        assert_int_equal(value->reading.value.mantissa, steps);
        assert_int_equal(m->statistics.suspects, 0);
        if (strncmp(c->want_after, "measured", 8) == 0) {
                assert_int_equal(value->reading.scale, SCALE_MEASURED);
                assert_int_equal(value->reading.unit, UNIT_WH);
                assert_int_equal(value->reading.value.exponent, c->true_exponent);
                assert_false(meter_scale_contradicted(m, &fault));
        }
        meter_free(m);
}

/*
 * Registers that gain what no power of ten explains: a battery that leaves 200 W of phases that
 * import 2 kW and export 1.8 kW, each counted by itself; a heater that is off whenever the power is
 * sent.
 */
static void a_right_scale_stands(void **state)
{
        static const struct {
                int64_t told_w, import_w, export_w;
                bool sends_export;
                const char *want;
        } cases[] = {
                { 200, 2000, 1800, true, "" },
                { 200, 2000, 0, true, "contradicted -1" }, /* and replaced: below */
                { 240, 2000, 0, false, "contradicted -1" },
                { 200, 210, 9, true, "proved" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct meter *m = new_meter();
                char buf[32], first[32] = "";

                for (unsigned int at = 0; at <= 3 * 3600; at += TELEGRAM_S) {
                        begin();
                        add_scaled("1-0:1.7.0", cases[i].told_w, 0, SCALE_PROFILE);
                        add_scaled("1-0:1.8.0", 90000 + cases[i].import_w * at / 3600, 0,
                                   SCALE_PROFILE);
                        if (cases[i].sends_export)
                                add_scaled("1-0:2.8.0", 50000 + cases[i].export_w * at / 3600, 0,
                                           SCALE_PROFILE);
                        (void)take(m, at);
                        if (at == 1800)
                                (void)snprintf(first, sizeof(first), "%s", state_of(m, buf));
                }
                assert_string_equal(first, cases[i].want);
                assert_string_equal(state_of(m, buf), i == 1 ? "measured -1" : cases[i].want);
                meter_free(m);
        }
}

static void the_fault_names_the_factor(void **state)
{
        struct meter *m = new_meter();
        struct meter_scale_fault fault;
        char text[DECIMAL_TEXT_MAX];

        (void)state;
        (void)run_load(m, &proof_cases[1], 0, 1800);
        assert_true(meter_scale_contradicted(m, &fault));
        decimal_print(fault.factor, text);
        assert_string_equal(text, "10");
        assert_int_equal(fault.obis.c, 1);
        meter_free(m);
}

/* The configuration is right, whatever the power says. */
static void configured_scales_stand(void **state)
{
        struct meter_settings settings = { .scales = { { OBIS_OF(1, 0, 1, 8, 0, 255), { 1, 0 } } },
                                           .n_scales = 1 };
        struct meter *m = new_meter();

        (void)state;
        meter_configure(m, &settings);
        (void)run_load(m, &proof_cases[1], 0, 3 * 3600);
        assert_int_equal(meter_find(m, "active_energy_import")->reading.scale, SCALE_CONFIGURED);
        assert_int_equal(m->scales.proofs[0].state, SCALE_UNPROVED);
        meter_free(m);
}

#define UNTOLD INT8_MAX /* the number as sent, without unit */

static struct memory_case {
        const char *name;
        struct {
                int exponent;
                enum scale_source source;
                int current; /* 0: 1200 */
        } telegrams[10];
        size_t n;
        int want[10]; /* the exponent shown */
} memory_cases[] = {
        { "the usual one where it fits",
          { { -2, SCALE_CANDIDATE, 0 }, { -2, SCALE_CANDIDATE, 0 } },
          2,
          { -2, -2 } },
        { "evidence wins over the usual one",
          { { -2, SCALE_CANDIDATE, 0 }, { -3, SCALE_EVIDENT, 0 } },
          2,
          { -2, -3 } },
        { "what is evident stands while nothing speaks",
          { { -3, SCALE_EVIDENT, 0 },
            { -2, SCALE_CANDIDATE, 0 },
            { -2, SCALE_CANDIDATE, 0 },
            { 0, SCALE_OPEN, 0 },
            { -2, SCALE_CANDIDATE, 0 } },
          5,
          { -3, -3, -3, -3, -3 } },
        { "what is open stays open beside the usual one",
          { { 0, SCALE_OPEN, 0 }, { -2, SCALE_CANDIDATE, 0 }, { 0, SCALE_OPEN, 0 } },
          3,
          { UNTOLD, -2, UNTOLD } },
        { "one telegram does not change it",
          { { -3, SCALE_EVIDENT, 0 },
            { -2, SCALE_EVIDENT, 0 },
            { -3, SCALE_EVIDENT, 0 },
            { -2, SCALE_EVIDENT, 0 },
            { -2, SCALE_EVIDENT, 0 } },
          5,
          { -3, -3, -3, -3, -3 } },
        { "three do, with silent ones between",
          { { -3, SCALE_EVIDENT, 0 },
            { -2, SCALE_EVIDENT, 0 },
            { 0, SCALE_OPEN, 0 },
            { -2, SCALE_EVIDENT, 0 },
            { -2, SCALE_EVIDENT, 0 } },
          5,
          { -3, -3, -3, -3, -2 } },
        { "likely is not shown",
          { { -3, SCALE_LIKELY, 0 }, { -2, SCALE_CANDIDATE, 0 }, { -2, SCALE_EVIDENT, 0 } },
          3,
          { UNTOLD, -2, -2 } },
        { "likely at one load tells nothing new",
          { { -3, SCALE_LIKELY, 1200 },
            { -3, SCALE_LIKELY, 1210 },
            { -3, SCALE_LIKELY, 1190 },
            { -3, SCALE_LIKELY, 1205 },
            { -3, SCALE_LIKELY, 1200 },
            { -3, SCALE_LIKELY, 1195 },
            { -3, SCALE_LIKELY, 1200 },
            { -3, SCALE_LIKELY, 1190 },
            { -3, SCALE_LIKELY, 1205 },
            { -3, SCALE_LIKELY, 1210 } },
          10,
          { UNTOLD, UNTOLD, UNTOLD, UNTOLD, UNTOLD, UNTOLD, UNTOLD, UNTOLD, UNTOLD, UNTOLD } },
        { "nor do loads of one size", /* phases that balance each other to a tenth, for a while */
          { { -3, SCALE_LIKELY, 1200 },
            { -3, SCALE_LIKELY, 3000 },
            { -3, SCALE_LIKELY, 1200 },
            { -3, SCALE_LIKELY, 3000 },
            { -3, SCALE_LIKELY, 1200 },
            { -3, SCALE_LIKELY, 3000 },
            { -3, SCALE_LIKELY, 1200 },
            { -3, SCALE_LIKELY, 3000 },
            { -3, SCALE_LIKELY, 1200 } },
          9,
          { UNTOLD, UNTOLD, UNTOLD, UNTOLD, UNTOLD, UNTOLD, UNTOLD, UNTOLD, UNTOLD } },
        { "likely at eight very different loads is evident",
          { { -3, SCALE_LIKELY, 1200 },
            { -3, SCALE_LIKELY, 3000 },
            { -3, SCALE_LIKELY, 700 },
            { -3, SCALE_LIKELY, 1000 },
            { -3, SCALE_LIKELY, 2500 },
            { -3, SCALE_LIKELY, 1500 },
            { -3, SCALE_LIKELY, 900 },
            { -3, SCALE_LIKELY, 2000 },
            { -2, SCALE_CANDIDATE, 0 },
            { -2, SCALE_EVIDENT, 0 } },
          10,
          { UNTOLD, UNTOLD, UNTOLD, UNTOLD, UNTOLD, UNTOLD, UNTOLD, -3, -3, -3 } },
        { "but not with another word between them",
          { { -3, SCALE_LIKELY, 1200 },
            { -3, SCALE_LIKELY, 3000 },
            { -3, SCALE_LIKELY, 700 },
            { 0, SCALE_OPEN, 0 },
            { -3, SCALE_LIKELY, 2500 },
            { -3, SCALE_LIKELY, 1500 },
            { -3, SCALE_LIKELY, 900 },
            { -3, SCALE_LIKELY, 2000 },
            { -3, SCALE_LIKELY, 500 },
            { -3, SCALE_LIKELY, 1000 } },
          10,
          { UNTOLD, UNTOLD, UNTOLD, UNTOLD, UNTOLD, UNTOLD, UNTOLD, UNTOLD, UNTOLD, UNTOLD } },
        { "likely never wins over evident",
          { { -2, SCALE_EVIDENT, 0 },
            { -3, SCALE_LIKELY, 1200 },
            { -3, SCALE_LIKELY, 3000 },
            { -3, SCALE_LIKELY, 700 },
            { -3, SCALE_LIKELY, 1000 },
            { -3, SCALE_LIKELY, 2500 },
            { -3, SCALE_LIKELY, 1500 },
            { -3, SCALE_LIKELY, 900 },
            { -3, SCALE_LIKELY, 2000 } },
          9,
          { -2, -2, -2, -2, -2, -2, -2, -2, -2 } },
};

static void add_choice(const char *code, int64_t number, int exponent, enum scale_source source)
{
        bool told = source != SCALE_LIKELY && source != SCALE_OPEN;

        add_scaled(code, number, told ? exponent : 0, source);
        telegram.readings[telegram.n_readings - 1].likely = (int8_t)exponent;
}

static void assert_shown(const struct meter *m, const char *key, int want)
{
        const struct reading *reading = &meter_find(m, key)->reading;

        assert_int_equal(reading_is_unscaled(reading), want == UNTOLD);
        assert_int_equal(reading->value.exponent, want == UNTOLD ? 0 : want);
        assert_int_equal(reading->unit, want == UNTOLD ? UNIT_UNSAID : UNIT_A);
}

static void one_scale_per_quantity(void **state)
{
        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(memory_cases); i++) {
                const struct memory_case *c = &memory_cases[i];
                struct meter *m = new_meter();

                for (size_t k = 0; k < c->n; k++) {
                        int current = c->telegrams[k].current;

                        begin();
                        add_choice("1-0:31.7.0", current ? current : 1200 + (int64_t)k,
                                   c->telegrams[k].exponent, c->telegrams[k].source);
                        add_choice("1-0:51.7.0", 2600, c->telegrams[k].exponent,
                                   c->telegrams[k].source);
                        (void)take(m, k * 10);
                        assert_shown(m, "current_l1", c->want[k]);
                        assert_shown(m, "current_l2", c->want[k]);
                }
                meter_free(m);
        }
}

static void memory_is_put_on_paper(void **state)
{
        struct scale_memory memory = {
                .n = 3,
                .entries = { { .c = 1, .d = 8, .exponent = 1, .source = SCALE_MEASURED },
                             { .c = 12, .d = 7, .exponent = -1, .source = SCALE_CANDIDATE },
                             { .c = 11,
                               .d = 7,
                               .exponent = -3,
                               .source = SCALE_EVIDENT,
                               .n_against = 2 } }
        };
        static const char *const bad[] = { "x", "1.8", "1.8=1", "1.8=1q", "1.8=99m", "256.8=1m" };
        char text[SCALE_MEMORY_TEXT_MAX];
        struct scale_memory got;

        (void)state;
        scale_memory_print(&memory, text);
        assert_string_equal(text, "1.8=1m 11.7=-3e");
        assert_int_equal(scale_memory_parse(text, &got), 0);
        assert_int_equal(got.n, 2);
        assert_int_equal(got.entries[1].c, 11);
        assert_int_equal(got.entries[1].exponent, -3);
        assert_int_equal(got.entries[1].source, SCALE_EVIDENT);
        assert_int_equal(scale_memory_parse("", &got), 0);
        assert_int_equal(got.n, 0);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_true(scale_memory_parse(bad[i], &got) < 0);
}

int main(void)
{
        static const struct CMUnitTest more[] = {
                cmocka_unit_test(a_right_scale_stands),
                cmocka_unit_test(the_fault_names_the_factor),
                cmocka_unit_test(configured_scales_stand),
                cmocka_unit_test(one_scale_per_quantity),
                cmocka_unit_test(memory_is_put_on_paper),
        };

        return test_run_rows_and("meter-scale", proof_cases, ELEMENTSOF(proof_cases),
                                 sizeof(proof_cases[0]), run_case, more, ELEMENTSOF(more));
}
