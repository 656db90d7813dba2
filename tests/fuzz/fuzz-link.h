/* SPDX-License-Identifier: MIT */
/*
 * What holds for any bytes given to a text framing: the probe says the same for every longer piece
 * of the same stream, a frame is never longer than its input, decoding stays within its bounds, and
 * texts are UTF-8 without control characters.
 */
#pragma once

#include <stdlib.h>

#include "lib/link/link.h"
#include "lib/value/id.h"
#include "lib/value/telegram.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_telegram(struct telegram *t)
{
        telegram_identify(t);
        if (t->n_readings > TELEGRAM_READINGS_MAX || t->n_texts > TELEGRAM_TEXTS_MAX)
                abort();
        for (size_t i = 0; i < t->n_readings; i++) {
                char text[DECIMAL_TEXT_MAX];

                (void)decimal_print(t->readings[i].value, text);
        }
        for (size_t i = 0; i < t->n_texts; i++)
                if (!utf8_is_text(t->texts[i].value))
                        abort();
}

/* What the probe says of the first `n` bytes, given in a piece of exactly that size. *ret_len: of a
 * whole frame. */
static inline enum link_result fuzz_ask(const struct link_ops *link, struct slice s, size_t n,
                                        size_t *ret_len)
{
        struct link_found found = { 0 };
        uint8_t *piece = malloc(n + 1);
        enum link_result result;

        if (!piece)
                abort();
        memcpy(piece, s.data, n);
        result = link->probe((struct slice){ piece, n }, (struct slice){ 0 }, &found);
        free(piece);
        if (result == LINK_WHOLE && (found.len == 0 || found.len > n))
                abort();
        if (result == LINK_DAMAGED && !found.fault)
                abort();
        *ret_len = result == LINK_WHOLE ? found.len : 0;
        return result;
}

static inline void fuzz_link(const struct link_ops *link, struct slice s)
{
        static struct telegram t;
        size_t step = s.len / 16 + 1;
        enum link_result result;
        size_t whole;

        if (s.len == 0 || !link->starts(s.data[0]))
                return;
        result = fuzz_ask(link, s, s.len, &whole);
        for (size_t n = 1; n < s.len; n += step) {
                size_t part;
                enum link_result of_part = fuzz_ask(link, s, n, &part);

                if (of_part != LINK_MORE && (of_part != result || part != whole))
                        abort();
                if (of_part == LINK_MORE && result == LINK_WHOLE && n >= whole)
                        abort();
        }
        if (result != LINK_WHOLE)
                return;
        telegram_reset(&t, link->name);
        if (link->read(slice_first(s, whole), &t) < 0 && t.n_readings + t.n_texts > 0)
                abort();
        fuzz_telegram(&t);
}
