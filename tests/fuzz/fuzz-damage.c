/* SPDX-License-Identifier: MIT */
/*
 * Damaged streams of known telegrams: a wrong reading is a crash. The first byte chooses the meter
 * and how the stream is read, the others damage it in places of their own choice:
 *
 *      input: [ meter, mode ] [ place 2, what 1 ] [ place 2, what 1 ] …
 *
 * Nothing that was not sent may come out, except of what has no check but an 8-bit sum; there the
 * structure of a telegram must be one that was sent. No right key may be called wrong; where no
 * check of the link's own bears a telegram out, by no single damage: two in a row that hit titles
 * and counters cannot be distinguished from a wrong key.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "lib/decoder.h"
#include "lib/dlms/raw.h"
#include "sim/sim.h"
#include "tests/unit/known-profiles.h"

#define EPOCH_S    1782813592
#define TELEGRAMS  4
#define DAMAGE_MAX 24
#define STREAM_MAX (TELEGRAMS * SIM_OUT_MAX + 256 * DAMAGE_MAX)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Those whose check, or tag, leaves no wrong reading to chance. */
static const struct family {
        const char *profile;
        uint8_t control; /* 0: plain */
} families[] = {
        { "lgz-e450", 0 },
        { "lgz-e450", 0x20 },
        { "lgz-e360", 0x30 },
        { "lgz-e450-styria", 0x20 },
        { "lgz-e450-styria", 0x30 },
        { "lgz-e450-burgenland", 0 },
        { "iskra-am550", 0 },
        { "iskra-am550-si", 0 },
        { "kamstrup-omnipower", 0 },
        { "aidon", 0 },
        { "kaifa-no", 0 },
        { "sagemcom-xt211", 0 },
        { "kaifa-ma309", 0x30 },
        { "luxembourg", 0x30 },
        { "dsmr5", 0 },
        { "sml", 0 },
};

/* What one meter sends, made once: the same for each input. */
static struct sent {
        bool made;
        struct cipher_keys keys;
        struct sim_telegram telegrams[TELEGRAMS];
} all_sent[ELEMENTSOF(families)];

static const struct sent *sent_of(size_t i)
{
        struct sent *sent = &all_sent[i];
        const struct family *family = &families[i];
        struct sim_options options = { .seed = 7,
                                       .encrypt = family->control != 0,
                                       .plain = family->control == 0,
                                       .control = family->control };
        static struct sim_meter meter;

        if (sent->made)
                return sent;
        memcpy(options.key, sim_default_key, sizeof(options.key));
        if (sim_meter_init(&meter, sim_profile_find(family->profile), &options,
                           sim_clock_central_europe(EPOCH_S)) < 0)
                abort();
        sent->keys = (struct cipher_keys){ .has_key = options.encrypt,
                                           .has_auth_key = family->control == 0x30 };
        memcpy(sent->keys.key, meter.cipher.key, sizeof(sent->keys.key));
        memcpy(sent->keys.auth_key, meter.cipher.auth_key, sizeof(sent->keys.auth_key));
        for (int64_t k = 0; k < TELEGRAMS; k++)
                if (sim_meter_telegram(&meter, sim_clock_central_europe(EPOCH_S + 3600 + 10 * k),
                                       &sent->telegrams[k]) < 0)
                        abort();
        sent->made = true;
        return sent;
}

struct stream {
        const struct sent *sent;
        uint8_t bytes[STREAM_MAX];
        size_t len;
        size_t n_damages;
};

static const struct cipher_keys *find_keys(void *userdata, const uint8_t *title)
{
        const struct stream *s = userdata;

        return s->sent->keys.has_key ? &s->sent->keys : NULL;
}

/* One damage of three bytes: where, and what: a bit, a byte, bytes lost, bytes repeated. */
static void damage(struct stream *s, size_t place, uint8_t what)
{
        size_t at = place % s->len, n = MIN((size_t)(what & 0x3f) + 1, s->len - at);

        switch (what >> 6) {
        case 0:
                s->bytes[at] ^= (uint8_t)(1U << (what & 7));
                break;
        case 1:
                s->bytes[at] = (uint8_t)(what << 2);
                break;
        case 2:
                memmove(s->bytes + at, s->bytes + at + n, s->len - at - n);
                s->len -= n;
                break;
        default:
                memmove(s->bytes + at + n, s->bytes + at, s->len - at);
                s->len += n;
                break;
        }
}

static bool was_sent(const struct sim_telegram *sent, const struct reading *reading)
{
        const char *unit = unit_name(reading->unit);

        for (size_t i = 0; i < sent->n_values; i++) {
                const struct sim_value *v = &sent->values[i];

                if (obis_equal(obis_of_bytes(v->obis), reading->obis) &&
                    decimal_compare((struct decimal){ v->mantissa, (int8_t)v->exponent },
                                    reading->value) == 0 &&
                    strcmp(unit ? unit : "", v->unit) == 0)
                        return true;
        }
        return false;
}

static void check(const struct sent *sent, const struct telegram *t, size_t n_damages)
{
        bool found = t->status != TELEGRAM_OK;
        bool weak = strcmp(t->framing, "raw") == 0 || strcmp(t->framing, "mbus") == 0;

        if ((t->status == TELEGRAM_WRONG_ENCRYPTION_KEY ||
             t->status == TELEGRAM_WRONG_AUTHENTICATION_KEY) &&
            !(weak && n_damages > 1))
                abort();
        for (size_t k = 0; k < TELEGRAMS && !found; k++) {
                size_t n = 0;

                while (n < t->n_readings && was_sent(&sent->telegrams[k], &t->readings[n]))
                        n++;
                found = n == t->n_readings;
        }
        if (!found) /* all readings of a telegram are of one that was sent */
                abort();
}

static void drain(struct stream *s, struct decoder *d)
{
        struct decoder_event event;

        while (decoder_next(d, &event) > 0)
                if (event.type == DECODER_TELEGRAM)
                        check(s->sent, event.telegram, s->n_damages);
}

static void decode(struct stream *s, bool live, size_t step)
{
        struct slice whole = { s->bytes, s->len };
        struct decoder_options options = { .profiles = known_profiles(),
                                           .keyring = { .find = find_keys, .userdata = s },
                                           .confirm = live };
        struct decoder *d = NULL;

        if (!live)
                options.input = raw_is_all(whole) ? SCANNER_UNFRAMED : SCANNER_FILE;
        if (decoder_new(&options, &d) < 0)
                return;
        for (size_t at = 0; at < s->len; at += step) {
                decoder_feed(d, slice_first(slice_from(whole, at), step));
                drain(s, d);
                if (live && step > 300)
                        decoder_gap(d); /* wherever it falls */
                drain(s, d);
        }
        decoder_finish(d);
        drain(s, d);
        decoder_free(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const size_t steps[] = { STREAM_MAX, 1000, 400, 256, 100, 60, 16, 1 };
        static struct stream s;
        size_t n = 0;

        if (size < 2)
                return 0;
        s.sent = sent_of(data[0] % ELEMENTSOF(families));
        s.len = 0;
        for (size_t k = 0; k < TELEGRAMS; k++) {
                const struct sim_out *out = &s.sent->telegrams[k].wire.out;

                memcpy(s.bytes + s.len, out->data, out->len);
                s.len += out->len;
        }
        for (size_t at = 2; at + 3 <= size && n < DAMAGE_MAX && s.len > 200; at += 3, n++)
                damage(&s, (size_t)data[at] << 8 | data[at + 1], data[at + 2]);
        s.n_damages = n;
        decode(&s, data[1] & 1, steps[data[1] >> 1 & 7]);
        return 0;
}
