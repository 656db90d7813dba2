/* SPDX-License-Identifier: MIT */
/*
 * Readouts by IEC 62056-21 §6.3.14 (data message): what German D0 meters push (mode D), and the
 * answer of a meter that someone else reads out (mode C). They reach us in three forms:
 *
 *      /LGZ4ZMD… CRLF [STX] lines ! CRLF [ETX BCC]      with identification
 *      STX lines ! CRLF ETX BCC                         its identification was sent at 300 baud
 *      0.0.0(…) CRLF lines ! CRLF                       the bare data block: see find_bare()
 */
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

/* The beginnings of a data block: an error flag, or the address or number of the device. */
static const char *const bare_heads[] = { "0.0.0(", "0.0(", "0.0.1(", "F.F(", "C.1.0(" };

/* True when one of them is there, or all there is of it so far. */
static bool may_be_head(struct slice s)
{
        for (size_t i = 0; i < ELEMENTSOF(bare_heads); i++) {
                struct slice head = slice_of_string(bare_heads[i]);
                size_t n = 0;

                while (n < head.len && n < s.len && (s.data[n] & 0x7f) == head.data[n])
                        n++;
                if (n == head.len || n == s.len)
                        return true;
        }
        return false;
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
                struct text_number number;

                if (text_parse_object(line, &object) == 0 && object.obis.d == 8 &&
                    text_parse_number(object.groups[0], &number) && number.unit == UNIT_WH)
                        return true;
        }
        return false;
}

/* Bit 7 of the first CR shows whether it is parity. False when the first line has not ended yet. */
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
static enum link_result find_bare(struct slice s, struct text_frame *ret,
                                  struct link_found *ret_found)
{
        size_t at = 0;

        s = slice_first(s, LINK_FRAME_MAX);
        *ret = (struct text_frame){ .kind = TEXT_READOUT };
        if (!find_parity(slice_first(s, BARE_LINE_MAX), &ret->parity))
                return s.len < BARE_LINE_MAX ? LINK_MORE : LINK_NONE;
        while (at < s.len) {
                struct slice line = slice_from(s, at);
                size_t n = 0;

                /* A stream of beginnings without ends must not be read again at each. */
                while (n < line.len && n < DATA_LINE_MAX && text_is_char(line.data[n], ret->parity))
                        n++;
                if (n == line.len)
                        return s.len == LINK_FRAME_MAX ? LINK_NONE : LINK_MORE;
                if (line.data[n] != '\n')
                        return LINK_NONE;
                if ((line.data[0] & 0x7f) == '!') {
                        ret->data = slice_first(s, at);
                        ret_found->len = at + 3;
                        return n == 2 && (line.data[1] & 0x7f) == '\r' ? LINK_WHOLE : LINK_NONE;
                }
                /* This block was cut short, and another begins there; nor is a stream of
                 * beginnings read to its end at each. */
                if (at > 0 && same_code(s, line))
                        return LINK_NONE;
                if (!text_frame_is_strict(slice_first(line, n), ret->parity))
                        return LINK_NONE;
                at += n + 1;
        }
        return LINK_MORE;
}

static enum link_result find(struct slice s, struct text_frame *ret, struct link_found *ret_found)
{
        uint8_t first = slice_at(s, 0) & 0x7f;
        enum link_result result;

        if (first == '/') {
                result = text_frame_find(s, false, ret, ret_found);
                return result != LINK_MORE && ret->kind != TEXT_READOUT ? LINK_NONE : result;
        }
        if (first == STX) {
                uint8_t next = slice_at(s, 1) & 0x7f;

                *ret = (struct text_frame){ .kind = TEXT_READOUT };
                if (s.len < 2)
                        return LINK_MORE;
                /* A line feed there is TIC; a data block goes straight into its first code. */
                if (!(next >= '0' && next <= '9') && !(next >= 'A' && next <= 'Z'))
                        return LINK_NONE;
                result = text_frame_find_block(s, ret, ret_found);
                /* STX is frequent in binary: only a whole block whose check fails is news. */
                return result == LINK_DAMAGED && !ret->data.data ? LINK_NONE : result;
        }
        if (!may_be_head(s))
                return LINK_NONE;
        result = find_bare(s, ret, ret_found);
        if (result == LINK_WHOLE && !has_energy(ret->data, ret->parity))
                return LINK_NONE;
        return result;
}

static enum link_result probe(struct slice s, struct slice before, struct link_found *ret)
{
        uint8_t first = slice_at(s, 0) & 0x7f;
        struct text_frame frame;

        if (first != '/' && first != STX && !may_begin_after(before))
                return LINK_NONE;
        return find(s, &frame, ret);
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
        .text_ids = true,
        .starts = starts,
        .probe = probe,
        .read = read_frame,
};
