/* SPDX-License-Identifier: MIT */
/* What the façade keeps: bounds, counters, what a silence and a reset leave, and which framings
 * prove the line. */
#include "decoder-script.h"
#include "tests/unit/known-profiles.h"

/* The usual meter, a frame of `len` bytes of what does not matter, after LLC and a notification. */
static void put_large(struct sim_wire *wire, size_t len, bool first)
{
        static const struct sim_hdlc hdlc = { .dst = { 0x03 },
                                              .src = { 0x21 },
                                              .dst_len = 1,
                                              .src_len = 1,
                                              .control = 0x13,
                                              .control_more = 0x13 };
        static uint8_t info[2000] = { 0xe6, 0xe7, 0x00, 0x0f };

        assert_true(len <= sizeof(info));
        memset(wire, 0, sizeof(*wire));
        sim_hdlc_frame(wire, &hdlc, true, first ? info : info + 4, first ? len : len - 4);
}

static void put_large_block(struct sim_wire *wire, uint16_t number, size_t len)
{
        static const struct sim_hdlc hdlc = {
                .dst = { 0x03 }, .src = { 0x21 }, .dst_len = 1, .src_len = 1, .control = 0x13
        };
        static struct sim_out block;
        static uint8_t data[1500];

        assert_true(len <= sizeof(data));
        memset(wire, 0, sizeof(*wire));
        block.len = 0;
        sim_gbt_block(&block, 0x40, number, 0, data, len);
        sim_hdlc_frame(wire, &hdlc, false, block.data, block.len);
}

/* The events of these bytes as a line of text; static storage. */
static const char *events_of(struct decoder *d, struct slice bytes)
{
        static char log[LOG_BYTES];
        const char *separator = "";
        FILE *f = fmemopen(memset(log, 0, sizeof(log)), sizeof(log), "w");

        assert_non_null(f);
        if (bytes.len > 0)
                decoder_feed(d, bytes);
        drain(d, f, &separator);
        fclose(f);
        return log;
}

static const char *events_of_wire(struct decoder *d, const struct sim_wire *wire)
{
        return events_of(d, (struct slice){ wire->out.data, wire->out.len });
}

/* Script of one frame. */
static const char *events_of_frame(struct decoder *d, const char *frame)
{
        static const struct decoder_case plain = { .name = "" };
        struct script s = { .c = &plain };
        static struct sim_wire wire;

        memset(&wire, 0, sizeof(wire));
        put_frame(&s, &wire, frame);
        return events_of_wire(d, &wire);
}

static struct decoder *usual_decoder(void)
{
        static enum keys keys = KEYS_RIGHT;

        return make_decoder(&keys);
}

static void segments_are_bounded(void **state)
{
        struct decoder *d = usual_decoder();
        static struct sim_wire wire;

        for (size_t i = 0; i < 4; i++) {
                put_large(&wire, 2000, i == 0);
                assert_string_equal(events_of_wire(d, &wire), ".");
        }
        put_large(&wire, 2000, false);
        assert_string_equal(events_of_wire(d, &wire), "?segments longer than any telegram");
        assert_int_equal(decoder_statistics_get(d)->lost_segments, 1);
        assert_string_equal(events_of_frame(d, "HLn7"), "1-0:1.7.0=7W");
        decoder_free(d);
}

static void zeros_are_an_id_where_ids_come_as_text(void **state)
{
        struct decoder *d = usual_decoder();
        struct decoder_event event;

        decoder_feed(d, slice_of_string("/EBZ5DD3\r\n\r\n1-0:0.0.0*255(00000000)\r\n"
                                        "1-0:1.8.0*255(1*Wh)\r\n!\r\n"));
        assert_int_equal(decoder_next(d, &event), 1);
        assert_int_equal(event.type, DECODER_TELEGRAM);
        assert_string_equal(event.telegram->meter_id, "00000000");
        assert_int_equal(decoder_next(d, &event), 0);
        decoder_free(d);
}

static void blocks_are_bounded(void **state)
{
        struct decoder *d = usual_decoder();
        static struct sim_wire wire;

        for (uint16_t i = 1; i <= 5; i++) {
                put_large_block(&wire, i, 1500);
                assert_string_equal(events_of_wire(d, &wire), ".");
        }
        put_large_block(&wire, 6, 1500);
        assert_string_equal(events_of_wire(d, &wire), "?block transfer: longer than any telegram");
        put_large_block(&wire, 7, 100);
        assert_string_equal(events_of_wire(d, &wire),
                            "?block transfer: a block is missing or out of order");
        assert_int_equal(decoder_statistics_get(d)->lost_segments, 1);
        assert_string_equal(events_of_frame(d, "HLn7"), "1-0:1.7.0=7W");
        decoder_free(d);
}

static void everything_is_counted(void **state)
{
        struct decoder *d = usual_decoder();
        const struct decoder_statistics *s = decoder_statistics_get(d);
        static const uint8_t noise[] = { 0x01, 0x02, 0x03 };

        (void)events_of_frame(d, "HLn7");
        assert_int_equal(s->frames, 1);
        assert_int_equal(s->telegrams, 1);
        assert_int_equal(s->bytes, 1 + 2 + 2 + 1 + 2 + 3 + 19 + 2 + 1);
        (void)events_of(d, (struct slice){ noise, sizeof(noise) });
        (void)events_of_frame(d, "HLc7#5"); /* before it, the last flag might begin a frame */
        assert_int_equal(s->garbage_bytes, 3);
        (void)events_of_frame(d, "HLc7#5");
        assert_int_equal(s->replays, 1);
        assert_int_equal(s->key_failures, 0);
        (void)events_of_frame(d, "HLu");
        (void)events_of_frame(d, "HLp7#6");
        assert_int_equal(s->unknown_layouts, 2);
        assert_int_equal(s->telegrams, 5);
        (void)events_of_frame(d, "HLx0f00");
        assert_int_equal(s->damaged_frames, 1);
        (void)events_of_frame(d, "S1Ln7");
        (void)events_of_frame(d, "HLn7");
        assert_int_equal(s->lost_segments, 1);
        assert_int_equal(s->frames, 8);
        decoder_free(d);
}

static void keys_that_fail_are_counted(void **state)
{
        static const struct {
                enum keys keys;
                enum telegram_status status;
        } rows[] = {
                { KEYS_NONE, TELEGRAM_KEY_MISSING },
                { KEYS_WRONG, TELEGRAM_WRONG_ENCRYPTION_KEY },
                { KEYS_WRONG_AUTH, TELEGRAM_WRONG_AUTHENTICATION_KEY },
                { KEYS_EXCHANGED, TELEGRAM_WRONG_ENCRYPTION_KEY },
        };
        static const struct decoder_case plain = { .name = "" };
        static struct sim_wire wire;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                struct script s = { .c = &plain };
                enum keys keys = rows[i].keys;
                struct decoder *d = make_decoder(&keys);
                struct decoder_event event = { 0 };
                int r;

                memset(&wire, 0, sizeof(wire));
                put_frame(&s, &wire, "HLc7#9");
                decoder_feed(d, (struct slice){ wire.out.data, wire.out.len });
                do
                        r = decoder_next(d, &event);
                while (r > 0 && event.type != DECODER_TELEGRAM);
                assert_int_equal(r, 1);
                assert_int_equal(event.telegram->status, rows[i].status);
                assert_int_equal(event.telegram->keys_exchanged, keys == KEYS_EXCHANGED);
                assert_true(event.telegram->encrypted && event.telegram->has_system_title);
                assert_true(event.telegram->has_frame_counter);
                assert_int_equal(event.telegram->frame_counter, 9);
                assert_memory_equal(event.telegram->system_title, title, sizeof(title));
                assert_int_equal(decoder_statistics_get(d)->key_failures, 1);
                decoder_free(d);
        }
}

/* A forced profile scales and names, whatever claims the telegram. */
static void profile_can_be_forced(void **state)
{
        struct decoder_options options = { .profiles = known_profiles(),
                                           .profile = known_profile("kamstrup-omnipower") };
        struct decoder_event event = { 0 };
        struct decoder *d = NULL;
        uint8_t frame[128];
        struct sim_wire wire = { 0 };
        struct sim_hdlc hdlc = { .dst = { 3 }, .src = { 0x21 }, .dst_len = 1, .src_len = 1 };

        sim_hdlc_frame(&wire, &hdlc, false, frame,
                       fixture_bytes("E6E700 0F00000001 00 0202" HEX_NAME("0100010800FF")
                                             HEX_U16("0007"),
                                     frame, sizeof(frame)));
        assert_int_equal(decoder_new(&options, &d), 0);
        decoder_feed(d, (struct slice){ wire.out.data, wire.out.len });
        while (decoder_next(d, &event) > 0 && event.type != DECODER_TELEGRAM)
                ;
        assert_int_equal(event.type, DECODER_TELEGRAM);
        assert_ptr_equal(event.telegram->profile, options.profile);
        assert_string_equal(event.telegram->manufacturer, "KAM");
        assert_int_equal(event.telegram->readings[0].value.exponent, 1);
        decoder_free(d);
}

/* A telegram that pauses is waited for; a false start that hides a whole frame is not. */
static void gap_gives_up_false_starts_only(void **state)
{
        struct decoder *d = usual_decoder();
        static const uint8_t start[] = { 0x68, 0xfe, 0xfe, 0x68, 0x53 };
        static const struct decoder_case plain = { .name = "" };
        struct script s = { .c = &plain };
        static struct sim_wire wire;

        memset(&wire, 0, sizeof(wire));
        put_frame(&s, &wire, "HLn7");
        assert_string_equal(events_of(d, (struct slice){ wire.out.data, 20 }), "");
        decoder_gap(d);
        assert_string_equal(events_of(d, (struct slice){ 0 }), "");
        assert_string_equal(
                events_of(d, slice_from((struct slice){ wire.out.data, wire.out.len }, 20)),
                "1-0:1.7.0=7W");

        assert_string_equal(events_of(d, (struct slice){ start, sizeof(start) }), "");
        assert_string_equal(events_of_wire(d, &wire), "");
        decoder_gap(d);
        assert_string_equal(events_of(d, (struct slice){ 0 }),
                            "?a frame that has no end | 1-0:1.7.0=7W");
        decoder_free(d);
}

/* The offset of an event counts from the first byte ever, resets or not. */
static void reset_keeps_offset_and_counters(void **state)
{
        struct decoder *d = usual_decoder();
        struct decoder_event event = { 0 };
        static const uint8_t start[] = { 0x7e, 0xa0, 0x23 };
        static const struct decoder_case plain = { .name = "" };
        struct script s = { .c = &plain };
        static struct sim_wire wire;

        (void)events_of_frame(d, "HLn7");
        (void)events_of(d, (struct slice){ start, sizeof(start) });
        decoder_reset(d);
        decoder_reset(d);
        assert_int_equal(decoder_statistics_get(d)->telegrams, 1);
        memset(&wire, 0, sizeof(wire));
        put_frame(&s, &wire, "HLn8");
        decoder_feed(d, (struct slice){ wire.out.data, wire.out.len });
        assert_int_equal(decoder_next(d, &event), 1);
        assert_int_equal(event.offset, wire.out.len + sizeof(start));
        /* What is left of the input when a reset comes is forgotten, and counted as gone by. */
        decoder_reset(d);
        assert_int_equal(decoder_next(d, &event), 0);
        decoder_feed(d, (struct slice){ wire.out.data, wire.out.len });
        assert_int_equal(decoder_next(d, &event), 1);
        assert_int_equal(event.offset, 2 * wire.out.len + sizeof(start));
        decoder_reset(d);
        assert_int_equal(decoder_statistics_get(d)->bytes, 3 * wire.out.len + sizeof(start));
        decoder_free(d);
}

/* The offset of a telegram in pieces is that of its first frame. */
static void offset_of_pieces(void **state)
{
        struct decoder *d = usual_decoder();
        struct decoder_event event = { 0 };
        static const struct decoder_case plain = { .name = "" };
        struct script s = { .c = &plain };
        static struct sim_wire wire;

        memset(&wire, 0, sizeof(wire));
        put_frame(&s, &wire, "HLn7");
        put_frame(&s, &wire, "HLb1(n7)");
        put_frame(&s, &wire, "Hb2(n7)");
        decoder_feed(d, (struct slice){ wire.out.data, wire.out.len });
        for (unsigned int n = 0; n < 2;) {
                assert_int_equal(decoder_next(d, &event), 1);
                n += event.type == DECODER_TELEGRAM;
        }
        assert_int_equal(event.offset, wire.ends[0]);
        while (decoder_next(d, &event) > 0)
                ;
        decoder_free(d);
}

/* Line detection counts frames with a check sum; an APDU alone proves nothing. */
static void frames_without_check_sum_tell_nothing_of_the_line(void **state)
{
        struct decoder *d = usual_decoder();
        struct decoder_event event = { 0 };
        static const struct decoder_case plain = { .name = "" };
        static const struct {
                const char *frame;
                bool proves;
        } rows[] = { { "Rc7", false }, { "Mn7", true }, { "HLn7", true } };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                struct script s = { .c = &plain, .counter = (uint32_t)i };
                static struct sim_wire wire;
                unsigned int frames = 0, telegrams = 0;

                memset(&wire, 0, sizeof(wire));
                put_frame(&s, &wire, rows[i].frame);
                decoder_gap(d);
                (void)decoder_next(d, &event);
                decoder_feed(d, (struct slice){ wire.out.data, wire.out.len });
                while (decoder_next(d, &event) > 0)
                        frames += event.type == DECODER_FRAME,
                                telegrams += event.type == DECODER_TELEGRAM;
                decoder_gap(d);
                while (decoder_next(d, &event) > 0) {
                        frames += event.type == DECODER_FRAME;
                        telegrams += event.type == DECODER_TELEGRAM;
                }
                assert_int_equal(frames, rows[i].proves);
                assert_int_equal(telegrams, 1);
        }
        decoder_free(d);
}

static void nothing_is_freed_well(void **state)
{
        assert_null(decoder_free(NULL));
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(segments_are_bounded),
                cmocka_unit_test(zeros_are_an_id_where_ids_come_as_text),
                cmocka_unit_test(blocks_are_bounded),
                cmocka_unit_test(everything_is_counted),
                cmocka_unit_test(keys_that_fail_are_counted),
                cmocka_unit_test(profile_can_be_forced),
                cmocka_unit_test(gap_gives_up_false_starts_only),
                cmocka_unit_test(reset_keeps_offset_and_counters),
                cmocka_unit_test(offset_of_pieces),
                cmocka_unit_test(frames_without_check_sum_tell_nothing_of_the_line),
                cmocka_unit_test(nothing_is_freed_well),
        };

        return cmocka_run_group_tests_name("decoder-state", tests, NULL, NULL);
}
