/* SPDX-License-Identifier: MIT */
/*
 * HDLC frames of type 3 (IEC 62056-46 §6.4) as meters push them:
 *
 *      7E | A/A8 length | dst | src | control | HCS | information ... | FCS | 7E
 *
 * An APDU too long for one frame is either segmented here (S bit), or cut before by gbt.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "out.h"

struct sim_hdlc {
        uint8_t dst[4], src[4]; /* as on the wire: 1, 2 or 4 bytes, bit 0 of the last set */
        size_t dst_len, src_len;
        uint8_t control;      /* of the only or last frame */
        uint8_t control_more; /* of frames with S set */
        size_t frame_length;  /* the most the length field may say; 0: the 2047 of the standard */
};

/* LLC of a server's message (IEC 62056-46 §6.2): before the first byte of each APDU. */
void sim_hdlc_llc(struct sim_out *out);

/* One frame around `info`, appended to `wire` and marked as one. */
void sim_hdlc_frame(struct sim_wire *wire, const struct sim_hdlc *hdlc, bool more, const void *info,
                    size_t len);

/* As many frames as it takes, all but the last with S set. */
void sim_hdlc_segmented(struct sim_wire *wire, const struct sim_hdlc *hdlc, const uint8_t *info,
                        size_t len);
