/* SPDX-License-Identifier: MIT */
/*
 * Frames of text telegrams: DSMR P1 5.0.2 §6.2, IEC 62056-21 §6.3 (identification, data message,
 * block check character).
 */
#include "text-frame.h"

#include "base/hex.h"
#include "lib/link/crc.h"
#include "text-line.h"

#define STX 0x02
#define ETX 0x03
#define ACK 0x06

/* IEC 62056-21 §6.3.14 allows 16 characters after the '/'; DSMR meters send up to 40. */
#define IDENT_MAX 80
#define IDENT_MIN 4 /* three letters of the manufacturer, the baud rate */
/* ACK, protocol, baud, mode, CR, LF: the answer of a reader, heard on a tapped optical line. */
#define ACK_LINE_BYTES 6

struct scan {
        struct slice s;
        bool ended;
        struct text_frame *frame;
        struct link_found *found;
};

static enum link_result damaged(const struct scan *scan, enum text_kind kind, const char *fault,
                                size_t len)
{
        scan->frame->kind = kind;
        *scan->found = (struct link_found){ .fault = fault, .len = len };
        return LINK_DAMAGED;
}

static enum link_result whole(const struct scan *scan, size_t len)
{
        scan->found->len = len;
        return LINK_WHOLE;
}

bool text_frame_starts(uint8_t byte)
{
        return (byte & 0x7f) == '/';
}

static bool is_letter(uint8_t c)
{
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* The identification line; *ret_end is behind its CR LF when it is whole. */
static enum link_result scan_ident(const struct scan *scan, size_t *ret_end)
{
        struct text_frame *frame = scan->frame;
        struct slice s = scan->s;

        frame->parity = s.data[0] > 0x7f;
        for (size_t at = 1; at < IDENT_MAX; at++) {
                uint8_t c = slice_at(s, at) & 0x7f;

                if (at >= s.len)
                        return LINK_MORE;
                if (c == '\n' && at > IDENT_MIN)
                        return damaged(
                                scan, TEXT_P1,
                                "P1: its lines end without a CR, which its check sum counts: "
                                "an editor or a copy took it away",
                                at);
                if (c == '\n')
                        return LINK_NONE;
                if (!text_is_char(s.data[at], frame->parity) || (at <= 3 && !is_letter(c)))
                        return LINK_NONE;
                if (c != '\r')
                        continue;
                frame->ident = slice_first(slice_from(s, 1), at - 1);
                if (at + 1 >= s.len)
                        return LINK_MORE;
                *ret_end = at + 2;
                return s.data[at + 1] == '\n' ? LINK_WHOLE : LINK_NONE;
        }
        return LINK_NONE;
}

/* CRC-16/ARC over the characters, without their parity. */
static uint16_t crc_of_text(struct slice text, bool parity)
{
        uint16_t crc = CRC16_ARC_INIT;
        uint8_t buf[64];

        if (!parity)
                return crc16_arc(text);
        for (size_t at = 0; at < text.len; at += sizeof(buf)) {
                struct slice part = slice_first(slice_from(text, at), sizeof(buf));

                crc = crc16_arc_update(crc, text_plain(part, true, buf));
        }
        return crc;
}

/* 1 to 4 hex digits: some meters lose leading zeros (WarmteLink). -1 when it is something else. */
static int parse_crc(struct slice text)
{
        int crc = 0;

        if (text.len < 1 || text.len > 4)
                return -1;
        for (size_t i = 0; i < text.len; i++) {
                int digit = hex_digit(text.data[i] & 0x7f);

                if (digit < 0)
                        return -1;
                crc = crc * 16 + digit;
        }
        return crc;
}

bool text_frame_is_strict(struct slice data, bool parity)
{
        uint8_t buf[LINK_FRAME_MAX];
        struct slice left = text_plain(slice_first(data, sizeof(buf)), parity, buf), line;
        size_t n = 0;

        while (text_next_line(&left, &line)) {
                struct text_object object;

                if (text_parse_object(line, &object) < 0 || object.has_channel)
                        return false;
                n++;
        }
        return n > 0;
}

/* Where another identification stands inside a line: the telegram was cut there. 0 when nowhere. */
static size_t find_ident_inside(struct slice frame)
{
        for (size_t at = 1; at + 3 < frame.len; at++)
                if (text_frame_starts(frame.data[at]) && is_letter(frame.data[at + 1] & 0x7f) &&
                    is_letter(frame.data[at + 2] & 0x7f) && is_letter(frame.data[at + 3] & 0x7f))
                        return at;
        return 0;
}

/*
 * A telegram without a check sum. DSMR 2.2 and 3.0 end so, and mode D: the form of its first good
 * object says which. Versions that always send a check sum have lost it: damaged.
 */
static enum link_result assess_unchecked(const struct scan *scan, size_t len)
{
        static const struct obis dsmr_version = OBIS_OF(1, 3, 0, 2, 8, 255);
        static const struct obis emucs_version = OBIS_OF(0, 0, 96, 1, 4, 255);
        struct text_frame *frame = scan->frame;
        uint8_t buf[LINK_FRAME_MAX];
        struct slice left = text_plain(frame->data, frame->parity, buf), line;
        size_t cut = find_ident_inside(slice_first(scan->s, len));
        struct text_object object;
        bool any = false, strict = true;

        if (cut > 0)
                return damaged(scan, TEXT_P1, "P1: cut short by the next telegram", cut);
        while (text_next_line(&left, &line)) {
                if (text_parse_object(line, &object) < 0) {
                        strict = strict && line.len == 0;
                        continue;
                }
                if (!any)
                        frame->kind =
                                object.has_channel && !object.has_period ? TEXT_P1 : TEXT_READOUT;
                any = true;
                if (frame->kind == TEXT_P1 && (obis_equal(object.obis, dsmr_version) ||
                                               obis_equal(object.obis, emucs_version)))
                        return damaged(scan, TEXT_P1, "P1: check sum is missing", len);
        }
        if (!any)
                return damaged(scan, TEXT_P1, "P1: telegram without any object", len);
        if (frame->kind == TEXT_READOUT && !strict)
                return damaged(scan, TEXT_READOUT, "IEC 62056-21: a line is no data set", len);
        return whole(scan, len);
}

/* The line of the '!' at `at`; `n` bytes long without its line feed. */
static enum link_result assess_end(const struct scan *scan, size_t at, size_t n, size_t len)
{
        struct text_frame *frame = scan->frame;
        struct slice line = slice_first(slice_from(scan->s, at), n);
        bool cr = line.len > 1 && (line.data[line.len - 1] & 0x7f) == '\r';
        struct slice digits = slice_first(slice_from(line, 1), line.len - (cr ? 2 : 1));
        int crc = parse_crc(digits);

        frame->kind = TEXT_P1;
        if (digits.len == 0 && (cr || len == at + n))
                return frame->foreign ? damaged(scan, TEXT_P1, "P1: a byte that is no text", len)
                                      : assess_unchecked(scan, len);
        if (crc < 0)
                return damaged(scan, TEXT_P1, "P1: no check sum after the '!'", len);
        if (crc != crc_of_text(slice_first(scan->s, at + 1), frame->parity)) {
                /* A telegram that was cut inside a line takes the next one with it otherwise. */
                size_t cut = find_ident_inside(slice_first(scan->s, len));

                return damaged(scan, TEXT_P1, "P1: check sum does not match", cut ? cut : len);
        }
        return whole(scan, len);
}

/* Bytes up to the line feed, or up to the end or the first byte that is no text. */
static size_t measure_line(struct slice s, size_t at, bool parity)
{
        size_t n = 0;

        while (at + n < s.len && s.data[at + n] != '\n' && text_is_char(s.data[at + n], parity))
                n++;
        return n;
}

/* True when the last bracket of these bytes is open. */
static bool is_inside_value(struct slice line)
{
        size_t at = line.len;

        while (at > 0 && line.data[at - 1] != '(' && line.data[at - 1] != ')')
                at--;
        return at > 0 && line.data[at - 1] == '(';
}

/*
 * The same for a line whose values may have bytes that are no ASCII: messages of Hungarian meters
 * are filled with FF, others are written in the country's letters. Only a check sum that counts
 * them distinguishes such a byte from a damaged one.
 */
static size_t measure_value_line(struct slice s, size_t at, bool *ret_foreign)
{
        size_t n = measure_line(s, at, false);

        while (at + n < s.len && s.data[at + n] > 0x7f &&
               is_inside_value(slice_first(slice_from(s, at), n))) {
                *ret_foreign = true;
                while (at + n < s.len && s.data[at + n] > 0x7f)
                        n++;
                n += measure_line(s, at + n, false);
        }
        return n;
}

/* The lines from `at` to the one with the '!'. */
static enum link_result scan_lines(const struct scan *scan, size_t at)
{
        struct text_frame *frame = scan->frame;
        struct slice s = slice_first(scan->s, LINK_FRAME_MAX);
        size_t start = at;

        while (at < s.len) {
                size_t n = frame->parity ? measure_line(s, at, true)
                                         : measure_value_line(s, at, &frame->foreign);
                bool ends = at + n < s.len && s.data[at + n] == '\n';
                uint8_t first = s.data[at] & 0x7f;

                if (first == '/')
                        return damaged(scan, TEXT_P1, "P1: cut short by the next telegram", at);
                if (at + n < s.len && !ends)
                        return damaged(scan, TEXT_P1, "P1: a byte that is no text", at + n);
                if (first == '!' && (ends || scan->ended)) {
                        frame->data = slice_first(slice_from(s, start), at - start);
                        return assess_end(scan, at, n, at + n + (ends ? 1 : 0));
                }
                at += n + 1;
        }
        if (s.len == LINK_FRAME_MAX)
                return damaged(scan, TEXT_P1, "P1: longer than a telegram may be", s.len);
        return LINK_MORE;
}

/* A-XDR length (IEC 61334-6): short, or 81 and 82 with one and two bytes. 0 when it is none. */
static size_t parse_length(struct slice s, size_t *at)
{
        uint8_t first = slice_at(s, (*at)++);
        size_t n = 0;

        if (first < 0x80)
                return first;
        if (first != 0x81 && first != 0x82)
                return 0;
        for (size_t i = first & 0x7f; i > 0; i--)
                n = n << 8 | slice_at(s, (*at)++);
        return n;
}

/*
 * A ciphered APDU in place of the lines (Stoen, Poland): DB or nothing, title length, title, length
 * of the rest, security control. Only its length shows the end: the ciphertext may hold a '!'. The
 * check sum printed after it is not of these bytes, so it is looked at and not compared.
 */
static enum link_result scan_ciphered(const struct scan *scan, size_t start)
{
        struct slice s = scan->s;
        size_t at = start + (slice_at(s, start) == 0xdb);
        size_t title = slice_at(s, at);
        size_t length;
        uint8_t control;

        if (s.len < start + 16)
                return LINK_MORE;
        if (title != 0 && title != 8)
                return damaged(scan, TEXT_P1, "P1: a byte that is no text", start);
        at += 1 + title;
        length = parse_length(s, &at);
        control = slice_at(s, at);
        if (length < 5 || at + length + 8 > LINK_FRAME_MAX || (control & 0x0f) > 2 ||
            (control & 0x30) == 0)
                return damaged(scan, TEXT_P1, "P1: a ciphered telegram without its header", start);
        if (s.len < at + length + 7)
                return LINK_MORE;
        scan->frame->apdu = slice_first(slice_from(s, start), at + length - start);
        at += length;
        if (s.data[at] != '!' || parse_crc(slice_first(slice_from(s, at + 1), 4)) < 0 ||
            s.data[at + 5] != '\r' || s.data[at + 6] != '\n')
                return damaged(scan, TEXT_P1, "P1: no '!' after the ciphered telegram", at);
        scan->frame->kind = TEXT_P1_CIPHERED;
        return whole(scan, at + 7);
}

/* XOR of everything after STX up to and with ETX (IEC 62056-21 §6.3, ISO 1155). */
static uint8_t block_check(struct slice block)
{
        uint8_t bcc = 0;

        for (size_t i = 0; i < block.len; i++)
                bcc ^= block.data[i];
        return bcc & 0x7f;
}

enum link_result text_frame_find_block(struct slice s, struct text_frame *ret,
                                       struct link_found *ret_found)
{
        struct scan scan = { s, false, ret, ret_found };
        size_t at = 1;

        ret->parity = s.data[0] > 0x7f;
        s = slice_first(s, LINK_FRAME_MAX);
        while (at < s.len) {
                size_t n = measure_line(s, at, ret->parity);
                bool last = (s.data[at] & 0x7f) == '!';

                if (at + n >= s.len)
                        break;
                if (s.data[at + n] != '\n')
                        return damaged(&scan, TEXT_READOUT, "IEC 62056-21: a byte that is no text",
                                       at + n);
                if (!last) {
                        at += n + 1;
                        continue;
                }
                ret->data = slice_first(slice_from(s, 1), at - 1);
                at += n + 1;
                if (at + 2 > s.len)
                        break;
                if (s.data[at] != text_on_wire(ETX, ret->parity))
                        return damaged(&scan, TEXT_READOUT, "IEC 62056-21: no ETX after the '!'",
                                       at);
                if (block_check(slice_first(slice_from(s, 1), at)) != (s.data[at + 1] & 0x7f))
                        return damaged(&scan, TEXT_READOUT,
                                       "IEC 62056-21: block check character does not match",
                                       at + 2);
                ret->kind = TEXT_READOUT;
                return whole(&scan, at + 2);
        }
        if (s.len == LINK_FRAME_MAX)
                return damaged(&scan, TEXT_READOUT, "IEC 62056-21: longer than a readout may be",
                               s.len);
        return LINK_MORE;
}

/* Identification, the answer of its reader, empty lines. Results as of scan_ident(). */
static enum link_result scan_head(const struct scan *scan, size_t *ret_end)
{
        struct slice s = scan->s;
        enum link_result result;
        bool parity;
        size_t at;

        *scan->frame = (struct text_frame){ .kind = TEXT_P1 };
        if (s.len == 0)
                return LINK_MORE;
        result = scan_ident(scan, &at);
        if (result != LINK_WHOLE)
                return result;
        parity = scan->frame->parity;
        if (slice_at(s, at) == text_on_wire(ACK, parity))
                at += ACK_LINE_BYTES;
        while (slice_at(s, at) == text_on_wire('\r', parity) && slice_at(s, at + 1) == '\n')
                at += 2;
        *ret_end = at;
        return at >= s.len ? LINK_MORE : LINK_WHOLE;
}

enum link_result text_frame_find(struct slice s, bool ended, struct text_frame *ret,
                                 struct link_found *ret_found)
{
        struct scan scan = { s, ended, ret, ret_found };
        enum link_result result;
        size_t at;
        uint8_t c;

        result = scan_head(&scan, &at);
        if (result != LINK_WHOLE)
                return result;
        c = s.data[at];
        if (!ret->parity && (c == 0x00 || c == 0xdb))
                return scan_ciphered(&scan, at);
        if (c != text_on_wire(STX, ret->parity))
                return scan_lines(&scan, at);
        result = text_frame_find_block(slice_from(s, at), ret, ret_found);
        ret_found->len += result == LINK_MORE ? 0 : at;
        return result;
}

/* Where the line of the last '!' begins. The block check character may be a '!' too. */
static size_t find_last_line(struct slice s, size_t from)
{
        size_t at = s.len;

        while (at > from && ((s.data[at - 1] & 0x7f) != '!' ||
                             (at - 1 > from && (s.data[at - 2] & 0x7f) != '\n')))
                at--;
        return at > from ? at - 1 : from;
}

void text_frame_open(struct slice s, struct text_frame *ret)
{
        struct link_found ignored = { 0 };
        struct scan scan = { s, false, ret, &ignored };
        uint8_t first = slice_at(s, 0) & 0x7f;
        size_t at = 0, end;

        *ret = (struct text_frame){ .parity = slice_at(s, 0) > 0x7f };
        if (first == '/') {
                (void)scan_head(&scan, &at); /* whole, as the frame is */
                if (!ret->parity && (s.data[at] == 0x00 || s.data[at] == 0xdb)) {
                        (void)scan_ciphered(&scan, at);
                        return;
                }
        }
        if (s.data[at] == text_on_wire(STX, ret->parity)) {
                at++;
                s.len -= 2;
        }
        end = find_last_line(s, at);
        ret->data = slice_first(slice_from(s, at), end - at);
        ret->unchecked = hex_digit(slice_at(s, end + 1) & 0x7f) < 0;
}
