/* SPDX-License-Identifier: MIT */
/*
 * Damaged streams by the hundred thousand: telegrams of virtual meters, one of them damaged, and
 * what the decoder makes of them. Whatever it reads must be a telegram that was sent, value by
 * value; no right key may be called wrong; and the telegrams beside the damage must come through.
 *
 * usage: volume STREAMS [FIRST-SEED [FAMILY]]    exit status 1 when a promise is broken
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "lib/decoder.h"
#include "lib/dlms/raw.h"
#include "sim/sim.h"
#include "tests/unit/known-profiles.h"

#define EPOCH_S        1782813592
#define TELEGRAMS      5 /* two whole ones before the damage, two behind it */
#define DAMAGED        2
#define STREAM_MAX     (TELEGRAMS * SIM_OUT_MAX)
#define PIECES_MAX     (2 * TELEGRAMS)
#define SHOWN_MAX      20
#define STREAMS_OF_ONE 1024 /* one meter for so many seeds: simulating takes longer */
#define STATED_LOSS    1000 /* of so many telegrams beside the damage, one may be lost */

enum damage {
        BURST,
        HEADER_BURST,
        VALUE_BIT,
        LOSS,
        BIT_ERRORS,
        MARKED_BYTES, /* what the driver marks becomes FF */
        MID_TELEGRAM, /* the line is opened within a telegram */
        STRAY_BYTES,  /* a byte or two between frames */
        TWO_METERS,   /* a burst, and another meter on the line */
        N_DAMAGES,
};

static const char *const damage_names[N_DAMAGES] = {
        "burst",        "header burst", "value bit",   "loss",       "bit errors",
        "marked bytes", "mid-telegram", "stray bytes", "two meters",
};

/*
 * `promised`: its check leaves no wrong reading to chance. Without framing (raw) a telegram beside
 * the damage may be lost: it is not believed in a file that holds anything else.
 */
static const struct family {
        const char *name, *profile;
        uint8_t control; /* 0: plain */
        bool auth_key;
        bool promised;
} families[] = {
        { "HDLC", "iskra-am550", 0, false, true },
        { "HDLC", "kamstrup-omnipower", 0, false, true },
        { "HDLC, encrypted", "lgz-e450", 0x20, false, true },
        { "HDLC, tag", "lgz-e360", 0x30, true, true },
        { "blocks", "lgz-e450-styria", 0x20, false, true },
        { "blocks, tag", "lgz-e450-styria", 0x30, true, true },
        { "M-Bus, encrypted", "kaifa-ma309", 0x20, false, false },
        { "M-Bus, tag", "kaifa-ma309", 0x30, true, true },
        { "P1", "dsmr5", 0, false, true },
        { "SML", "sml", 0, false, true },
        { "raw, encrypted", "luxembourg", 0x20, false, false },
        { "raw, tag", "luxembourg", 0x30, true, true },
};

struct figures {
        uint64_t streams, telegrams, wrong, shortened, false_keys, beside, lost;
};

/* What one meter sends, or two in turn: of the same for some streams, each damaged otherwise. */
struct sent {
        uint64_t meter; /* which; 0: none yet */
        struct sim_telegram telegrams[PIECES_MAX];
        size_t n;
        struct cipher_keys keys;
};

struct stream {
        const struct family *family;
        enum damage damage;
        bool live; /* with pauses, read as the service does */
        uint64_t random;
        const struct sent *sent;
        size_t damaged;
        bool got[PIECES_MAX];
        uint8_t bytes[STREAM_MAX * 2];
        size_t starts[PIECES_MAX + 1]; /* of each telegram in `bytes` */
};

static struct figures figures[ELEMENTSOF(families)][N_DAMAGES];
static unsigned int n_shown;

/* xorshift64*: the same streams for the same seed, on every machine. */
static uint32_t draw(struct stream *s, uint32_t below)
{
        s->random ^= s->random >> 12;
        s->random ^= s->random << 25;
        s->random ^= s->random >> 27;
        return (uint32_t)((s->random * 0x2545f4914f6cdd1dULL) >> 33) % below;
}

static const struct cipher_keys *find_keys(void *userdata, const uint8_t *title)
{
        const struct stream *s = userdata;

        return s->sent->keys.has_key ? &s->sent->keys : NULL;
}

static void begin_meter(struct sent *sent, const struct family *family, struct sim_meter *meter,
                        uint64_t seed)
{
        struct sim_options options = { .seed = seed % 999983,
                                       .encrypt = family->control != 0,
                                       .plain = family->control == 0,
                                       .control = family->control };

        memcpy(options.key, sim_default_key, sizeof(options.key));
        if (sim_meter_init(meter, sim_profile_find(family->profile), &options,
                           sim_clock_central_europe(EPOCH_S)) < 0)
                abort();
        sent->keys = (struct cipher_keys){ .has_key = options.encrypt,
                                           .has_auth_key = family->auth_key };
        memcpy(sent->keys.key, meter->cipher.key, sizeof(sent->keys.key));
        memcpy(sent->keys.auth_key, meter->cipher.auth_key, sizeof(sent->keys.auth_key));
}

static void put(struct sent *sent, struct sim_meter *meter, int64_t after_s)
{
        struct sim_telegram *t = &sent->telegrams[sent->n++];

        memset(t, 0, offsetof(struct sim_telegram, wire.out.data));
        if (sim_meter_telegram(meter, sim_clock_central_europe(EPOCH_S + after_s), t) < 0)
                abort();
}

static const struct sent *sent_by(size_t family, bool two, uint64_t seed)
{
        static struct sent all[ELEMENTSOF(families)][2];
        static struct sim_meter meters[2];
        struct sent *sent = &all[family][two];
        uint64_t meter = seed / STREAMS_OF_ONE + 1;

        if (sent->meter == meter)
                return sent;
        sent->meter = meter;
        sent->n = 0;
        begin_meter(sent, &families[family], &meters[1], meter + 1);
        begin_meter(sent, &families[family], &meters[0], meter);
        for (int i = 0; i < TELEGRAMS; i++) {
                put(sent, &meters[0], 60 + i * 10);
                if (two)
                        put(sent, &meters[1], 65 + i * 10);
        }
        return sent;
}

static void fill(struct stream *s, uint64_t seed)
{
        bool two = s->damage == TWO_METERS;

        s->sent = sent_by((size_t)(s->family - families), two, seed);
        s->damaged = DAMAGED * (two ? 2 : 1);
        memset(s->got, 0, sizeof(s->got));
        for (size_t i = 0; i < s->sent->n; i++) {
                const struct sim_out *out = &s->sent->telegrams[i].wire.out;

                memcpy(s->bytes + s->starts[i], out->data, out->len);
                s->starts[i + 1] = s->starts[i] + out->len;
        }
}

/* Bytes [at, at + n) are gone, or, with n < 0, -n bytes come in at `at`. */
static void shift(struct stream *s, size_t at, int n)
{
        size_t end = s->starts[s->sent->n];
        size_t from = n > 0 ? at + (size_t)n : at, to = n > 0 ? at : at + (size_t)-n;

        memmove(s->bytes + to, s->bytes + from, end - from);
        for (size_t i = 0; i <= s->sent->n; i++)
                if (s->starts[i] > at)
                        s->starts[i] = n > 0 ? s->starts[i] - MIN((size_t)n, s->starts[i] - at)
                                             : s->starts[i] + (size_t)-n;
}

static void burst(struct stream *s, size_t from, size_t within, size_t len)
{
        size_t at = from + draw(s, (uint32_t)within);

        for (size_t i = 0; i < len && at + i < s->starts[s->damaged + 1]; i++)
                s->bytes[at + i] = (uint8_t)draw(s, 256);
}

static void spoil_bytes(struct stream *s, size_t from, size_t len, bool marked)
{
        for (uint32_t n = 1 + draw(s, marked ? 3 : 12); n > 0; n--) {
                uint8_t *byte = s->bytes + from + draw(s, (uint32_t)len);

                *byte = marked ? 0xff : (uint8_t)(*byte ^ 1U << draw(s, 8));
        }
}

/* Between two frames of the damaged telegram, or in front of it. */
static void stray(struct stream *s)
{
        const struct sim_wire *wire = &s->sent->telegrams[s->damaged].wire;
        size_t frame = draw(s, (uint32_t)MAX(wire->n_frames, 1));
        size_t at = s->starts[s->damaged] + (frame > 0 ? wire->ends[frame - 1] : 0);
        int n = 1 + (int)draw(s, 2);

        shift(s, at, -n);
        for (int i = 0; i < n; i++)
                s->bytes[at + (size_t)i] = (uint8_t)draw(s, 256);
}

static void damage(struct stream *s)
{
        size_t from = s->starts[s->damaged], len = s->starts[s->damaged + 1] - from, cut;

        switch (s->damage) {
        case BURST:
        case TWO_METERS:
                burst(s, from, len, 1 + draw(s, 40));
                break;
        case HEADER_BURST:
                burst(s, from, MIN(len, (size_t)24), 1 + draw(s, 12));
                break;
        case VALUE_BIT:
                s->bytes[from + len / 4 + draw(s, (uint32_t)(len / 2))] ^=
                        (uint8_t)(1U << draw(s, 8));
                break;
        case LOSS:
                cut = draw(s, (uint32_t)len);
                shift(s, from + cut, (int)MIN(1 + draw(s, 20), (uint32_t)(len - cut)));
                break;
        case BIT_ERRORS:
                spoil_bytes(s, from, len, false);
                break;
        case MARKED_BYTES:
                spoil_bytes(s, from, len, true);
                break;
        case MID_TELEGRAM:
                s->damaged = 0;
                shift(s, 0, 1 + (int)draw(s, (uint32_t)s->starts[1] - 1));
                break;
        case STRAY_BYTES:
                stray(s);
                break;
        case N_DAMAGES:
                break;
        }
}

static bool is_reading(const struct sim_telegram *sent, const struct reading *reading)
{
        const char *unit = unit_name(reading->unit);

        for (size_t i = 0; i < sent->n_values; i++) {
                const struct sim_value *v = &sent->values[i];
                struct decimal value = { v->mantissa, (int8_t)v->exponent };

                if (obis_equal(obis_of_bytes(v->obis), reading->obis) &&
                    decimal_compare(value, reading->value) == 0 &&
                    strcmp(unit ? unit : "", v->unit) == 0)
                        return true;
        }
        return false;
}

/* All that was read was sent in this telegram; something of it may be missing. */
static bool is_part(const struct sim_telegram *sent, const struct telegram *got)
{
        if (sent->meter_id[0] && strcmp(sent->meter_id, got->meter_id) != 0)
                return false;
        for (size_t i = 0; i < got->n_readings; i++)
                if (!is_reading(sent, &got->readings[i]))
                        return false;
        return true;
}

static bool is_telegram(const struct sim_telegram *sent, const struct telegram *got)
{
        return got->n_readings == sent->n_values && is_part(sent, got);
}

static void show(const struct stream *s, uint64_t seed, const char *what, const struct telegram *t)
{
        if (n_shown++ >= SHOWN_MAX)
                return;
        printf("# seed %llu: %s: %s, %s, %s: %s %s\n", (unsigned long long)seed, what,
               s->family->name, damage_names[s->damage], s->live ? "live" : "file", t->framing,
               t->error);
}

static void take(struct stream *s, const struct telegram *t, struct figures *f, uint64_t seed)
{
        if (t->status == TELEGRAM_WRONG_ENCRYPTION_KEY ||
            t->status == TELEGRAM_WRONG_AUTHENTICATION_KEY) {
                f->false_keys++;
                show(s, seed, "a right key called wrong", t);
        }
        if (t->status != TELEGRAM_OK)
                return;
        f->telegrams++;
        for (size_t i = 0; i < s->sent->n; i++) {
                if (s->got[i] || !is_telegram(&s->sent->telegrams[i], t))
                        continue;
                s->got[i] = true;
                return;
        }
        for (size_t i = 0; i < s->sent->n; i++)
                if (t->n_readings < s->sent->telegrams[i].n_values &&
                    is_part(&s->sent->telegrams[i], t)) {
                        f->shortened++;
                        show(s, seed, "a reading is missing", t);
                        return;
                }
        f->wrong++;
        show(s, seed, "not sent", t);
}

static void drain(struct stream *s, struct decoder *d, struct figures *f, uint64_t seed)
{
        struct decoder_event event;

        while (decoder_next(d, &event) > 0)
                if (event.type == DECODER_TELEGRAM)
                        take(s, event.telegram, f, seed);
}

static void decode(struct stream *s, struct figures *f, uint64_t seed)
{
        static struct decoder_scratch scratch;
        struct slice whole = { s->bytes, s->starts[s->sent->n] };
        struct decoder_options options = { .profiles = known_profiles(),
                                           .keyring = { .find = find_keys, .userdata = s },
                                           .scratch = &scratch,
                                           .confirm = s->live };
        struct decoder *d = NULL;

        if (!s->live)
                options.input = raw_is_all(whole) ? SCANNER_UNFRAMED : SCANNER_FILE;
        if (decoder_new(&options, &d) < 0)
                abort();
        for (size_t i = 0; i < s->sent->n; i++) {
                struct slice piece = slice_first(slice_from(whole, s->starts[i]),
                                                 s->starts[i + 1] - s->starts[i]);

                if (s->live && (i > 0 || s->damage != MID_TELEGRAM)) {
                        decoder_gap(d);
                        drain(s, d, f, seed);
                }
                decoder_feed(d, piece);
                drain(s, d, f, seed);
        }
        decoder_finish(d);
        drain(s, d, f, seed);
        decoder_free(d);
}

/* Two of a kind must come before the first is believed where a check is weak or missing. */
static size_t first_expected(const struct stream *s)
{
        bool weak = !s->family->promised && s->live;

        return weak ? (s->damage == MID_TELEGRAM ? 2U : 1U) * (s->damage == TWO_METERS ? 2 : 1) : 0;
}

static void run_stream(uint64_t seed, const char *family)
{
        static struct stream s;
        struct figures *f;

        s.random = seed * 0x9e3779b97f4a7c15ULL + 1;
        s.family = &families[draw(&s, ELEMENTSOF(families))];
        s.damage = (enum damage)draw(&s, N_DAMAGES);
        s.live = draw(&s, 2);
        if (family && strcmp(s.family->name, family) != 0)
                return;
        f = &figures[s.family - families][s.damage];
        fill(&s, seed);
        damage(&s);
        decode(&s, f, seed);
        f->streams++;
        for (size_t i = first_expected(&s); i < s.sent->n; i++) {
                if (i == s.damaged)
                        continue;
                f->beside++;
                f->lost += !s.got[i];
        }
}

static void add(struct figures *sum, const struct figures *f)
{
        sum->streams += f->streams;
        sum->telegrams += f->telegrams;
        sum->wrong += f->wrong;
        sum->shortened += f->shortened;
        sum->false_keys += f->false_keys;
        sum->beside += f->beside;
        sum->lost += f->lost;
}

static void print_row(const char *name, const struct figures *f)
{
        printf("| %-18s | %9llu | %9llu | %5llu | %5llu | %10llu | %9llu | %6llu |\n", name,
               (unsigned long long)f->streams, (unsigned long long)f->telegrams,
               (unsigned long long)f->wrong, (unsigned long long)f->shortened,
               (unsigned long long)f->false_keys, (unsigned long long)f->beside,
               (unsigned long long)f->lost);
}

/* True when what is promised was kept. */
static bool report(void)
{
        struct figures all = { 0 }, framed = { 0 };
        uint64_t wrong = 0;

        printf("| %-18s | %9s | %9s | %5s | %5s | %10s | %9s | %6s |\n", "", "streams", "telegrams",
               "wrong", "short", "false keys", "beside it", "lost");
        for (size_t i = 0; i < ELEMENTSOF(families); i++) {
                struct figures sum = { 0 };

                for (size_t k = 0; k < N_DAMAGES; k++)
                        add(&sum, &figures[i][k]);
                print_row(families[i].name, &sum);
                add(&all, &sum);
                if (families[i].promised)
                        wrong += sum.wrong;
                if (strncmp(families[i].name, "raw", 3) != 0)
                        add(&framed, &sum);
        }
        for (size_t k = 0; k < N_DAMAGES; k++) {
                struct figures sum = { 0 };

                for (size_t i = 0; i < ELEMENTSOF(families); i++)
                        add(&sum, &figures[i][k]);
                print_row(damage_names[k], &sum);
        }
        print_row("all", &all);
        return wrong == 0 && all.false_keys == 0 && framed.lost * STATED_LOSS <= framed.beside;
}

int main(int argc, char **argv)
{
        uint64_t streams = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000;
        uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;

        for (uint64_t i = 0; i < streams; i++)
                run_stream(seed + i, argc > 3 ? argv[3] : NULL);
        return report() ? 0 : 1;
}
