/* SPDX-License-Identifier: MIT */
/*
 * Earlier telegrams decide what is believed now: frame counters must grow, some meters must
 * authenticate, and telegrams of a kind that came before are known.
 */
#include <string.h>

#include "base/util.h"
#include "decoder-private.h"

/* After FNV-1a, 64 bits, a word at a time, to distinguish kinds: making two alike gains nothing. */
#define DIGEST_INIT  0xcbf29ce484222325ULL
#define DIGEST_PRIME 0x100000001b3ULL
#define UNIT_PRIME   0x9e3779b97f4a7c15ULL /* spreads 16 bits over the word */

/* An id of which no more than such a part differs from the last one may be that, damaged. */
#define ID_DAMAGED_PART 4

static uint64_t digest(uint64_t sum, const void *data, size_t n)
{
        const uint8_t *bytes = data;
        uint64_t word;

        for (; n >= sizeof(word); n -= sizeof(word), bytes += sizeof(word)) {
                memcpy(&word, bytes, sizeof(word));
                sum = (sum ^ word) * DIGEST_PRIME;
                sum ^= sum >> 32; /* a product carries upwards only */
        }
        for (size_t i = 0; i < n; i++)
                sum = (sum ^ bytes[i]) * DIGEST_PRIME;
        return sum;
}

static uint64_t digest_of_keys(const struct cipher_keys *keys)
{
        uint64_t sum = digest(DIGEST_INIT, keys->key, keys->has_key ? sizeof(keys->key) : 0);

        return digest(sum, keys->auth_key, keys->has_auth_key ? sizeof(keys->auth_key) : 0);
}

static uint64_t digest_of_id(uint64_t sum, const char *id)
{
        return digest(sum, id, strlen(id));
}

static uint64_t digest_of_meter(const struct telegram *t)
{
        return digest_of_id(DIGEST_INIT, t->meter_id);
}

static struct decoder_known_title *make(struct decoder *d, const uint8_t *title, uint64_t sum)
{
        struct decoder_known_title *entry = &d->titles[d->next_title++ % DECODER_TITLES];

        *entry = (struct decoder_known_title){ .used = true, .keys = sum };
        memcpy(entry->title, title, CIPHER_TITLE_BYTES);
        return entry;
}

/* The entry of this title and these keys. NULL: it is neither here nor with the caller. */
static struct decoder_known_title *find(struct decoder *d, const uint8_t *title,
                                        const struct cipher_keys *keys)
{
        uint64_t sum = digest_of_keys(keys);
        struct decoder_known_title *entry;
        struct decoder_title recalled;

        for (size_t i = 0; i < DECODER_TITLES; i++)
                if (d->titles[i].used && memcmp(d->titles[i].title, title, CIPHER_TITLE_BYTES) == 0)
                        return d->titles[i].keys == sum ? &d->titles[i] : NULL;
        if (!d->options.keyring.recall ||
            !d->options.keyring.recall(d->options.keyring.userdata, title, keys, &recalled))
                return NULL;
        entry = make(d, title, sum);
        entry->known = recalled;
        return entry;
}

bool trust_keys(struct decoder *d, const struct cipher_keys *keys)
{
        const struct telegram *t = d->telegram;
        uint64_t sum = digest_of_keys(keys);

        if (t->has_system_title)
                (void)find(d, t->system_title, keys); /* asks the caller where it is new */
        for (size_t i = 0; i < DECODER_TITLES; i++)
                if (d->titles[i].used && d->titles[i].keys == sum)
                        return true;
        return false;
}

bool trust_authenticated(struct decoder *d, const struct cipher_keys *keys)
{
        const struct telegram *t = d->telegram;
        const struct decoder_known_title *entry =
                t->has_system_title ? find(d, t->system_title, keys) : NULL;

        return entry && entry->known.authenticated;
}

/* The entry of this title, made where it was not known, or known with other keys: then *ret_new. */
static struct decoder_known_title *take(struct decoder *d, const uint8_t *title,
                                        const struct cipher_keys *keys, bool *ret_new)
{
        struct decoder_known_title *entry = find(d, title, keys);

        *ret_new = !entry;
        if (entry)
                return entry;
        for (size_t i = 0; i < DECODER_TITLES; i++)
                if (memcmp(d->titles[i].title, title, CIPHER_TITLE_BYTES) == 0)
                        d->titles[i].used = false; /* by other keys */
        return make(d, title, digest_of_keys(keys));
}

bool trust_ciphered(struct decoder *d, const struct cipher_keys *keys)
{
        struct telegram *t = d->telegram;
        struct decoder_known_title *entry;
        bool is_new;

        if (!t->has_system_title)
                return true;
        entry = take(d, t->system_title, keys, &is_new);
        /* 0: it is not known yet */
        t->replayed =
                !is_new && entry->known.counter > 0 && t->frame_counter <= entry->known.counter;
        d->statistics.replays += t->replayed;
        if (t->replayed && t->authenticated) {
                telegram_fail(t, TELEGRAM_REPLAYED,
                              "replayed: its frame counter %lu did not grow beyond %lu",
                              (unsigned long)t->frame_counter, (unsigned long)entry->known.counter);
                return false;
        }
        entry->known.counter = t->frame_counter;
        entry->known.authenticated |= t->authenticated;
        if (t->meter_id[0]) /* its short lists may not say it */
                entry->meter = digest_of_meter(t);
        if (d->options.keyring.remember)
                d->options.keyring.remember(d->options.keyring.userdata, entry->title, keys,
                                            t->meter_id, &entry->known);
        return true;
}

static bool must_authenticate(const struct decoder *d)
{
        const struct telegram *t = d->telegram;

        for (size_t i = 0; t->meter_id[0] && i < DECODER_TITLES; i++)
                if (d->titles[i].used && d->titles[i].known.authenticated &&
                    d->titles[i].meter == digest_of_meter(t))
                        return true;
        return d->options.keyring.must_authenticate &&
               d->options.keyring.must_authenticate(d->options.keyring.userdata, t->meter_id);
}

bool trust_plain(struct decoder *d)
{
        if (!must_authenticate(d))
                return true;
        d->statistics.unauthenticated++;
        telegram_fail(d->telegram, TELEGRAM_UNAUTHENTICATED,
                      "unauthenticated: plain text, of a meter that must authenticate");
        return false;
}

void decoder_forget_titles(struct decoder *d)
{
        memset(d->titles, 0, sizeof(d->titles));
        d->next_title = 0;
}

static uint64_t digest_word(uint64_t sum, struct obis o, uint8_t unit, int8_t exponent)
{
        uint64_t word = 0;

        memcpy(&word, &o, sizeof(o));
        word ^= ((uint64_t)unit << 8 | (uint8_t)exponent) * UNIT_PRIME;

        return (sum ^ word) * DIGEST_PRIME;
}

static uint64_t digest_of_kind(const struct telegram *t)
{
        uint64_t sum = digest(digest_of_meter(t), t->system_title, sizeof(t->system_title));

        sum = digest(sum, &t->status, sizeof(t->status));
        for (size_t i = 0; i < t->n_readings; i++)
                sum = digest_word(sum, t->readings[i].obis, (uint8_t)t->readings[i].unit,
                                  t->readings[i].value.exponent);
        for (size_t i = 0; i < t->n_texts; i++)
                sum = digest_word(sum, t->texts[i].obis, UINT8_MAX, 0);
        return sum;
}

bool trust_is_weak(const struct decoder *d)
{
        return d->link->sum_only || d->link->unframed || d->telegram->hints.weak;
}

uint64_t trust_text(const struct decoder *d)
{
        const struct telegram *t = d->telegram;

        return digest(DIGEST_INIT, t->hints.ident, strlen(t->hints.ident)) | 1;
}

/* True when the id is that of the last telegram, or may be that id damaged: a few other
 * characters, or none at all. */
static bool resembles_last(const struct decoder *d)
{
        const char *id = d->telegram->meter_id;
        size_t n = strlen(id), n_equal = 0;

        if (n == 0 || n != strlen(d->last_id))
                return n == 0;
        for (size_t i = 0; i < n; i++)
                n_equal += id[i] == d->last_id[i];
        return n_equal >= n - n / ID_DAMAGED_PART;
}

void trust_note_id(struct decoder *d)
{
        if (d->telegram->hints.weak && d->telegram->status == TELEGRAM_OK)
                memcpy(d->last_id, d->telegram->meter_id, sizeof(d->last_id));
}

uint64_t trust_sender(const struct decoder *d)
{
        const struct telegram *t = d->telegram;
        uint64_t sum = t->has_system_title
                               ? digest(DIGEST_INIT, t->system_title, sizeof(t->system_title))
                               : digest(DIGEST_INIT, d->sender.data, d->sender.len);

        /* Meters on one line share an address, or have none; by a weak check no id is certain, so
         * that the model must do where a text says it. */
        if (!t->has_system_title && t->hints.weak && t->hints.ident[0])
                sum = digest(sum, t->hints.ident, strlen(t->hints.ident));
        else if (!t->has_system_title && !d->link->sum_only && !d->link->unframed)
                sum = digest_of_id(sum,
                                   t->hints.weak && resembles_last(d) ? d->last_id : t->meter_id);
        return sum ? sum : 1;
}

static bool knows_kind(const struct decoder *d, uint64_t kind)
{
        for (size_t i = 0; i < MIN(d->n_kinds, (size_t)DECODER_KINDS); i++)
                if (d->kinds[i].digest == kind)
                        return true;
        return false;
}

/* A line of a text that is lost makes it shorter, and another list of it. */
static size_t length_of_kind(const struct decoder *d)
{
        return d->telegram->hints.weak ? 0 : d->apdu_bytes;
}

static void note_kind(struct decoder *d, uint64_t kind)
{
        d->kinds[d->n_kinds++ % DECODER_KINDS] =
                (struct decoder_kind){ kind, trust_sender(d), length_of_kind(d) };
}

bool trust_kind(struct decoder *d)
{
        uint64_t kind = digest_of_kind(d->telegram);

        if (knows_kind(d, kind))
                return true;
        note_kind(d, kind);
        return false;
}

bool trust_variant(struct decoder *d)
{
        uint64_t kind = digest_of_kind(d->telegram), sender;
        bool is_variant = false;

        if (knows_kind(d, kind))
                return true;
        sender = trust_sender(d);
        for (size_t i = 0; i < MIN(d->n_kinds, (size_t)DECODER_KINDS); i++)
                is_variant |=
                        d->kinds[i].sender == sender && d->kinds[i].bytes == length_of_kind(d);
        note_kind(d, kind);
        return !is_variant;
}
