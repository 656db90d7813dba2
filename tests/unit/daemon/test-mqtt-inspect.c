/* SPDX-License-Identifier: MIT */
/* Packets of a broker: which pass, as which, and which end the connection. */
#include "base/util.h"
#include "daemon/mqtt/mqtt-inspect.h"
#include "lib/value/reader.h"
#include "tests/unit/test.h"

#define CONNACK_5    0x20, 3, 0, 0, 0
#define CONNACK_3    0x20, 2, 0, 0
#define STATUS_TOPIC 0, 4, 'h', 'a', '/', 's'

static struct inspect_case {
        const char *name;
        bool is_v5;
        struct slice in, want; /* want: behind the CONNACK that `in` begins with */
        const char *fault;     /* part of it; NULL: none */
} cases[] = {
        { "CONNACK of MQTT 5", true, BYTES(CONNACK_5), { 0 }, NULL },
        { "CONNACK of MQTT 3.1.1", false, BYTES(CONNACK_3), { 0 }, NULL },
        { "PUBACK without a reason", true, BYTES(CONNACK_5, 0x40, 2, 0, 7), BYTES(0x40, 2, 0, 7),
          NULL },
        { "PUBACK with a reason", true, BYTES(CONNACK_5, 0x40, 3, 0, 7, 0x87),
          BYTES(0x40, 3, 0, 7, 0x87), NULL },
        { "PUBACK with a reason in words", true,
          BYTES(CONNACK_5, 0x40, 9, 0, 7, 0x97, 5, 0x1f, 0, 2, 'n', 'o'),
          BYTES(0x40, 3, 0, 7, 0x97), NULL },
        { "PUBACK of MQTT 3.1.1", false, BYTES(CONNACK_3, 0x40, 2, 0, 7), BYTES(0x40, 2, 0, 7),
          NULL },
        { "SUBACK", true, BYTES(CONNACK_5, 0x90, 4, 0, 1, 0, 0), BYTES(0x90, 4, 0, 1, 0, 0), NULL },
        { "PINGRESP", true, BYTES(CONNACK_5, 0xd0, 0), BYTES(0xd0, 0), NULL },
        { "DISCONNECT without a reason", true, BYTES(CONNACK_5, 0xe0, 0), BYTES(0xe0, 1, 0), NULL },
        { "DISCONNECT", true, BYTES(CONNACK_5, 0xe0, 1, 0x8e), BYTES(0xe0, 1, 0x8e), NULL },
        { "a message of ours", true, BYTES(CONNACK_5, 0x31, 9, STATUS_TOPIC, 0, 'o', 'n'),
          BYTES(0x31, 9, STATUS_TOPIC, 0, 'o', 'n'), NULL },
        { "a message of ours with a property", true,
          BYTES(CONNACK_5, 0x30, 11, STATUS_TOPIC, 2, 1, 1, 'o', 'n'),
          BYTES(0x30, 9, STATUS_TOPIC, 0, 'o', 'n'), NULL },
        { "a message to another topic", true,
          BYTES(CONNACK_5, 0x30, 9, 0, 4, 'h', 'a', '/', 't', 0, 'o', 'n', 0xd0, 0), BYTES(0xd0, 0),
          NULL },
        { "a message of 20 bytes", false,
          BYTES(CONNACK_3, 0x30, 26, STATUS_TOPIC, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
                15, 16, 17, 18, 19, 20, 0xd0, 0),
          BYTES(0xd0, 0), NULL },
        { "a message of 256 MiB",
          true,
          BYTES(CONNACK_5, 0x30, 0xff, 0xff, 0xff, 0x7f, STATUS_TOPIC),
          { 0 },
          NULL },

        { "an unknown property", true, BYTES(0x20, 5, 0, 0, 2, 0x7f, 0), { 0 }, "property" },
        { "an unknown property of a message",
          true,
          BYTES(CONNACK_5, 0x30, 11, STATUS_TOPIC, 2, 0x50, 1, 'o', 'n'),
          { 0 },
          "property" },
        { "a property twice",
          true,
          BYTES(0x20, 9, 0, 0, 6, 0x21, 0, 1, 0x21, 0, 1),
          { 0 },
          "twice" },
        { "a property that is cut", true, BYTES(0x20, 5, 0, 0, 2, 0x21, 0), { 0 }, "early" },
        { "a string longer than its packet",
          true,
          BYTES(0x20, 6, 0, 0, 3, 0x12, 0xff, 0xff),
          { 0 },
          "early" },
        { "Receive Maximum 0", true, BYTES(0x20, 6, 0, 0, 3, 0x21, 0, 0), { 0 }, "Receive" },
        { "Maximum QoS 2", true, BYTES(0x20, 5, 0, 0, 2, 0x24, 2), { 0 }, "QoS" },
        { "no CONNACK first", true, BYTES(0xd0, 0), { 0 }, "before" },
        { "a second CONNACK", true, BYTES(CONNACK_5, CONNACK_5), { 0 }, "second" },
        { "PUBREC", true, BYTES(CONNACK_5, 0x50, 2, 0, 1), { 0 }, "no broker sends" },
        { "AUTH", true, BYTES(CONNACK_5, 0xf0, 0), { 0 }, "no broker sends" },
        { "reserved bits", true, BYTES(CONNACK_5, 0x41, 2, 0, 1), { 0 }, "reserved" },
        { "PUBACK for 0", true, BYTES(CONNACK_5, 0x40, 2, 0, 0), { 0 }, "message 0" },
        { "PUBACK of one byte", true, BYTES(CONNACK_5, 0x40, 1, 0), { 0 }, "early" },
        { "PUBACK with too much", false, BYTES(CONNACK_3, 0x40, 3, 0, 1, 0), { 0 }, "behind" },
        { "a message with QoS 1",
          true,
          BYTES(CONNACK_5, 0x32, 9, STATUS_TOPIC, 0, 1, 0),
          { 0 },
          "QoS" },
        { "DISCONNECT of MQTT 3.1.1", false, BYTES(CONNACK_3, 0xe0, 0), { 0 }, "DISCONNECT" },
        { "a length of five bytes",
          true,
          BYTES(CONNACK_5, 0x30, 0xff, 0xff, 0xff, 0xff, 0x7f),
          { 0 },
          "length" },
        { "a PUBACK of 256 MiB",
          true,
          BYTES(CONNACK_5, 0x40, 0xff, 0xff, 0xff, 0x7f),
          { 0 },
          "length" },
        { "an empty topic", true, BYTES(CONNACK_5, 0x30, 1, 0), { 0 }, "early" },
};

static struct mqtt_inspect begin(bool is_v5)
{
        return (struct mqtt_inspect){ .is_v5 = is_v5, .topics = { "ha/s" }, .n_topics = 1 };
}

/* All at once, and byte by byte: the same. */
static void run_case(void **state)
{
        const struct inspect_case *c = *state;
        uint8_t out[MQTT_INSPECT_OUT_MAX(64)];

        for (size_t step = 1; step <= c->in.len; step += c->in.len > 1 ? c->in.len - 1 : 1) {
                struct mqtt_inspect i = begin(c->is_v5);
                size_t n = 0, greeting = c->is_v5 ? 5 : 4;

                for (size_t at = 0; at < c->in.len && !i.fault; at += step) {
                        int r = mqtt_inspect_feed(&i, c->in.data + at,
                                                  c->in.len - at < step ? c->in.len - at : step,
                                                  out + n);
                        n += r > 0 ? (size_t)r : 0;
                }
                if (c->fault) {
                        assert_non_null(i.fault);
                        assert_non_null(strstr(i.fault, c->fault));
                        continue;
                }
                assert_null(i.fault);
                assert_int_equal(n, greeting + c->want.len);
                assert_memory_equal(out, c->in.data, greeting);
                if (c->want.len > 0)
                        assert_memory_equal(out + greeting, c->want.data, c->want.len);
        }
}

static void inspect_keeps_what_limits_us(void **state)
{
        static const uint8_t in[] = { 0x20, 15, 1, 0,    12, 0x24, 1, 0x27, 0,
                                      0,    4,  0, 0x25, 0,  0x13, 0, 9 };
        struct mqtt_inspect i = begin(true);
        uint8_t out[MQTT_INSPECT_OUT_MAX(sizeof(in))];

        (void)state;
        assert_int_equal(mqtt_inspect_feed(&i, in, sizeof(in), out), sizeof(in));
        assert_int_equal(i.max_qos, 1);
        assert_int_equal(i.max_packet, 1024);
        assert_true(i.no_retain);
        assert_int_equal(out[2], 0); /* no session is taken up */
}

int main(void)
{
        struct CMUnitTest tests[ELEMENTSOF(cases) + 1];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                tests[i] = (struct CMUnitTest){ .name = cases[i].name,
                                                .test_func = run_case,
                                                .initial_state = &cases[i] };
        tests[ELEMENTSOF(cases)] =
                (struct CMUnitTest)cmocka_unit_test(inspect_keeps_what_limits_us);
        return cmocka_run_group_tests_name("mqtt-inspect", tests, NULL, NULL);
}
