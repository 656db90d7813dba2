/* SPDX-License-Identifier: MIT */
/*
 * What a meter has been: in the meter itself while it is heard, in a row of the store, and in a
 * second meter as long as an earlier run, or a tariff, has said more than this one does.
 */
#include "meters-place.h"

#define METER "LGZ1"

/* A sink that keeps what meters have been. */
static struct meter_memory *known;
static unsigned int n_known;

static void on_known(struct sink *sink, struct meter_memory *memory, bool exact)
{
        (void)sink;
        (void)exact;
        known = memory;
        n_known++;
}

static const struct sink_ops ops = { .name = "keeper", .meter_known = on_known };
static struct sink keeper = { .ops = &ops };

static int make_memory(void **state)
{
        known = NULL;
        n_known = 0;
        *state = make_place(&keeper);
        return 0;
}

/* Another run: the sink is notified of what it finds. */
static void restart(struct place *place)
{
        end(place);
        known = NULL;
        n_known = 0;
        begin(place);
        meters_announce(place->meters, &keeper);
}

/* It says the first `n` of two values, with an interval that was learned. */
static void say(struct place *place, struct entry *e, size_t n)
{
        static const char *const names[] = { "active_energy_import", "active_energy_export" };
        struct meter *m = e->meter;

        if (m->n_values_room < n) {
                m->values = reallocarray(m->values, n, sizeof(*m->values));
                assert_non_null(m->values);
                m->n_values_room = n;
        }
        for (; m->n_values < n; m->n_values++) {
                const struct quantity *quantity = quantity_find_name(names[m->n_values]);
                struct meter_value *v = &m->values[m->n_values];

                assert_non_null(quantity);
                *v = (struct meter_value){ .host_usec = 1,
                                           .mono_usec = 1,
                                           .interval_usec = 10000000,
                                           .recent = { .ms = { 10000, 10000, 10000 }, .n = 3 } };
                strcpy(v->key, names[m->n_values]);
                v->reading.obis =
                        (struct obis){ quantity->a, 0, quantity->c, quantity->d, quantity->e, 255 };
                v->reading.quantity = quantity;
                v->reading.unit = UNIT_WH;
                v->reading.scale = SCALE_WIRE;
                v->reading.value = (struct decimal){ 42, 0 };
        }
        meters_remember(place->meters, e, true);
}

static struct entry *hear(struct place *place)
{
        struct entry *e = meters_add(place->meters, METER);

        assert_non_null(e);
        e->meter->medium = "electricity";
        return e;
}

static void what_is_heard_is_its_own_memory(void **state)
{
        struct place *place = *state;
        struct entry *e = hear(place);

        say(place, e, 1);
        assert_int_equal(n_known, 1);
        assert_ptr_equal(known->look(known), e->meter);
        say(place, e, 2);
        assert_int_equal(n_known, 1);
        assert_int_equal(known->look(known)->n_values, 2);
}

static void what_is_not_heard_any_more_stays(void **state)
{
        struct place *place = *state;
        struct entry *e = hear(place);

        say(place, e, 2);
        meters_remove(place->meters, e, false);
        assert_string_equal(known->look(known)->id, METER);
        assert_int_equal(known->look(known)->n_values, 2);
        e = hear(place);
        say(place, e, 1); /* as another run would */
        assert_int_equal(n_known, 1);
        assert_int_equal(known->look(known)->n_values, 2);
        meters_remove(place->meters, e, true);
        assert_null(meters_memory_find(place->meters, METER));
}

static void an_earlier_run_is_known_until_all_is_said_again(void **state)
{
        struct place *place = *state;
        struct entry *e = hear(place);

        say(place, e, 2);
        restart(place);
        assert_int_equal(n_known, 1);
        assert_int_equal(known->look(known)->n_values, 2);
        e = hear(place);
        say(place, e, 1);
        assert_ptr_not_equal(known->look(known), e->meter);
        assert_int_equal(known->look(known)->n_values, 2);
        say(place, e, 2);
        assert_ptr_equal(known->look(known), e->meter);
        restart(place);
        assert_int_equal(known->look(known)->n_values, 2);
}

static void a_tariff_stays_known_where_none_counts(void **state)
{
        struct place *place = *state;
        struct entry *e = hear(place);

        say(place, e, 2);
        e->meter->tariff.active = 2;
        meters_remember(place->meters, e, true);
        assert_int_equal(known->look(known)->tariff.active, 2);
        e->meter->tariff.active = 0; /* a schedule with a gap */
        meters_remember(place->meters, e, true);
        assert_int_equal(known->look(known)->tariff.active, 2);
        assert_int_equal(known->look(known)->n_values, 2);
        assert_int_equal(e->meter->tariff.active, 0);
        restart(place);
        assert_int_equal(known->look(known)->tariff.active, 2);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, make_memory, remove_place)

int main(void)
{
        static const struct CMUnitTest tests[] = {
                ROW(what_is_heard_is_its_own_memory),
                ROW(what_is_not_heard_any_more_stays),
                ROW(an_earlier_run_is_known_until_all_is_said_again),
                ROW(a_tariff_stays_known_where_none_counts),
        };

        return cmocka_run_group_tests_name("meters-memory", tests, NULL, NULL);
}
