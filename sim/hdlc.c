/* SPDX-License-Identifier: MIT */
#include "hdlc.h"

#include <assert.h>

#include "crc.h"

#define HDLC_LENGTH_MAX 2047

/* The length field counts these besides addresses and information: format, control, HCS, FCS. */
#define HDLC_OVERHEAD_BYTES (2 + 1 + 2 + 2)

void sim_hdlc_llc(struct sim_out *out)
{
        sim_out_bytes(out, "\xe6\xe7\x00", 3);
}

void sim_hdlc_frame(struct sim_wire *wire, const struct sim_hdlc *hdlc, bool more, const void *info,
                    size_t len)
{
        struct sim_out *out = &wire->out;
        size_t length = HDLC_OVERHEAD_BYTES + hdlc->dst_len + hdlc->src_len + len;
        size_t start;

        assert(length <= HDLC_LENGTH_MAX);
        sim_out_u8(out, 0x7e);
        start = out->len;
        sim_out_be16(out, 0xa000 | (more ? 0x0800U : 0) | (unsigned int)length);
        sim_out_bytes(out, hdlc->dst, hdlc->dst_len);
        sim_out_bytes(out, hdlc->src, hdlc->src_len);
        sim_out_u8(out, more ? hdlc->control_more : hdlc->control);
        sim_out_le16(out, sim_crc_x25(out->data + start, out->len - start));
        sim_out_bytes(out, info, len);
        sim_out_le16(out, sim_crc_x25(out->data + start, out->len - start));
        sim_out_u8(out, 0x7e);
        sim_wire_end_frame(wire);
}

void sim_hdlc_segmented(struct sim_wire *wire, const struct sim_hdlc *hdlc, const uint8_t *info,
                        size_t len)
{
        size_t length = hdlc->frame_length ? hdlc->frame_length : HDLC_LENGTH_MAX;
        size_t room = length - HDLC_OVERHEAD_BYTES - hdlc->dst_len - hdlc->src_len;

        while (len > room) {
                sim_hdlc_frame(wire, hdlc, true, info, room);
                info += room;
                len -= room;
        }
        sim_hdlc_frame(wire, hdlc, false, info, len);
}
