/* SPDX-License-Identifier: MIT */
/*
 * The whole decoder. The input is fed in two ways, at once and in portions its first byte chooses;
 * both must give the same events, and everything a telegram points to must be readable.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/decoder.h"
#include "tests/unit/known-profiles.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct cipher_keys keys = { .has_key = true, .has_auth_key = true, .has_title = true };

static const struct cipher_keys *find_keys(void *userdata, const uint8_t *title)
{
        return title && title[0] & 1 ? &keys : NULL;
}

static uint64_t mix(uint64_t sum, uint64_t value)
{
        return (sum ^ value) * 1099511628211U;
}

static uint64_t mix_bytes(uint64_t sum, const void *bytes, size_t n)
{
        for (size_t i = 0; i < n; i++)
                sum = mix(sum, ((const uint8_t *)bytes)[i]);
        return sum;
}

static uint64_t mix_telegram(uint64_t sum, const struct telegram *t)
{
        char text[DECIMAL_TEXT_MAX];

        sum = mix(mix_bytes(sum, t->meter_id, strlen(t->meter_id)), t->status);
        if (t->status != TELEGRAM_OK && (t->n_readings > 0 || t->n_texts > 0))
                abort();
        for (size_t i = 0; i < t->n_readings; i++)
                sum = mix_bytes(sum, text, decimal_print(t->readings[i].value, text));
        for (size_t i = 0; i < t->n_texts; i++)
                sum = mix_bytes(sum, t->texts[i].value.data, t->texts[i].value.len);
        return sum;
}

static uint64_t drain(struct decoder *d, uint64_t sum)
{
        struct decoder_event event;

        while (decoder_next(d, &event) > 0) {
                sum = mix(mix(sum, event.type), event.offset);
                if (event.type == DECODER_TELEGRAM)
                        sum = mix_telegram(sum, event.telegram);
        }
        return sum;
}

static uint64_t decode(const uint8_t *data, size_t size, size_t step)
{
        struct decoder_options options = { .profiles = known_profiles(),
                                           .keyring.find = find_keys };
        struct decoder *d = NULL;
        uint64_t sum = 14695981039346656037U;

        if (decoder_new(&options, &d) < 0)
                return 0;
        for (size_t at = 0; at < size; at += step) {
                decoder_feed(d, slice_first(slice_from((struct slice){ data, size }, at), step));
                sum = drain(d, sum);
        }
        decoder_finish(d);
        sum = drain(d, sum);
        decoder_free(d);
        return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        if (size < 2)
                return 0;
        if (decode(data + 1, size - 1, size) != decode(data + 1, size - 1, (size_t)data[0] + 1))
                abort();
        return 0;
}
