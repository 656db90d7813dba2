/* SPDX-License-Identifier: MIT */
/*
 * Wired M-Bus frames that carry DLMS segments (EN 13757-2 §5.5, EN 13757-3):
 *
 *      68 | L | L | 68 | C | A | CI | STSAP | DTSAP | data … | CS | 16
 *
 * CI: the low four bits number the segment from 0, bit 4 marks the last. Short frames
 * (10 C A CS 16), which masters send between, are recognised and passed over. Early Sagemcom T210-D
 * firmware sends 257 bytes and writes 257 mod 256 into the length field: a length too small to be
 * true is tried again with 256 more.
 */
#include "crc.h"
#include "link.h"

#define LONG_START       0x68
#define SHORT_START      0x10
#define STOP             0x16
#define SINGLE_CHARACTER 0xe5 /* a frame of one byte: what was sent is acknowledged (§5.5.1) */
#define SHORT_BYTES      5
#define LONG_HEADER      4    /* 68 L L 68 */
#define LONG_EXTRA       6    /* and check sum, stop */
#define C_SND_UD         0x53 /* the FCB bit (20) varies */
#define C_FCB            0x20
#define C_FROM_MASTER    0x40
#define CI_LAST          0x10
#define CI_SEGMENT       0x0f
#define CI_OMS           0x5b /* EN 13757-3 records, from the meter as master (AMIS) */
#define CI_DLMS_MAX      0x1f
#define DATA_HEADER      5 /* C A CI STSAP DTSAP */
/* A DLMS segment holds at most 250 bytes beside its header, so no overflow goes beyond this. */
#define OVERFLOW_MAX 16

static bool mbus_starts(uint8_t byte)
{
        return byte == LONG_START || byte == SHORT_START;
}

static enum link_result probe_short(struct slice s, struct link_found *ret)
{
        if (s.len > 1 && !(s.data[1] & C_FROM_MASTER))
                return LINK_NONE;
        if (s.len < SHORT_BYTES)
                return LINK_MORE;
        if (s.data[4] != STOP || (uint8_t)(s.data[1] + s.data[2]) != s.data[3])
                return LINK_NONE;
        ret->len = SHORT_BYTES;
        return LINK_WHOLE;
}

/* True when a frame with `length` bytes between header and check sum ends well. */
static bool ends_well(struct slice s, size_t length)
{
        struct slice body = slice_first(slice_from(s, LONG_HEADER), length);

        return slice_at(s, LONG_HEADER + length + 1) == STOP &&
               slice_at(s, LONG_HEADER + length) == crc_mbus_sum(body);
}

/* The true length of a frame that is complete in s, 0 when neither form fits. */
static size_t true_length(struct slice s)
{
        size_t length = slice_at(s, 1);

        if (length > DATA_HEADER && ends_well(s, length))
                return length;
        if (length < OVERFLOW_MAX && ends_well(s, length + 256))
                return length + 256;
        return 0;
}

static enum link_result probe_long(struct slice s, struct link_found *ret)
{
        size_t length = slice_at(s, 1);
        size_t found, most = length + LONG_EXTRA + (length < OVERFLOW_MAX ? 256 : 0);

        for (size_t i = 1; i < LONG_HEADER && i < s.len; i++)
                if (s.data[i] != (i == 3 ? LONG_START : s.data[1]))
                        return LINK_NONE;
        if (s.len < LONG_HEADER)
                return LINK_MORE;
        if (s.len < length + LONG_EXTRA) {
                ret->need = length + LONG_EXTRA;
                return LINK_MORE;
        }
        found = true_length(s);
        if (found > 0) {
                ret->len = found + LONG_EXTRA;
                return LINK_WHOLE;
        }
        if (s.len < most)
                return LINK_MORE;
        *ret = (struct link_found){ .fault = "M-Bus: check sum or stop byte is wrong",
                                    .len = most };
        return LINK_DAMAGED;
}

static enum link_result mbus_probe(struct slice s, struct slice before, struct link_found *ret)
{
        return slice_at(s, 0) == SHORT_START ? probe_short(s, ret) : probe_long(s, ret);
}

static void mbus_open(struct slice frame, struct link_piece *ret)
{
        uint8_t ci = slice_at(frame, LONG_HEADER + 2);
        struct slice body = slice_from(frame, LONG_HEADER);

        *ret = (struct link_piece){ 0 };
        if (slice_at(frame, 0) != LONG_START || body.len < DATA_HEADER + 2)
                return;
        body.len -= 2;
        if ((body.data[0] & (uint8_t)~C_FCB) != C_SND_UD)
                return;
        if (ci == CI_OMS)
                *ret = (struct link_piece){ .bytes = slice_from(body, 2),
                                            .sender = { body.data + 1, 1 },
                                            .first = true,
                                            .last = true };
        if (ci > CI_DLMS_MAX)
                return;
        *ret = (struct link_piece){ .bytes = slice_from(body, DATA_HEADER),
                                    .sender = { body.data + 1, 1 },
                                    .first = (ci & CI_SEGMENT) == 0,
                                    .last = ci & CI_LAST,
                                    .numbered = true,
                                    .number = ci & CI_SEGMENT,
                                    .modulus = CI_SEGMENT + 1 };
}

const struct link_ops link_mbus = {
        .name = "mbus",
        .proves_itself = true,
        .sum_only = true,
        .carries_oms = true,
        .filler = SINGLE_CHARACTER,
        .starts = mbus_starts,
        .probe = mbus_probe,
        .open = mbus_open,
};
