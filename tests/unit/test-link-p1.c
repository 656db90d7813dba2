/* SPDX-License-Identifier: MIT */
/*
 * P1 telegrams (DSMR P1 5.0.2, e-MUCS, national variants), written here without their check sum,
 * which build() appends.
 */
#include <errno.h>

#include "lib/crc.h"
#include "lib/link-iec62056-21.h"
#include "lib/link-p1.h"
#include "lib/link.h"
#include "tests/unit/test.h"

static uint8_t frame[LINK_FRAME_MAX + 16];

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

static ssize_t ask(const struct link_ops *link, struct slice s)
{
        struct link_fault fault = { 0 };
        ssize_t r = link->probe(s, (struct slice){ 0 }, &fault);

        if (r == -EBADMSG)
                assert_non_null(fault.what);
        return r;
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
        { "a number without unit is a text", HEAD "1-0:13.7.0(-0.910)\r\n!#\r\n", false,
          "1-0:13.7.0:-0.910\n" },
        { "a unit nobody knows is a text", HEAD "1-0:1.9.0(12*EUR)\r\n!#\r\n", false,
          "1-0:1.9.0:12*EUR\n" },
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

        assert_int_equal(ask(&link_p1, s), s.len);
        assert_int_equal(ask(&link_iec62056_21, s), -EAGAIN);
        for (size_t n = 1; n < s.len; n++)
                assert_int_equal(ask(&link_p1, slice_first(s, n)), 0);
        telegram_reset(&t, LINK_P1);
        assert_int_equal(p1_decode(s, &t), 0);
        memset(frame, '?', c->parity ? sizeof(frame) : 0); /* what was masked was copied */
        describe(&t, got, sizeof(got));
        assert_string_equal(got, c->want);
}

static struct bad_case {
        const char *name;
        const char *text;
        ssize_t want;
} bad_cases[] = {
        { "no identification", "/123\r\n", -EAGAIN },
        { "identification without its line feed", "/ABC5\r\r", -EAGAIN },
        { "identification with a line feed alone", "/ABC5\n\n", -EAGAIN },
        { "identification that never ends",
          "/ABC5abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzab",
          -EAGAIN },
        { "check sum does not match", HEAD "1-0:1.7.0(1*W)\r\n!0000\r\n", -EBADMSG },
        { "check sum that is none", HEAD "1-0:1.7.0(1*W)\r\n!00x0\r\n", -EBADMSG },
        { "check sum too long", HEAD "1-0:1.7.0(1*W)\r\n!00000\r\n", -EBADMSG },
        { "check sum missing where the version has one",
          HEAD "1-3:0.2.8(50)\r\n1-0:1.7.0(1*W)\r\n!\r\n", -EBADMSG },
        { "cut short inside a line, without check sums",
          HEAD "1-0:1.7.0(1*W)\r\n1-0:2.7/ABC5\r\n1-0:1.7.0(2*W)\r\n!\r\n", -EBADMSG },
        { "a readout cut short inside a line",
          "/EBZ5\r\n\r\n1-0:1.8.0*255(1*Wh)\r\n1-0:2/EBZ5\r\n\r\n1-0:1.8.0*255(2*Wh)\r\n!\r\n",
          -EBADMSG },
        { "check sum missing in e-MUCS", HEAD "1-0:1.7.0(1*W)\r\n0-0:96.1.4(50217)\r\n!\r\n",
          -EBADMSG },
        { "no check sum, line feed alone", HEAD "1-0:1.7.0(1*W)\r\n!\n", -EBADMSG },
        { "no check sum and nothing in it", HEAD "!\r\n", -EBADMSG },
        { "cut short by the next telegram", HEAD "1-0:1.7.0(1*W)\r\n/ISK5\r\n", -EBADMSG },
        { "a line end with parity where there is none", "/ABC5\r\n\x8d\n1-0:1.7.0(1*W)\r\n",
          -EBADMSG },
        { "a byte that is no text", HEAD "1-0:1.7.0(1\x01*W)\r\n", -EBADMSG },
        { "no end yet", HEAD "1-0:1.7.0(1*W)\r\n", 0 },
};

static void run_bad(void **state)
{
        const struct bad_case *c = *state;
        struct slice s = build(c->text, false);
        static struct telegram t;

        assert_int_equal(ask(&link_p1, s), c->want);
        assert_int_equal(ask(&link_iec62056_21, s), c->want == -EBADMSG ? -EAGAIN : c->want);
        telegram_reset(&t, LINK_P1);
        assert_int_equal(p1_decode(s, &t), -EBADMSG);
        assert_int_equal(t.n_readings + t.n_texts, 0);
}

int main(void)
{
        struct CMUnitTest tests[ELEMENTSOF(good_cases) + ELEMENTSOF(bad_cases)];
        size_t n = 0;

        n = test_add_rows(tests, n, good_cases, ELEMENTSOF(good_cases), sizeof(good_cases[0]),
                          run_good);
        n = test_add_rows(tests, n, bad_cases, ELEMENTSOF(bad_cases), sizeof(bad_cases[0]),
                          run_bad);
        return _cmocka_run_group_tests("link-p1", tests, n, NULL, NULL);
}
