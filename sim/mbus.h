/* SPDX-License-Identifier: MIT */
/*
 * M-Bus long frames (EN 13757-2 §5.5.4) with segments of a DLMS APDU (EN 13757-1), as Austrian
 * meters push them:
 *
 *      68 L L 68 | C=53 A=FF CI | STSAP=01 DTSAP=67 | data ... | CS 16
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "out.h"

struct sim_mbus {
        /* The count of L in a full frame. Above 255 its field overflows, as old Sagemcom firmware
         * writes it: 257 bytes go out as "68 01 01 68". */
        unsigned int length;
};

/* One segment: for tests that make wrong ones. `ci` is number and last-segment bit. */
void sim_mbus_frame(struct sim_wire *wire, uint8_t ci, const void *data, size_t len);

/* The whole APDU. */
void sim_mbus_frames(struct sim_wire *wire, const struct sim_mbus *mbus, const uint8_t *apdu,
                     size_t len);
