/* SPDX-License-Identifier: MIT */
/*
 * The SML transport protocol, version 1 (BSI TR-03109-1 Anlage IV, SML 1.04 §8): an SML file
 * between escape sequences, with a check sum over everything.
 *
 *      1B1B1B1B 01010101   SML file …   00 00   1B1B1B1B 1A ff cc cc
 *      └─ begin ───────┘                fill    └─ end ─────┘
 *                                               ff: how many fill bytes, cc: CRC, low byte first
 *
 * Four bytes 1B inside the file are sent twice. The check sum is CRC-16/X-25; old Holley meters
 * send CRC-16/Kermit in its place, which is accepted too.
 */
#include <errno.h>

#include "base/util.h"
#include "lib/link/crc.h"
#include "lib/link/link.h"
#include "lib/value/telegram.h"
#include "sml.h"

#define ESCAPE_BYTES 4
#define MARK_BYTES   8 /* an escape and what it announces */
#define FILL_MAX     3 /* the file is filled up to a multiple of four */

static const uint8_t begin_mark[MARK_BYTES] = { 0x1b, 0x1b, 0x1b, 0x1b, 0x01, 0x01, 0x01, 0x01 };
static const uint8_t escaped[MARK_BYTES] = { 0x1b, 0x1b, 0x1b, 0x1b, 0x1b, 0x1b, 0x1b, 0x1b };

enum mark {
        MARK_NONE,    /* a byte of the file */
        MARK_ESCAPED, /* four bytes 1B of the file */
        MARK_BEGIN,
        MARK_END,
        MARK_CUT, /* an escape whose meaning has not arrived yet */
};

static enum mark mark_at(struct slice s, size_t at)
{
        struct slice here = slice_from(s, at);

        if (!slice_starts_with(here, (struct slice){ escaped, ESCAPE_BYTES }))
                return MARK_NONE;
        if (here.len < MARK_BYTES)
                return MARK_CUT;
        if (here.data[ESCAPE_BYTES] == 0x1a)
                return MARK_END;
        if (slice_starts_with(here, (struct slice){ escaped, MARK_BYTES }))
                return MARK_ESCAPED;
        if (slice_starts_with(here, (struct slice){ begin_mark, MARK_BYTES }))
                return MARK_BEGIN;
        /*
         * No escape of version 1. Firmware that escapes only at multiples of four lets these four
         * bytes through; the check sums decide whether it was that.
         */
        return MARK_NONE;
}

/* From `at` on, the first byte at which an escape may begin; the end when there is none. */
static size_t next_candidate(struct slice s, size_t at)
{
        struct slice rest = slice_from(s, at);
        const uint8_t *found = rest.len ? memchr(rest.data, escaped[0], rest.len) : NULL;

        return found ? (size_t)(found - s.data) : s.len;
}

static bool starts(uint8_t byte)
{
        return byte == begin_mark[0];
}

static enum link_result fail(struct link_found *ret, const char *fault, size_t len)
{
        *ret = (struct link_found){ .fault = fault, .len = len };
        return LINK_DAMAGED;
}

/* The frame ends with the end mark at `at`: fill and check sum. */
static enum link_result verify(struct slice s, size_t at, struct link_found *ret)
{
        size_t len = at + MARK_BYTES;
        struct slice sum = { s.data + len - 2, 2 };
        struct slice covered = slice_first(s, len - 2);
        uint16_t sent = (uint16_t)(sum.data[0] | sum.data[1] << 8);

        if (s.data[at + ESCAPE_BYTES + 1] > FILL_MAX)
                return fail(ret, "SML: more fill bytes than there can be", len);
        if (sent != crc16_x25(covered) && sent != crc16_kermit(covered))
                return fail(ret, "SML: check sum does not match", len);
        ret->len = len;
        return LINK_WHOLE;
}

static enum link_result probe(struct slice s, struct slice before, struct link_found *ret)
{
        size_t at = next_candidate(s, MARK_BYTES);

        (void)before; /* the beginning is mark enough */
        if (!slice_starts_with((struct slice){ begin_mark, MARK_BYTES },
                               slice_first(s, MARK_BYTES)))
                return LINK_NONE;
        while (at < s.len && at <= LINK_FRAME_MAX - MARK_BYTES) {
                switch (mark_at(s, at)) {
                case MARK_NONE:
                        at = next_candidate(s, at + 1);
                        break;
                case MARK_ESCAPED:
                        at = next_candidate(s, at + MARK_BYTES);
                        break;
                case MARK_BEGIN:
                        return fail(ret, "SML: a telegram begins before the last one ended", at);
                case MARK_END:
                        return verify(s, at, ret);
                case MARK_CUT:
                        return LINK_MORE;
                }
        }
        if (at > LINK_FRAME_MAX - MARK_BYTES)
                return fail(ret, "SML: no end within 8192 bytes", LINK_FRAME_MAX - MARK_BYTES);
        return LINK_MORE;
}

/* The file between the marks as it was before escaping; borrowed from s unless it has escapes. */
static int unescape(struct slice s, struct telegram *t, struct slice *ret)
{
        size_t at, n = 0;
        uint8_t *room;

        for (at = next_candidate(s, 0); at < s.len && mark_at(s, at) != MARK_ESCAPED;)
                at = next_candidate(s, at + 1);
        if (at >= s.len) {
                *ret = s;
                return 0;
        }
        room = telegram_alloc(t, s.len);
        if (!room)
                return -EBADMSG;
        for (at = 0; at < s.len; n++) {
                bool skip = mark_at(s, at) == MARK_ESCAPED;

                if (skip) {
                        memcpy(room + n, escaped, ESCAPE_BYTES);
                        n += ESCAPE_BYTES - 1;
                        at += MARK_BYTES;
                } else {
                        room[n] = s.data[at++];
                }
        }
        *ret = (struct slice){ room, n };
        return 0;
}

static int read_frame(struct slice frame, struct telegram *t)
{
        struct slice file;
        size_t fill;
        int r;

        fill = frame.data[frame.len - 3];
        file = slice_first(slice_from(frame, MARK_BYTES), frame.len - 2 * MARK_BYTES);
        if (fill > file.len)
                return -EBADMSG;
        r = unescape(slice_first(file, file.len - fill), t, &file);
        if (r == 0)
                r = sml_file_decode(file, t);
        if (r < 0)
                telegram_reset(t, t->framing);
        return r;
}

const struct link_ops link_sml = {
        .name = "sml",
        .proves_itself = true,
        .starts = starts,
        .probe = probe,
        .read = read_frame,
};
