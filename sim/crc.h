/* SPDX-License-Identifier: MIT */
/*
 * Check sums of the virtual meters' telegrams. Bit by bit and without tables on purpose: written
 * apart from lib/link/crc.c, so that a mistake in one does not hide in the other.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* CRC-16/X-25: HDLC frame check (IEC 62056-46 §6.4.2.4), SML. Sent low byte first. */
uint16_t sim_crc_x25(const void *data, size_t len);

/* CRC-16/ARC: P1 telegrams (DSMR 5.0.2 §5.2). */
uint16_t sim_crc_arc(const void *data, size_t len);
