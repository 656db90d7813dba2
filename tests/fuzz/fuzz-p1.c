/* SPDX-License-Identifier: MIT */
/* Any bytes as a P1 telegram, as deciphered text, and as a telegram with a ciphered APDU in it. */
#include <stdio.h>

#include "fuzz-link.h"
#include "lib/crc.h"
#include "lib/link-p1.h"

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
        fuzz_link(&link_p1, (struct slice){ frame, text.len + 6 }, p1_decode);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct slice s = { data, size }, apdu;

        fuzz_link(&link_p1, s, p1_decode);
        if (size > 0)
                try_with_right_crc(s);
        if (p1_find_ciphered(s, &apdu) && apdu.len > size)
                abort();
        return 0;
}
