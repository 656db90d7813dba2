/* SPDX-License-Identifier: MIT */
/*
 * Without a tag: which telegrams of M-Bus are held back, on a line and in a file, and the few of
 * HDLC, whose check is better. A script is a list of telegrams, each a letter for what is different
 * about it:
 *
 *      n  as ever     r  60 000 W     w  20 kW by 4 A a phase     b  import and export at once
 *      f  energy fell   j  energy jumped   v  a phase at 260 V    c  the clock went back
 *      u  another unit    s  a shorter list       d  310 V        l  little power by these currents
 *      g  after a gap of a day        k  60 kW for 10 s, which the connection carries
 *
 * What comes of it: the letter, "-" for one that is held back without a word, "!" with one.
 */
#include "lib/decoder.h"
#include "lib/link/link.h"
#include "sim/axdr.h"
#include "sim/hdlc.h"
#include "sim/mbus.h"
#include "tests/unit/known-profiles.h"
#include "tests/unit/test.h"

#define START_S    1782813592
#define INTERVAL_S 10
#define UNIT_WATT  27
#define UNIT_WH    30
#define UNIT_A     33
#define UNIT_VOLT  35
#define UNIT_VAR   29
#define UNIT_NONE  255

struct doubt_case {
        const char *name, *script, *want;
        bool live, hdlc;
};

static void put(struct sim_out *out, uint8_t c, uint8_t d, int64_t value, int exponent,
                uint8_t unit)
{
        sim_axdr_obis(out, (const uint8_t[]){ 1, 0, c, d, 0, 255 });
        sim_axdr_number(out, SIM_U32, value);
        sim_axdr_scaler(out, exponent, unit);
}

static void put_telegram(struct sim_wire *wire, bool hdlc, char what, int n)
{
        static const struct sim_hdlc link = {
                .dst = { 0x03 }, .src = { 0x21 }, .dst_len = 1, .src_len = 1, .control = 0x13
        };
        static const struct sim_mbus mbus = { .length = 250 };
        struct sim_clock clock = sim_clock_central_europe(
                START_S + n * INTERVAL_S - (what == 'c' ? 7200 : 0) + (what == 'g' ? 86400 : 0));
        static struct sim_out apdu;
        int64_t energy = 5000000 + n * 10;

        energy += what == 'f'   ? -2000000
                  : what == 'j' ? 2000000
                  : what == 'g' ? 90000
                  : what == 'k' ? 160
                                : 0;
        apdu.len = 0;
        if (hdlc)
                sim_hdlc_llc(&apdu);
        sim_out_bytes(&apdu, "\x0f\x00\x00\x00\x01\x0c", 6);
        sim_axdr_date_time(&apdu, &clock, SIM_ZONE_OFFSET);
        sim_axdr_structure(&apdu, what == 's' ? 6 : 30);
        put(&apdu, 1, 8, energy, 0, what == 'u' ? UNIT_VAR : UNIT_WH);
        put(&apdu, 2, 8, 7000, 0, UNIT_WH);
        if (what != 's') {
                put(&apdu, 1, 7,
                    what == 'r'   ? 6000000
                    : what == 'w' ? 20000
                    : what == 'l' ? 200
                                  : 3000,
                    0, UNIT_WATT);
                put(&apdu, 2, 7, what == 'b' ? 128 : 0, 0, UNIT_WATT);
                for (uint8_t phase = 0; phase < 3; phase++) {
                        put(&apdu, (uint8_t)(32 + 20 * phase), 7,
                            what == 'v' && phase == 1 ? 2600
                            : what == 'd'             ? 3100
                                                      : 2310 + n,
                            -1, UNIT_VOLT);
                        put(&apdu, (uint8_t)(31 + 20 * phase), 7, 445, -2, UNIT_A);
                }
        }
        memset(wire, 0, sizeof(*wire));
        if (hdlc)
                sim_hdlc_frame(wire, &link, false, apdu.data, apdu.len);
        else
                sim_mbus_frames(wire, &mbus, apdu.data, apdu.len);
}

static void run_case(void **state)
{
        const struct doubt_case *c = *state;
        struct decoder_options options = { .profiles = known_profiles_and_pairs(),
                                           .input = c->live ? SCANNER_LINE : SCANNER_FILE,
                                           .confirm = c->live };
        struct decoder *d = NULL;
        char got[32] = "";

        assert_int_equal(decoder_new(&options, &d), 0);
        for (int i = 0; c->script[i]; i++) {
                struct decoder_event event;
                static struct sim_wire wire;
                char result = '-';

                put_telegram(&wire, c->hdlc, c->script[i], i);
                decoder_feed(d, (struct slice){ wire.out.data, wire.out.len });
                while (decoder_next(d, &event) > 0) {
                        if (event.type != DECODER_TELEGRAM)
                                continue;
                        result = event.telegram->status == TELEGRAM_OK        ? c->script[i]
                                 : event.telegram->status == TELEGRAM_DAMAGED ? '!'
                                                                              : '?';
                }
                got[i] = result;
        }
        decoder_free(d);
        assert_string_equal(got, c->want);
}

static struct doubt_case cases[] = {
        { "a file may hold one telegram", "n", "n" },
        { "a line waits for another of its kind", "nnn", "-nn", true },
        { "a file may hold a list once", "ns", "ns" },
        { "a line waits for each list", "nsnsn", "--nsn", true },
        { "a unit that was another, in a file", "nnunn", "nn!nn" },
        { "a unit that was another, on a line", "nnunn", "-n-nn", true },
        { "a unit that is another from now on", "nnuuu", "nn!uu" },
        { "power that cannot be", "nnrnn", "nn!nn" },
        { "power that cannot be, on a line", "nnrnn", "-n-nn", true },
        { "more power than the currents carry", "nnwnn", "-n-nn", true },
        { "import and export at once", "nnbnn", "-n-nn", true },
        { "a meter that always shows both", "bbbbb", "-bbbb", true },
        { "a meter that shows both from now on", "nnbbbb", "-n-bbb", true },
        { "energy that fell", "nnfnn", "-n-nn", true },
        { "energy that jumped", "nnjnn", "-n-nn", true },
        { "energy that jumped, in a file", "njn", "n!n" },
        { "energy that no power explains", "nnknn", "-n-nn", true },
        { "a meter that begins anew", "nnfff", "-n-ff", true },
        { "energy after a gap", "nng", "-ng", true },
        { "a voltage that jumped", "nnvnn", "-n-nn", true },
        { "a voltage that stays there", "nnvvv", "-n-vv", true },
        { "voltages of a lost neutral", "nnddd", "-n-dd", true },
        { "little power by these currents", "nnlnn", "-n-nn", true },
        { "phases that import and export", "nnllll", "-n-lll", true },
        { "the clock went back", "nncnn", "-n-nn", true },
        { "the clock was set back", "nnccc", "-n-cc", true },
        { "HDLC: nothing is waited for", "nrbfjvcds", "nrbfjvcds", true, true },
        { "HDLC: a unit that was another", "nunn", "n-nn", true, true },
        { "HDLC: a unit that was another, in a file", "nunu", "n!nu", false, true },
        { "a doubt is forgotten", "nnrnnnnr", "-n-nnnn-", true },
};

int main(void)
{
        struct CMUnitTest tests[ELEMENTSOF(cases)];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                tests[i] = (struct CMUnitTest){ .name = cases[i].name,
                                                .test_func = run_case,
                                                .initial_state = &cases[i] };
        return cmocka_run_group_tests_name("decoder-doubt", tests, NULL, NULL);
}
