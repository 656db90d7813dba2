/* SPDX-License-Identifier: MIT */
/*
 * General block transfer (IEC 62056-5-3 §7.3.13): an APDU cut into numbered blocks, each in an
 * HDLC frame of its own, the way E450 and E570 push:
 *
 *      E0 | block control | block number | number acknowledged | length | data
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hdlc.h"
#include "out.h"

struct sim_gbt {
        size_t block_bytes; /* of APDU per block */
        bool streaming;     /* sets bit 6 of all but the last block; L+G meters do */
        uint8_t window;     /* 0..63; L+G meters send 0 */
        bool llc_each;      /* LLC before every block, not only the first */
};

/* One block: for tests that make wrong ones. */
void sim_gbt_block(struct sim_out *out, uint8_t control, uint16_t number, uint16_t acknowledged,
                   const void *data, size_t len);

/* The whole APDU, a frame per block. */
void sim_gbt_frames(struct sim_wire *wire, const struct sim_hdlc *hdlc, const struct sim_gbt *gbt,
                    const uint8_t *apdu, size_t len);
