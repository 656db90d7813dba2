/* SPDX-License-Identifier: MIT */
/*
 * Telegrams that come in pieces (block transfer, HDLC segments, M-Bus segments) with pieces lost,
 * repeated, damaged and out of order: whole telegrams come out, or nothing. Two telegrams A and B
 * of one meter have the same shape, so their pieces would fit together: only numbers, check sums
 * and silence distinguish them.
 */
#include "sim-compare.h"
#include "sim/crc.h"

/*
 * A script is what comes over the line: "A2" piece 2 of telegram A; "!A2" the same with a flipped
 * bit; "<A2" its first half; "A2#7" numbered as block 7; "A2#L" marked as the last block; "~"
 * noise;
 * "|" silence. `want` names the telegrams that come out.
 */
static struct segment_case {
        const char *name;
        const char *profile;
        const char *script;
        const char *want;
} cases[] = {
        { "blocks in order", "lgz-e450-styria", "A1 A2 A3 A4 B1 B2 B3 B4", "AB" },
        { "first block lost", "lgz-e450-styria", "A2 A3 A4 B1 B2 B3 B4", "B" },
        { "second block lost", "lgz-e450-styria", "A1 A3 A4 B1 B2 B3 B4", "B" },
        { "third block lost", "lgz-e450-styria", "A1 A2 A4 B1 B2 B3 B4", "B" },
        { "last block lost", "lgz-e450-styria", "A1 A2 A3 B1 B2 B3 B4", "B" },
        { "two blocks lost", "lgz-e450-styria", "A1 A4 B1 B2 B3 B4", "B" },
        { "all but the last lost", "lgz-e450-styria", "A4 B1 B2 B3 B4", "B" },
        { "all but the first lost", "lgz-e450-styria", "A1 B1 B2 B3 B4", "B" },
        { "blocks two and three swapped", "lgz-e450-styria", "A1 A3 A2 A4 B1 B2 B3 B4", "B" },
        { "blocks one and two swapped", "lgz-e450-styria", "A2 A1 A3 A4 B1 B2 B3 B4", "B" },
        { "last two blocks swapped", "lgz-e450-styria", "A1 A2 A4 A3 B1 B2 B3 B4", "B" },
        { "blocks backwards", "lgz-e450-styria", "A4 A3 A2 A1 B1 B2 B3 B4", "B" },
        { "same block twice", "lgz-e450-styria", "A1 A2 A2 A3 A4 B1 B2 B3 B4", "AB" },
        { "first block twice", "lgz-e450-styria", "A1 A1 A2 A3 A4 B1 B2 B3 B4", "AB" },
        { "last block twice", "lgz-e450-styria", "A1 A2 A3 A4 A4 B1 B2 B3 B4", "AB" },
        { "earlier block again", "lgz-e450-styria", "A1 A2 A3 A2 A4 B1 B2 B3 B4", "B" },
        { "transfer begun again", "lgz-e450-styria", "A1 A2 A3 A1 A2 A3 A4 B1 B2 B3 B4", "AB" },
        { "other block of the same number", "lgz-e450-styria", "A1 A2 B2 A3 A4 B1 B2 B3 B4", "B" },
        { "other last block after silence", "lgz-e450-styria", "A1 A2 A3 | B4 B1 B2 B3 B4", "B" },
        { "other half after silence", "lgz-e450-styria", "A1 A2 | B3 B4 B1 B2 B3 B4", "B" },
        { "other last block after damage", "lgz-e450-styria", "A1 A2 A3 !A4 B4 B1 B2 B3 B4", "B" },
        { "other half after damage", "lgz-e450-styria", "A1 A2 !A3 !A4 !B1 !B2 B3 B4 A1 A2 A3 A4",
          "A" },
        { "other last block after a cut one", "lgz-e450-styria", "A1 A2 A3 <A4 B4 B1 B2 B3 B4",
          "B" },
        { "other last block after noise", "lgz-e450-styria", "A1 A2 A3 ~ B4 B1 B2 B3 B4", "B" },
        { "damaged block", "lgz-e450-styria", "A1 !A2 A3 A4 B1 B2 B3 B4", "B" },
        { "damaged block sent again", "lgz-e450-styria", "A1 !A2 A2 A3 A4 B1 B2 B3 B4", "B" },
        { "noise before and after", "lgz-e450-styria", "~ A1 A2 A3 A4 ~ B1 B2 B3 B4 ~", "AB" },

        { "block numbered wrongly", "lgz-e450-styria", "A1 A2#7 A3 A4 B1 B2 B3 B4", "B" },
        { "block numbered as the next", "lgz-e450-styria", "A1 A2#3 A3 A4 B1 B2 B3 B4", "B" },
        { "block numbered zero", "lgz-e450-styria", "A1 A2#0 A3 A4 B1 B2 B3 B4", "B" },
        { "last block numbered as the one before", "lgz-e450-styria", "A1 A2 A3 A4#3 B1 B2 B3 B4",
          "B" },
        { "block skipped and its number taken", "lgz-e450-styria", "A1 A3#2 A4#3 B1 B2 B3 B4",
          "B" },
        { "marked as last too early", "lgz-e450-styria", "A1 A2 A3#L A4 B1 B2 B3 B4", "B" },

        { "ciphered blocks in order", "lgz-e450-styria 20", "A1 A2 A3 A4 A5 B1 B2 B3 B4 B5", "AB" },
        { "ciphered block lost", "lgz-e450-styria 20", "A1 A2 A4 A5 B1 B2 B3 B4 B5", "B" },
        { "ciphered last block of another", "lgz-e450-styria 20", "A1 A2 A3 A4 ~ B5 B1 B2 B3 B4 B5",
          "B" },
        { "authenticated blocks in order", "lgz-e450-styria 30", "A1 A2 A3 A4 A5 B1 B2 B3 B4 B5",
          "AB" },
        { "authenticated block lost", "lgz-e450-styria 30", "A1 A2 A4 A5 B1 B2 B3 B4 B5", "B" },
        { "authenticated last block of another", "lgz-e450-styria 30",
          "A1 A2 A3 A4 ~ B5 B1 B2 B3 B4 B5", "B" },

        { "streaming window of one", "lgz-e450-styria window", "A1 A2 A3 A4 B1 B2 B3 B4", "AB" },
        { "streaming window, block lost", "lgz-e450-styria window", "A1 A2 A4 B1 B2 B3 B4", "B" },
        { "LLC before each block", "lgz-e450-styria llc", "A1 A2 A3 A4 B1 B2 B3 B4", "AB" },
        { "LLC before each block, one lost", "lgz-e450-styria llc", "A1 A2 A4 B1 B2 B3 B4", "B" },

        { "segments in order", "iskra-am550", "A1 A2 A3 B1 B2 B3", "AB" },
        { "first segment lost", "iskra-am550", "A2 A3 B1 B2 B3", "B" },
        { "middle segment lost", "iskra-am550", "A1 A3 B1 B2 B3", "B" },
        { "last segment lost", "iskra-am550", "A1 A2 B1 B2 B3", "B" },
        { "segment twice", "iskra-am550", "A1 A2 A2 A3 B1 B2 B3", "B" },
        { "segments swapped", "iskra-am550", "A2 A1 A3 B1 B2 B3", "B" },
        { "other last segment after silence", "iskra-am550", "A1 A2 | B3 B1 B2 B3", "B" },
        { "other last segment after damage", "iskra-am550", "A1 A2 !A3 B3 B1 B2 B3", "B" },
        { "other last segment after noise", "iskra-am550", "A1 A2 ~ B3 B1 B2 B3", "B" },
        { "damaged segment", "iskra-am550", "A1 !A2 A3 B1 B2 B3", "B" },
        { "damaged first segment", "iskra-am550", "!A1 A2 A3 B1 B2 B3", "B" },

        { "M-Bus segments in order", "kaifa-ma309", "A1 A2 B1 B2", "AB" },
        { "M-Bus first lost", "kaifa-ma309", "A2 B1 B2", "B" },
        { "M-Bus last lost", "kaifa-ma309", "A1 B1 B2", "B" },
        { "M-Bus first twice", "kaifa-ma309", "A1 A1 A2 B1 B2", "AB" },
        { "M-Bus last twice", "kaifa-ma309", "A1 A2 A2 B1 B2", "AB" },
        { "M-Bus swapped", "kaifa-ma309", "A2 A1 B1 B2", "B" },
        { "M-Bus other last after silence", "kaifa-ma309", "A1 | B2 B1 B2", "B" },
        { "M-Bus other last after damage", "kaifa-ma309", "A1 !A2 B2 B1 B2", "B" },
        { "M-Bus other last after noise", "kaifa-ma309", "A1 ~ B2 B1 B2", "B" },
        { "M-Bus overflowing length in order", "sagemcom-t210d", "A1 A2 B1 B2", "AB" },
        { "M-Bus overflowing length, last lost", "sagemcom-t210d", "A1 B1 B2", "B" },
        { "M-Bus overflowing length, first lost", "sagemcom-t210d", "A2 B1 B2", "B" },
};

static struct sim_telegram sent[2];

/* "lgz-e450-styria 30": the profile, and how this case has it. Blocks are of 64 bytes. */
static void make_telegrams(const char *how, struct sim_meter *meter)
{
        struct sim_options options = { .seed = 11, .gbt = { .block_bytes = 64 } };
        char name[32];

        (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(how, " "), how);
        options.encrypt = strstr(how, " 20") || strstr(how, " 30") || strstr(how, "kaifa") ||
                          strstr(how, "sagemcom");
        options.control = strstr(how, " 20") ? 0x20 : 0;
        options.plain = !options.encrypt;
        if (strstr(how, "window"))
                options.gbt.streaming = true, options.gbt.window = 1;
        options.gbt.llc_each = strstr(how, "llc");
        assert_int_equal(sim_meter_init(meter, sim_profile_find(name), &options, sim_test_clock(0)),
                         0);
        assert_int_equal(sim_meter_telegram(meter, sim_test_clock(10), &sent[0]), 0);
        assert_int_equal(sim_meter_telegram(meter, sim_test_clock(3700), &sent[1]), 0);
}

static void drain(struct decoder *d, const struct segment_case *c, size_t *n_got)
{
        struct decoder_event event;

        while (decoder_next(d, &event) > 0) {
                if (event.type != DECODER_TELEGRAM)
                        continue;
                /* What was put together wrongly may be named as unreadable, never read. */
                if (event.telegram->status != TELEGRAM_OK) {
                        assert_int_equal(event.telegram->n_readings, 0);
                        continue;
                }
                if (*n_got >= strlen(c->want))
                        fail_msg("a telegram too many");
                sim_compare(&sent[c->want[(*n_got)++] - 'A'], event.telegram);
        }
}

/* Changes the block header of a frame after the first, and makes its check sum right again. */
static void forge_block(uint8_t *frame, size_t len, char what)
{
        uint8_t *block = frame + 9; /* flag, format, addresses of three, control, HCS */
        uint16_t fcs;

        assert_int_equal(block[0], 0xe0);
        if (what == 'L')
                block[1] |= 0x80;
        else
                block[3] = (uint8_t)(what - '0');
        fcs = sim_crc_x25(frame + 1, len - 4);
        frame[len - 3] = (uint8_t)fcs;
        frame[len - 2] = (uint8_t)(fcs >> 8);
}

static void feed_piece(struct decoder *d, const char *token)
{
        const char *name = token + (*token == '!' || *token == '<');
        const struct sim_wire *wire = &sent[name[0] - 'A'].wire;
        size_t i = (size_t)(name[1] - '1');
        static uint8_t bytes[SIM_OUT_MAX];
        size_t from, len;

        assert_true(i < wire->n_frames);
        from = sim_wire_start_get(wire, i);
        len = wire->ends[i] - from;
        memcpy(bytes, wire->out.data + from, len);
        if (*token == '!')
                bytes[len / 2] ^= 0x10;
        if (name[2] == '#')
                forge_block(bytes, len, name[3]);
        decoder_feed(d, (struct slice){ bytes, *token == '<' ? len / 2 : len });
}

static void run_case(void **state)
{
        const struct segment_case *c = *state;
        static const uint8_t noise[] = { 0x00, 0xff, 0x13, 0x7e, 0x55, 0x68, 0x01 };
        struct cipher_keys keys;
        struct sim_meter meter;
        struct decoder *d;
        size_t n_got = 0;
        char token[6];
        int n;

        make_telegrams(c->profile, &meter);
        keys = sim_test_keys(&meter);
        d = sim_test_decoder(&keys, SCANNER_LINE);
        for (const char *p = c->script; sscanf(p, " %5s%n", token, &n) == 1; p += n) {
                if (token[0] == '|')
                        decoder_gap(d);
                else if (token[0] == '~')
                        decoder_feed(d, (struct slice){ noise, sizeof(noise) });
                else
                        feed_piece(d, token);
                drain(d, c, &n_got);
        }
        decoder_finish(d);
        drain(d, c, &n_got);
        decoder_free(d);
        assert_int_equal(n_got, strlen(c->want));
}

int main(void)
{
        return test_run_rows("sim-segments", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case);
}
