/* SPDX-License-Identifier: MIT */
/* Any bytes as a P1 telegram, as deciphered text, and as a telegram with a ciphered APDU in it. */
#include <stdio.h>

#include "fuzz-link.h"
#include "lib/link/crc.h"

/* The same bytes with the check sum that is right: else no input would get past it. */
static void try_with_right_crc(struct slice s)
{
        static uint8_t frame[LINK_FRAME_MAX];
        struct slice text = slice_first(s, sizeof(frame) - 8);
        char end[8];

        memcpy(frame, text.data, text.len);
        frame[text.len] = '!';
        text = (struct slice){ frame, text.len + 1 };
        (void)snprintf(end, sizeof(end), "%04X\r\n", crc16_arc(text));
        memcpy(frame + text.len, end, 6);
        fuzz_link(&link_p1, (struct slice){ frame, text.len + 6 });
}

static void try_as_deciphered(struct slice s)
{
        static struct telegram t;

        telegram_reset(&t, "raw");
        if (link_p1.read_plain(s, &t) < 0 && t.n_readings + t.n_texts > 0)
                abort();
        fuzz_telegram(&t);
}

static void try_to_open(struct slice s)
{
        struct link_piece piece;
        size_t n;

        if (s.len == 0 || !link_p1.starts(s.data[0]) ||
            fuzz_ask(&link_p1, s, s.len, &n) != LINK_WHOLE)
                return;
        link_p1.open(slice_first(s, n), &piece);
        if (piece.bytes.len > n)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct slice s = { data, size };

        fuzz_link(&link_p1, s);
        if (size > 0)
                try_with_right_crc(s);
        try_as_deciphered(s);
        try_to_open(s);
        return 0;
}
