/* SPDX-License-Identifier: MIT */
#include "gbt.h"

#include <assert.h>

void sim_gbt_block(struct sim_out *out, uint8_t control, uint16_t number, uint16_t acknowledged,
                   const void *data, size_t len)
{
        sim_out_u8(out, 0xe0);
        sim_out_u8(out, control);
        sim_out_be16(out, number);
        sim_out_be16(out, acknowledged);
        sim_out_length(out, len);
        sim_out_bytes(out, data, len);
}

void sim_gbt_frames(struct sim_wire *wire, const struct sim_hdlc *hdlc, const struct sim_gbt *gbt,
                    const uint8_t *apdu, size_t len)
{
        uint8_t common = (uint8_t)(gbt->window | (gbt->streaming ? 0x40 : 0));
        uint16_t number = 1;

        assert(gbt->block_bytes > 0 && gbt->window < 64);
        for (size_t at = 0; at < len; number++) {
                struct sim_out info = { 0 };
                size_t n = len - at < gbt->block_bytes ? len - at : gbt->block_bytes;
                bool last = at + n == len;

                if (number == 1 || gbt->llc_each)
                        sim_hdlc_llc(&info);
                sim_gbt_block(&info, (uint8_t)(common | (last ? 0x80 : 0)), number, 0, apdu + at,
                              n);
                sim_hdlc_frame(wire, hdlc, false, info.data, info.len);
                at += n;
        }
}
