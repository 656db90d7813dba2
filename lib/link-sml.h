/* SPDX-License-Identifier: MIT */
/*
 * The SML transport protocol, version 1 (BSI TR-03109-1 Anlage IV, SML 1.04 §8): an SML file
 * between escape sequences, with a check sum over everything.
 *
 *      1B1B1B1B 01010101   SML file …   00 00   1B1B1B1B 1A ff cc cc
 *      └─ begin ───────┘                fill    └─ end ─────┘
 *                                               ff: how many fill bytes, cc: CRC, low byte first
 *
 * Four bytes 1B inside the file are sent twice. link_sml is declared in link.h.
 */
#pragma once

#include "reader.h"
#include "telegram.h"

/*
 * Reads a frame of link_sml into `t`, which telegram_reset() has emptied. -EBADMSG when a message
 * inside is damaged or is no SML; `t` is empty then. A file without a list of values gives a
 * telegram of status TELEGRAM_LAYOUT_UNKNOWN. Texts borrow from `frame`.
 */
int sml_decode(struct slice frame, struct telegram *t);
