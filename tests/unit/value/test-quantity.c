/* SPDX-License-Identifier: MIT */
#include "lib/value/quantity.h"
#include "tests/unit/test.h"

static void test_rows_are_in_order(void **state)
{
        for (size_t i = 1; quantity_at(i); i++) {
                const struct quantity *a = quantity_at(i - 1), *b = quantity_at(i);
                int before = a->a << 24 | a->c << 16 | a->d << 8 | a->e;
                int after = b->a << 24 | b->c << 16 | b->d << 8 | b->e;

                if (before >= after)
                        fail_msg("%s does not stand after %s", b->name, a->name);
        }
}

static void test_every_row_is_found_by_code_and_name(void **state)
{
        for (size_t i = 0; quantity_at(i); i++) {
                const struct quantity *q = quantity_at(i);
                struct obis obis = { q->a, 1, q->c, q->d, q->e, 255 };

                assert_ptr_equal(quantity_find(obis), q);
                assert_ptr_equal(quantity_find_name(q->name), q);
                assert_true(strlen(q->name) < 48);
                assert_true(strlen(q->label) > 0);
        }
}

static void test_names_of_the_datacollector_are_unique(void **state)
{
        size_t n = 0;

        for (size_t i = 0; quantity_at(i); i++) {
                n += quantity_at(i)->datacollector != NULL;
                for (size_t j = 0; j < i && quantity_at(i)->datacollector; j++)
                        if (quantity_at(j)->datacollector)
                                assert_string_not_equal(quantity_at(i)->datacollector,
                                                        quantity_at(j)->datacollector);
        }
        assert_int_equal(n, 60); /* its register table, whole */
}

static void test_unknown_codes_are_unknown(void **state)
{
        assert_null(quantity_find((struct obis)OBIS_OF(1, 0, 199, 7, 0, 255)));
        assert_null(quantity_find((struct obis)OBIS_OF(0, 0, 1, 7, 0, 255)));
        assert_null(quantity_find_name("nonsense"));
        assert_null(quantity_at(100000));
        assert_false(quantity_is_counter(NULL));
}

static void test_only_what_rises_is_a_counter(void **state)
{
        assert_true(quantity_is_counter(quantity_find_name("active_energy_import_t2")));
        assert_true(quantity_is_counter(quantity_find_name("submeter_volume")));
        assert_false(quantity_is_counter(quantity_find_name("active_energy_net")));
        assert_false(quantity_is_counter(quantity_find_name("active_power_import")));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rows_are_in_order),
                cmocka_unit_test(test_every_row_is_found_by_code_and_name),
                cmocka_unit_test(test_names_of_the_datacollector_are_unique),
                cmocka_unit_test(test_unknown_codes_are_unknown),
                cmocka_unit_test(test_only_what_rises_is_a_counter),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
