/* SPDX-License-Identifier: MIT */
/*
 * The table of framings. Check-summed ones come first: where two could begin at the same byte, the
 * one that proves itself is asked before the one that only looks right.
 */
#include "link.h"

const struct link_ops *const link_table[] = {
        &link_hdlc, &link_mbus, &link_sml, &link_p1, &link_iec62056_21, &link_tic, &link_raw, NULL,
};
