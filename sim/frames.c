/* SPDX-License-Identifier: MIT */
#include "frames.h"

#include "layout.h"

/* Bytes that L+G meters put into one block (docs/protocol.md §9.1). */
#define GBT_BLOCK_BYTES 112

int sim_frames_hdlc(const struct sim_meter *meter, struct sim_telegram *t,
                    const struct sim_hdlc *link, const struct sim_out *apdu)
{
        struct sim_out info = { 0 };
        int r;

        sim_hdlc_llc(&info);
        r = sim_layout_secure(&info, meter, apdu);
        if (r < 0)
                return r;

        sim_hdlc_segmented(&t->wire, link, info.data, info.len);
        return 0;
}

int sim_frames_gbt(const struct sim_meter *meter, struct sim_telegram *t,
                   const struct sim_hdlc *link, const struct sim_out *apdu)
{
        struct sim_gbt gbt = meter->gbt;
        struct sim_out secured = { 0 };
        int r;

        if (gbt.block_bytes == 0)
                gbt = (struct sim_gbt){ .block_bytes = GBT_BLOCK_BYTES };
        r = sim_layout_secure(&secured, meter, apdu);
        if (r < 0)
                return r;

        sim_gbt_frames(&t->wire, link, &gbt, secured.data, secured.len);
        return 0;
}

int sim_frames_mbus(const struct sim_meter *meter, struct sim_telegram *t,
                    const struct sim_mbus *link, const struct sim_out *apdu)
{
        struct sim_out secured = { 0 };
        int r = sim_layout_secure(&secured, meter, apdu);

        if (r < 0)
                return r;
        sim_mbus_frames(&t->wire, link, secured.data, secured.len);
        return 0;
}

int sim_frames_raw(const struct sim_meter *meter, struct sim_telegram *t,
                   const struct sim_out *apdu)
{
        int r = sim_layout_secure(&t->wire.out, meter, apdu);

        if (r < 0)
                return r;
        sim_wire_end_frame(&t->wire);
        return 0;
}
