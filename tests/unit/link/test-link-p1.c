/* SPDX-License-Identifier: MIT */
/*
 * P1 telegrams (DSMR P1 5.0.2, e-MUCS, national variants), written here without their check sum,
 * which build() appends.
 */
#include <errno.h>

#include "lib/link/crc.h"
#include "lib/link/link.h"
#include "link-read.h"
#include "tests/unit/test.h"

static uint8_t frame[LINK_FRAME_MAX + 16];
static const struct slice none;

/* Copies `text`; a "#" in it becomes the check sum of what stands before it. */
static struct slice build(const char *text, bool parity)
{
        size_t n = 0;

        for (; *text; text++) {
                char crc[5];

                if (*text != '#') {
                        frame[n++] = (uint8_t)*text;
                        continue;
                }
                (void)snprintf(crc, sizeof(crc), "%04X", crc16_arc((struct slice){ frame, n }));
                memcpy(frame + n, crc, 4);
                n += 4;
        }
        for (size_t i = 0; parity && i < n; i++)
                frame[i] = (uint8_t)(frame[i] | __builtin_parity(frame[i]) << 7);
        return (struct slice){ frame, n };
}

#define HEAD "/ISK5\\2M550T-1011\r\n\r\n"

static struct good_case {
        const char *name;
        const char *text;
        bool parity;
        const char *want; /* every reading, text, id and time, in one line each */
} good_cases[] = {
        { "energy in kilowatt-hours, exactly", HEAD "1-0:1.8.1(000123.456*kWh)\r\n!#\r\n", false,
          "1-0:1.8.1=123456 Wh\n" },
        { "7E1 read as 8N1", HEAD "0-0:96.1.1(4530)\r\n1-0:1.7.0(00.193*kW)\r\n!#\r\n", true,
          "1-0:1.7.0=193 W\n0-0:96.1.1:E0\nid E0\n" },
        { "units in any case", HEAD "1-0:3.7.0(0.1*KVAR)\r\n1-0:4.8.0(1.5*kVArh)\r\n!#\r\n", false,
          "1-0:3.7.0=100 var\n1-0:4.8.0=1500 varh\n" },
        { "units with prefix", "/ESO5\\2\r\n1-0:32.7.0(0.2301*kV)\r\n!#\r\n", false,
          "1-0:32.7.0=230.1 V\n" },
        { "winter clock", HEAD "0-0:1.0.0(181106140429W)\r\n!#\r\n", false,
          "at 2018-11-06T14:04:29+01:00\n" },
        { "summer clock in Lithuania", "/ESO5\\2\r\n0-0:1.0.0(240714101855S)\r\n!#\r\n", false,
          "at 2024-07-14T10:18:55+03:00\n" },
        { "clock without season", HEAD "0-0:1.0.0(240405154953)\r\n!#\r\n", false,
          "at 2024-04-05T15:49:53\n" },
        { "clock with punctuation", HEAD "0-0:1.0.0(20240111 09:35:00)\r\n!#\r\n", false,
          "at 2024-01-11T09:35:00\n" },
        { "clock that was never set", HEAD "0-0:1.0.0(000000000000W)\r\n!#\r\n", false,
          "0-0:1.0.0:000000000000W\n" },
        { "clock with a season that is none", HEAD "0-0:1.0.0(240405154953X)\r\n!#\r\n", false,
          "0-0:1.0.0:240405154953X\n" },
        { "gas with its time", HEAD "0-1:24.2.1(181106140010W)(01569.646*m3)\r\n!#\r\n", false,
          "0-1:24.2.1=1569.646 m³ at 2018-11-06T14:00:10+01:00\n" },
        { "gas on the next line (DSMR 3.0)",
          HEAD "0-1:24.3.0(090212160000)(00)(60)(1)(0-1:24.2.1)(m3)\r\n(00001.001)\r\n!\r\n", false,
          "0-1:24.3.0=1.001 m³ at 2009-02-12T16:00:00\n" },
        { "gas on the same line",
          HEAD "0-1:24.3.0(090212160000)(00)(60)(1)(0-1:24.2.1)(m3)(00001.001)\r\n!\r\n", false,
          "0-1:24.3.0=1.001 m³ at 2009-02-12T16:00:00\n" },
        { "gas whose next line is missing",
          HEAD "0-1:24.3.0(090212160000)(00)(60)(1)(0-1:24.2.1)(m3)\r\n1-0:1.7.0(1*W)\r\n!\r\n",
          false, "1-0:1.7.0=1 W\n0-1:24.3.0:(090212160000)(00)(60)(1)(0-1:24.2.1)(m3)\n" },
        { "gas cut at the end", HEAD "0-1:24.3.0(090212160000)(00)(60)(1)(0-1:24.2.1)(m3)\r\n!\r\n",
          false, "0-1:24.3.0:(090212160000)(00)(60)(1)(0-1:24.2.1)(m3)\n" },
        { "gas without a unit is no reading", HEAD "0-1:24.2.1(000101000000W)(0000)\r\n!#\r\n",
          false, "0-1:24.2.1:(000101000000W)(0000)\n" },
        { "peak of the month with its time", HEAD "1-0:1.6.0(200509134558S)(02.589*kW)\r\n!#\r\n",
          false, "1-0:1.6.0=2589 W at 2020-05-09T13:45:58+02:00\n" },
        { "history is one text",
          HEAD "0-0:98.1.0(1)(1-0:1.6.0)(1-0:1.6.0)(200501000000S)(200423192538S)(03.695*kW)\r\n"
               "1-0:99.97.0(1)(0000000236*s)\r\n!#\r\n",
          false,
          "0-0:98.1.0:(1)(1-0:1.6.0)(1-0:1.6.0)(200501000000S)(200423192538S)(03.695*kW)\n"
          "1-0:99.97.0:(1)(0000000236*s)\n" },
        { "a power factor has no unit", HEAD "1-0:13.7.0(-0.910)\r\n!#\r\n", false,
          "1-0:13.7.0=-0.910 \n" },
        { "a power factor that cannot be", HEAD "1-0:33.7.0(4.591)\r\n!#\r\n", false,
          "1-0:33.7.0:4.591\n" },
        { "another number without unit is a text", HEAD "1-0:32.32.0(00002)\r\n!#\r\n", false,
          "1-0:32.32.0:00002\n" },
        { "a unit that is not shown is not replaced", HEAD "1-0:1.9.0(12*EUR)\r\n!#\r\n", false,
          "1-0:1.9.0=12 (null)\n" },
        { "blanks around number and unit", HEAD "1-0:15.8.0( 7.694*kWh )\r\n!#\r\n", false,
          "1-0:15.8.0=7694 Wh\n" },
        { "identifiers and messages are hex-coded",
          HEAD "0-0:42.0.0(53414731)\r\n0-0:96.1.0(383930)\r\n0-1:96.1.0(4730)\r\n"
               "0-0:96.13.0(48692e)\r\n1-3:0.2.8(50)\r\n!#\r\n",
          false,
          "0-0:42.0.0:SAG1\n0-0:96.1.0:890\n0-1:96.1.0:G0\n0-0:96.13.0:Hi.\n1-3:0.2.8:50\n"
          "id SAG1\n" },
        { "a short serial number that could be read as hex",
          HEAD "0-0:96.1.0(34567890)\r\n0-1:96.1.0(34567A48)\r\n0-2:96.1.0(31415053)\r\n!#\r\n",
          false, "0-0:96.1.0:34567890\n0-1:96.1.0:4VzH\n0-2:96.1.0:1APS\nid 34567890\n" },
        { "an identifier that is not", HEAD "0-0:96.1.0(96815390)\r\n0-0:96.13.0()\r\n!#\r\n",
          false, "0-0:96.1.0:96815390\n0-0:96.13.0:\nid 96815390\n" },
        { "lines that are no objects are skipped",
          HEAD "1-0:1.7.0(1*W)\r\nbroken\r\n1-0:2.7.0(2*W\r\n1-0:2.7.0\r\n1-0:2.7.0(3*W)x\r\n"
               "1-0:2.7.0((4*W))\r\n1-0:2.8.0(5*Wh)\r\n!\r\n",
          false, "1-0:1.7.0=1 W\n1-0:2.8.0=5 Wh\n" },
        { "a number too long for 64 bits is a text",
          HEAD "1-0:1.8.0(99999999999999999999*Wh)\r\n!#\r\n", false,
          "1-0:1.8.0:99999999999999999999*Wh\n" },
        { "line feeds alone, where the check sum holds", HEAD "1-0:1.7.0(1*W)\n!#\n", false,
          "1-0:1.7.0=1 W\n" },
};

/* What a telegram says, one line per fact. */
static void describe(struct telegram *t, char *out, size_t size)
{
        char time[DATETIME_TEXT_MAX], code[OBIS_TEXT_MAX], value[DECIMAL_TEXT_MAX];
        size_t n = 0;

        out[0] = '\0';
        telegram_identify(t);
        for (size_t i = 0; i < t->n_readings; i++) {
                const struct reading *r = &t->readings[i];

                (void)decimal_print(r->value, value);
                (void)datetime_print(&r->captured, time);
                n += (size_t)snprintf(out + n, size - n, "%s=%s %s%s%s\n",
                                      obis_print(r->obis, code), value, unit_name(r->unit),
                                      time[0] ? " at " : "", time);
        }
        for (size_t i = 0; i < t->n_texts; i++)
                n += (size_t)snprintf(
                        out + n, size - n, "%s:%.*s\n", obis_print(t->texts[i].obis, code),
                        (int)t->texts[i].value.len, (const char *)t->texts[i].value.data);
        if (t->meter_id[0])
                n += (size_t)snprintf(out + n, size - n, "id %s\n", t->meter_id);
        (void)datetime_print(&t->time, time);
        if (time[0])
                (void)snprintf(out + n, size - n, "at %s\n", time);
}

static void run_good(void **state)
{
        const struct good_case *c = *state;
        struct slice s = build(c->text, c->parity);
        static struct telegram t;
        char got[2048];

        assert_int_equal(link_length(&link_p1, s, none), s.len);
        assert_int_equal(link_ask(&link_iec62056_21, s, none), LINK_NONE);
        for (size_t n = 1; n < s.len; n++)
                assert_int_equal(link_ask(&link_p1, slice_first(s, n), none), LINK_MORE);
        telegram_reset(&t, "p1");
        assert_int_equal(link_p1.read_plain(s, &t), 0);
        memset(frame, '?', c->parity ? sizeof(frame) : 0); /* what was masked was copied */
        describe(&t, got, sizeof(got));
        assert_string_equal(got, c->want);
}

static struct bad_case {
        const char *name;
        const char *text;
        enum link_result want;
} bad_cases[] = {
        { "no identification", "/123\r\n", LINK_NONE },
        { "identification without its line feed", "/ABC5\r\r", LINK_NONE },
        { "identification with a line feed alone", "/ABC5\n\n", LINK_DAMAGED },
        { "a path, and its line feed", "/usr\n\n", LINK_NONE },
        { "identification that never ends",
          "/ABC5abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzab",
          LINK_NONE },
        { "check sum does not match", HEAD "1-0:1.7.0(1*W)\r\n!0000\r\n", LINK_DAMAGED },
        { "check sum that is none", HEAD "1-0:1.7.0(1*W)\r\n!00x0\r\n", LINK_DAMAGED },
        { "check sum too long", HEAD "1-0:1.7.0(1*W)\r\n!00000\r\n", LINK_DAMAGED },
        { "check sum missing where the version has one",
          HEAD "1-3:0.2.8(50)\r\n1-0:1.7.0(1*W)\r\n!\r\n", LINK_DAMAGED },
        { "cut short inside a line, without check sums",
          HEAD "1-0:1.7.0(1*W)\r\n1-0:2.7/ABC5\r\n1-0:1.7.0(2*W)\r\n!\r\n", LINK_DAMAGED },
        { "a readout cut short inside a line",
          "/EBZ5\r\n\r\n1-0:1.8.0*255(1*Wh)\r\n1-0:2/EBZ5\r\n\r\n1-0:1.8.0*255(2*Wh)\r\n!\r\n",
          LINK_DAMAGED },
        { "check sum missing in e-MUCS", HEAD "1-0:1.7.0(1*W)\r\n0-0:96.1.4(50217)\r\n!\r\n",
          LINK_DAMAGED },
        { "no check sum, line feed alone", HEAD "1-0:1.7.0(1*W)\r\n!\n", LINK_DAMAGED },
        { "no check sum and nothing in it", HEAD "!\r\n", LINK_DAMAGED },
        { "cut short by the next telegram", HEAD "1-0:1.7.0(1*W)\r\n/ISK5\r\n", LINK_DAMAGED },
        { "a line end with parity where there is none", "/ABC5\r\n\x8d\n1-0:1.7.0(1*W)\r\n",
          LINK_DAMAGED },
        { "a byte that is no text", HEAD "1-0:1.7.0(1\x01*W)\r\n", LINK_DAMAGED },
        { "no end yet", HEAD "1-0:1.7.0(1*W)\r\n", LINK_MORE },
};

static void run_bad(void **state)
{
        const struct bad_case *c = *state;
        struct slice s = build(c->text, false);
        static struct telegram t;

        assert_int_equal(link_ask(&link_p1, s, none), c->want);
        assert_int_equal(link_ask(&link_iec62056_21, s, none),
                         c->want == LINK_DAMAGED ? LINK_NONE : c->want);
        telegram_reset(&t, "p1");
        assert_int_equal(link_p1.read_plain(s, &t), -EBADMSG);
        assert_int_equal(t.n_readings + t.n_texts, 0);
}

static struct ciphered_case {
        const char *name;
        struct slice in;
        enum link_result want; /* LINK_WHOLE: all of it */
        size_t want_apdu;      /* its length */
} ciphered_cases[] = {
        { "without tag and title, a '!' in the ciphertext",
          TEXT("/EGM5\r\n\r\n\x00\x82\x00\x08\x30\0\0\0\x01!\r\n!FE0C\r\n"), LINK_WHOLE, 12 },
        { "with tag and title",
          TEXT("/EGM5\r\n\r\n\xdb\x08TITLE678\x81\x06\x20\0\0\0\x01/!fe0c\r\n"), LINK_WHOLE, 18 },
        { "with a short length",
          TEXT("/EGM5\r\n\x00\x07\x30\0\0\0\x01"
               "ab!FE0C\r\n"),
          LINK_WHOLE, 9 },
        { "incomplete", TEXT("/EGM5\r\n\r\n\x00\x82\x00\x08\x30\0\0\0\x01!\r\n!FE0C\r"), LINK_MORE,
          0 },
        { "header incomplete", TEXT("/EGM5\r\n\r\n\x00\x82\x00\x08"), LINK_MORE, 0 },
        { "no '!' where it ends",
          TEXT("/EGM5\r\n\r\n\x00\x82\x00\x08\x30\0\0\0\x01"
               "abcdefghijk"),
          LINK_DAMAGED, 0 },
        { "no check sum after it",
          TEXT("/EGM5\r\n\r\n\x00\x82\x00\x08\x30\0\0\0\x01"
               "abc!xyzu\r\n"),
          LINK_DAMAGED, 0 },
        { "title of a length that none has",
          TEXT("/EGM5\r\n\r\n\xdb\x07TITLE67\x81\x06\x20\0\0\0\0\0"), LINK_DAMAGED, 0 },
        { "length in a form that none has",
          TEXT("/EGM5\r\n\r\n\x00\x84\x00\x08\x30\0\0\0\x01!\r\n!FE0C"), LINK_DAMAGED, 0 },
        { "longer than a frame may be",
          TEXT("/EGM5\r\n\r\n\x00\x82\x20\x08\x30\0\0\0\x01!\r\n!FE0C"), LINK_DAMAGED, 0 },
        { "security control that neither enciphers nor signs",
          TEXT("/EGM5\r\n\r\n\x00\x82\x00\x08\x00\0\0\0\x01!\r\n!FE0C"), LINK_DAMAGED, 0 },
};

static void run_ciphered(void **state)
{
        const struct ciphered_case *c = *state;
        struct slice apdu = link_apdu(&link_p1, c->in);
        static struct telegram t;

        assert_int_equal(link_ask(&link_p1, c->in, none), c->want);
        assert_int_equal(apdu.len, c->want_apdu);
        if (c->want == LINK_WHOLE) {
                assert_int_equal(link_length(&link_p1, c->in, none), c->in.len);
                assert_true(apdu.data[0] == 0x00 || apdu.data[0] == 0xdb);
        }
        telegram_reset(&t, "p1");
        assert_int_equal(link_p1.read_plain(c->in, &t), -EBADMSG);
}

/* Deciphered text may lack its last line end, and may have fill bytes after it. */
static void test_text_without_line_end(void **state)
{
        struct slice s = build(HEAD "1-0:1.7.0(1*W)\r\n!#", false);
        static struct telegram t;

        assert_int_equal(link_ask(&link_p1, s, none), LINK_MORE);
        telegram_reset(&t, "p1");
        assert_int_equal(link_p1.read_plain(s, &t), 0);
        assert_int_equal(t.n_readings, 1);

        memcpy(frame + s.len, "\r\n\0\0", 4);
        telegram_reset(&t, "p1");
        assert_int_equal(link_p1.read_plain((struct slice){ frame, s.len + 4 }, &t), 0);
        frame[s.len + 3] = 'x';
        telegram_reset(&t, "p1");
        assert_int_equal(link_p1.read_plain((struct slice){ frame, s.len + 4 }, &t), -EBADMSG);
}

/* Lower case, and leading zeros lost (WarmteLink): both verify, and neither may be guessed. */
static void test_check_sum_is_printed_in_many_ways(void **state)
{
        static struct telegram t;
        int n_short = 0;

        for (int i = 0; i < 100; i++) {
                char text[64], sum[16];
                struct slice s;
                unsigned int crc;

                (void)snprintf(text, sizeof(text), "/ABC5\r\n\r\n1-0:1.7.0(%d*W)\r\n!", i);
                s = build(text, false);
                crc = crc16_arc(s);
                n_short += crc < 0x1000;
                (void)snprintf(sum, sizeof(sum), "%x\r\n", crc);
                memcpy(frame + s.len, sum, strlen(sum));
                s.len += strlen(sum);
                assert_int_equal(link_length(&link_p1, s, none), s.len);
                telegram_reset(&t, "p1");
                assert_int_equal(link_p1.read_plain(s, &t), 0);
                assert_int_equal(t.readings[0].value.mantissa, i);
        }
        assert_true(n_short > 0);
}

static void test_no_flipped_bit_is_read(void **state)
{
        struct slice s =
                build(HEAD "0-0:96.1.1(4530)\r\n1-0:1.8.1(000123.456*kWh)\r\n!#\r\n", false);
        static struct telegram t;

        for (size_t bit = 0; bit < (s.len - 2) * 8; bit++) {
                frame[bit / 8] ^= (uint8_t)(1U << bit % 8);
                /* Bit 5 of a letter of the check sum is its case. */
                if (bit / 8 < s.len - 6 || !(frame[bit / 8] & 0x40)) {
                        telegram_reset(&t, "p1");
                        assert_int_equal(link_p1.read_plain(s, &t), -EBADMSG);
                        if (link_p1.starts(frame[0]))
                                assert_int_not_equal(link_ask(&link_p1, s, none), LINK_WHOLE);
                }
                frame[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
}

/* Two messages of 1 KiB are within bounds; the arena's end drops a text and says so. */
static void test_long_messages(void **state)
{
        static char text[LINK_FRAME_MAX + 64];
        static struct telegram t;
        int n = snprintf(text, sizeof(text), HEAD);

        for (int i = 0; i < 2; i++) {
                n += snprintf(text + n, sizeof(text) - (size_t)n, "0-0:96.13.%d(", i);
                for (int k = 0; k < 960; k++)
                        n += snprintf(text + n, sizeof(text) - (size_t)n, "4D");
                n += snprintf(text + n, sizeof(text) - (size_t)n, ")\r\n");
        }
        (void)snprintf(text + n, sizeof(text) - (size_t)n, "!#\r\n");
        telegram_reset(&t, "p1");
        assert_int_equal(link_p1.read_plain(build(text, false), &t), 0);
        assert_int_equal(t.n_texts, 2);
        assert_int_equal(t.texts[1].value.len, 960);

        t.arena_used = sizeof(t.arena) - 1000;
        t.n_texts = 0;
        assert_int_equal(link_p1.read_plain(build(text, false), &t), 0);
        assert_int_equal(t.n_texts, 1);
        assert_int_equal(t.n_dropped, 1);

        memset(frame, 'a', sizeof(frame));
        memcpy(frame, "/ABC5\r\n", 7);
        assert_int_equal(link_ask(&link_p1, (struct slice){ frame, LINK_FRAME_MAX - 1 }, none),
                         LINK_MORE);
        assert_int_equal(link_ask(&link_p1, (struct slice){ frame, LINK_FRAME_MAX }, none),
                         LINK_DAMAGED);
}

static void test_identification(void **state)
{
        static struct telegram t;

        telegram_reset(&t, "p1");
        assert_int_equal(
                link_p1.read_plain(build("/LGF5E360\r\n\r\n1-0:1.7.0(1*W)\r\n!#\r\n", false), &t),
                0);
        assert_string_equal(t.manufacturer, "LGF");
        assert_string_equal(t.model, "Landis+Gyr E360");
        telegram_reset(&t, "p1");
        assert_int_equal(
                link_p1.read_plain(build("/xyZ5\r\n\r\n1-0:1.7.0(1*W)\r\n!#\r\n", false), &t), 0);
        assert_string_equal(t.manufacturer, "XYZ");
        assert_string_equal(t.model, "");
}

int main(void)
{
        struct CMUnitTest tests[ELEMENTSOF(good_cases) + ELEMENTSOF(bad_cases) +
                                ELEMENTSOF(ciphered_cases) + 5] = {
                cmocka_unit_test(test_text_without_line_end),
                cmocka_unit_test(test_check_sum_is_printed_in_many_ways),
                cmocka_unit_test(test_no_flipped_bit_is_read),
                cmocka_unit_test(test_long_messages),
                cmocka_unit_test(test_identification),
        };
        size_t n = 5;

        n = test_add_rows(tests, n, good_cases, ELEMENTSOF(good_cases), sizeof(good_cases[0]),
                          run_good);
        n = test_add_rows(tests, n, bad_cases, ELEMENTSOF(bad_cases), sizeof(bad_cases[0]),
                          run_bad);
        n = test_add_rows(tests, n, ciphered_cases, ELEMENTSOF(ciphered_cases),
                          sizeof(ciphered_cases[0]), run_ciphered);
        return _cmocka_run_group_tests("link-p1", tests, n, NULL, NULL);
}
