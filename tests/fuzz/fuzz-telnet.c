/* SPDX-License-Identifier: MIT */
/*
 * Any bytes of a serial server as RFC 2217: however they are cut, the same data comes out, never
 * more than went in, and the answers stay within their bound. What we send comes back as it was.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/converter/telnet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX 4096

static void check(bool holds)
{
        if (!holds)
                abort();
}

/* Fed in pieces of at most `step` bytes; the answers are taken now and then, as a worker does. */
static size_t feed(struct telnet *t, const uint8_t *data, size_t size, size_t step, uint8_t *to)
{
        uint8_t piece[INPUT_MAX];
        size_t n = 0;

        for (size_t at = 0; at < size; at += step) {
                size_t len = size - at < step ? size - at : step, left;

                memcpy(piece, data + at, len);
                left = telnet_unescape(t, piece, len);
                check(left <= len && t->n_reply <= TELNET_REPLY_MAX);
                memcpy(to + n, piece, left);
                n += left;
        }
        return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static uint8_t whole[INPUT_MAX], cut[2 * INPUT_MAX], sent[2 * INPUT_MAX];
        struct telnet a = { 0 }, b = { 0 }, c = { 0 };
        size_t step, n, n_cut, n_sent;

        if (size < 2)
                return 0;
        step = 1 + data[0] % 7;
        data++;
        size = size - 1 < INPUT_MAX ? size - 1 : INPUT_MAX;
        n = feed(&a, data, size, size, whole);
        n_cut = feed(&b, data, size, step, cut);
        check(n == n_cut && memcmp(whole, cut, n) == 0);
        check(a.agreed == b.agreed && a.refused == b.refused && a.confirmed == b.confirmed);
        check(a.n_reply == b.n_reply && memcmp(a.reply, b.reply, a.n_reply) == 0);

        n_sent = telnet_escape((struct slice){ data, size }, sent, sizeof(sent));
        check(n_sent >= size);
        check(telnet_escape((struct slice){ data, size }, cut, n_sent - 1) == 0);
        check(telnet_unescape(&c, sent, n_sent) == size && memcmp(sent, data, size) == 0);
        check(!c.agreed && !c.refused && c.confirmed == 0 && c.n_reply == 0);
        return 0;
}
