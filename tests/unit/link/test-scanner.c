/* SPDX-License-Identifier: MIT */
/*
 * The scanner alone: what it makes of bytes, where it says they lie, what it counts, and that a
 * window of fixed size is enough for any input. Frames are M-Bus short ones and HDLC.
 */
#include "lib/link/scanner.h"
#include "tests/unit/dlms/layout-fixture.h"

#define SHORT     "1040014116"
#define LOG_BYTES 1024
/* A header that is no HDLC header, with a length of 7; and what IEC 62056-21 takes for a frame. */
#define DAMAGED "7EA0070321135555"
#define READOUT "2F414243350D0A0D0A312E382E3028303031302A6B5768290D0A210D0A"
/* A notification of 29 bytes, an array of one value, in no framing. */
#define BARE                                \
        "0F0000000100010102030906010001070" \
        "0FF06000010150202"                 \
        "0F00161B"

/* "F0+5" a frame at offset 0 of 5 bytes, "D3" damage at 3, "G7" garbage from 7 on. */
static struct scanner_case {
        const char *name;
        const char *hex; /* "|" a gap, "$" the end, "^" a reset */
        const char *want;
        uint64_t garbage_bytes;
        enum scanner_input mode;
} cases[] = {
        { "a frame", SHORT, "F0+5", 0 },
        { "two frames", SHORT SHORT, "F0+5 F5+5", 0 },
        { "fill between frames", SHORT "00007E0D0A" SHORT, "F0+5 F10+5", 0 },
        { "garbage in front", "0102" SHORT, "G0 F2+5", 2 },
        { "garbage behind is told with the next frame", SHORT "0102" SHORT, "F0+5 G5 F7+5", 2 },
        { "garbage at the end", SHORT "0104 $", "F0+5 G5", 2 },
        { "garbage and fill at the end", "01027E $", "G0", 2 },
        { "garbage told once", "0104 $ 0304 $", "G0 G2", 4 },
        { "garbage before a reset is not told", "0104 ^ $", "", 2 },
        { "fill alone", "7E00000D0A $", "", 0 },
        { "a frame that is cut", "1040 $", "D0", 2 },
        { "a frame that is cut by a reset", "1040 ^ " SHORT, "F2+5", 0 },
        { "a frame in two halves", "1040 | 014116", "F0+5", 0 },
        { "a false start hides a frame", "68FEFE68" SHORT " |", "D0 F4+5", 4 },
        { "a false start hides nothing", "68FEFE680102 |", "", 0 },
        { "a false start at the end of input", "68FEFE68" SHORT " $", "D0 F4+5", 4 },
        { "damage", "1040014216" SHORT, "G0 F5+5", 5 },
        { "damage of a header: its length is not believed", "7EA00703211355557E" SHORT, "D0 F9+5",
          7 },
        { "a text alone", READOUT, "F0+29", 0 },
        { "damage of a header, and a text before the next flag", DAMAGED READOUT "7E" SHORT,
          "D0 G8 F38+5", 28 },
        { "damage of a header, and a text behind the next flag", DAMAGED "7E" READOUT, "D0 F9+29",
          7 },
        { "damage of a header, and a text after a pause", DAMAGED " | " READOUT, "D0 F8+29", 7 },
        { "without framing", BARE " $", "F0+29", 0, SCANNER_UNFRAMED },
        { "without framing, and no more known", BARE, "", 0, SCANNER_UNFRAMED },
        { "without framing, and another behind", BARE BARE " $", "F0+29 F29+29", 0,
          SCANNER_UNFRAMED },
        { "without framing, and fill before another", BARE "0D0A00" BARE " $", "F0+29 F32+29", 0,
          SCANNER_UNFRAMED },
        { "without framing, and what begins no other", BARE "01" BARE " $", "D0 G4 F30+29", 21,
          SCANNER_UNFRAMED },
        { "without framing, and the next one cut", BARE "0F0000 $", "F0+29 D29", 1,
          SCANNER_UNFRAMED },
        { "without framing, over a reset", BARE " ^ " BARE " $", "F29+29", 0, SCANNER_UNFRAMED },
};

static void log_scans(struct scanner *s, char *log)
{
        for (;;) {
                struct scan scan = scanner_next(s);
                size_t n = strlen(log);
                const char *blank = n ? " " : "";

                if (scan.type == SCAN_MORE)
                        return;
                if (scan.type == SCAN_FRAME)
                        (void)snprintf(log + n, LOG_BYTES - n, "%sF%llu+%zu", blank,
                                       (unsigned long long)scan.offset, scan.frame.len);
                else
                        (void)snprintf(log + n, LOG_BYTES - n, "%s%c%llu", blank,
                                       scan.link ? 'D' : 'G', (unsigned long long)scan.offset);
        }
}

static void play(const struct scanner_case *c, size_t step)
{
        struct scanner s;
        char log[LOG_BYTES] = "", token[LOG_BYTES];
        int n;

        assert_int_equal(scanner_init(&s, c->mode), 0);
        for (const char *p = c->hex; sscanf(p, " %1023s%n", token, &n) == 1; p += n) {
                uint8_t bytes[128];

                if (*token == '|') {
                        scanner_gap(&s);
                } else if (*token == '$') {
                        scanner_finish(&s);
                } else if (*token == '^') {
                        scanner_reset(&s);
                } else {
                        size_t len = fixture_bytes(token, bytes, sizeof(bytes));

                        for (size_t i = 0; i < len; i += step) {
                                scanner_feed(&s, slice_first((struct slice){ bytes + i, len - i },
                                                             step));
                                log_scans(&s, log);
                        }
                }
                log_scans(&s, log);
        }
        assert_string_equal(log, c->want);
        assert_int_equal(s.garbage_bytes, c->garbage_bytes);
        scanner_done(&s);
}

static void run_case(void **state)
{
        const struct scanner_case *c = *state;

        play(c, 128);
        play(c, 1);
}

/* Megabytes without a frame, then one: nothing grows, the offset is right. */
static void noise_without_end(void **state)
{
        struct scanner s;
        static uint8_t noise[3000];
        uint8_t frame[8];
        struct scan scan;
        size_t rounds = 1000;

        assert_int_equal(scanner_init(&s, SCANNER_LINE), 0);
        memset(noise, 0x55, sizeof(noise));
        for (size_t i = 0; i < rounds; i++) {
                scanner_feed(&s, (struct slice){ noise, sizeof(noise) });
                assert_int_equal(scanner_next(&s).type, SCAN_MORE);
                assert_true(s.len <= SCANNER_BYTES);
        }
        scanner_feed(&s, (struct slice){ frame, fixture_bytes(SHORT, frame, sizeof(frame)) });
        scan = scanner_next(&s);
        assert_int_equal(scan.type, SCAN_FAULT);
        assert_int_equal(scan.offset, 0);
        scan = scanner_next(&s);
        assert_int_equal(scan.type, SCAN_FRAME);
        assert_int_equal(scan.offset, rounds * sizeof(noise));
        assert_int_equal(s.garbage_bytes, rounds * sizeof(noise));
        scanner_done(&s);
}

/* A text that never ends is given up when it is longer than any frame. */
static void start_without_end(void **state)
{
        struct scanner s;
        static uint8_t text[3 * LINK_FRAME_MAX];
        struct scan scan;

        assert_int_equal(scanner_init(&s, SCANNER_LINE), 0);
        memset(text, 'x', sizeof(text));
        memcpy(text, "/ABC5x\r\n\r\n", 10);
        scanner_feed(&s, (struct slice){ text, sizeof(text) });
        scan = scanner_next(&s);
        assert_int_equal(scan.type, SCAN_FAULT);
        assert_non_null(scan.link);
        assert_int_equal(scan.offset, 0);
        assert_true(strlen(scan.fault) > 0);
        while (scanner_next(&s).type != SCAN_MORE)
                ;
        assert_true(s.len <= SCANNER_BYTES);
        assert_int_equal(s.input.len, 0);
        scanner_done(&s);
}

static bool no_memory;

void *__real_realloc(void *old, size_t n);
void *__wrap_realloc(void *old, size_t n);

void *__wrap_realloc(void *old, size_t n)
{
        return no_memory ? NULL : __real_realloc(old, n);
}

/* A window that cannot grow gives up what does not fit in, whatever it was, and finds the next. */
static void window_without_memory(void **state)
{
        static const char *const begins[] = { "/ABC5x\r\n\r\n", "\x7e\xa7\xff", "\x0f" };
        static uint8_t text[3 * SCANNER_BYTES_FIRST];

        for (size_t i = 0; i < ELEMENTSOF(begins); i++) {
                struct scanner s;
                uint8_t frame[8];
                struct scan scan;
                size_t n = fixture_bytes(SHORT, frame, sizeof(frame));

                assert_int_equal(scanner_init(&s, SCANNER_LINE), 0);
                memset(text, 'x', sizeof(text));
                memcpy(text, begins[i], strlen(begins[i]));
                no_memory = true;
                scanner_gap(&s);
                scanner_feed(&s, (struct slice){ text, sizeof(text) });
                while (scanner_next(&s).type != SCAN_MORE)
                        ;
                assert_int_equal(s.input.len, 0);
                assert_int_equal(s.room, SCANNER_BYTES_FIRST);
                scanner_gap(&s);
                scanner_feed(&s, (struct slice){ frame, n });
                scanner_gap(&s);
                do
                        scan = scanner_next(&s);
                while (scan.type == SCAN_FAULT);
                no_memory = false;
                assert_int_equal(scan.type, SCAN_FRAME);
                assert_int_equal(scan.offset, sizeof(text));
                scanner_done(&s);
        }
}

int main(void)
{
        static const struct CMUnitTest more[] = {
                cmocka_unit_test(noise_without_end),
                cmocka_unit_test(start_without_end),
                cmocka_unit_test(window_without_memory),
        };

        return test_run_rows_and("scanner", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case,
                                 more, ELEMENTSOF(more));
}
