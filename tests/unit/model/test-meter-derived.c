/* SPDX-License-Identifier: MIT */
/* The total that a meter with tariff registers alone does not send (docs/design.md §5: flag 4). */
#include "meter-fixture.h"

struct value {
        const char *code;
        int64_t mantissa;
        int exponent;
};

static struct derived_case {
        const char *name;
        struct value first[5], second[5]; /* two telegrams */
        const char *want;                 /* the derived import energy after both; NULL: none */
} cases[] = {
        { "two registers",
          { { "1-0:1.8.1", 3372700, -3 }, { "1-0:1.8.2", 4000001, -3 } },
          { { "1-0:1.8.1", 3372701, -3 }, { "1-0:1.8.2", 4000001, -3 } },
          "7372.702" },
        { "four registers of different scale",
          { { NULL } },
          { { "1-0:1.8.1", 1, 0 },
            { "1-0:1.8.2", 25, -1 },
            { "1-0:1.8.3", 3, 2 },
            { "1-0:1.8.4", 4, -3 } },
          "303.504" },
        { "the meter sends a total: nothing is added",
          { { NULL } },
          { { "1-0:1.8.0", 9, 0 }, { "1-0:1.8.1", 1, 0 }, { "1-0:1.8.2", 2, 0 } },
          NULL },
        { "the meter's own total takes its place",
          { { "1-0:1.8.1", 1, 0 }, { "1-0:1.8.2", 2, 0 } },
          { { "1-0:1.8.0", 2, 0 } },
          NULL },
        { "one register alone may be a part", { { NULL } }, { { "1-0:1.8.1", 1, 0 } }, NULL },
        { "a list in parts has no sum",
          { { "1-0:1.8.1", 1, 0 } },
          { { "1-0:1.8.2", 2, 0 } },
          NULL },
        { "registers of an earlier billing period are none",
          { { NULL } },
          { { "1-0:1.8.1*1", 1, 0 }, { "1-0:1.8.2*1", 2, 0 } },
          NULL },
        { "two channels do not add up",
          { { NULL } },
          { { "1-1:1.8.1", 1, 0 }, { "1-2:1.8.2", 2, 0 } },
          NULL },
        { "a register that is not believed counts as it was",
          { { "1-0:1.8.1", 5000, 0 }, { "1-0:1.8.2", 2, 0 } },
          { { "1-0:1.8.1", 1, 0 }, { "1-0:1.8.2", 3, 0 } },
          "5003" },
};

static struct meter_update feed(struct meter *m, const struct value *values, uint64_t at_s)
{
        begin();
        for (size_t i = 0; i < 5 && values[i].code; i++)
                add(values[i].code, values[i].mantissa, values[i].exponent);
        return take(m, at_s);
}

static void run_case(void **state)
{
        const struct derived_case *c = *state;
        struct meter *m = new_meter();
        const struct meter_value *total;
        char text[DECIMAL_TEXT_MAX];
        struct meter_update update;

        if (c->first[0].code)
                (void)feed(m, c->first, 0);
        update = feed(m, c->second, 10);
        total = meter_find(m, "active_energy_import");
        if (!c->want) {
                assert_true(!total || !(total->flags & METER_VALUE_DERIVED));
                for (size_t i = 0; i < update.n_values; i++)
                        assert_false(update.values[i]->flags & METER_VALUE_DERIVED);
        } else {
                assert_non_null(total);
                assert_int_equal(total->flags, METER_VALUE_DERIVED);
                decimal_print(total->reading.value, text);
                assert_string_equal(text, c->want);
                assert_int_equal(total->host_usec, update.host_usec);
                assert_ptr_equal(update.values[update.n_values - 1], total);
        }
        meter_free(m);
}

/* Hourly lists bring the others; after an hour without them it is the only one. */
static void one_register_alone_is_the_total_after_an_hour(void **state)
{
        static const struct value own[5] = { { "1-0:1.8.1", 1000, 0 } };
        static const struct value both[5] = { { "1-0:1.8.1", 1000, 0 }, { "1-0:1.8.2", 234, 0 } };
        struct meter *alone = new_meter(), *hourly = new_meter();
        const struct meter_value *total;

        (void)state;
        for (uint64_t at_s = 0; at_s < 3 * 3600; at_s += 60) {
                (void)feed(alone, own, at_s);
                total = meter_find(alone, "active_energy_import");
                assert_int_equal(total != NULL, at_s >= 65 * 60);
                (void)feed(hourly, at_s % 3600 == 1800 ? both : own, at_s);
                total = meter_find(hourly, "active_energy_import");
                assert_int_equal(total != NULL, at_s >= 1800);
                if (total)
                        assert_int_equal(total->reading.value.mantissa, 1234);
        }
        meter_free(alone);
        meter_free(hourly);
}

static struct power_case {
        const char *name;
        struct value sent[4];
        const char *import, *export, *net; /* "" : sent by the meter; NULL: none */
} power_cases[] = {
        { "the signed sum alone, export", { { "1-0:16.7.0", -8830, -1 } }, "0.0", "883.0", "" },
        { "the signed sum alone, import", { { "1-0:16.7.0", 25, 0 } }, "25", "0", "" },
        { "import and export", { { "1-0:1.7.0", 25, 0 }, { "1-0:2.7.0", 5, -1 } }, "", "", "24.5" },
        { "all three",
          { { "1-0:1.7.0", 25, 0 }, { "1-0:2.7.0", 0, 0 }, { "1-0:16.7.0", 25, 0 } },
          "",
          "",
          "" },
        { "import alone", { { "1-0:1.7.0", 25, 0 } }, "", NULL, NULL },
        { "import and the signed sum",
          { { "1-0:1.7.0", 25, 0 }, { "1-0:16.7.0", 25, 0 } },
          "",
          NULL,
          "" },
        { "on another channel", { { "1-1:1.7.0", 25, 0 }, { "1-1:2.7.0", 30, 0 } }, "", "", "-5" },
};

static void assert_power(const struct meter *m, const char *key, const char *want)
{
        const struct meter_value *v = meter_find(m, key);
        char text[DECIMAL_TEXT_MAX];

        assert_int_equal(v != NULL, want != NULL);
        if (!v)
                return;
        assert_int_equal(v->flags, *want ? METER_VALUE_DERIVED : 0);
        assert_int_equal(v->reading.unit, UNIT_W);
        decimal_print(v->reading.value, text);
        if (*want)
                assert_string_equal(text, want);
}

static void power_of_both_directions(void **state)
{
        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(power_cases); i++) {
                const struct power_case *c = &power_cases[i];
                struct meter *m = new_meter();

                for (uint64_t at = 0; at < 30; at += 10) {
                        begin();
                        for (size_t k = 0; k < ELEMENTSOF(c->sent) && c->sent[k].code; k++)
                                add(c->sent[k].code, c->sent[k].mantissa, c->sent[k].exponent);
                        (void)take(m, at);
                        assert_power(m, "active_power_import", c->import);
                        assert_power(m, "active_power_export", c->export);
                        assert_power(m, "active_power_net", c->net);
                }
                meter_free(m);
        }
}

static void both_directions_have_one(void **state)
{
        struct meter *m = new_meter();
        const struct meter_value *v;
        struct meter_update update;

        (void)state;
        begin();
        add("1-0:1.8.1", 1, 0);
        add("1-0:1.8.2", 2, 0);
        add("1-0:2.8.1", 30, 0);
        add("1-0:2.8.2", 40, 0);
        for (uint64_t at = 0; at < 30; at += 10)
                update = take(m, at);
        assert_int_equal(update.n_values, 6);
        assert_int_equal(m->n_values, 6);
        v = meter_find(m, "active_energy_export");
        assert_non_null(v);
        assert_int_equal(v->reading.value.mantissa, 70);
        assert_int_equal(v->reading.unit, UNIT_WH);
        assert_int_equal(v->interval_usec, 10 * SEC);
        assert_int_equal(meter_value_flags(v, WALL + 20 * SEC), METER_VALUE_DERIVED);
        assert_int_equal(meter_value_flags(v, WALL + 120 * SEC),
                         METER_VALUE_DERIVED | METER_VALUE_STALE);
        meter_free(m);
}

/* What an output with one number for it shows: of all phases, and of each. */
static void net_power_is_sent_or_follows(void **state)
{
        struct meter *m = new_meter();
        struct decimal net = { 7, 0 };

        (void)state;
        begin();
        add("1-0:1.7.0", 40, 1);
        add("1-0:21.7.0", 300, 0);
        add("1-0:22.7.0", 0, 0);
        add("1-0:42.7.0", 25, 1);
        add("1-0:76.7.0", -12, 0);
        add("1-0:61.7.0", 99, 0);
        take(m, 0);
        assert_non_null(meter_net_power(m, 0, &net)); /* the only direction it knows */
        assert_int_equal(decimal_compare(net, (struct decimal){ 400, 0 }), 0);
        assert_non_null(meter_net_power(m, 1, &net));
        assert_int_equal(decimal_compare(net, (struct decimal){ 300, 0 }), 0);
        assert_non_null(meter_net_power(m, 2, &net));
        assert_int_equal(decimal_compare(net, (struct decimal){ -250, 0 }), 0);
        assert_non_null(meter_net_power(m, 3, &net)); /* as sent */
        assert_int_equal(decimal_compare(net, (struct decimal){ -12, 0 }), 0);

        begin();
        add("1-0:1.7.0", 100, 0);
        add("1-0:2.7.0", 0, 0);
        take(m, 10);
        assert_non_null(meter_net_power(m, 0, &net));
        assert_int_equal(decimal_compare(net, (struct decimal){ 100, 0 }), 0);

        begin();
        add("1-0:1.7.0", 150, 0); /* the other direction is of an earlier telegram */
        add("1-0:21.7.0", 310, 0);
        take(m, 20);
        net = (struct decimal){ 7, 0 };
        assert_null(meter_net_power(m, 0, &net));
        assert_null(meter_net_power(m, 1, &net));
        assert_int_equal(net.mantissa, 7);
        meter_free(m);
}

/* What one of them counts in is unknown: so is their sum, whichever comes first. */
static void registers_of_an_unknown_scale_have_no_sum(void **state)
{
        (void)state;
        for (size_t i = 0; i < 2; i++) {
                struct meter *m = new_meter();

                begin();
                add("1-0:1.8.1", 5000, 0);
                add("1-0:1.8.2", 7, 0);
                telegram.readings[i].scale = SCALE_NONE;
                take(m, 0);
                assert_null(meter_find(m, "active_energy_import"));
                meter_free(m);
        }
}

/* Each row a meter, each text a telegram: "16=500 1=300" is 16.7.0 and 1.7.0 in W, "u" behind the
 * number: of an unknown scale, "x": in VA. */
static const struct newest_case {
        const char *telegrams[3], *want; /* of the last; NULL: unknown */
} newest_cases[] = {
        { { "16=500" }, "500" },
        { { "16=500", "1=300" }, NULL }, /* it may export as well */
        { { "16=500", "1=0 2=700" }, "-700" },
        { { "1=0 2=700", "16=500" }, "500" },
        { { "1=0 2=700", "1=0" }, NULL },
        { { "1=300", "1=310" }, "310" },
        { { "2=300" }, "-300" },
        { { "16=7u 1=5000 2=0" }, "5000" },
        { { "16=7u" }, NULL },
        { { "1=7u 2=5" }, NULL },
        { { "1=7x" }, NULL },
        { { "16=7x 1=60 2=0" }, "60" },
};

static void take_text(struct meter *m, const char *text, uint64_t at_s)
{
        int c, power;
        ssize_t n;
        char code[16];

        begin();
        for (; sscanf(text, "%d=%d%zn", &c, &power, &n) == 2;
             text += (size_t)n + strspn(text + n, " ux")) {
                struct reading *reading = &telegram.readings[telegram.n_readings];

                (void)snprintf(code, sizeof(code), "1-0:%d.7.0", c);
                add(code, power, 0);
                if (text[n] == 'u')
                        reading->scale = SCALE_NONE;
                if (text[n] == 'x')
                        reading->unit = UNIT_VA;
        }
        take(m, at_s);
}

static void net_power_is_the_newest_that_is_known(void **state)
{
        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(newest_cases); i++) {
                const struct newest_case *c = &newest_cases[i];
                struct meter *m = new_meter();
                char text[DECIMAL_TEXT_MAX] = "";
                struct decimal net;

                for (uint64_t k = 0; k < 3 && c->telegrams[k]; k++)
                        take_text(m, c->telegrams[k], 10 * k);
                if (meter_net_power(m, 0, &net)) {
                        decimal_print(net, text);
                        assert_int_equal(meter_net_power(m, 0, &net)->sequence, m->sequence);
                }
                assert_string_equal(text, c->want ? c->want : "");
                meter_free(m);
        }
}

static void net_power_of_an_unknown_scale_is_unknown(void **state)
{
        struct meter *m = new_meter();
        struct decimal net;

        (void)state;
        begin();
        add("1-0:16.7.0", 40, 0);
        add("1-0:1.7.0", 40, 0);
        add("1-0:36.7.0", 41, 0);
        telegram.readings[0].scale = telegram.readings[1].scale = SCALE_NONE;
        take(m, 0);
        assert_null(meter_net_power(m, 0, &net));
        assert_non_null(meter_net_power(m, 1, &net));
        assert_null(meter_net_power(m, 2, &net));

        begin(); /* one direction is no 0 W for that its scale is unknown */
        add("1-0:41.7.0", 40, 0);
        add("1-0:42.7.0", 5, 0);
        telegram.readings[0].scale = SCALE_NONE;
        take(m, 10);
        assert_null(meter_net_power(m, 2, &net));
        meter_free(m);
}

/* As many values as a meter can have leave no place for values that were not sent. */
static void full_meter_stays_within_bounds(void **state)
{
        struct meter *m = new_meter();
        struct meter_update update;
        char code[32];

        (void)state;
        begin();
        add("1-0:1.8.1", 1, 0);
        add("1-0:1.8.2", 2, 0);
        for (int i = 2; i < METER_VALUES_MAX; i++) {
                (void)snprintf(code, sizeof(code), "0-0:128.%d.%d", i / 200, i % 200);
                add(code, i, 0);
        }
        update = take(m, 0);
        assert_int_equal(m->n_values, METER_VALUES_MAX);
        assert_int_equal(update.n_values, METER_VALUES_MAX);
        assert_null(meter_find(m, "active_energy_import"));
        meter_free(m);
}

int main(void)
{
        static const struct CMUnitTest more[] = {
                cmocka_unit_test(power_of_both_directions),
                cmocka_unit_test(one_register_alone_is_the_total_after_an_hour),
                cmocka_unit_test(both_directions_have_one),
                cmocka_unit_test(net_power_is_sent_or_follows),
                cmocka_unit_test(net_power_is_the_newest_that_is_known),
                cmocka_unit_test(registers_of_an_unknown_scale_have_no_sum),
                cmocka_unit_test(net_power_of_an_unknown_scale_is_unknown),
                cmocka_unit_test(full_meter_stays_within_bounds),
        };

        return test_run_rows_and("meter-derived", cases, ELEMENTSOF(cases), sizeof(cases[0]),
                                 run_case, more, ELEMENTSOF(more));
}
