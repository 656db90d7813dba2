/* SPDX-License-Identifier: MIT */
/*
 * What holds for any bytes given to a text framing: the probe says the same for every longer piece
 * of the same stream, a frame is never longer than its input, decoding stays within its bounds, and
 * texts are UTF-8 without control characters.
 */
#pragma once

#include <errno.h>
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

/* What the probe says of the first `n` bytes, given in a piece of exactly that size. */
static inline ssize_t fuzz_ask(const struct link_ops *link, struct slice s, size_t n)
{
        struct link_fault fault = { 0 };
        uint8_t *piece = malloc(n + 1);
        ssize_t r;

        if (!piece)
                abort();
        memcpy(piece, s.data, n);
        r = link->probe((struct slice){ piece, n }, (struct slice){ 0 }, &fault);
        free(piece);
        if (r > (ssize_t)n || (r < 0 && r != -EAGAIN && r != -EBADMSG))
                abort();
        if (r == -EBADMSG && !fault.what)
                abort();
        return r;
}

static inline void fuzz_link(const struct link_ops *link, struct slice s)
{
        static struct telegram t;
        size_t step = s.len / 16 + 1;
        ssize_t whole;

        if (s.len == 0 || !link->starts(s.data[0]))
                return;
        whole = fuzz_ask(link, s, s.len);
        for (size_t n = 1; n < s.len; n += step) {
                ssize_t r = fuzz_ask(link, s, n);

                if (r != 0 && r != whole)
                        abort();
                if (r == 0 && whole > 0 && n >= (size_t)whole)
                        abort();
        }
        if (whole <= 0)
                return;
        telegram_reset(&t, link->name);
        if (link->read(slice_first(s, (size_t)whole), &t) < 0 && t.n_readings + t.n_texts > 0)
                abort();
        fuzz_telegram(&t);
}
