/* SPDX-License-Identifier: MIT */
/*
 * TIC frames (Enedis-NOI-CPT_54E): groups are written here without their check, which build()
 * computes by the clause, not by the code under test.
 */
#include <errno.h>

#include "lib/link/link.h"
#include "link-read.h"
#include "tests/unit/test.h"

#define FRAME_MAX 2048

static uint8_t frame[FRAME_MAX];

/* STX, each line of `groups` with LF, check and CR, ETX. '\t' in a line makes it standard mode. */
static struct slice build(const char *groups, bool parity)
{
        size_t n = 0;

        frame[n++] = 2;
        while (*groups) {
                const char *end = strchr(groups, '\n');
                bool standard = memchr(groups, '\t', (size_t)(end - groups)) != NULL;
                unsigned int sum = standard ? '\t' : 0;

                frame[n++] = '\n';
                for (; groups < end; groups++) {
                        sum += (unsigned int)*groups;
                        frame[n++] = (uint8_t)*groups;
                }
                frame[n++] = standard ? '\t' : ' ';
                frame[n++] = (uint8_t)((sum & 0x3f) + 0x20);
                frame[n++] = '\r';
                groups = end + 1;
        }
        frame[n++] = 3;
        for (size_t i = 0; parity && i < n; i++)
                frame[i] = (uint8_t)(frame[i] | __builtin_parity(frame[i]) << 7);
        return (struct slice){ frame, n };
}

static const struct slice none;

#define HISTORIQUE \
        "ADCO 012345678901\nOPTARIF BASE\nBASE 001234567\nPTEC TH..\nIINST 003\nPAPP 00690\n"
#define BLUE_WHITE_RED                                                                 \
        "ADCO 012345678901\nBBRHCJB 000000001\nBBRHPJB 000000002\nBBRHCJW 000000003\n" \
        "BBRHPJW 000000004\nBBRHCJR 000000005\nBBRHPJR 000000006\nPTEC HPJW\nDEMAIN ROUG\n"
#define THREE_PHASE \
        "ADCO 012345678901\nHCHC 000000010\nHCHP 000000020\nIINST1 001\nIINST2 002\nIINST3 003\n"
#define STANDARD                                                                               \
        "ADSC\t041876097777\nVTIC\t02\nDATE\tH081225223518\t\nNGTF\tTEMPO\n"                   \
        "EAST\t004855593\n"                                                                    \
        "EASF01\t004855593\nEASD01\t000000007\nEAIT\t000000009\nERQ4\t000000011\nIRMS1\t001\n" \
        "URMS3\t229\nSINSTS2\t00123\nSINSTI\t00042\nSMAXSN\tH081225053518\t06030\nNTARF\t02\n" \
        "PRM\t01332272002530\nPJOURF+1\t00008001 NONUTILE NONUTILE\n"

static struct good_case {
        const char *name;
        const char *groups;
        bool parity;
        const char *want_id, *want_time;
        size_t want_readings, want_texts;
        const char *want; /* of the last reading: code and value */
} good_cases[] = {
        { "historique, base", HISTORIQUE, false, "012345678901", "", 3, 4, "1-0:9.7.0 690" },
        { "historique, tempo", BLUE_WHITE_RED, false, "012345678901", "", 6, 4, "1-0:1.8.6 6" },
        { "historique, three phases", THREE_PHASE, false, "012345678901", "", 5, 1,
          "1-0:71.7.0 3" },
        { "standard", STANDARD, false, "041876097777", "2008-12-25T22:35:18+01:00", 8, 10,
          "1-0:10.7.0 42" },
        { "standard in 7E1 read as 8N1", STANDARD, true, "041876097777",
          "2008-12-25T22:35:18+01:00", 8, 10, "1-0:10.7.0 42" },
        { "summer, clock on its reserve", "DATE\te210704090000\t\n", false, "",
          "2021-07-04T09:00:00+02:00", 0, 1, "" },
        { "a season that is none", "DATE\tX210704090000\t\n", false, "", "", 0, 1, "" },
        { "a time too short", "DATE\tE2107040900\t\n", false, "", "", 0, 1, "" },
        { "no season", "DATE\t 210704090000\t\n", false, "", "2021-07-04T09:00:00", 0, 1, "" },
        { "delivery point where there is no address", "PRM\t01332272002530\n", false,
          "01332272002530", "", 0, 1, "" },
        { "an address that is none", "ADSC\t0418/6097777\n", false, "", "", 0, 1, "" },
        { "value of a register is the tariff", "PTEC HC..\n", false, "", "", 0, 2, "" },
};

static void run_good(void **state)
{
        const struct good_case *c = *state;
        struct slice s = build(c->groups, c->parity);
        static struct telegram t;
        char time[DATETIME_TEXT_MAX], code[OBIS_TEXT_MAX], value[DECIMAL_TEXT_MAX];
        char got[OBIS_TEXT_MAX + DECIMAL_TEXT_MAX] = "";

        assert_int_equal(link_length(&link_tic, s, none), s.len);
        for (size_t n = 1; n < s.len; n++)
                assert_int_equal(link_ask(&link_tic, slice_first(s, n), none), LINK_MORE);
        telegram_reset(&t, "tic");
        assert_int_equal(link_read(&link_tic, s, &t), 0);
        memset(frame, 0, c->parity ? sizeof(frame) : 0); /* what was masked was copied */
        assert_string_equal(t.meter_id, c->want_id);
        (void)datetime_print(&t.time, time);
        assert_string_equal(time, c->want_time);
        assert_int_equal(t.n_readings, c->want_readings);
        assert_int_equal(t.n_texts, c->want_texts);
        for (size_t i = 0; i < t.n_texts; i++)
                assert_true(t.texts[i].value.len == 0 || t.texts[i].value.data[0] != 0);
        if (t.n_readings > 0) {
                const struct reading *last = &t.readings[t.n_readings - 1];

                (void)decimal_print(last->value, value);
                (void)snprintf(got, sizeof(got), "%s %s", obis_print(last->obis, code), value);
        }
        assert_string_equal(got, c->want);
}

static struct bad_case {
        const char *name;
        struct slice in;
        enum link_result want;
} bad_cases[] = {
        { "STX in binary", BYTES(2, 0x31), LINK_NONE },
        { "first group is damaged", TEXT("\x02\nPAPP 00690 )\r\x03"), LINK_NONE },
        { "second group is damaged", TEXT("\x02\nIINST 009  \r\nPAPP 02161 *\r\x03"),
          LINK_DAMAGED },
        { "interrupted by the meter", TEXT("\x02\nIINST 009  \r\x04"), LINK_DAMAGED },
        { "a letter in a number, which the check does not see",
          TEXT("\x02\nIINST 009  \r\nPAPP 0216p *\r\x03"), LINK_DAMAGED },
        { "no line feed", TEXT("\x02\nIINST 009  \rPAPP 02160 *\r\x03"), LINK_DAMAGED },
        { "a byte that is no text", TEXT("\x02\nIINST 009  \r\nPAPP \x01"), LINK_DAMAGED },
        { "a fourth field", TEXT("\x02\nIINST 009  \r\nDATE\tE1\t2\t3\t=\r\x03"), LINK_DAMAGED },
        { "a line end with parity where there is none", TEXT("\x02\nIINST 009  \x8d\x03"),
          LINK_NONE },
        { "nothing in it", TEXT("\x02\x03"), LINK_NONE },
        { "group too short", TEXT("\x02\nA B\r\x03"), LINK_NONE },
        { "incomplete", TEXT("\x02\nIINST 009  \r\nPAPP 0216"), LINK_MORE },
};

static void run_bad(void **state)
{
        const struct bad_case *c = *state;
        static struct telegram t;

        assert_int_equal(link_ask(&link_tic, c->in, none), c->want);
        telegram_reset(&t, "tic");
        assert_int_equal(link_read(&link_tic, c->in, &t), -EBADMSG);
        assert_int_equal(t.n_readings + t.n_texts, 0);
}

/* Whatever byte is flipped, and in whatever bit: never a reading other than those sent. */
static void test_flips(void **state)
{
        struct slice s = build(HISTORIQUE, false);
        static struct telegram good, t;

        telegram_reset(&good, "tic");
        assert_int_equal(link_read(&link_tic, s, &good), 0);
        for (size_t bit = 0; bit < s.len * 8; bit++) {
                frame[bit / 8] ^= (uint8_t)(1U << bit % 8);
                telegram_reset(&t, "tic");
                if (frame[0] == 2 && link_read(&link_tic, s, &t) == 0) {
                        for (size_t i = 0; i < t.n_readings; i++)
                                assert_int_equal(t.readings[i].value.mantissa,
                                                 good.readings[i].value.mantissa);
                }
                frame[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
        assert_true(link_tic.starts(0x02));
        assert_true(link_tic.starts(0x82));
        assert_false(link_tic.starts('/'));
}

int main(void)
{
        struct CMUnitTest tests[ELEMENTSOF(good_cases) + ELEMENTSOF(bad_cases) + 1] = {
                cmocka_unit_test(test_flips),
        };
        size_t n = 1;

        n = test_add_rows(tests, n, good_cases, ELEMENTSOF(good_cases), sizeof(good_cases[0]),
                          run_good);
        n = test_add_rows(tests, n, bad_cases, ELEMENTSOF(bad_cases), sizeof(bad_cases[0]),
                          run_bad);
        return _cmocka_run_group_tests("link-tic", tests, n, NULL, NULL);
}
