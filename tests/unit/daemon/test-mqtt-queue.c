/* SPDX-License-Identifier: MIT */
/* The ring between main loop and worker: bounds, what is dropped first, wake-ups. */
#include <poll.h>

#include "daemon/mqtt/mqtt-queue.h"
#include "tests/unit/test.h"

static struct message *make(enum message_class class, const char *topic)
{
        struct message_attributes attributes = { .class = class, .qos = *topic == 'p' ? 0 : 1 };
        struct message *m = message_new(&attributes, topic, "0123456789", 10);

        assert_non_null(m);
        return m;
}

static bool is_readable(int fd)
{
        struct pollfd p = { .fd = fd, .events = POLLIN };

        return poll(&p, 1, 0) == 1;
}

/* A letter per message pushed, "i"nstantaneous, "s"tate, "p"lain value, which is a state without
 * acknowledgement, "e"nergy; upper case: must survive. */
static struct queue_case {
        const char *name, *pushed;
        size_t room; /* messages */
        uint64_t want_dropped, want_left_out;
} cases[] = {
        { "all fit", "ISEISE", 6, 0, 0 },
        { "the oldest instantaneous go first", "iISEIE", 5, 1, 0 },
        { "then state, which is not counted", "iisSEE", 3, 2, 1 },
        { "a plain value comes again by itself", "ipsSEE", 3, 1, 1 },
        { "energy last, the oldest of it", "eeisEE", 2, 3, 1 },
};

static void run_case(void **state)
{
        const struct queue_case *c = *state;
        struct message_list list = { 0 };
        struct message *probe = make(MESSAGE_ENERGY, "I");
        struct mqtt_status status;
        struct mqtt_queue *q;
        char want[16] = "", got[16] = "";
        struct mqtt_ring ring;
        size_t n = 0;

        assert_int_equal(mqtt_queue_new(c->room * message_bytes(probe), &q), 0);
        free(probe);
        for (const char *p = c->pushed; *p; p++) {
                char topic[2] = { *p, '\0' };
                char kind = (char)(*p | 0x20);

                if (*p != kind)
                        want[n++] = *p;
                message_list_add(&list, make(kind == 'i'                  ? MESSAGE_INSTANTANEOUS
                                             : kind == 's' || kind == 'p' ? MESSAGE_STATE
                                                                          : MESSAGE_ENERGY,
                                             topic));
        }
        mqtt_queue_push(q, &list);
        assert_null(list.head);
        mqtt_queue_status(q, &status, &ring);
        assert_int_equal(ring.n, n);
        assert_int_equal(ring.dropped, c->want_dropped);
        assert_int_equal(ring.states_left_out, c->want_left_out);
        assert_int_equal(mqtt_queue_take(q, &list), 0);
        n = 0;
        for (const struct message *m = list.head; m; m = m->next)
                got[n++] = message_topic(m)[0];
        assert_string_equal(got, want);
        message_list_clear(&list);
        assert_null(mqtt_queue_free(q));
}

static void queue_wakes_each_side_once(void **state)
{
        struct message_list list = { 0 };
        struct mqtt_status status = { .connected = true };
        struct mqtt_queue *q;
        struct mqtt_ring ring;

        (void)state;
        assert_int_equal(mqtt_queue_new(1024, &q), 0);
        mqtt_queue_push(q, &list); /* nothing: no wake-up */
        assert_false(is_readable(mqtt_queue_wake_fd(q)));
        mqtt_queue_request(q, MQTT_REQUEST_RECONNECT);
        mqtt_queue_request(q, MQTT_REQUEST_STOP);
        assert_true(is_readable(mqtt_queue_wake_fd(q)));
        assert_int_equal(mqtt_queue_take(q, &list), MQTT_REQUEST_RECONNECT | MQTT_REQUEST_STOP);
        assert_int_equal(mqtt_queue_take(q, &list), 0);
        assert_false(is_readable(mqtt_queue_wake_fd(q)));

        mqtt_queue_report(q, &status, false);
        assert_false(is_readable(mqtt_queue_news_fd(q)));
        mqtt_queue_report(q, &status, true);
        assert_true(is_readable(mqtt_queue_news_fd(q)));
        status.connected = false;
        mqtt_queue_status(q, &status, &ring);
        assert_true(status.connected);
        assert_false(is_readable(mqtt_queue_news_fd(q)));
        assert_null(mqtt_queue_free(q));
}

static void queue_keeps_messages_that_the_worker_has_no_room_for(void **state)
{
        struct message_list list = { 0 };
        struct mqtt_queue *q;

        (void)state;
        assert_int_equal(mqtt_queue_new(1024, &q), 0);
        message_list_add(&list, make(MESSAGE_ENERGY, "a"));
        mqtt_queue_push(q, &list);
        assert_int_equal(mqtt_queue_take(q, NULL), 0);
        assert_int_equal(mqtt_queue_take(q, &list), 0);
        assert_int_equal(list.n, 1);
        message_list_clear(&list);
        assert_null(mqtt_queue_free(q));
}

static void what_is_pushed_first_comes_before_what_waits_and_within_the_bound(void **state)
{
        struct message_list list = { 0 };
        struct mqtt_queue *q;

        (void)state;
        message_list_add(&list, make(MESSAGE_ENERGY, "c"));
        assert_int_equal(mqtt_queue_new(2 * list.bytes, &q), 0);
        mqtt_queue_push(q, &list);
        message_list_add(&list, make(MESSAGE_INSTANTANEOUS, "a"));
        message_list_add(&list, make(MESSAGE_ENERGY, "b"));
        mqtt_queue_push_first(q, &list);
        assert_int_equal(list.n, 0);
        (void)mqtt_queue_take(q, &list);
        assert_int_equal(list.n, 2);
        assert_string_equal(message_topic(list.head), "b");
        assert_string_equal(message_topic(list.tail), "c");
        message_list_clear(&list);
        assert_null(mqtt_queue_free(q));
}

static void ticket_is_kept_when_what_it_was_pushed_with_was_taken_and_is_kept(void **state)
{
        struct mqtt_status status = { .kept = true };
        struct message_list list = { 0 };
        struct mqtt_queue *q;

        (void)state;
        assert_int_equal(mqtt_queue_new(1024, &q), 0);
        message_list_add(&list, make(MESSAGE_ENERGY, "a"));
        mqtt_queue_push_ticket(q, &list, 7);
        mqtt_queue_report(q, &status, false); /* of what was taken before */
        assert_int_equal(mqtt_queue_kept(q), 0);
        assert_int_equal(mqtt_queue_take(q, NULL), 0); /* no room */
        mqtt_queue_report(q, &status, false);
        assert_int_equal(mqtt_queue_kept(q), 0);
        assert_int_equal(mqtt_queue_take(q, &list), 0);
        message_list_clear(&list);
        message_list_add(&list, make(MESSAGE_ENERGY, "b"));
        mqtt_queue_push_ticket(q, &list, 8); /* while the first is written */
        status.kept = false;
        mqtt_queue_report(q, &status, false); /* the disk is full */
        assert_int_equal(mqtt_queue_kept(q), 0);
        assert_false(is_readable(mqtt_queue_news_fd(q)));
        status.kept = true;
        mqtt_queue_report(q, &status, false);
        assert_int_equal(mqtt_queue_kept(q), 7);
        assert_true(is_readable(mqtt_queue_news_fd(q)));
        assert_int_equal(mqtt_queue_take(q, &list), 0);
        mqtt_queue_report(q, &status, false);
        assert_int_equal(mqtt_queue_kept(q), 8);
        message_list_clear(&list);
        assert_null(mqtt_queue_free(q));
}

int main(void)
{
        static const struct CMUnitTest more[] = {
                cmocka_unit_test(queue_wakes_each_side_once),
                cmocka_unit_test(queue_keeps_messages_that_the_worker_has_no_room_for),
                cmocka_unit_test(what_is_pushed_first_comes_before_what_waits_and_within_the_bound),
                cmocka_unit_test(ticket_is_kept_when_what_it_was_pushed_with_was_taken_and_is_kept),
        };

        return test_run_rows_and("mqtt-queue", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case,
                                 more, ELEMENTSOF(more));
}
