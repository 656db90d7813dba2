/* SPDX-License-Identifier: MIT */
/*
 * Check sums of the framings. The texts of P1 are masked piece by piece on the way: for them there
 * is an update form, which starts with CRC16_ARC_INIT.
 */
#pragma once

#include <stdint.h>

#include "lib/value/reader.h"

/* CRC-16/X-25, the frame check sequence of HDLC (ISO/IEC 13239 §4.2.5.3) and of SML. */
uint16_t crc16_x25(struct slice bytes);

/* CRC-16/Kermit: X-25 without its inversions; old Holley meters send it instead. */
uint16_t crc16_kermit(struct slice bytes);

/* CRC-16/ARC: polynomial x16+x15+x2+1, least significant bit first, no inversion (DSMR P1 §6.2). */
#define CRC16_ARC_INIT 0
uint16_t crc16_arc(struct slice bytes);
uint16_t crc16_arc_update(uint16_t crc, struct slice bytes);

/* The arithmetic sum without carry of M-Bus frames (IEC 60870-5-2 §3.2, format class FT 1.2). */
uint8_t crc_mbus_sum(struct slice bytes);
