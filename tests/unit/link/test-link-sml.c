/* SPDX-License-Identifier: MIT */
/* The SML transport: where frames begin and end, escapes, check sums, whatever is cut off. */
#include "link-read.h"
#include "tests/unit/sml/sml-fixture.h"

#include <errno.h>

#include "lib/link/link.h"

static struct telegram telegram;
static const struct slice none;

static const struct slice server = BYTES(0x0a, 0x01, 'I', 'S', 'K', 0, 4, 0x1b, 0x1b, 0x1b);
static const struct slice no_time = BYTES(0x01);
/* 1-0:1.8.0 = 0x1b1b1b1b1b1b Wh, and a text that ends in 1B: whatever can look like an escape. */
static const struct slice escape_entries =
        BYTES(0x77, 0x07, 1, 0, 1, 8, 0, 0xff, 0x01, 0x01, 0x62, 0x1e, 0x52, 0x00, 0x57, 0x1b, 0x1b,
              0x1b, 0x1b, 0x1b, 0x1b, 0x01, 0x77, 0x07, 1, 0, 96, 1, 0, 0xff, 0x01, 0x01, 0x01,
              0x01, 0x08, 'a', 0x1b, 0x1b, 0x1b, 0x1b, 0x01, 0x1b, 0x01);
/* 1-0:16.7.0 = -5 W. */
static const struct slice plain_entries = BYTES(0x77, 0x07, 1, 0, 16, 7, 0, 0xff, 0x01, 0x01, 0x62,
                                                0x1b, 0x52, 0x00, 0x52, 0xfb, 0x01);

static void make(struct sml_buffer *frame, struct slice entries, uint8_t n, enum sml_sum kind)
{
        struct sml_buffer file = { .len = 0 };

        sml_put_list(&file, server, no_time, n, entries);
        sml_put_frame(frame, sml_slice(&file), kind);
}

static struct probe_case {
        const char *name;
        struct slice in;
        enum link_result want;
        const char *want_fault; /* a part of it */
        size_t want_len;
} cases[] = {
        { "nothing", { 0 }, LINK_MORE, NULL, 0 },
        { "one byte", BYTES(0x1b), LINK_MORE, NULL, 0 },
        { "half a beginning", BYTES(0x1b, 0x1b, 0x1b, 0x1b, 0x01), LINK_MORE, NULL, 0 },
        { "a whole beginning", BYTES(0x1b, 0x1b, 0x1b, 0x1b, 1, 1, 1, 1), LINK_MORE, NULL, 0 },
        { "three escapes", BYTES(0x1b, 0x1b, 0x1b, 0x01), LINK_NONE, NULL, 0 },
        { "version 2", BYTES(0x1b, 0x1b, 0x1b, 0x1b, 2, 2, 2, 2), LINK_NONE, NULL, 0 },
        { "an end", BYTES(0x1b, 0x1b, 0x1b, 0x1b, 0x1a, 0, 1, 2), LINK_NONE, NULL, 0 },
        { "not ours", BYTES(0x7e, 0xa0), LINK_NONE, NULL, 0 },
        { "a wrong check sum",
          BYTES(0x1b, 0x1b, 0x1b, 0x1b, 1, 1, 1, 1, 0, 0, 0, 0, 0x1b, 0x1b, 0x1b, 0x1b, 0x1a, 0, 0,
                0),
          LINK_DAMAGED, "check sum", 20 },
        { "too much fill",
          BYTES(0x1b, 0x1b, 0x1b, 0x1b, 1, 1, 1, 1, 0, 0, 0, 0, 0x1b, 0x1b, 0x1b, 0x1b, 0x1a, 4, 0,
                0),
          LINK_DAMAGED, "fill", 20 },
        { "the next one begins",
          BYTES(0x1b, 0x1b, 0x1b, 0x1b, 1, 1, 1, 1, 0x76, 0x05, 0x1b, 0x1b, 0x1b, 0x1b, 1, 1, 1, 1),
          LINK_DAMAGED, "begins before", 10 },
        { "the end is cut",
          BYTES(0x1b, 0x1b, 0x1b, 0x1b, 1, 1, 1, 1, 0, 0, 0, 0, 0x1b, 0x1b, 0x1b, 0x1b, 0x1a, 0, 0),
          LINK_MORE, NULL, 0 },
        { "an escape is cut",
          BYTES(0x1b, 0x1b, 0x1b, 0x1b, 1, 1, 1, 1, 0, 0x1b, 0x1b, 0x1b, 0x1b, 0x1b), LINK_MORE,
          NULL, 0 },
};

static void run_case(void **state)
{
        const struct probe_case *c = *state;
        struct link_found found = { 0 };

        assert_int_equal(link_sml.probe(c->in, none, &found), c->want);
        if (c->want_fault) {
                assert_non_null(strstr(found.fault, c->want_fault));
                assert_int_equal(found.len, c->want_len);
        }
}

static void test_every_prefix_waits_and_the_whole_is_a_frame(void **state)
{
        struct sml_buffer frame = { .len = 0 };

        make(&frame, escape_entries, 2, SUM_X25);
        assert_true(link_sml.starts(frame.data[0]));
        assert_false(link_sml.starts(0x7e));
        for (size_t n = 0; n < frame.len; n++)
                assert_int_equal(link_ask(&link_sml, slice_first(sml_slice(&frame), n), none),
                                 LINK_MORE);
        assert_int_equal(link_length(&link_sml, sml_slice(&frame), none), frame.len);
        /* What follows does not matter. */
        SML_PUT(&frame, 0x1b, 0x1b, 0x00);
        assert_int_equal(link_length(&link_sml, sml_slice(&frame), none), frame.len - 3);
}

static void test_escapes_are_undone(void **state)
{
        struct sml_buffer frame = { .len = 0 };

        make(&frame, escape_entries, 2, SUM_X25);
        telegram_reset(&telegram, "sml");
        assert_int_equal(link_read(&link_sml, sml_slice(&frame), &telegram), 0);
        assert_int_equal(telegram.n_readings, 1);
        assert_int_equal(telegram.readings[0].value.mantissa, 0x1b1b1b1b1b1b);
        assert_int_equal(telegram.n_texts, 1);
        assert_int_equal(telegram.texts[0].value.len, 14);
        assert_memory_equal(telegram.texts[0].value.data, "611b1b1b1b011b", 14);
        assert_string_equal(telegram.meter_id, "0a0149534b00041b1b1b");
}

static void test_kermit_is_accepted(void **state)
{
        struct sml_buffer frame = { .len = 0 };

        make(&frame, plain_entries, 1, SUM_KERMIT);
        assert_int_equal(link_length(&link_sml, sml_slice(&frame), none), frame.len);
        telegram_reset(&telegram, "sml");
        assert_int_equal(link_read(&link_sml, sml_slice(&frame), &telegram), 0);
        assert_int_equal(telegram.readings[0].value.mantissa, -5);
}

static void test_every_flipped_bit_is_noticed(void **state)
{
        struct sml_buffer frame = { .len = 0 };

        make(&frame, plain_entries, 1, SUM_X25);
        for (size_t i = 0; i < frame.len * 8; i++) {
                frame.data[i / 8] ^= (uint8_t)(1 << i % 8);
                assert_int_not_equal(link_ask(&link_sml, sml_slice(&frame), none), LINK_WHOLE);
                telegram_reset(&telegram, "sml");
                assert_int_equal(link_read(&link_sml, sml_slice(&frame), &telegram), -EBADMSG);
                assert_int_equal(telegram.n_readings, 0);
                frame.data[i / 8] ^= (uint8_t)(1 << i % 8);
        }
}

static void test_a_frame_without_end_is_given_up(void **state)
{
        struct sml_buffer frame = { .len = 0 };
        struct link_found found = { 0 };

        SML_PUT(&frame, 0x1b, 0x1b, 0x1b, 0x1b, 1, 1, 1, 1);
        while (frame.len < LINK_FRAME_MAX - 8)
                SML_PUT(&frame, 0x42);
        assert_int_equal(link_ask(&link_sml, sml_slice(&frame), none), LINK_MORE);
        for (int i = 0; i < 16; i++)
                SML_PUT(&frame, 0x42);
        assert_int_equal(link_sml.probe(sml_slice(&frame), none, &found), LINK_DAMAGED);
        assert_non_null(strstr(found.fault, "no end"));
}

/* Firmware that escapes at multiples of four only sends these four bytes as they are. */
static void test_escapes_that_announce_nothing_are_data(void **state)
{
        struct sml_buffer file = { .len = 0 }, frame = { .len = 0 };
        struct slice entries = BYTES(0x77, 0x07, 1, 0, 1, 8, 0, 0xff, 0x01, 0x01, 0x62, 0x1e, 0x52,
                                     0x00, 0x55, 0x1b, 0x1b, 0x1b, 0x1b, 0x01);
        uint16_t sum;

        sml_put_list(&file, server, no_time, 1, entries);
        SML_PUT(&frame, 0x1b, 0x1b, 0x1b, 0x1b, 1, 1, 1, 1);
        sml_put(&frame, sml_slice(&file));
        SML_PUT(&frame, 0x1b, 0x1b, 0x1b, 0x1b, 0x1a, 0x00);
        sum = sml_sum(sml_slice(&frame), SUM_X25);
        SML_PUT(&frame, (uint8_t)sum, (uint8_t)(sum >> 8));
        assert_int_equal(link_length(&link_sml, sml_slice(&frame), none), frame.len);
        telegram_reset(&telegram, "sml");
        assert_int_equal(link_read(&link_sml, sml_slice(&frame), &telegram), 0);
        assert_int_equal(telegram.readings[0].value.mantissa, 0x1b1b1b1b);
}

static void test_what_is_no_frame_is_not_decoded(void **state)
{
        struct sml_buffer frame = { .len = 0 };
        struct slice empty = { 0 };

        telegram_reset(&telegram, "sml");
        assert_int_equal(link_read(&link_sml, empty, &telegram), -EBADMSG);
        make(&frame, plain_entries, 1, SUM_X25);
        SML_PUT(&frame, 0x00);
        assert_int_equal(link_read(&link_sml, sml_slice(&frame), &telegram), -EBADMSG);
        /* Fill that is longer than the file. */
        frame.len = 0;
        SML_PUT(&frame, 0x1b, 0x1b, 0x1b, 0x1b, 1, 1, 1, 1, 0x1b, 0x1b, 0x1b, 0x1b, 0x1a, 0x03);
        uint16_t sum = sml_sum(sml_slice(&frame), SUM_X25);
        SML_PUT(&frame, (uint8_t)sum, (uint8_t)(sum >> 8));
        assert_int_equal(link_read(&link_sml, sml_slice(&frame), &telegram), -EBADMSG);
}

int main(void)
{
        const struct CMUnitTest more[] = {
                cmocka_unit_test(test_every_prefix_waits_and_the_whole_is_a_frame),
                cmocka_unit_test(test_escapes_are_undone),
                cmocka_unit_test(test_kermit_is_accepted),
                cmocka_unit_test(test_every_flipped_bit_is_noticed),
                cmocka_unit_test(test_a_frame_without_end_is_given_up),
                cmocka_unit_test(test_escapes_that_announce_nothing_are_data),
                cmocka_unit_test(test_what_is_no_frame_is_not_decoded),
        };

        return test_run_rows_and("link-sml", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case,
                                 more, ELEMENTSOF(more));
}
