/* SPDX-License-Identifier: MIT */
/*
 * Readouts by IEC 62056-21 §6.3.14 (data message): what German D0 meters push (mode D), and the
 * answer of a meter that someone else reads out (mode C). They reach us in three forms:
 *
 *      /LGZ4ZMD… CRLF [STX] lines ! CRLF [ETX BCC]      with identification
 *      STX lines ! CRLF ETX BCC                         its identification was sent at 300 baud
 *      0.0.0(…) CRLF lines ! CRLF                       the bare data block: see bare_probe()
 */
#include <errno.h>

#include "base/util.h"
#include "lib/link/link.h"
#include "text-decode.h"
#include "text-frame.h"
#include "text-line.h"

#define STX 0x02
/* The first line of a bare block: an identifier of up to 34 characters. */
#define BARE_LINE_MAX 96
/* IEC 62056-21 §6.4: 78 characters and the line end; profiles of TD-3511 stay below twice that. */
#define DATA_LINE_MAX 160

static bool starts(uint8_t byte)
{
        uint8_t c = byte & 0x7f;

        return c == '/' || c == STX || c == '0' || c == 'C' || c == 'F';
}

/* What a data block begins with: an error flag, or the address or number of the device. */
static const char *const bare_heads[] = { "0.0.0(", "0.0(", "0.0.1(", "F.F(", "C.1.0(" };

/* > 0 when one of them is there, 0 when it could still come, -EAGAIN when it cannot. */
static int match_head(struct slice s)
{
        int best = -EAGAIN;

        for (size_t i = 0; i < ELEMENTSOF(bare_heads); i++) {
                struct slice head = slice_of_string(bare_heads[i]);
                size_t n = 0;

                while (n < head.len && n < s.len && (s.data[n] & 0x7f) == head.data[n])
                        n++;
                if (n == head.len)
                        return 1;
                if (n == s.len)
                        best = 0;
        }
        return best;
}

/* True when nothing but the beginning of a code stands on the line so far: "1.0." */
static bool is_begun_code(struct slice before)
{
        size_t at = before.len;

        while (at > 0) {
                uint8_t c = before.data[at - 1] & 0x7f;

                if (c != '.' && (c < '0' || c > '9'))
                        break;
                at--;
        }
        return at < before.len && at > 0 &&
               ((before.data[at - 1] & 0x7f) == '\n' || (before.data[at - 1] & 0x7f) == '\r');
}

/*
 * A bare data block proves nothing by itself, so where it begins must be the beginning of one: the
 * start of the stream, right after the end of the last block (of which one byte may be damaged), or
 * after noise. After any other line end, or in the middle of a code, it is the inside of a frame
 * that has already failed.
 */
static bool may_begin_after(struct slice before)
{
        static const uint8_t end[] = { ')', '\r', '\n', '!', '\r', '\n' };
        size_t len = before.len, same = 0;
        uint8_t last, last_but_one;

        if (len == 0)
                return true;
        if (len >= sizeof(end)) {
                struct slice tail = slice_from(before, len - sizeof(end));

                for (size_t i = 0; i < sizeof(end); i++)
                        same += (tail.data[i] & 0x7f) == end[i];
                if (same + 1 >= sizeof(end))
                        return true;
        }
        last = before.data[len - 1] & 0x7f;
        last_but_one = len > 1 ? before.data[len - 2] & 0x7f : 0;
        if (last == '\r' || last == '\n' || last == STX || last_but_one == '\r' ||
            last_but_one == '\n')
                return false;
        if (is_begun_code(before))
                return false;
        return last != ':' && last != '-' && last != '*' && last != '&' && last != '(';
}

/* A register of energy, which every readout has: "1.8.0(31550.191*kWh)". */
static bool has_energy(struct slice data, bool parity)
{
        uint8_t buf[LINK_FRAME_MAX];
        struct slice left = text_plain(slice_first(data, sizeof(buf)), parity, buf), line;

        while (text_next_line(&left, &line)) {
                struct text_object object;
                struct decimal value;
                enum unit unit;

                if (text_parse_object(line, &object) == 0 && object.obis.d == 8 &&
                    text_parse_number(object.groups[0], &value, &unit) && unit == UNIT_WH)
                        return true;
        }
        return false;
}

/* Bit 7 of the first CR tells whether it is parity. False when the first line has not ended yet. */
static bool find_parity(struct slice s, bool *ret)
{
        for (size_t i = 0; i < s.len; i++) {
                if ((s.data[i] & 0x7f) != '\r')
                        continue;
                *ret = s.data[i] > 0x7f;
                return true;
        }
        return false;
}

/* True when both lines begin with the same code: the characters up to the bracket. */
static bool same_code(struct slice a, struct slice b)
{
        for (size_t i = 0; i < a.len && i < b.len; i++) {
                if ((a.data[i] ^ b.data[i]) & 0x7f)
                        return false;
                if ((a.data[i] & 0x7f) == '(')
                        return true;
        }
        return false;
}

/*
 * A data block that comes without identification and without block check (TD-3511 behind readers
 * that strip both). Every line must be an object with a short code, which no P1 telegram has, and
 * energy must be among them; a single line that is damaged gives the block up.
 */
static ssize_t bare_find(struct slice s, struct text_frame *ret)
{
        size_t at = 0;

        s = slice_first(s, LINK_FRAME_MAX);
        *ret = (struct text_frame){ .kind = TEXT_READOUT };
        if (!find_parity(slice_first(s, BARE_LINE_MAX), &ret->parity))
                return s.len < BARE_LINE_MAX ? 0 : -EAGAIN;
        while (at < s.len) {
                struct slice line = slice_from(s, at);
                size_t n = 0;

                /* The limit keeps a stream of beginnings without ends from being read again at
                 * each. */
                while (n < line.len && n < DATA_LINE_MAX && text_is_char(line.data[n], ret->parity))
                        n++;
                if (n == line.len)
                        return s.len == LINK_FRAME_MAX ? -EAGAIN : 0;
                if (line.data[n] != '\n')
                        return -EAGAIN;
                if ((line.data[0] & 0x7f) == '!') {
                        ret->data = slice_first(s, at);
                        return n == 2 && (line.data[1] & 0x7f) == '\r' ? (ssize_t)(at + 3)
                                                                       : -EAGAIN;
                }
                /* What begins here was cut short, and another begins there; nor is a stream of
                 * beginnings read to its end at each. */
                if (at > 0 && same_code(s, line))
                        return -EAGAIN;
                if (!text_frame_is_strict(slice_first(line, n), ret->parity))
                        return -EAGAIN;
                at += n + 1;
        }
        return 0;
}

static ssize_t find(struct slice s, struct text_frame *ret, struct link_fault *ret_fault)
{
        uint8_t first = slice_at(s, 0) & 0x7f;
        ssize_t n;

        if (first == '/') {
                n = text_frame_find(s, false, ret, ret_fault);
                return n != 0 && ret->kind != TEXT_READOUT ? -EAGAIN : n;
        }
        if (first == STX) {
                uint8_t next = slice_at(s, 1) & 0x7f;

                *ret = (struct text_frame){ .kind = TEXT_READOUT };
                if (s.len < 2)
                        return 0;
                /* A line feed there is TIC; a data block goes straight into its first code. */
                if (!(next >= '0' && next <= '9') && !(next >= 'A' && next <= 'Z'))
                        return -EAGAIN;
                n = text_frame_find_block(s, ret, ret_fault);
                /* STX is frequent in binary: only a whole block whose check fails is news. */
                return n == -EBADMSG && !ret->data.data ? -EAGAIN : n;
        }
        n = match_head(s);
        if (n <= 0)
                return n;
        n = bare_find(s, ret);
        if (n > 0 && !has_energy(ret->data, ret->parity))
                return -EAGAIN;
        return n;
}

static ssize_t probe(struct slice s, struct slice before, struct link_fault *ret_fault)
{
        uint8_t first = slice_at(s, 0) & 0x7f;
        struct text_frame frame;

        if (first != '/' && first != STX && !may_begin_after(before))
                return -EAGAIN;
        return find(s, &frame, ret_fault);
}

static int read_frame(struct slice bytes, struct telegram *t)
{
        struct text_frame frame;
        uint8_t first = slice_at(bytes, 0) & 0x7f;

        text_frame_open(bytes, &frame);
        if (first != '/' && first != STX)
                (void)find_parity(bytes, &frame.parity);
        frame.kind = TEXT_READOUT;
        text_decode(&frame, t);
        t->hints.weak = true; /* by 7 bits of a block check, or by nothing */
        return 0;
}

const struct link_ops link_iec62056_21 = {
        .name = "iec62056-21",
        .starts = starts,
        .probe = probe,
        .read = read_frame,
};
