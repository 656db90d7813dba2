/* SPDX-License-Identifier: MIT */
/*
 * Check sums of the framings. Each CRC has a whole form for a frame in one piece, and an update
 * form for one that comes in parts: start with CRC16_…_INIT, update, and finish with …_final().
 *
 *      uint16_t crc = CRC16_X25_INIT;
 *      crc = crc16_x25_update(crc, head);
 *      crc = crc16_x25_update(crc, rest);
 *      if (crc16_x25_final(crc) == sent)
 */
#pragma once

#include <stdint.h>

#include "reader.h"

/* CRC-16/X-25, the frame check sequence of HDLC (ISO/IEC 13239 §4.2.5.3) and of SML. */
#define CRC16_X25_INIT 0xffff
uint16_t crc16_x25(struct slice bytes);
uint16_t crc16_x25_update(uint16_t crc, struct slice bytes);
static inline uint16_t crc16_x25_final(uint16_t crc)
{
        return (uint16_t)~crc;
}

/* CRC-16/Kermit: X-25 without its inversions; what old Holley meters send in place of it. */
#define CRC16_KERMIT_INIT 0
uint16_t crc16_kermit(struct slice bytes);
uint16_t crc16_kermit_update(uint16_t crc, struct slice bytes);

/* CRC-16/ARC: polynomial x16+x15+x2+1, least significant bit first, no inversion (DSMR P1 §6.2). */
#define CRC16_ARC_INIT 0
uint16_t crc16_arc(struct slice bytes);
uint16_t crc16_arc_update(uint16_t crc, struct slice bytes);

/* The arithmetic sum without carry of M-Bus frames (IEC 60870-5-2 §3.2, format class FT 1.2). */
uint8_t crc_mbus_sum(struct slice bytes);
