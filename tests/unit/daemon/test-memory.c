/* SPDX-License-Identifier: MIT */
#include "tests/unit/test.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/meters/memory.h"

static struct meter_value value(const char *name, int64_t number, int8_t exponent)
{
        const struct quantity *quantity = quantity_find_name(name);
        struct meter_value v = { .host_usec = 1700000000000000,
                                 .mono_usec = 5000000,
                                 .interval_usec = 10000000,
                                 .recent = { .ms = { 10000, 10000, 11000 }, .n = 3, .at = 3 } };

        assert_non_null(quantity);
        (void)snprintf(v.key, sizeof(v.key), "%s", name);
        v.reading.obis =
                (struct obis){ quantity->a, 0, quantity->c, quantity->d, quantity->e, 255 };
        v.reading.quantity = quantity;
        v.reading.unit = UNIT_WH;
        v.reading.scale = SCALE_WIRE;
        v.reading.value = (struct decimal){ number, exponent };
        return v;
}

static struct meter *with_values(const struct meter_value *values, size_t n)
{
        struct meter *m = NULL;

        assert_int_equal(meter_new("LGZ1", &m), 0);
        m->values = calloc(n, sizeof(*values));
        assert_non_null(m->values);
        memcpy(m->values, values, n * sizeof(*values));
        m->n_values = m->n_values_room = n;
        return m;
}

static struct meter *through_text(struct meter *m, bool final, bool *ret_final)
{
        char *text = memory_print(m, final);
        struct meter *back = NULL;

        assert_non_null(text);
        assert_int_equal(memory_parse(m->id, text, &back, ret_final), 0);
        free(text);
        (void)meter_free(m);
        return back;
}

static void what_a_meter_has_been_comes_back(void **state)
{
        const struct meter_value values[] = { value("active_energy_import", 12345, -1),
                                              value("active_energy_export", 7, 0) };
        struct meter *m = with_values(values, 2);
        bool final = false;

        strcpy(m->manufacturer, "LGZ");
        strcpy(m->model, "Landis+Gyr \"E450\"");
        strcpy(m->parent_id, "P1");
        m->medium = "gas";
        m->channel = 2;
        m->tariff.active = 3;
        m->last_host_usec = 42;
        m = through_text(m, true, &final);
        assert_true(final);
        assert_string_equal(m->id, "LGZ1");
        assert_string_equal(m->manufacturer, "LGZ");
        assert_string_equal(m->model, "Landis+Gyr \"E450\"");
        assert_string_equal(m->parent_id, "P1");
        assert_string_equal(m->medium, "gas");
        assert_int_equal(m->channel, 2);
        assert_int_equal(m->tariff.active, 3);
        assert_int_equal(m->last_host_usec, 42);
        assert_false(m->online);
        assert_int_equal(m->n_values, 2);
        for (size_t i = 0; i < 2; i++) {
                const struct meter_value *v = &m->values[i];

                assert_string_equal(v->key, values[i].key);
                assert_ptr_equal(v->reading.quantity, values[i].reading.quantity);
                assert_int_equal(v->reading.unit, UNIT_WH);
                assert_int_equal(v->reading.scale, SCALE_WIRE);
                assert_int_equal(decimal_compare(v->reading.value, values[i].reading.value), 0);
                assert_int_equal(v->interval_usec, 10000000);
                assert_int_equal(v->recent.n, 3);
                assert_int_equal(v->recent.ms[2], 11000);
                assert_int_equal(v->host_usec, values[i].host_usec);
                assert_int_equal(v->mono_usec, 0); /* of an earlier run */
        }
        m = through_text(m, false, &final);
        assert_false(final);
        (void)meter_free(m);
}

static void what_is_new_is_added_and_nothing_is_lost(void **state)
{
        const struct meter_value before[] = { value("active_energy_import", 1, 0),
                                              value("active_energy_export", 2, 0) };
        struct meter_value now[] = { value("active_energy_export", 3, 0),
                                     value("reactive_energy_import", 4, 0) };
        struct meter *memory = with_values(before, 2), *live = with_values(now, 2);
        bool changed = false;

        memory->tariff.active = 1;
        live->values[0].recent = (struct interval){ .ms = { 500 }, .n = 1, .at = 1 };
        live->values[0].interval_usec = 0;
        assert_int_equal(memory_refresh(memory, live, &changed), 0);
        assert_true(changed);
        assert_int_equal(memory->n_values, 3);
        assert_string_equal(memory->values[0].key, "active_energy_import");
        assert_int_equal(memory->values[1].reading.value.mantissa, 3);
        assert_int_equal(memory->values[1].recent.n, 3); /* the interval that is known */
        assert_int_equal(memory->values[1].interval_usec, 10000000);
        assert_string_equal(memory->values[2].key, "reactive_energy_import");
        assert_int_equal(memory->tariff.active, 1);

        live->values[0].reading.value.mantissa = 5; /* only a number */
        assert_int_equal(memory_refresh(memory, live, &changed), 0);
        assert_false(changed);
        assert_int_equal(memory->values[1].reading.value.mantissa, 5);
        (void)meter_free(live);
        (void)meter_free(memory);
}

static void a_text_of_another_kind_is_refused(void **state)
{
        static const char *const texts[] = { "", "{", "[]", "17", "null", "{}", "{\"values\":3}" };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                struct meter *m = NULL;
                bool final;

                assert_int_equal(memory_parse("LGZ1", texts[i], &m, &final), -EBADMSG);
                assert_null(m);
        }
}

static void a_value_that_has_another_name_by_now_is_left_out(void **state)
{
        static const char text[] =
                "{\"values\":[{\"key\":\"old_name\",\"obis\":\"1-0:1.8.0\",\"value\":\"1\"},"
                "{\"key\":\"active_energy_import\",\"obis\":\"nonsense\",\"value\":\"1\"},"
                "{\"key\":\"active_energy_import\",\"obis\":\"1-0:1.8.0\",\"value\":\"x\"},"
                "{\"key\":\"1-0:99.8.0\",\"obis\":\"1-0:99.8.0\",\"value\":\"2\"},7,null,"
                "{\"key\":\"1-0:99.8.0\",\"obis\":\"1-0:99.8.0\",\"value\":\"3\"}]}";
        struct meter *m = NULL;
        bool final;

        assert_int_equal(memory_parse("LGZ1", text, &m, &final), 0);
        assert_int_equal(m->n_values, 1);
        assert_string_equal(m->values[0].key, "1-0:99.8.0");
        assert_int_equal(m->values[0].reading.value.mantissa, 2);
        (void)meter_free(m);
}

static void what_this_run_has_said_again_needs_no_second_meter(void **state)
{
        const struct meter_value values[] = { value("active_energy_import", 12345, -1),
                                              value("active_energy_export", 7, 0) };
        struct meter *memory = with_values(values, 2), *live = with_values(values, 1);
        bool changed;

        memory->medium = live->medium = "electricity";
        assert_int_equal(memory_refresh(memory, live, &changed), 0);
        assert_false(changed);
        assert_false(memory_is_in(memory, live)); /* export is known to the memory alone */
        (void)meter_free(live);

        live = with_values(values, 2);
        live->medium = "electricity";
        live->values[1].recent.n = 1; /* nor has it learned that interval again */
        live->values[1].interval_usec = 0;
        assert_int_equal(memory_refresh(memory, live, &changed), 0);
        assert_false(memory_is_in(memory, live));
        live->values[1] = values[1];
        assert_int_equal(memory_refresh(memory, live, &changed), 0);
        assert_true(memory_is_in(memory, live));
        memory->tariff.active = 2; /* which this run has not said */
        assert_false(memory_is_in(memory, live));
        live->tariff.active = 2; /* it stays in the memory where none counts */
        assert_false(memory_is_in(memory, live));
        memory->tariff.active = live->tariff.active = 0;
        strcpy(memory->model, "E450");
        assert_false(memory_is_in(memory, live));
        (void)meter_free(live);
        (void)meter_free(memory);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_a_meter_has_been_comes_back),
                cmocka_unit_test(what_is_new_is_added_and_nothing_is_lost),
                cmocka_unit_test(a_text_of_another_kind_is_refused),
                cmocka_unit_test(a_value_that_has_another_name_by_now_is_left_out),
                cmocka_unit_test(what_this_run_has_said_again_needs_no_second_meter),
        };

        return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
