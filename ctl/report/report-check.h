/* SPDX-License-Identifier: MIT */
/* Writes anew what proves a frame, after bytes of it were replaced by others, as many as before. */
#pragma once

#include "lib/link/link.h"

/*
 * `before` is the frame as it was sent. -EAGAIN when a check sum has fewer digits than it would
 * need: with other bytes it may fit.
 */
int report_check_fix(const struct link_ops *link, const uint8_t *before, uint8_t *frame, size_t n);

/*
 * Moves the physical device address of an HDLC frame by `shift`, within those that a meter may have
 * (IEC 62056-46 §6.4.2.3): where it has two bytes, it is made of the serial number. Its check sums
 * are wrong afterwards.
 */
void report_check_move_addresses(uint8_t *frame, size_t n, unsigned int shift);

/* report_check_fix() for a P1 telegram that was inside a ciphered APDU. */
int report_check_fix_p1(uint8_t *text, size_t n);
