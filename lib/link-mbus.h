/* SPDX-License-Identifier: MIT */
/*
 * Wired M-Bus frames that carry DLMS segments (EN 13757-2 §5.5, EN 13757-3):
 *
 *      68 | L | L | 68 | C | A | CI | STSAP | DTSAP | data … | CS | 16
 *
 * CI: the low four bits number the segment from 0, bit 4 marks the last. Short frames
 * (10 C A CS 16), which masters send between, are recognised and passed over.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "reader.h"

struct mbus_frame {
        bool dlms;       /* a DLMS segment; else a frame without interest to us */
        uint8_t segment; /* 0..15 */
        bool last;
        struct slice data; /* after the DTSAP */
};

/* Takes apart what link_mbus.probe() found. Borrows from `frame`. */
void mbus_open(struct slice frame, struct mbus_frame *ret);
