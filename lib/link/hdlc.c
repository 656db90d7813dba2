/* SPDX-License-Identifier: MIT */
/*
 * HDLC frames of type 3 as meters push them (IEC 62056-46 §6.4):
 *
 *      7E | 1010 S len(11) | dst 1,2,4 | src 1,2,4 | control | HCS | information | FCS | 7E
 *
 * There is no byte stuffing: the length says where the frame ends, the check sums prove it. The
 * closing flag is not waited for: at 2400 baud it costs 4.6 ms, and it may be shared by two frames.
 * S: another segment follows; the first one begins with the LLC header.
 */
#include "base/util.h"
#include "crc.h"
#include "link.h"
#include "llc.h"

#define FLAG              0x7e
#define FORMAT_TYPE_MASK  0xf0
#define FORMAT_TYPE_3     0xa0
#define FORMAT_SEGMENTED  0x08
#define FORMAT_BYTES      2
#define ADDRESS_BYTES_MAX 4
#define CHECK_BYTES       2
#define HEADER_BYTES_MAX  (FORMAT_BYTES + 2 * ADDRESS_BYTES_MAX + 1)
/* Format, two addresses of one byte, control, FCS: a frame without information. */
#define FRAME_BYTES_MAX 2047 /* what 11 bits of length can say */
#define FRAME_BYTES_MIN (FORMAT_BYTES + 1 + 1 + 1 + CHECK_BYTES)

static bool hdlc_starts(uint8_t byte)
{
        return byte == FLAG;
}

/* An address ends at the first byte whose lowest bit is set. 0: not within four bytes. */
static size_t address_length(struct slice s)
{
        for (size_t i = 0; i < ADDRESS_BYTES_MAX && i < s.len; i++)
                if (s.data[i] & 1)
                        return i + 1;
        return 0;
}

/* Format, addresses, control. 0 when this cannot be a header. `s` begins after the flag. */
static size_t header_length(struct slice s)
{
        size_t destination = address_length(slice_from(s, FORMAT_BYTES));
        size_t source;

        if (destination == 0)
                return 0;
        source = address_length(slice_from(s, FORMAT_BYTES + destination));
        if (source == 0)
                return 0;
        return FORMAT_BYTES + destination + source + 1;
}

static uint16_t check_at(struct slice s, size_t at)
{
        return (uint16_t)(slice_at(s, at) | slice_at(s, at + 1) << 8);
}

static size_t frame_length(struct slice s)
{
        return (size_t)((slice_at(s, 0) & 0x07) << 8 | slice_at(s, 1));
}

static enum link_result fail(struct link_found *ret, const char *fault, size_t len, size_t reach)
{
        *ret = (struct link_found){ .fault = fault, .len = len, .reach = reach };
        return LINK_DAMAGED;
}

static enum link_result hdlc_probe(struct slice s, struct slice before, struct link_found *ret)
{
        struct slice frame = slice_from(s, 1);
        size_t header, length = frame_length(frame);

        if (frame.len == 0)
                return LINK_MORE;
        if ((frame.data[0] & FORMAT_TYPE_MASK) != FORMAT_TYPE_3)
                return LINK_NONE;
        ret->need = 1 + FORMAT_BYTES;
        if (frame.len < FORMAT_BYTES)
                return LINK_MORE;
        if (length < FRAME_BYTES_MIN)
                return LINK_NONE;
        header = header_length(frame);
        ret->need = 1 + (header > 0 ? MIN(header + CHECK_BYTES, length) : FRAME_BYTES_MIN);
        if (header == 0 || frame.len < header + CHECK_BYTES)
                return frame.len < MIN(HEADER_BYTES_MAX + CHECK_BYTES, length) ? LINK_MORE
                                                                               : LINK_NONE;
        if (length < header + CHECK_BYTES)
                return LINK_NONE;
        /* The header's own check sum comes first: a length is not to be trusted without it. Any
         * bit of a wrong one may be damaged, but it was a frame: its neighbourhood is its own. */
        if (crc16_x25(slice_first(frame, header)) != check_at(frame, header))
                return fail(ret, "HDLC: header check sequence (HCS) is wrong", length + 1,
                            FRAME_BYTES_MAX + 1);
        ret->need = ret->len = length + 1;
        if (frame.len < length)
                return LINK_MORE;
        if (crc16_x25(slice_first(frame, length - CHECK_BYTES)) !=
            check_at(frame, length - CHECK_BYTES))
                return fail(ret, "HDLC: frame check sequence (FCS) is wrong", length + 1, 0);
        return LINK_WHOLE;
}

static void hdlc_open(struct slice frame, struct link_piece *ret)
{
        struct slice s = slice_from(frame, 1);
        size_t length = frame_length(s);
        size_t header = header_length(s);
        struct slice body = slice_first(s, length - CHECK_BYTES);
        struct slice information = slice_from(body, header + CHECK_BYTES);

        *ret = (struct link_piece){
                .bytes = information,
                .sender = slice_from(slice_first(s, header - 1), FORMAT_BYTES),
                .first = llc_length(information) > 0,
                .last = !(slice_at(s, 0) & FORMAT_SEGMENTED),
        };
}

const struct link_ops link_hdlc = {
        .name = "hdlc",
        .proves_itself = true,
        .starts = hdlc_starts,
        .probe = hdlc_probe,
        .open = hdlc_open,
};
