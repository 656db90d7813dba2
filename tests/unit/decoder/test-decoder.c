/* SPDX-License-Identifier: MIT */
/*
 * The façade: the same events whether the bytes come at once or one by one. decoder-script.h says
 * how to read a row.
 */
#include "decoder-script.h"

#define MISSING_APDU "?an APDU that is neither a notification nor a block nor ciphered"
/* A notification of 2023-06-06 17:31:20 +02:00 with this clock status. */
#define CLOCK_SAYS(status) \
        "HLx0f000000010c07e7060602111f1412ff88" status "020309060100010700ff110702020f00161b"

static struct decoder_case cases[] = {
        { "one telegram", "HLn7", "1-0:1.7.0=7W" },
        { "one telegram without LLC", "Hn7", "1-0:1.7.0=7W" },
        { "one telegram on M-Bus", "Mn7", "1-0:1.7.0=7W" },
        { "one telegram with nothing around it, its tag is good", "| Rc7 |", "1-0:1.7.0=7W +", 0,
          KEYS_RIGHT },
        { "the same at the opening of a line", "Rc7 $", "?a frame that has no end | ~", 0,
          KEYS_RIGHT },
        { "without check sum and tag, the second is believed", "| Rc7 | Rc8 |", "1-0:1.7.0=8W",
          0x20, KEYS_NO_AUTH },
        { "the same, noise between", "| Rc7 | Nx0102 $ | Rc8 |", "?a frame that has no end | ~",
          0x20, KEYS_NO_AUTH },
        { "two of different lists", "| Rc7 | Rp8 |", "", 0x20, KEYS_NO_AUTH },
        { "of different meters", "| Rc7 | Rc8@2 |", "", 0x20, KEYS_NO_AUTH },
        { "bytes behind it", "| Rc7x010203 | Rc8x010203 $", "~", 0x20, KEYS_NO_AUTH },
        { "with LLC", "| RLc7 | RLc8 |", "1-0:1.7.0=8W", 0x20, KEYS_NO_AUTH },
        { "two in a burst", "| Rc7c8 |", "1-0:1.7.0=8W", 0x20, KEYS_NO_AUTH },
        { "after two frames nothing else is believed", "HLn1 HLn2 | Rc7 | Rc8 | Mn3 HLn4",
          "1-0:1.7.0=1W | 1-0:1.7.0=2W | ~ | 1-0:1.7.0=4W", 0x20, KEYS_NO_AUTH },
        { "a reset only expects what was proven", "HLn1 HLn2 ^ Mn3 HLn4 Mn5 $",
          "1-0:1.7.0=1W | 1-0:1.7.0=2W | 1-0:1.7.0=3W | 1-0:1.7.0=4W | ~" },
        { "two in one frame", "HLn7n8", "1-0:1.7.0=7W | 1-0:1.7.0=8W" },
        { "two in one frame, each with LLC", "HLn7Ln8", "1-0:1.7.0=7W | 1-0:1.7.0=8W" },
        { "three, one of them ciphered", "HLn7Lc8n9",
          "1-0:1.7.0=7W | 1-0:1.7.0=8W + | 1-0:1.7.0=9W", 0, KEYS_RIGHT },
        { "bytes behind a frame of its own", "HLn7x5555", "1-0:1.7.0=7W" },
        { "an APDU that is none", "HLx01020304",
          "?an APDU that is neither a notification nor a block nor ciphered" },
        { "a notification that is cut", "HLx0f000000", "?input ends too early" },
        { "a notification whose list is cut", "HLx0f00000001000201", "?input ends too early" },
        { "a date-time that is none", "HLx0f0000000107aa",
          "?data-notification: its date-time is neither 12 bytes nor absent" },
        { "a clock that is right", CLOCK_SAYS("80"),
          "1-0:1.7.0=7W; time=2023-06-06T17:31:20+02:00" },
        { "a clock that is wrong by its own word has no time", CLOCK_SAYS("81"), "1-0:1.7.0=7W" },
        { "a clock that is wrong, and one in the list that is right",
          "HLx0f000000010c07e7060602111f1412ff88810204090600000100"
          "00ff090c07e7060602111f1412ff8880090601000107"
          "00ff0600000007",
          "1-0:1.7.0=7W; 0-0:1.0.0='2023-06-06T17:31:20+02:00'; time=2023-06-06T17:31:20+02:00" },
        { "a word of the clock that is wrong itself says nothing", CLOCK_SAYS("89"),
          "1-0:1.7.0=7W; time=2023-06-06T17:31:20+02:00" },
        { "a clock that says nothing of itself", CLOCK_SAYS("ff"),
          "1-0:1.7.0=7W; time=2023-06-06T17:31:20+02:00" },
        { "a list that is not known", "HLu",
          "!the telegram is whole, but its list of values is not known; please report it with a "
          "capture" },
        { "a list that is not known, and one that is", "HLun7",
          "!the telegram is whole, but its list of values is not known; please report it with a "
          "capture | 1-0:1.7.0=7W" },
        { "M-Bus that is not DLMS", "Wx0102", "" },

        { "ciphered", "HLc7", "1-0:1.7.0=7W +", 0, KEYS_RIGHT },
        { "ciphered, no authentication key", "HLc7", "1-0:1.7.0=7W", 0, KEYS_NO_AUTH },
        { "ciphered, no tag", "HLc7", "1-0:1.7.0=7W", 0x20, KEYS_NO_AUTH },
        { "no tag, but an authentication key", "HLc7",
          "!unauthenticated: it has no tag, and an authentication key is configured", 0x20,
          KEYS_RIGHT },
        { "neither ciphered nor tagged, but an authentication key", "HLc7 HLc8",
          "!unauthenticated: it has no tag, and an authentication key is configured"
          " | !unauthenticated: it has no tag, and an authentication key is configured",
          0x01, KEYS_RIGHT },
        { "authenticated only", "HLc7", "1-0:1.7.0=7W +", 0x10, KEYS_RIGHT },
        { "authenticated only, no keys", "HLc7", "1-0:1.7.0=7W", 0x10, KEYS_NONE },
        { "authenticated only, wrong authentication key", "HLc7",
          "!wrong authentication key for system title 5445530001020304: the telegram deciphers but "
          "its tag does not fit",
          0x10, KEYS_WRONG_AUTH },
        { "suite 1 is suite 0 by another name", "HLc7", "1-0:1.7.0=7W", 0x21, KEYS_NO_AUTH },
        { "nobody to ask for a key", "HLc7",
          "!encrypted by system title 5445530001020304: a key is needed", 0, KEYS_NOT_ASKED },
        { "no key", "HLc7", "!encrypted by system title 5445530001020304: a key is needed", 0,
          KEYS_NONE },
        { "no key and no title", "HLc7",
          "!encrypted, and it does not send its system title: a key is needed", 0, KEYS_NONE,
          true },
        { "a key and no title", "HLc7",
          "!encrypted, and it does not send its system title: a key and a system title are needed",
          0, KEYS_RIGHT, true },
        { "wrong key", "HLc7",
          "!wrong encryption key for system title 5445530001020304: what it deciphers to is no "
          "telegram",
          0x20, KEYS_WRONG_ALONE },
        { "wrong key, the tag tells too", "HLc7",
          "!wrong encryption key for system title 5445530001020304: what it deciphers to is no "
          "telegram",
          0, KEYS_WRONG },
        { "wrong authentication key", "HLc7",
          "!wrong authentication key for system title 5445530001020304: the telegram deciphers but "
          "its tag does not fit",
          0, KEYS_WRONG_AUTH },
        { "wrong authentication key, list not known", "HLp7",
          "!wrong authentication key for system title 5445530001020304: the telegram deciphers but "
          "its tag does not fit",
          0, KEYS_WRONG_AUTH },
        { "suite 2", "HLc7",
          "!security control 0x32 asks for security suite 2, which is not supported (suite 0, "
          "AES-128-GCM, is)",
          0x32, KEYS_RIGHT },
        { "compression", "HLc7",
          "!security control 0xB0 asks for security suite 0 and compression, which is not supported "
          "(suite 0, AES-128-GCM, is)",
          0xb0, KEYS_RIGHT },
        { "ciphered, list not known", "HLp7",
          "!the telegram is whole, but its list of values is not known; please report it with a "
          "capture",
          0, KEYS_RIGHT },
        { "ciphered without a tag, list not known", "HLp7",
          "!the telegram is whole, but its list of values is not known; please report it with a "
          "capture",
          0x20, KEYS_NO_AUTH },
        { "bytes left over in a plaintext: it begins well, so the key is right", "HLl7",
          "!the telegram is whole, but its list of values is not known; please report it with a "
          "capture",
          0x20, KEYS_NO_AUTH },
        { "M-Bus, wrong key: said when it comes again", "Mc7 Mc8",
          "!what system title 5445530001020304 sent cannot be deciphered: it was damaged on the "
          "way, or the key is of another meter | "
          "!wrong encryption key for system title 5445530001020304: what it deciphers to is no "
          "telegram",
          0x20, KEYS_WRONG_ALONE },
        { "bytes left over in a plaintext whose tag is right", "HLl7",
          "!the telegram is whole, but its list of values is not known; please report it with a "
          "capture",
          0, KEYS_RIGHT },
        { "a system title of another length", "HLxdb04544553000a30000000010000000000",
          "?ciphering: a system title has 8 bytes" },
        { "ciphering that is cut", "HLxdb0854455300010203045030", "?input ends too early" },

        { "the same frame counter twice", "HLc7 HLc8#1",
          "1-0:1.7.0=7W + | !replayed: its frame counter 1 did not grow beyond 1", 0, KEYS_RIGHT },
        { "the same, without an authentication key", "HLc7 HLc8#1",
          "1-0:1.7.0=7W | 1-0:1.7.0=8W replayed", 0, KEYS_NO_AUTH },
        { "a frame counter that falls", "HLc7#5 HLc8#4 HLc9#6",
          "1-0:1.7.0=7W + | !replayed: its frame counter 4 did not grow beyond 5 | "
          "1-0:1.7.0=9W +",
          0, KEYS_RIGHT },
        { "frame counters are of a title each", "HLc7#5@2 HLc8#4 HLc9#5 HLc1#5@2",
          "1-0:1.7.0=7W + | 1-0:1.7.0=8W + | 1-0:1.7.0=9W + | "
          "!replayed: its frame counter 5 did not grow beyond 5",
          0, KEYS_RIGHT },
        { "of five titles the first is forgotten",
          "HLc1#5@1 HLc2#5@2 HLc3#5@3 HLc4#5@4 HLc5#5@5 HLc6#5@2 HLc7#5@1",
          "1-0:1.7.0=1W + | 1-0:1.7.0=2W + | 1-0:1.7.0=3W + | 1-0:1.7.0=4W + | 1-0:1.7.0=5W + | "
          ""
          "!replayed: its frame counter 5 did not grow beyond 5 | 1-0:1.7.0=7W +",
          0, KEYS_RIGHT },
        { "a telegram that cannot be read counts for no replay", "HLc7#9@3 HLp8#12@3 HLc9#10@3",
          "1-0:1.7.0=7W + | !the telegram is whole, but its list of values is not known; please "
          "report it with a capture | 1-0:1.7.0=9W +",
          0, KEYS_RIGHT },

        { "segments", "S1Ln7 S2Ln7", ". | 1-0:1.7.0=7W" },
        { "segments of a ciphered telegram", "S1Lc7#1 S2Lc7#1 S3Lc7#1 S4Lc7#1 S5Lc7#1",
          ". | . | . | . | 1-0:1.7.0=7W +", 0, KEYS_RIGHT },
        { "segments of two meters in turn", "S1Ln7 S1Ln8@2 S2Ln7 S2Ln8@2",
          ". | . | " MISSING_APDU " | 1-0:1.7.0=8W" },
        { "segments of two meters in turn, a middle one missing its beginning",
          "S2Lc1#1 S1Ln8@2 S2Lc1#1 S2Ln8@2",
          "?a segment whose beginning is missing | . | "
          "?a segment whose beginning is missing | 1-0:1.7.0=8W" },
        { "a whole frame of another meter between segments", "S1Ln7 HLn8@2 S2Ln7",
          ". | 1-0:1.7.0=8W | 1-0:1.7.0=7W" },
        { "a whole frame of the same meter between segments", "S1Ln7 HLn8 S2Ln7",
          ". | 1-0:1.7.0=8W | " MISSING_APDU },
        { "a segment whose beginning is missing", "S2Lc7#1",
          "?a segment whose beginning is missing", 0, KEYS_RIGHT },
        { "a silence between segments", "S1Ln7 | S2Ln7", ". | " MISSING_APDU },
        { "the end between segments", "S1Ln7 $ S2Ln7", ". | " MISSING_APDU },
        { "a reset between segments", "S1Ln7 ^ S2Ln7", ". | " MISSING_APDU },
        { "segments and bytes behind them", "S1Ln7x55 S2Ln7x55",
          ". | ?the telegram was put together wrongly: bytes are left over" },
        { "segments and another telegram behind them", "S1Ln7n8 S2Ln7n8 S3Ln7n8 S4Ln7n8",
          ". | . | . | 1-0:1.7.0=7W | 1-0:1.7.0=8W" },
        { "blocks", "HLb1(n7) Hb2(n7)", ". | 1-0:1.7.0=7W" },
        { "blocks in one frame", "HLb1(n7)b2(n7)", "1-0:1.7.0=7W" },
        { "blocks in one frame, one of them twice", "HLb1(n7)b1(n7)b2(n7)b2(n7)", "1-0:1.7.0=7W" },
        { "blocks of two meters in turn", "HLb1(n7) HLb1(n8)@2 Hb2(n7) Hb2(n8)@2",
          ". | . | ?block transfer: a block is missing or out of order | 1-0:1.7.0=8W" },
        { "a block whose beginning is missing", "Hb2(n7)",
          "?block transfer: a block is missing or out of order" },
        { "a block that is cut", "HLb1(n7) Hxe0800002", ". | ?input ends too early" },
        { "a telegram of the same meter between blocks", "HLb1(n7) HLn8 Hb2(n7)",
          ". | 1-0:1.7.0=8W | 1-0:1.7.0=7W" },
        { "a silence between blocks", "HLb1(n7) | Hb2(n7)",
          ". | ?block transfer: a block is missing or out of order" },
        { "a reset between blocks", "HLb1(n7) ^ Hb2(n7)",
          ". | ?block transfer: a block is missing or out of order" },
        { "blocks and bytes behind them", "HLb1(n7x55) Hb2(n7x55)",
          ". | ?the telegram was put together wrongly: bytes are left over" },
        { "blocks of a ciphered telegram", "HLb1(c7#1) Hb2(c7#1) Hb3(c7#1) Hb4(c7#1)",
          ". | . | . | 1-0:1.7.0=7W +", 0, KEYS_RIGHT },
        { "a repeated block that says it is the last",
          "HLb1(n7n8) Hb2(n7n8) Hxe08000020000"
          "0c010700ff120007"
          "0f00000001 Hb3(n7n8) Hb4(n7n8)",
          ". | . | . | . | 1-0:1.7.0=7W | 1-0:1.7.0=8W" },
        { "M-Bus segments", "m0n7 m1n7", ". | 1-0:1.7.0=7W" },
        { "M-Bus segments, the first missing", "m1n7", "?a segment whose beginning is missing" },
        { "M-Bus segments, a whole frame between", "m0n7 Mn8 m1n7",
          ". | 1-0:1.7.0=8W | ?a segment whose beginning is missing" },
        { "M-Bus segments, HDLC between", "m0n7 HLn8 m1n7", ". | 1-0:1.7.0=8W | 1-0:1.7.0=7W" },
        { "M-Bus segments and a silence", "m0n7 | m1n7",
          ". | ?a segment whose beginning is missing" },

        { "a plain telegram of a meter that authenticated", "HLc7 HLn8",
          "1-0:1.7.0=7W + | 1-0:1.7.0=8W", 0, KEYS_RIGHT },
        { "noise", "Nx0102030405 HLn7", "~ | 1-0:1.7.0=7W" },
        { "noise to the end", "Nx0102030405 $", "~" },
        { "noise and a flag to the end", "Nx0102037e $", "~" },
        { "a start of a frame to the end", "Nx7ea0 $", "?a frame that has no end" },
        { "flags and zeros are nobody's loss", "Nx7e7e0000 HLn7 Nx0d0a7e $", "1-0:1.7.0=7W" },
};

static void play(const struct decoder_case *c, size_t step, char log[static LOG_BYTES])
{
        struct script s = { .c = c };
        enum keys keys = c->keys;
        struct decoder *d = make_decoder(&keys);
        FILE *f = fmemopen(log, LOG_BYTES, "w");
        const char *separator = "";
        static struct sim_wire wire;
        char token[128];
        int n;

        assert_non_null(f);
        for (const char *p = c->script; sscanf(p, " %127s%n", token, &n) == 1; p += n) {
                if (*token == '|') {
                        decoder_gap(d);
                        drain(d, f, &separator);
                } else if (*token == '$') {
                        decoder_finish(d);
                        drain(d, f, &separator);
                } else if (*token == '^') {
                        decoder_reset(d);
                } else {
                        memset(&wire, 0, sizeof(wire));
                        put_frame(&s, &wire, token);
                        feed(d, f, &separator, (struct slice){ wire.out.data, wire.out.len }, step);
                }
        }
        fclose(f);
        decoder_free(d);
}

static void run_case(void **state)
{
        const struct decoder_case *c = *state;
        char whole[LOG_BYTES] = "", single[LOG_BYTES] = "";

        play(c, SIM_OUT_MAX, whole);
        play(c, 1, single);
        assert_string_equal(whole, c->want);
        assert_string_equal(single, c->want);
}

int main(void)
{
        return test_run_rows("decoder", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case);
}
