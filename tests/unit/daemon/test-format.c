/* SPDX-License-Identifier: MIT */
/* The messages each format makes of one telegram: topic, payload, QoS, retain, class. */
#include "daemon/formats/format-filter.h"
#include "daemon/formats/format.h"
#include "format-bit.h"
#include "tests/unit/model/meter-fixture.h"

static const struct format_context base = {
        .instance = "box",
        .group = "building",
        .discovery_prefix = "homeassistant",
        .jeedom_root = "jeedom",
        .version = "1.0.0",
        .meter_name = "",
};

/* One telegram of a meter, and one message that it must or must not give. */
static struct format_case {
        const char *name;
        const char *format;
        const char *code; /* in the telegram beside 1-0:1.8.0 = 6229669 Wh */
        int64_t mantissa;
        int exponent;
        const char *topic;
        const char *payload; /* NULL: no message with this topic */
        uint8_t qos;
        bool retain;
        enum message_class class;
} cases[] = {
        { "datacollector: a whole number gets a decimal point", "datacollector", "1-0:1.7.0", 123,
          0, "smartmeter/LGZ1/ACTIVE_POWER_P",
          "{\"value\": 123.0, \"timestamp\": 1750000000, \"obis\": \"1.7.0\"}", 0, false,
          MESSAGE_INSTANTANEOUS },
        { "datacollector: exact where Python prints 234.70000000000002", "datacollector",
          "1-0:32.7.0", 2347, -1, "smartmeter/LGZ1/VOLTAGE_L1",
          "{\"value\": 234.7, \"timestamp\": 1750000000, \"obis\": \"32.7.0\"}", 0, false,
          MESSAGE_INSTANTANEOUS },
        { "datacollector: trailing zeros go", "datacollector", "1-0:31.7.0", 120, -2,
          "smartmeter/LGZ1/CURRENT_L1",
          "{\"value\": 1.2, \"timestamp\": 1750000000, \"obis\": \"31.7.0\"}", 0, false,
          MESSAGE_INSTANTANEOUS },
        { "datacollector: energy must not be lost", "datacollector", "1-0:1.7.0", 1, 0,
          "smartmeter/LGZ1/ACTIVE_ENERGY_P",
          "{\"value\": 6229669.0, \"timestamp\": 1750000000, \"obis\": \"1.8.0\"}", 0, false,
          MESSAGE_ENERGY },
        { "datacollector: a second code with equal C.D.E is passed over", "datacollector",
          "1-1:1.8.0", 5, 0, "smartmeter/LGZ1/ACTIVE_ENERGY_P",
          "{\"value\": 6229669.0, \"timestamp\": 1750000000, \"obis\": \"1.8.0\"}", 0, false,
          MESSAGE_ENERGY },
        { "datacollector: what it does not know is not sent", "datacollector", "1-0:1.8.3", 5, 0,
          "smartmeter/LGZ1/ACTIVE_ENERGY_P_T3", NULL, 0, false, 0 },
        { "datacollector: a past billing period is not sent as the present", "datacollector",
          "1-0:2.8.0*1", 5, 0, "smartmeter/LGZ1/ACTIVE_ENERGY_N", NULL, 0, false, 0 },
        { "rl-dsp: a past billing period is not sent as the present", "rl-dsp", "1-0:2.8.0*1", 5, 0,
          "dt/building/LGZ1/ds",
          "{\"meter\": {\"ts\": \"2025-06-15T15:06:40+00:00\", \"1.8.0\": 6229669.0}}", 0, false,
          MESSAGE_ENERGY },
        { "rl-dsp: one message, time in UTC, telegram order", "rl-dsp", "1-0:1.7.0", -5, 0,
          "dt/building/LGZ1/ds",
          "{\"meter\": {\"ts\": \"2025-06-15T15:06:40+00:00\", \"1.8.0\": 6229669.0, "
          "\"1.7.0\": -5.0}}",
          0, false, MESSAGE_ENERGY },
        { "native: a plain value, exact, without point", "native", "1-0:1.7.0", 123, 0,
          "smartmeterd/box/meter/LGZ1/active_power_import", "123", 0, false, MESSAGE_STATE },
        { "native: energy is retained", "native", "1-0:1.7.0", 123, 0,
          "smartmeterd/box/meter/LGZ1/active_energy_import", "6229669", 1, true, MESSAGE_ENERGY },
        { "native: an unknown code has its code as topic", "native", "1-0:199.7.0", 7, 0,
          "smartmeterd/box/meter/LGZ1/1-0:199.7.0", "7", 0, false, MESSAGE_STATE },
        { "homeassistant: the values of native, under the same topics", "homeassistant",
          "1-0:32.7.0", 2301, -1, "smartmeterd/box/meter/LGZ1/voltage_l1", "230.1", 0, false,
          MESSAGE_STATE },
        { "homeassistant alone sends no telegram", "homeassistant", "1-0:1.7.0", 1, 0,
          "smartmeterd/box/meter/LGZ1/telegram", NULL, 0, false, 0 },
        { "native sends nothing under smartmeter/", "native", "1-0:1.7.0", 1, 0,
          "smartmeter/LGZ1/ACTIVE_POWER_P", NULL, 0, false, 0 },
        { "jeedom: a value in an object", "jeedom", "1-0:1.7.0", 123, 0,
          "jeedom/cmd/event/smd_LGZ1_active_power_import", "{\"value\":123}", 0, false,
          MESSAGE_STATE },
        { "jeedom: energy is acknowledged", "jeedom", "1-0:1.7.0", 123, 0,
          "jeedom/cmd/event/smd_LGZ1_active_energy_import", "{\"value\":6229669}", 1, false,
          MESSAGE_ENERGY },
};

static void run_case(void **state)
{
        const struct format_case *c = *state;
        struct format_context context = base;
        struct format_values values;
        struct format_filter filter = { 0 };
        struct message_list list = { 0 };
        struct meter *m = new_meter();
        struct meter_update update;
        const struct message *found = NULL;

        begin();
        add("1-0:1.8.0", 6229669, 0);
        add(c->code, c->mantissa, c->exponent);
        update = take(m, 0);
        context.formats = format_bit(c->format);
        format_filter_apply(&filter, 0, (struct decimal){ 0 }, &update, &values);
        format_telegram(&context, m, &update, &values, &list);
        for (const struct message *each = list.head; each; each = each->next)
                if (strcmp(message_topic(each), c->topic) == 0) {
                        assert_null(found); /* each topic once */
                        found = each;
                }
        if (c->payload) {
                assert_non_null(found);
                assert_string_equal(message_payload(found), c->payload);
                assert_int_equal(found->attributes.qos, c->qos);
                assert_int_equal(found->attributes.retain, c->retain);
                assert_int_equal(found->attributes.class, c->class);
        } else {
                assert_null(found);
        }
        message_list_clear(&list);
        format_filter_done(&filter);
        (void)meter_free(m);
}

/* A past value before the present one neither takes its topic nor its place. */
static void the_past_first(void **state)
{
        static const struct {
                const char *format, *topic, *payload;
        } wanted[] = {
                { "datacollector", "smartmeter/LGZ1/ACTIVE_ENERGY_P",
                  "{\"value\": 700.0, \"timestamp\": 1750000000, \"obis\": \"1.8.0\"}" },
                { "rl-dsp", "dt/building/LGZ1/ds",
                  "{\"meter\": {\"ts\": \"2025-06-15T15:06:40+00:00\", \"1.8.0\": 700.0}}" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(wanted); i++) {
                struct format_context context = base;
                struct format_values values;
                struct format_filter filter = { 0 };
                struct message_list list = { 0 };
                struct meter *m = new_meter();
                struct meter_update update;

                begin();
                add("1-0:1.8.0*96", 5, 0);
                add("1-0:1.8.0", 700, 0);
                update = take(m, 0);
                context.formats = format_bit(wanted[i].format);
                format_filter_apply(&filter, 0, (struct decimal){ 0 }, &update, &values);
                format_telegram(&context, m, &update, &values, &list);
                assert_non_null(list.head);
                assert_null(list.head->next);
                assert_string_equal(message_topic(list.head), wanted[i].topic);
                assert_string_equal(message_payload(list.head), wanted[i].payload);
                message_list_clear(&list);
                format_filter_done(&filter);
                (void)meter_free(m);
        }
}

/* W of P1 is the winter of the country: here of Finland, where noon is 10:00 UTC. */
static void the_time_of_a_mark_is_that_of_the_zone(void **state)
{
        struct format_context context = base;
        struct format_values values;
        struct format_filter filter = { 0 };
        struct message_list list = { 0 };
        struct meter *m = new_meter();
        struct meter_update update;

        (void)state;
        begin();
        add("1-0:1.7.0", 700, 0);
        telegram.time = datetime_of_fields(2025, 1, 11, 12, 0, 0);
        telegram.time.has_offset = telegram.time.offset_of_mark = true;
        telegram.time.offset_min = 60;
        assert_int_equal(
                meter_update(m, &telegram, WALL, SEC, INT64_C(1736589600000000), NULL, &update), 0);
        context.formats = format_bit("native");
        format_filter_apply(&filter, 0, (struct decimal){ 0 }, &update, &values);
        format_telegram(&context, m, &update, &values, &list);
        assert_non_null(
                strstr(message_payload(list.head), "\"time\":\"2025-01-11T12:00:00+02:00\""));
        assert_non_null(
                strstr(message_payload(list.head), "\"time_utc\":\"2025-01-11T10:00:00+00:00\""));
        message_list_clear(&list);
        format_filter_done(&filter);
        (void)meter_free(m);
}

static struct segment_case {
        const char *name, *in, *segment, *identifier;
} segments[] = {
        { "plain", "LGZ1", "LGZ1", "LGZ1" },
        { "wildcards and a slash", "a+b#c/d", "a_b_c_d", "a_b_c_d" },
        { "control characters", "a\x01\nb\x7f", "a__b_", "a__b_" },
        { "a code", "1-0:1.7.0", "1-0:1.7.0", "1-0_1_7_0" },
        { "a dollar sign comes first", "$SYS", "_SYS", "_SYS" },
        { "empty", "", "_", "_" },
        { "cut", "abcdefghijklmnop", "abcdefghijklmno", "abcdefghijklmno" },
};

static void run_segment(void **state)
{
        const struct segment_case *c = *state;
        char buf[16];

        assert_string_equal(format_segment(c->in, buf, sizeof(buf)), c->segment);
        assert_string_equal(format_identifier(c->in, buf, sizeof(buf)), c->identifier);
}

static struct time_case {
        const char *name;
        int64_t usec;
        bool milliseconds;
        const char *want;
} times[] = {
        { "whole seconds", 1551879225000000, false, "2019-03-06T13:33:45+00:00" },
        { "milliseconds", 1551879225123456, true, "2019-03-06T13:33:45.123+00:00" },
        { "after 2038", 2382861600500000, true, "2045-07-05T10:00:00.500+00:00" },
        { "before 1970", -1, true, "1969-12-31T23:59:59.999+00:00" },
};

static void run_time(void **state)
{
        const struct time_case *c = *state;
        char buf[FORMAT_TIME_MAX];

        format_time(c->usec, c->milliseconds, buf);
        assert_string_equal(buf, c->want);
}

/* Telegrams a second apart: which of them let the power through? */
static struct filter_case {
        const char *name;
        uint64_t interval_s;
        int64_t deadband;
        int64_t watts[8];
        const char *want; /* a letter per telegram: "x" sent */
} filters[] = {
        { "everything", 0, 0, { 1, 1, 1, 1, 1, 1, 1, 1 }, "xxxxxxxx" },
        { "an interval", 3, 0, { 1, 2, 3, 4, 5, 6, 7, 8 }, "x--x--x-" },
        { "a deadband", 0, 10, { 100, 105, 110, 111, 105, 99, 110, 50 }, "x--x-xxx" },
        { "a deadband around zero", 0, 10, { 0, 0, 1, 1, 0, 0, 0, -1 }, "x-x-x--x" },
};

static void run_filter(void **state)
{
        const struct filter_case *c = *state;
        struct decimal deadband = { c->deadband, 0 };
        struct format_filter filter = { 0 };
        struct format_values values;
        struct meter *m = new_meter();
        char got[9] = "";

        for (size_t i = 0; i < 8; i++) {
                struct meter_update update;

                begin();
                add("1-0:1.7.0", c->watts[i], 0);
                update = take(m, i);
                format_filter_apply(&filter, c->interval_s * SEC, deadband, &update, &values);
                got[i] = values.n ? 'x' : '-';
        }
        assert_string_equal(got, c->want);
        format_filter_done(&filter);
        (void)meter_free(m);
}

/* Discovery is published again when, and only when, something in it is new. */
static void signature_changes_with_what_is_described(void **state)
{
        struct format_context context = base;
        struct meter *m = new_meter();
        uint64_t first, second;

        (void)state;
        begin();
        add("1-0:1.7.0", 1, 0);
        (void)take(m, 0);
        (void)take(m, 10);
        (void)take(m, 20);
        first = format_signature(&context, m);
        (void)take(m, 31);
        assert_true(format_signature(&context, m) == first);
        add("1-0:2.7.0", 1, 0);
        (void)take(m, 41);
        second = format_signature(&context, m);
        assert_true(second != first);
        context.meter_name = "Cellar";
        assert_true(format_signature(&context, m) != second);
        (void)meter_free(m);
}

int main(void)
{
        static const struct CMUnitTest more[] = {
                cmocka_unit_test(signature_changes_with_what_is_described),
                cmocka_unit_test(the_past_first),
                cmocka_unit_test(the_time_of_a_mark_is_that_of_the_zone),
        };
        static struct CMUnitTest all[ELEMENTSOF(segments) + ELEMENTSOF(times) +
                                     ELEMENTSOF(filters) + ELEMENTSOF(more)];
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTSOF(segments); i++)
                all[n++] = (struct CMUnitTest){ segments[i].name, run_segment, NULL, NULL,
                                                &segments[i] };
        for (size_t i = 0; i < ELEMENTSOF(times); i++)
                all[n++] = (struct CMUnitTest){ times[i].name, run_time, NULL, NULL, &times[i] };
        for (size_t i = 0; i < ELEMENTSOF(filters); i++)
                all[n++] =
                        (struct CMUnitTest){ filters[i].name, run_filter, NULL, NULL, &filters[i] };
        for (size_t i = 0; i < ELEMENTSOF(more); i++)
                all[n++] = more[i];
        return test_run_rows_and("format", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case,
                                 all, n);
}
