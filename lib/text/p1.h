/* SPDX-License-Identifier: MIT */
/*
 * P1, the text telegrams of DSMR and its national variants: from '/' to '!', a CRC-16, CR LF.
 * The frame is found by text-frame.h; link_p1 is declared in lib/link/link.h. In place of lines it
 * may carry a ciphered APDU (Stoen, Poland), with or without its tag DB.
 */
#pragma once

#include "lib/value/reader.h"
#include "lib/value/telegram.h"

/*
 * Reads the P1 telegram that was inside a ciphered APDU (Luxembourg, Styria), which may lack its
 * last CR LF, into `t`, which telegram_reset() has emptied. -EBADMSG when it is no whole telegram
 * or its check sum does not match; `t` is untouched then. Texts borrow from `text`.
 */
int p1_decode(struct slice text, struct telegram *t);
