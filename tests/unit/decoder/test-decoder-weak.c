/* SPDX-License-Identifier: MIT */
/*
 * Texts that no 16-bit check bears out (TIC has six bits for each group), and telegrams without any
 * framing: what differs from what the same meter sent before is held back once. A script is a list
 * of telegrams, each a letter for what is different about it:
 *
 *      n  as ever      f  a digit of the energy is less      c  a digit of a code is another
 *      i  a digit of the meter's id is another               l  a line is lost
 *      s  its check sum is lost                              j  the energy is 100 kWh more
 *      p  the power of all is another than that of its phases
 *      o  the id is lost                                      v  a phase at 260 V
 *
 * What comes of it: the letter, "-" for one that is held back without a word, "!" with one.
 */
#include <stdio.h>

#include "lib/decoder.h"
#include "lib/link/crc.h"
#include "tests/unit/known-profiles.h"
#include "tests/unit/test.h"

struct weak_case {
        const char *name, *script, *want;
        const char *ident, *prefix; /* the identification line; what stands before each code */
        bool live, checked;
        bool tic;
};

static size_t put_group(const char *label, const char *value, char *to, size_t size)
{
        int len = snprintf(to, size, "\n%s %s", label, value);
        unsigned int sum = 0;

        for (int i = 1; i < len; i++)
                sum += (uint8_t)to[i];
        return (size_t)(len + snprintf(to + len, size - (size_t)len, " %c\r",
                                       (char)((sum & 0x3f) + 0x20)));
}

/* The groups of a damaged one have good check sums: one damage in 64 does. */
static size_t put_tic(char what, char *to, size_t size)
{
        size_t len = 1;

        to[0] = 0x02;
        if (what != 'o')
                len += put_group("ADCO", what == 'i' ? "021528000067" : "021528000017", to + len,
                                 size - len);
        len += put_group("BASE", what == 'f' ? "002345678" : "012345678", to + len, size - len);
        if (what != 'l')
                len += put_group("PAPP", "00420", to + len, size - len);
        len += put_group("IINST", "002", to + len, size - len);
        to[len++] = 0x03;
        return len;
}

static size_t put_text(const struct weak_case *c, char what, int n, char *to, size_t size)
{
        int len = snprintf(to, size,
                           "/%s\r\n\r\n%s96.1.0*255(%cABC000000017)\r\n"
                           "%s%c.8.0*255(0%d12%c45.6*kWh)\r\n"
                           "1-0:36.7.0*255(100.0*W)\r\n1-0:56.7.0*255(100.0*W)\r\n"
                           "1-0:76.7.0*255(145.0*W)\r\n1-0:52.7.0*255(2%c0.1*V)\r\n%s%s!",
                           c->ident, c->prefix, what == 'i' ? '3' : '1', c->prefix,
                           what == 'c' ? '5' : '1', what == 'f' ? 0 : 1, what == 'j' ? '4' : '3',
                           what == 'v' ? '6' : '3', c->prefix,
                           what == 'l'   ? "32.7.0*255(230.1*V)\r\n"
                           : what == 'p' ? "16.7.0*255(00745.6*W)\r\n"
                                         : "16.7.0*255(00345.6*W)\r\n");

        if (c->checked && what != 's')
                len += snprintf(to + len, size - (size_t)len, "%04X",
                                crc16_arc((struct slice){ (uint8_t *)to, (size_t)len }));
        len += snprintf(to + len, size - (size_t)len, "\r\n");
        assert_true((size_t)len < size);
        return (size_t)len;
}

static void run_case(void **state)
{
        const struct weak_case *c = *state;
        struct decoder_options options = { .profiles = known_profiles(),
                                           .input = c->live ? SCANNER_LINE : SCANNER_FILE,
                                           .confirm = c->live };
        struct decoder *d = NULL;
        char got[32] = "";

        assert_int_equal(decoder_new(&options, &d), 0);
        for (int i = 0; c->script[i]; i++) {
                struct decoder_event event;
                char text[512], result = '-';
                size_t len = c->tic ? put_tic(c->script[i], text, sizeof(text))
                                    : put_text(c, c->script[i], i, text, sizeof(text));

                decoder_feed(d, (struct slice){ (uint8_t *)text, len });
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

#define D0 "EBZ5DD3", "1-0:"
#define P1 "ADN9 7534", "1-0:"

static struct weak_case cases[] = {
        { "a readout in a file", "nn", "nn", D0 },
        { "energy that fell, in a file", "nfn", "n!n", D0 },
        { "energy that fell, on a line", "nfn", "n-n", D0, true },
        { "energy of another day", "njj", "njj", D0, true },
        { "a power that its phases do not make", "npnn", "n!nn", D0 },
        { "a meter whose phases never make it", "pppn", "pppn", D0 },
        { "a voltage of another day", "nvv", "nvv", D0, true },
        { "energy that begins anew", "nfff", "n-ff", D0, true },
        { "a code that was another", "ncnn", "n!nn", D0 },
        { "an id that was another", "ninn", "n!nn", D0 },
        { "a meter that was exchanged", "niii", "n!ii", D0 },
        { "a line that is lost", "nlnn", "n-nn", D0, true },
        { "lists in turn", "nlnlnl", "n-nlnl", D0, true },
        { "a check sum that is lost", "nsns", "n!n!", P1, false, true },
        { "a check sum that is lost, on a line", "nsn", "n-n", P1, true, true },
        { "a meter that sends one no more", "nsss", "n!ss", P1, false, true },
        { "a check sum bears out what differs", "nflin", "nflin", P1, false, true },
        { "TIC: energy that fell", "nfnn", "n!nn", NULL, NULL, false, false, true },
        { "TIC: energy that fell, on a line", "nfnn", "n-nn", NULL, NULL, true, false, true },
        { "TIC: a group that is lost", "nlnlnn", "n!nlnn", NULL, NULL, false, false, true },
        { "TIC: an id that was another", "ninn", "n!nn", NULL, NULL, false, false, true },
        { "TIC: an id that is lost", "nonn", "n-nn", NULL, NULL, true, false, true },
        { "TIC: a meter that was exchanged", "niii", "n!ii", NULL, NULL, false, false, true },
};

int main(void)
{
        struct CMUnitTest tests[ELEMENTSOF(cases)];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                tests[i] = (struct CMUnitTest){ .name = cases[i].name,
                                                .test_func = run_case,
                                                .initial_state = &cases[i] };
        return cmocka_run_group_tests_name("decoder-weak", tests, NULL, NULL);
}
