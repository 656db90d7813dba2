/* SPDX-License-Identifier: MIT */
/*
 * IEC 62056-21 readouts: what German D0 meters push (mode D), and the answer of a meter that
 * someone else reads out (mode C). link_iec62056_21 is declared in link.h.
 */
#pragma once

#include "reader.h"
#include "telegram.h"

/*
 * Reads a frame of link_iec62056_21 into `t`, which telegram_reset() has emptied. -EBADMSG when it
 * is none; `t` is untouched then. Texts borrow from `text`.
 */
int iec62056_21_decode(struct slice text, struct telegram *t);
