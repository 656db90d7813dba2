/* SPDX-License-Identifier: MIT */
/* More descriptions than the ring between main loop and worker takes: none of them is missing. */
#include "daemon/mqtt/mqtt-publish.h"
#include "format-bit.h"
#include "tests/unit/model/meter-fixture.h"

#define METERS 12

struct place {
        struct sink_mqtt sink;
        struct meter *meters[METERS];
        unsigned int described[METERS]; /* how often the worker has got each */
};

/* A ring for three of the twelve. */
static void place_init(struct place *p)
{
        struct message_list one = { 0 };

        *p = (struct place){ 0 };
        p->sink.context = (struct format_context){ .formats = format_bit("homeassistant"),
                                                   .instance = "box",
                                                   .discovery_prefix = "homeassistant",
                                                   .version = "1.0.0",
                                                   .meter_name = "" };
        p->sink.connected = true;
        (void)snprintf(p->sink.state_topic, sizeof(p->sink.state_topic), "smartmeterd/box/state");
        for (size_t i = 0; i < METERS; i++) {
                char id[16];

                (void)snprintf(id, sizeof(id), "LGZ%zu", 100 + i);
                assert_int_equal(meter_new(id, &p->meters[i]), 0);
                begin();
                add("1-0:1.8.0", 6229669, 0);
                add("1-0:1.7.0", 123, 0);
                (void)take(p->meters[i], 0);
                assert_non_null(mqtt_publish_meter(&p->sink, p->meters[i]));
        }
        format_describe(&p->sink.context, p->meters[0], &one);
        assert_int_equal(mqtt_queue_new(4 * one.bytes, &p->sink.queue), 0);
        message_list_clear(&one);
}

static void place_done(struct place *p)
{
        while (p->sink.entries)
                mqtt_publish_drop(&p->sink, p->sink.entries);
        free(p->sink.by_id);
        assert_null(mqtt_queue_free(p->sink.queue));
        retained_done(&p->sink.retained);
        for (size_t i = 0; i < METERS; i++)
                (void)meter_free(p->meters[i]);
}

/* The worker takes what waits. */
static void work(struct place *p)
{
        struct message_list list = { 0 };

        (void)mqtt_queue_take(p->sink.queue, &list);
        for (const struct message *m = list.head; m; m = m->next) {
                unsigned int number;

                if (sscanf(message_topic(m), "homeassistant/device/smartmeterd_LGZ%u/config",
                           &number) == 1)
                        p->described[number - 100]++;
        }
        message_list_clear(&list);
}

static struct mqtt_ring ring_of(const struct place *p)
{
        struct mqtt_status status;
        struct mqtt_ring ring;

        mqtt_queue_status(p->sink.queue, &status, &ring);
        return ring;
}

static void everything_is_published_as_the_ring_has_room(void **state)
{
        struct place p;
        unsigned int turns = 0;

        (void)state;
        place_init(&p);
        mqtt_publish_all(&p.sink);
        do {
                work(&p);
                turns++;
        } while (mqtt_publish_continue(&p.sink));
        work(&p);
        assert_true(turns > 1);
        for (size_t i = 0; i < METERS; i++)
                assert_int_equal(p.described[i], 1);
        assert_int_equal(ring_of(&p).states_left_out, 0);
        place_done(&p);
}

/* Telegrams of all at once do not wait for room. States pushed out are published again. */
static void states_left_out_of_a_full_ring_are_published_again(void **state)
{
        struct place p;

        (void)state;
        place_init(&p);
        for (struct mqtt_entry *e = p.sink.entries; e; e = e->next) {
                struct message_list list = { 0 };

                mqtt_publish_describe(&p.sink, e, false, &list);
                mqtt_publish_push(&p.sink, e, &list);
        }
        assert_true(ring_of(&p).states_left_out > 0);
        work(&p);
        mqtt_publish_due(&p.sink);
        while (mqtt_publish_continue(&p.sink))
                work(&p);
        work(&p);
        for (size_t i = 0; i < METERS; i++)
                assert_in_range(p.described[i], 1, 2);
        place_done(&p);
}

/* Ids come in the order in which meters are heard, which may be any. */
static void meters_are_found_by_id_also_after_others_have_gone(void **state)
{
        struct sink_mqtt s = { 0 };
        char id[METER_ID_MAX];

        (void)state;
        for (unsigned int i = 0; i < 200; i++) {
                (void)snprintf(id, sizeof(id), "LGZ%u", i * 77 % 200);
                assert_non_null(mqtt_publish_obtain(&s, id));
                assert_ptr_equal(mqtt_publish_obtain(&s, id), mqtt_publish_find(&s, id));
        }
        assert_int_equal(s.n_entries, 200);
        for (unsigned int i = 0; i < 200; i += 3) {
                (void)snprintf(id, sizeof(id), "LGZ%u", i);
                mqtt_publish_drop(&s, mqtt_publish_find(&s, id));
        }
        for (unsigned int i = 0; i < 200; i++) {
                const struct mqtt_entry *e;

                (void)snprintf(id, sizeof(id), "LGZ%u", i);
                e = mqtt_publish_find(&s, id);
                assert_int_equal(e != NULL, i % 3 != 0);
                if (e)
                        assert_string_equal(e->id, id);
        }
        assert_null(mqtt_publish_find(&s, "LGZ"));
        while (s.entries)
                mqtt_publish_drop(&s, s.entries);
        assert_int_equal(s.n_entries, 0);
        free(s.by_id);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(everything_is_published_as_the_ring_has_room),
                cmocka_unit_test(states_left_out_of_a_full_ring_are_published_again),
                cmocka_unit_test(meters_are_found_by_id_also_after_others_have_gone),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
