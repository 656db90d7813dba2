/* SPDX-License-Identifier: MIT */
/* The model of a meter: identity, merging of lists, ages, clock, keys. */
#include "lib/dlms/layout.h"
#include "meter-fixture.h"

static void test_replays_do_not_convince(void **state)
{
        struct meter *m = new_meter();

        begin();
        add("1.8.0", 900001, 0);
        take(m, 10);
        for (uint64_t at_s = 20; at_s < 80; at_s += 10) {
                begin();
                telegram.replayed = true;
                add("1.8.0", 800001, 0);
                assert_int_equal(take(m, at_s).n_suspects, 1);
        }
        assert_int_equal(m->statistics.replays, 6);
        meter_free(m);
}

static void test_profile_gives_the_power(void **state)
{
        static const struct meter_profile profile = { .name = "x",
                                                      .model = "X",
                                                      .medium = "electricity",
                                                      .max_power_w = 10000,
                                                      .interval_s = 60 };
        struct meter_settings settings = { .max_power_w = 100000 };
        struct meter *m = new_meter();

        begin();
        telegram.profile = &profile;
        add("1.8.0", 100001, 0);
        assert_true(take(m, 10).identity_changed);
        assert_int_equal(meter_deadline(m), (1010 + 300) * SEC);
        begin();
        add("1.8.0", 100051, 0);
        assert_int_equal(take(m, 20).n_suspects, 1);
        meter_configure(m, &settings);
        assert_int_equal(take(m, 21).n_values, 1);
        meter_free(m);
}

/* ---- values ---- */

static void test_lists_merge_and_keep_their_age(void **state)
{
        struct meter *m = new_meter();
        const struct meter_value *energy;

        begin();
        add("1.7.0", 100, 0);
        add("1.8.0", 5000, 0);
        take(m, 0);
        begin();
        add("1.7.0", 120, 0);
        assert_int_equal(take(m, 10).n_values, 1);
        assert_int_equal(m->n_values, 2);
        assert_string_equal(m->values[0].key, "active_power_import");
        assert_int_equal(m->values[0].host_usec, WALL + 10 * SEC);
        energy = meter_find(m, "active_energy_import");
        assert_non_null(energy);
        assert_int_equal(energy->host_usec, WALL);
        assert_int_equal(energy->reading.value.mantissa, 5000);
        meter_free(m);
}

static void test_what_describes_it_changes_seldom(void **state)
{
        struct meter *m = new_meter();

        begin();
        add("1.7.0", 100, 0);
        add("2.7.0", 0, 0);
        assert_true(take(m, 0).described_anew); /* and 16.7.0 is computed */
        begin();
        add("1.7.0", 120, 0);
        add("2.7.0", 3, 0);
        assert_false(take(m, 10).described_anew);
        begin();
        add("1.7.0", 120, 0);
        assert_false(take(m, 20).described_anew); /* fewer values are no other values */
        begin();
        add("1.7.0", 120, 0);
        add("1.8.0", 5000, 0);
        assert_true(take(m, 30).described_anew);
        assert_false(take(m, 40).described_anew);
        telegram.readings[1].unit = UNIT_VAH;
        assert_true(take(m, 50).described_anew);
        assert_false(take(m, 60).described_anew);
        telegram.readings[1].scale = SCALE_CONFIGURED;
        assert_true(take(m, 70).described_anew);
        telegram.readings[1].unit = UNIT_WH; /* what is refused describes nothing */
        telegram.readings[1].value.mantissa = 100;
        assert_int_equal(take(m, 75).n_suspects, 1);
        assert_false(take(m, 76).described_anew);
        telegram.readings[1].unit = UNIT_VAH;
        telegram.readings[1].value.mantissa = 5000;
        strcpy(telegram.model, "E450");
        assert_true(take(m, 80).described_anew);
        assert_false(take(m, 90).described_anew);
        meter_free(m);
}

static void test_keys(void **state)
{
        struct meter *m = new_meter();

        begin();
        add("1-1:1.8.0", 1, 0);
        add("1-0:1.8.0", 2, 0);
        add("1-0:1.8.0*1", 3, 0);
        add("1-0:199.7.0", 4, 0);
        take(m, 0);
        assert_string_equal(m->values[0].key, "active_energy_import");
        assert_string_equal(m->values[1].key, "1-0:1.8.0");
        assert_string_equal(m->values[2].key, "1-0:1.8.0*1");
        assert_string_equal(m->values[3].key, "1-0:199.7.0");

        assert_ptr_equal(meter_find(m, "1-1:1.8.0"), &m->values[0]);
        assert_ptr_equal(meter_find(m, "1-0:1.8.0"), &m->values[1]);
        assert_ptr_equal(meter_find(m, "1.8.0"), &m->values[0]);
        assert_ptr_equal(meter_find(m, "1-0:1.8.0*1"), &m->values[2]);
        assert_null(meter_find(m, "1-2:1.8.0"));
        assert_null(meter_find(m, "2.8.0"));
        assert_null(meter_find(m, "1.8.0 or so"));
        assert_null(meter_find(m, ""));
        assert_ptr_equal(meter_find_obis(m, (struct obis){ 1, 0, 1, 8, 0, 255 }), &m->values[0]);
        assert_null(meter_find_obis(m, (struct obis){ 1, 0, 2, 8, 0, 255 }));
        meter_free(m);
}

static void test_one_code_twice_is_taken_once(void **state)
{
        struct meter *m = new_meter();
        struct meter_update update;

        begin();
        add("1.6.0", 7, 0);
        add("1.6.0", 8, 0);
        update = take(m, 0);
        assert_int_equal(m->n_values, 1);
        assert_int_equal(update.n_values, 1);
        assert_int_equal(m->values[0].reading.value.mantissa, 7);
        meter_free(m);
}

static void test_scale_override_is_exact(void **state)
{
        struct meter_settings settings = {
                .scales = { { { 1, 0, 31, 7, 0, 255 }, { 1, -2 } },
                            { { 1, 0, 1, 8, 0, 255 }, { 25, -1 } },
                            { { 1, 0, 2, 8, 0, 255 }, { INT64_MAX, 0 } } },
                .n_scales = 3,
        };
        struct meter *m = new_meter();
        struct meter_update update;

        meter_configure(m, &settings);
        begin();
        add("1-1:31.7.0", 106, -1); /* whatever scale the telegram gave it */
        add("1-1:1.8.0", 3, 0);
        add("1-1:2.8.0", 3, 0);
        update = take(m, 0);
        assert_int_equal(m->values[0].reading.value.mantissa, 106);
        assert_int_equal(m->values[0].reading.value.exponent, -2);
        assert_int_equal(m->values[1].reading.value.mantissa, 75);
        assert_int_equal(m->values[1].reading.value.exponent, -1);
        assert_int_equal(update.n_suspects, 1); /* 3 × INT64_MAX does not fit */
        meter_free(m);
}

/* The number in the telegram is 230.1 and 230, however many digits a float needs. */
static void test_scale_override_of_floats(void **state)
{
        struct meter_settings settings = { .scales = { { { 1, 0, 32, 7, 0, 255 }, { 1, -1 } } },
                                           .n_scales = 1 };
        static const struct {
                uint8_t bytes[4];
                struct decimal want;
        } rows[] = {
                { { 0x43, 0x66, 0x19, 0x99 }, { 2301, -2 } }, /* 230.1 */
                { { 0x43, 0x66, 0x00, 0x00 }, { 23, 0 } },    /* 230 */
        };
        struct layout_object object = { .obis = OBIS_OF(1, 0, 32, 7, 0, 255) };
        struct meter *m = new_meter();

        (void)state;
        meter_configure(m, &settings);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                struct layout l = { .telegram = &telegram };
                struct axdr_value value = { .tag = AXDR_FLOAT32, .bytes = { rows[i].bytes, 4 } };

                begin();
                layout_deliver(&l, &object, &value, NULL);
                take(m, i * 10);
                assert_int_equal(m->values[0].reading.scale, SCALE_CONFIGURED);
                assert_int_equal(decimal_compare(m->values[0].reading.value, rows[i].want), 0);
        }
        meter_free(m);
}

static void test_more_values_than_a_meter_holds(void **state)
{
        struct meter *m = new_meter();

        for (int round = 0; round < 2; round++) {
                begin();
                for (int i = 0; i < 100; i++)
                        telegram_add_reading(
                                &telegram,
                                (struct obis){ 1, 0, (uint8_t)(100 + i), 7, (uint8_t)round, 255 },
                                (struct decimal){ i, 0 }, UNIT_UNSAID, SCALE_WIRE);
                take(m, (uint64_t)round * 10);
        }
        assert_int_equal(m->n_values, METER_VALUES_MAX);
        meter_free(m);
}

static void test_texts(void **state)
{
        struct meter *m = new_meter();

        begin();
        add_text("0-0:96.13.0", "");
        add_text("0-0:42.0.0", "LGZ1");
        telegram_add_labelled(&telegram, "ADCO", slice_of_string("0123"));
        assert_true(take(m, 0).texts_changed);
        assert_int_equal(m->n_texts, 3);
        assert_string_equal(m->texts[1].key, "0-0:42.0.0");
        assert_string_equal(m->texts[1].value, "LGZ1");
        assert_string_equal(m->texts[2].key, "ADCO");
        assert_false(take(m, 10).texts_changed);
        begin();
        add_text("0-0:96.13.0", "hello");
        assert_true(take(m, 20).texts_changed);
        assert_int_equal(m->n_texts, 3);
        assert_string_equal(m->texts[0].value, "hello");
        meter_free(m);
}

/* ---- time ---- */

static void test_interval_survives_a_lost_telegram(void **state)
{
        static const uint64_t at_s[] = { 0, 10, 20, 40, 50, 60, 61, 70, 86470, 86480 };
        struct meter *m = new_meter();

        for (size_t i = 0; i < ELEMENTSOF(at_s); i++) {
                begin();
                add("1.7.0", (int64_t)i, 0);
                take(m, at_s[i]);
                if (i >= 1)
                        assert_int_equal(m->interval_usec, 10 * SEC);
                else
                        assert_int_equal(m->interval_usec, 0);
        }
        assert_int_equal(m->values[0].interval_usec, 10 * SEC);
        meter_free(m);
}

static void test_interval_follows_a_change(void **state)
{
        struct meter *m = new_meter();
        uint64_t at_s = 0;

        for (int i = 0; i < 20; i++) {
                begin();
                add("1.7.0", i, 0);
                take(m, at_s);
                at_s += i < 10 ? 10 : 900;
        }
        assert_int_equal(m->interval_usec, 900 * SEC);
        meter_free(m);
}

static void test_offline_after_three_intervals(void **state)
{
        struct meter *m = new_meter();

        assert_int_equal(meter_deadline(m), UINT64_MAX);
        begin();
        assert_true(take(m, 0).came_online);
        assert_int_equal(meter_deadline(m), 1300 * SEC); /* one telegram says no interval */
        assert_false(take(m, 20).came_online);
        assert_int_equal(meter_deadline(m), 1080 * SEC);
        assert_false(meter_expire(m, 1080 * SEC - 1, false));
        assert_true(meter_expire(m, 1080 * SEC, false));
        assert_false(m->online);
        assert_false(meter_expire(m, 1090 * SEC, false));
        assert_true(take(m, 200).came_online);
        assert_true(meter_expire(m, 1200 * SEC, true));
        meter_free(m);
}

static void test_stale_values(void **state)
{
        struct meter *m = new_meter();

        begin();
        add("1.7.0", 1, 0);
        take(m, 0);
        assert_int_equal(meter_value_flags(&m->values[0], WALL + 3600 * SEC), 0);
        assert_int_equal(meter_value_flags(&m->values[0], WALL + 90000 * SEC), METER_VALUE_STALE);
        assert_int_equal(meter_value_flags(&m->values[0], 0), 0);
        take(m, 20);
        assert_int_equal(meter_value_flags(&m->values[0], WALL + 80 * SEC), 0);
        assert_int_equal(meter_value_flags(&m->values[0], WALL + 81 * SEC), METER_VALUE_STALE);
        meter_free(m);
}

static void test_clock(void **state)
{
        struct meter_settings settings = { .use_host_time = true };
        struct meter *m = new_meter();
        struct meter_update update;
        int64_t clock = (int64_t)(WALL - 480 * SEC);

        begin();
        assert_int_equal(meter_update(m, &telegram, WALL, SEC, clock, NULL, &update), 0);
        assert_int_equal(update.time_usec, clock);
        assert_int_equal(m->clock_deviation_usec, -480 * (int64_t)SEC);
        assert_int_equal(meter_update(m, &telegram, WALL, SEC, 0, NULL, &update), 0);
        assert_int_equal(update.time_usec, WALL);
        assert_int_equal(m->clock_usec, 0);
        /* 2000-01-01: a clock that was never set is shown, and not believed */
        assert_int_equal(meter_update(m, &telegram, WALL, SEC, 946684800000000, NULL, &update), 0);
        assert_int_equal(update.time_usec, WALL);
        assert_int_equal(m->clock_usec, 946684800000000);
        meter_configure(m, &settings);
        assert_int_equal(meter_update(m, &telegram, WALL, SEC, clock, NULL, &update), 0);
        assert_int_equal(update.time_usec, WALL);
        meter_free(m);
}

/* A board without a battery: the clock is set by decades, and nothing becomes older by that. */
static void test_clock_that_is_set(void **state)
{
        const struct clock_setting setting = { .from_usec = WALL,
                                               .to_usec = WALL + 100 * SEC,
                                               .by_usec = -(int64_t)(WALL - 1000 * SEC) };
        struct meter *m = new_meter();
        struct meter_update update;

        begin();
        add("1.7.0", 1, 0);
        assert_int_equal(meter_update(m, &telegram, WALL + 10 * SEC, SEC, 900 * SEC, NULL, &update),
                         0);
        m->tariff.since_usec = WALL - 1; /* of an earlier run */
        meter_clock_set(m, &setting);
        assert_int_equal(m->values[0].host_usec, 1010 * SEC);
        assert_int_equal(m->last_host_usec, 1010 * SEC);
        assert_int_equal(m->clock_deviation_usec, -110 * (int64_t)SEC);
        assert_int_equal(m->tariff.since_usec, WALL - 1);
        meter_clock_set(m, &setting); /* what lies elsewhere stays */
        assert_int_equal(m->values[0].host_usec, 1010 * SEC);
        meter_free(m);
}

/* ---- identity and keys ---- */

static void test_identity(void **state)
{
        struct meter *m;

        assert_int_equal(meter_new("/dev/ttyUSB0\n", &m), 0);
        assert_string_equal(m->id, "_dev_ttyUSB0_");
        meter_free(m);
        assert_int_equal(meter_new("", &m), 0);
        assert_string_equal(m->id, "unknown");
        begin();
        strcpy(telegram.manufacturer, "LGZ");
        strcpy(telegram.model, "Landis+Gyr E450");
        assert_true(take(m, 0).identity_changed);
        assert_string_equal(m->manufacturer, "LGZ");
        assert_string_equal(m->model, "Landis+Gyr E450");
        assert_false(take(m, 10).identity_changed);
        begin();
        assert_false(take(m, 20).identity_changed);
        assert_string_equal(m->manufacturer, "LGZ");
        assert_string_equal(m->medium, "electricity");
        begin();
        add("6-0:1.8.0", 1, 0);
        assert_true(take(m, 30).identity_changed);
        assert_string_equal(m->medium, "heat");
        assert_null(meter_free(m));
        assert_null(meter_free(NULL));
}

static void test_key_states(void **state)
{
        static const struct {
                enum telegram_status status;
                enum meter_key_state want;
                const char *want_name;
                bool want_changed;
        } steps[] = {
                { TELEGRAM_KEY_MISSING, METER_KEY_MISSING, "missing", true },
                { TELEGRAM_KEY_MISSING, METER_KEY_MISSING, "missing", false },
                { TELEGRAM_WRONG_ENCRYPTION_KEY, METER_KEY_UNVERIFIED, "unverified", true },
                { TELEGRAM_DAMAGED, METER_KEY_UNVERIFIED, "unverified", false },
                { TELEGRAM_WRONG_ENCRYPTION_KEY, METER_KEY_WRONG_ENCRYPTION, "wrong-encryption-key",
                  true },
                { TELEGRAM_WRONG_AUTHENTICATION_KEY, METER_KEY_WRONG_ENCRYPTION,
                  "wrong-encryption-key", false },
                { TELEGRAM_WRONG_AUTHENTICATION_KEY, METER_KEY_WRONG_AUTHENTICATION,
                  "wrong-authentication-key", true },
                { TELEGRAM_SUITE_UNSUPPORTED, METER_KEY_WRONG_AUTHENTICATION,
                  "wrong-authentication-key", false },
                { TELEGRAM_LAYOUT_UNKNOWN, METER_KEY_WRONG_AUTHENTICATION,
                  "wrong-authentication-key", false },
                { TELEGRAM_SYSTEM_TITLE_MISSING, METER_KEY_MISSING, "missing", true },
        };
        struct meter *m = new_meter();

        assert_string_equal(meter_key_state_name(m->key_state), "not-needed");
        assert_false(meter_key_given(m)); /* no encrypted telegram has come: none is needed */
        for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
                begin();
                telegram.encrypted = true;
                telegram_fail(&telegram, steps[i].status, "no");
                assert_int_equal(meter_refuse(m, &telegram, WALL, (i + 1) * SEC),
                                 steps[i].want_changed);
                assert_int_equal(m->key_state, steps[i].want);
                assert_string_equal(meter_key_state_name(m->key_state), steps[i].want_name);
        }
        assert_true(m->online);
        assert_true(m->encrypted);
        assert_int_equal(m->sequence, 0);
        assert_int_equal(m->statistics.key_failures, 7);
        assert_int_equal(m->statistics.unknown_layouts, 2);
        begin();
        assert_false(meter_refuse(m, &telegram, WALL, SEC));
        telegram.encrypted = true;
        assert_true(take(m, 10).key_state_changed);
        assert_string_equal(meter_key_state_name(m->key_state), "ok");
        assert_false(take(m, 20).key_state_changed);
        assert_true(meter_key_given(m));
        assert_string_equal(meter_key_state_name(m->key_state), "unverified");
        assert_false(meter_key_given(m));
        begin();
        assert_true(take(m, 30).key_state_changed);
        assert_string_equal(meter_key_state_name(m->key_state), "not-needed");
        meter_free(m);
}

static const char *refuse(struct meter *m, enum telegram_status status)
{
        begin();
        telegram.encrypted = true;
        telegram_fail(&telegram, status, "no");
        (void)meter_refuse(m, &telegram, WALL, m->last_mono_usec + SEC);
        return meter_key_state_name(m->key_state);
}

/* What opens in between, or a new key, begins the count anew. */
static void test_one_telegram_calls_no_key_wrong(void **state)
{
        struct meter *m = new_meter();

        for (uint64_t i = 1; i < 4; i++) {
                begin();
                telegram.encrypted = true;
                (void)take(m, i * 10);
                assert_string_equal(refuse(m, TELEGRAM_WRONG_ENCRYPTION_KEY), "ok");
        }
        assert_string_equal(refuse(m, TELEGRAM_LAYOUT_UNKNOWN), "ok");
        assert_string_equal(refuse(m, TELEGRAM_WRONG_ENCRYPTION_KEY), "ok");
        assert_string_equal(refuse(m, TELEGRAM_DAMAGED), "ok");
        assert_string_equal(refuse(m, TELEGRAM_WRONG_ENCRYPTION_KEY), "wrong-encryption-key");
        assert_true(meter_key_is_wrong(m));
        assert_true(meter_key_given(m));
        assert_string_equal(refuse(m, TELEGRAM_WRONG_ENCRYPTION_KEY), "unverified");
        assert_string_equal(refuse(m, TELEGRAM_WRONG_ENCRYPTION_KEY), "wrong-encryption-key");
        meter_free(m);
}

static void test_plain_text_that_is_refused_makes_no_plain_meter(void **state)
{
        struct meter *m = new_meter();

        begin();
        telegram.encrypted = true;
        (void)take(m, 10);
        begin();
        telegram_fail(&telegram, TELEGRAM_UNAUTHENTICATED, "no");
        assert_false(meter_refuse(m, &telegram, WALL, 20 * SEC));
        assert_true(m->encrypted);
        telegram_fail(&telegram, TELEGRAM_DAMAGED, "no");
        assert_false(meter_refuse(m, &telegram, WALL, 30 * SEC));
        assert_true(m->encrypted);
        telegram_fail(&telegram, TELEGRAM_LAYOUT_UNKNOWN, "no");
        assert_true(meter_refuse(m, &telegram, WALL, 40 * SEC));
        assert_false(m->encrypted);
        meter_free(m);
}

static void test_suspects_do_not_switch_the_tariff(void **state)
{
        struct meter *m = new_meter();

        begin();
        add("1.8.1", 1000, 0);
        add("1.8.2", 2001, 0);
        assert_false(take(m, 0).tariff_changed);
        begin();
        add("1.8.1", 1001, 0);
        add("1.8.2", 2001, 0);
        assert_true(take(m, 10).tariff_changed);
        assert_int_equal(m->tariff.active, 1);
        begin();
        add("1.8.1", 1001, 0);
        add("1.8.2", 99999999, 0);
        assert_false(take(m, 20).tariff_changed);
        assert_int_equal(m->tariff.active, 1);
        meter_free(m);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_replays_do_not_convince),
                cmocka_unit_test(test_profile_gives_the_power),
                cmocka_unit_test(test_lists_merge_and_keep_their_age),
                cmocka_unit_test(test_what_describes_it_changes_seldom),
                cmocka_unit_test(test_keys),
                cmocka_unit_test(test_one_code_twice_is_taken_once),
                cmocka_unit_test(test_scale_override_is_exact),
                cmocka_unit_test(test_scale_override_of_floats),
                cmocka_unit_test(test_more_values_than_a_meter_holds),
                cmocka_unit_test(test_texts),
                cmocka_unit_test(test_interval_survives_a_lost_telegram),
                cmocka_unit_test(test_interval_follows_a_change),
                cmocka_unit_test(test_offline_after_three_intervals),
                cmocka_unit_test(test_stale_values),
                cmocka_unit_test(test_clock),
                cmocka_unit_test(test_clock_that_is_set),
                cmocka_unit_test(test_identity),
                cmocka_unit_test(test_key_states),
                cmocka_unit_test(test_one_telegram_calls_no_key_wrong),
                cmocka_unit_test(test_plain_text_that_is_refused_makes_no_plain_meter),
                cmocka_unit_test(test_suspects_do_not_switch_the_tariff),
        };

        return cmocka_run_group_tests_name("meter", tests, NULL, NULL);
}
