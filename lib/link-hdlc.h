/* SPDX-License-Identifier: MIT */
/*
 * HDLC frames of type 3 as meters push them (IEC 62056-46 §6.4):
 *
 *      7E | 1010 S len(11) | dst 1,2,4 | src 1,2,4 | control | HCS | information | FCS | 7E
 *
 * There is no byte stuffing: the length says where the frame ends, the check sums prove it.
 */
#pragma once

#include <stdbool.h>

#include "reader.h"

struct hdlc_frame {
        bool more;                /* the S bit: another segment follows */
        struct slice addresses;   /* destination and source, as on the wire */
        struct slice information; /* empty for a frame without one */
};

/* Takes apart what link_hdlc.probe() found. Borrows from `frame`. */
void hdlc_open(struct slice frame, struct hdlc_frame *ret);
