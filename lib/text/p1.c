/* SPDX-License-Identifier: MIT */
/*
 * P1, the text telegrams of DSMR and its national variants (DSMR P1 Companion Standard 5.0.2 §6,
 * e-MUCS P1 1.7, Swedish and Hungarian forms): from '/' to '!', a CRC-16, CR LF. The frame is found
 * by text-frame.h. In place of lines it may carry a ciphered APDU (Stoen, Poland), with or without
 * its tag DB; or the whole telegram stands inside a ciphered APDU (Luxembourg, Styria).
 */
#include <errno.h>

#include "lib/link/link.h"
#include "text-decode.h"
#include "text-frame.h"

static enum link_result probe(struct slice s, struct slice before, struct link_found *ret)
{
        struct text_frame frame;
        enum link_result result = text_frame_find(s, false, &frame, ret);

        (void)before; /* the identification line is beginning enough */
        if (result != LINK_MORE && frame.kind == TEXT_READOUT)
                return LINK_NONE;
        return result;
}

static void p1_open(struct slice bytes, struct link_piece *ret)
{
        struct text_frame frame;

        text_frame_open(bytes, &frame);
        *ret = (struct link_piece){
                .bytes = frame.apdu, .first = true, .last = true, .ciphered = true
        };
}

static int p1_read(struct slice bytes, struct telegram *t)
{
        struct text_frame frame;

        text_frame_open(bytes, &frame);
        frame.kind = TEXT_P1;
        text_decode(&frame, t);
        t->hints.weak = frame.unchecked;
        return 0;
}

/* After the telegram nothing may follow but line ends and the fill bytes of a block cipher. */
static bool is_padding(struct slice s)
{
        for (size_t i = 0; i < s.len; i++)
                if (s.data[i] != '\r' && s.data[i] != '\n' && s.data[i] != 0)
                        return false;
        return true;
}

/* The '/' and three letters of the maker. */
static bool p1_plain_begins(struct slice plain)
{
        bool begins = slice_at(plain, 0) == '/';

        for (size_t i = 1; begins && i <= 3; i++) {
                uint8_t upper = slice_at(plain, i) & (uint8_t)~0x20;

                begins = upper >= 'A' && upper <= 'Z';
        }
        return begins;
}

static int p1_read_plain(struct slice text, struct telegram *t)
{
        struct text_frame frame;
        struct link_found found = { 0 };

        if (text_frame_find(text, true, &frame, &found) != LINK_WHOLE || frame.kind != TEXT_P1 ||
            !is_padding(slice_from(text, found.len)))
                return -EBADMSG;
        text_decode(&frame, t);
        return 0;
}

const struct link_ops link_p1 = {
        .name = "p1",
        .proves_itself = true,
        .text_ids = true,
        .starts = text_frame_starts,
        .probe = probe,
        .open = p1_open,
        .read = p1_read,
        .plain_begins = p1_plain_begins,
        .read_plain = p1_read_plain,
};
