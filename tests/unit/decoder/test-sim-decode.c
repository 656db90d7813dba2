/* SPDX-License-Identifier: MIT */
/*
 * Every virtual meter, plain and in every ciphering it knows: what the encoder put in is what the
 * decoder gets out, however the bytes are cut.
 */
#include "lib/dlms/raw.h"
#include "sim-compare.h"

#define TELEGRAMS 4

/* Bytes may come in any portions. */
enum feeding {
        FEED_WHOLE,
        FEED_BYTES,
        FEED_SEVENS,
        N_FEEDINGS,
};

static struct meter_case {
        const char *name;
        const struct sim_profile *profile;
        struct sim_options options;
        char text[64];
} cases[TEST_ROWS_MAX];
static size_t n_cases;

static int drain(struct decoder *d, const struct sim_telegram *sent)
{
        struct decoder_event event;
        int n_telegrams = 0;

        while (decoder_next(d, &event) > 0) {
                if (event.type == DECODER_FAULT)
                        fail_msg("fault at %llu: %s", (unsigned long long)event.offset,
                                 event.fault);
                if (event.type != DECODER_TELEGRAM)
                        continue;
                sim_compare(sent, event.telegram);
                n_telegrams++;
        }
        return n_telegrams;
}

/* Decodes one telegram; every event but DECODER_FRAME must be the telegram, and come once. */
static void decode_one(struct decoder *d, const struct sim_telegram *sent, enum feeding feeding)
{
        const struct sim_out *out = &sent->wire.out;
        size_t step = feeding == FEED_WHOLE ? out->len : feeding == FEED_BYTES ? 1 : 7;
        int n_telegrams = 0;

        for (size_t at = 0; at < out->len; at += step) {
                decoder_feed(d, (struct slice){ out->data + at, MIN(step, out->len - at) });
                n_telegrams += drain(d, sent);
        }
        decoder_gap(d);
        n_telegrams += drain(d, sent);
        assert_int_equal(n_telegrams, 1);
}

/* Those without framing are read as a file of nothing else is. */
static enum scanner_input input_of(struct sim_meter *meter)
{
        static struct sim_telegram sent;

        assert_int_equal(sim_meter_telegram(meter, sim_test_clock(0), &sent), 0);
        return raw_is_all((struct slice){ sent.wire.out.data, sent.wire.out.len })
                       ? SCANNER_UNFRAMED
                       : SCANNER_LINE;
}

static void run_case(void **state)
{
        const struct meter_case *c = *state;

        for (int feeding = 0; feeding < N_FEEDINGS; feeding++) {
                static struct sim_telegram sent;
                struct sim_meter meter;
                struct cipher_keys keys;
                struct decoder *d;

                assert_int_equal(sim_meter_init(&meter, c->profile, &c->options, sim_test_clock(0)),
                                 0);
                keys = sim_test_keys(&meter);
                d = sim_test_decoder(&keys, input_of(&meter));
                for (int i = 0; i < TELEGRAMS; i++) {
                        assert_int_equal(
                                sim_meter_telegram(&meter, sim_test_clock(i * 3601), &sent), 0);
                        decode_one(d, &sent, (enum feeding)feeding);
                }
                assert_int_equal(decoder_statistics_get(d)->damaged_frames, 0);
                assert_int_equal(decoder_statistics_get(d)->garbage_bytes, 0);
                assert_int_equal(decoder_statistics_get(d)->replays, 0);
                decoder_free(d);
        }
}

static void add(const struct sim_profile *profile, const char *how, struct sim_options options)
{
        struct meter_case *c = &cases[n_cases++];

        *c = (struct meter_case){ .profile = profile, .options = options };
        (void)snprintf(c->text, sizeof(c->text), "%s %s", profile->name, how);
        c->name = c->text;
}

static void add_ciphered(const struct sim_profile *profile)
{
        static const struct {
                const char *how;
                uint8_t control;
                enum sim_cipher_form form;
        } forms[] = {
                { "glo 10", 0x10, SIM_CIPHER_GLO },
                { "glo 20", 0x20, SIM_CIPHER_GLO },
                { "glo 30", 0x30, SIM_CIPHER_GLO },
                { "glo 21", 0x21, SIM_CIPHER_GLO },
                { "ded 30", 0x30, SIM_CIPHER_DED },
                { "general 30", 0x30, SIM_CIPHER_GENERAL },
                { "general 10", 0x10, SIM_CIPHER_GENERAL },
        };

        for (size_t i = 0; i < (profile->one_cipher ? 1 : ELEMENTSOF(forms)); i++) {
                struct sim_options options = { .seed = 7,
                                               .encrypt = true,
                                               .control = forms[i].control,
                                               .form = forms[i].form };

                memcpy(options.key, "an encryption ke", SIM_KEY_BYTES);
                add(profile, profile->one_cipher ? "enciphered" : forms[i].how, options);
        }
}

int main(void)
{
        for (size_t i = 0; sim_profiles[i]; i++) {
                if (!sim_profiles[i]->always_ciphered)
                        add(sim_profiles[i], "plain", (struct sim_options){ .seed = 3 });
                if (sim_profiles[i]->control)
                        add_ciphered(sim_profiles[i]);
        }
        return test_run_rows("sim-decode", cases, n_cases, sizeof(cases[0]), run_case);
}
