/* SPDX-License-Identifier: MIT */
/*
 * IEC 62056-21 readouts with identification, with block check, and bare.
 */
#include <errno.h>

#include "lib/link/link.h"
#include "link-read.h"
#include "tests/unit/test.h"

static uint8_t frame[LINK_FRAME_MAX + 16];

/* Copies `text`; "#" becomes ETX and the block check character over all since STX. */
static struct slice build(const char *text, bool parity)
{
        size_t n = 0;
        uint8_t bcc = 0;

        for (; *text; text++) {
                if (*text == '#') {
                        frame[n++] = 3;
                        frame[n++] = bcc ^ 3;
                        continue;
                }
                bcc = *text == 2 ? 0 : (uint8_t)(bcc ^ *text);
                frame[n++] = (uint8_t)*text;
        }
        for (size_t i = 0; parity && i < n; i++)
                frame[i] = (uint8_t)(frame[i] | __builtin_parity(frame[i]) << 7);
        return (struct slice){ frame, n };
}

static enum link_result ask(const struct link_ops *link, struct slice s, const char *before)
{
        return link_ask(link, s, slice_of_string(before));
}

#define MODE_D                                                                                   \
        "/EBZ5DD3BZ06ETA_107\r\n\r\n1-0:0.0.0*255(1EBZ01)\r\n1-0:1.8.0*255(005087.4878*kWh)\r\n" \
        "1-0:96.5.0*255(001C0104)\r\n!\r\n"
#define BLOCK                                                                                     \
        "\x02"                                                                                    \
        "F.F(00000000)\r\n0.0.0(12345678)\r\n1.8.0(0012345.6*kWh)\r\n1.8.0*05(0012000.0*kWh)\r\n" \
        "1.6.1(1.250*kW)(0803271145)\r\n32.7(230.1*V)\r\nC.1.0(77)\r\nP.01(1)\r\n!\r\n#"
#define BLOCK_SAYS                                                      \
        "1-0:1.8.0=12345600 Wh\n1-0:1.8.0*5=12000000 Wh\n"              \
        "1-0:1.6.1=1250 W at 2008-03-27T11:45:00\n1-0:32.7.0=230.1 V\n" \
        "0-0:97.97.0:00000000\n1-0:0.0.0:12345678\n0-0:96.1.0:77\n0-0:99.1.0:1\nid 77\n"
#define BARE \
        "0.0.0(110002267)\r\n1.8.0(31550.191*kWh)\r\n0.9.1(21:10:29)\r\n0.9.2(24-03-21)\r\n!\r\n"
#define BARE_SAYS \
        "1-0:1.8.0=31550191 Wh\n1-0:0.0.0:110002267\nid 110002267\nat 2024-03-21T21:10:29\n"

static struct good_case {
        const char *name;
        const char *text, *before;
        bool parity;
        const char *want;
} good_cases[] = {
        { "mode D", MODE_D, "", false,
          "1-0:1.8.0=5087487.8 Wh\n1-0:0.0.0:1EBZ01\n1-0:96.5.0:001C0104\nid 1EBZ01\n" },
        { "mode D in 7E1 read as 8N1", MODE_D, "", true,
          "1-0:1.8.0=5087487.8 Wh\n1-0:0.0.0:1EBZ01\n1-0:96.5.0:001C0104\nid 1EBZ01\n" },
        { "mode C", "/LGZ4ZMD3104407.B32\r\n" BLOCK, "", false, BLOCK_SAYS },
        { "mode C in 7E1 read as 8N1", "/LGZ4ZMD3104407.B32\r\n" BLOCK, "", true, BLOCK_SAYS },
        { "mode C with the reader's answer",
          "/LGZ4ZMD\r\n\x06"
          "050\r\n" BLOCK,
          "", false, BLOCK_SAYS },
        { "mode C whose identification was not heard", BLOCK, "\xf3\x90", false, BLOCK_SAYS },
        { "bare, at the beginning", BARE, "", false, BARE_SAYS },
        { "bare, after another", BARE, "(1)\r\n!\r\n", false, BARE_SAYS },
        { "bare, after another with a damaged end", BARE, "(1)\r\nA\r\n", false, BARE_SAYS },
        { "bare, after one that was cut", BARE, "\r\n1.8.0(315", false, BARE_SAYS },
        { "bare, after noise", BARE, "\xf3\x90", false, BARE_SAYS },
        { "bare, in 7E1 read as 8N1", BARE, "", true, BARE_SAYS },
        { "date and time without punctuation",
          "0.0(1)\r\n1.8.0(1*Wh)\r\n0.9.1(211029)\r\n0.9.2(240321)\r\n!\r\n", "", false,
          "1-0:1.8.0=1 Wh\n1-0:0.0.0:1\nid 1\nat 2024-03-21T21:10:29\n" },
        { "date and time in one", "0.0(1)\r\n1.8.0(1*Wh)\r\n0.9.4(240321211029)\r\n!\r\n", "",
          false, "1-0:1.8.0=1 Wh\n1-0:0.0.0:1\nid 1\nat 2024-03-21T21:10:29\n" },
        { "time without date", "0.0(1)\r\n1.8.0(1*Wh)\r\n0.9.1(21:10:29)\r\n!\r\n", "", false,
          "1-0:1.8.0=1 Wh\n1-0:0.0.0:1\n1-0:0.9.1:21:10:29\nid 1\n" },
        { "date that is none",
          "0.0(1)\r\n1.8.0(1*Wh)\r\n0.9.1(21:10:29)\r\n0.9.2(24-13-21)\r\n!\r\n", "", false,
          "1-0:1.8.0=1 Wh\n1-0:0.0.0:1\n1-0:0.9.2:24-13-21\n1-0:0.9.1:21:10:29\nid 1\n" },
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

        assert_true(link_iec62056_21.starts(s.data[0]));
        assert_int_equal(link_length(&link_iec62056_21, s, slice_of_string(c->before)), s.len);
        if (link_p1.starts(s.data[0]))
                assert_int_equal(ask(&link_p1, s, c->before), LINK_NONE);
        for (size_t n = 1; n < s.len; n++)
                assert_int_equal(ask(&link_iec62056_21, slice_first(s, n), c->before), LINK_MORE);
        telegram_reset(&t, "iec62056-21");
        assert_int_equal(link_read(&link_iec62056_21, s, &t), 0);
        memset(frame, '?', c->parity ? sizeof(frame) : 0); /* what was masked was copied */
        describe(&t, got, sizeof(got));
        assert_string_equal(got, c->want);
}

static struct bad_case {
        const char *name;
        const char *text, *before;
        enum link_result want;
} bad_cases[] = {
        { "block check does not match",
          "/LGZ4\r\n\x02"
          "1.8.0(1*kWh)\r\n!\r\n\x03?",
          "", LINK_DAMAGED },
        { "the same without identification",
          "\x02"
          "1.8.0(1*kWh)\r\n!\r\n\x03?",
          "", LINK_DAMAGED },
        { "no ETX",
          "\x02"
          "1.8.0(1*kWh)\r\n!\r\n??",
          "", LINK_DAMAGED },
        { "STX in binary",
          "\x02"
          "0\x01",
          "", LINK_NONE },
        { "TIC", "\x02\nBASE", "", LINK_NONE },
        { "mode D with a damaged line", "/EBZ5\r\n\r\n1-0:1.8.0*255(1*Wh)\r\nx\r\n!\r\n", "",
          LINK_DAMAGED },
        { "bare, after a line of the same frame", BARE, "F.F(0)\r\n", LINK_NONE },
        { "bare, after an identification", BARE, "/LGZ4\r\n\r\n", LINK_NONE },
        { "bare, after the STX of a block that failed", BARE, "/LGZ4\r\n\x02", LINK_NONE },
        { "bare, after an STX that was damaged", BARE, "/LGZ4\r\nB", LINK_NONE },
        { "bare, in the middle of a code", BARE, "1-0:", LINK_NONE },
        { "bare, with a channel as P1 has it", "0.0.0(1)\r\n1-0:1.8.0(1*Wh)\r\n!\r\n", "",
          LINK_NONE },
        { "bare, with a damaged line", "0.0.0(1)\r\n1.8.0(1*Wh\r\n!\r\n", "", LINK_NONE },
        { "bare, with an empty line", "0.0.0(1)\r\n\r\n1.8.0(1*Wh)\r\n!\r\n", "", LINK_NONE },
        { "bare, without energy", "0.0.0(1)\r\n1.7.0(1*W)\r\n!\r\n", "", LINK_NONE },
        { "bare, with a check sum", "0.0.0(1)\r\n1.8.0(1*Wh)\r\n!1A2B\r\n", "", LINK_NONE },
        { "bare, with a byte that is no text", "0.0.0(1)\r\n1.8.0(\x01*Wh)\r\n!\r\n", "",
          LINK_NONE },
        { "bare, with a first line too long",
          "0.0.0(aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
          "aaaaaaaaaaaa)\r\n1.8.0(1*Wh)\r\n!\r\n",
          "", LINK_NONE },
        { "another code in front", "1.8.0(1*Wh)\r\n!\r\n", "", LINK_NONE },
};

static void run_bad(void **state)
{
        const struct bad_case *c = *state;
        struct slice s = build(c->text, false);

        assert_int_equal(ask(&link_iec62056_21, s, c->before), c->want);
        if (link_p1.starts(s.data[0]))
                assert_int_equal(ask(&link_p1, s, c->before), LINK_NONE);
}

static void test_decode_refuses_garbage(void **state)
{
        static struct telegram t;

        telegram_reset(&t, "iec62056-21");
        assert_int_equal(link_read(&link_iec62056_21, (struct slice){ 0 }, &t), -EBADMSG);
        assert_int_equal(link_read(&link_iec62056_21, slice_of_string("1.8.0(1*Wh)"), &t),
                         -EBADMSG);
        assert_int_equal(t.n_readings + t.n_texts, 0);
}

/* A bare block that never ends is given up; a readout too. */
static void test_length_is_bounded(void **state)
{
        static const char line[] = "1.8.0(1*Wh)\r\n";
        size_t n = strlen("0.0.0(1)\r\n");

        memcpy(frame, "0.0.0(1)\r\n", n);
        while (n + sizeof(line) < sizeof(frame)) {
                memcpy(frame + n, line, sizeof(line) - 1);
                n += sizeof(line) - 1;
        }
        assert_int_equal(ask(&link_iec62056_21, (struct slice){ frame, n }, ""), LINK_NONE);
        memcpy(frame,
               "\x02"
               "0.0(1)\r\n",
               9);
        assert_int_equal(ask(&link_iec62056_21, (struct slice){ frame, n }, ""), LINK_NONE);
        memcpy(frame, "/ABC\r\n\x02", 7);
        assert_int_equal(ask(&link_iec62056_21, (struct slice){ frame, n }, ""), LINK_DAMAGED);
}

int main(void)
{
        struct CMUnitTest tests[ELEMENTSOF(good_cases) + ELEMENTSOF(bad_cases) + 2] = {
                cmocka_unit_test(test_decode_refuses_garbage),
                cmocka_unit_test(test_length_is_bounded),
        };
        size_t n = 2;

        n = test_add_rows(tests, n, good_cases, ELEMENTSOF(good_cases), sizeof(good_cases[0]),
                          run_good);
        n = test_add_rows(tests, n, bad_cases, ELEMENTSOF(bad_cases), sizeof(bad_cases[0]),
                          run_bad);
        return _cmocka_run_group_tests("link-iec62056-21", tests, n, NULL, NULL);
}
