/* SPDX-License-Identifier: MIT */
/*
 * P1, the text telegrams of DSMR and its national variants: from '/' to '!', a CRC-16, CR LF.
 * The frame is found by text-frame.h; link_p1 is declared in link.h.
 */
#pragma once

#include <stdbool.h>

#include "reader.h"
#include "telegram.h"

/*
 * Reads a P1 telegram into `t`, which telegram_reset() has emptied: a frame of link_p1, or the text
 * that was inside a ciphered APDU (Luxembourg, Styria), which may lack its last CR LF. -EBADMSG
 * when it is no whole telegram or its check sum does not match; `t` is untouched then. Texts borrow
 * from `text`.
 */
int p1_decode(struct slice text, struct telegram *t);

/*
 * True when a frame of link_p1 carries a ciphered APDU in place of text (Stoen, PROTOCOL §6.6):
 * *ret_apdu is then that APDU, from DB, or from the length of its system title where DB is left
 * out.
 */
bool p1_find_ciphered(struct slice frame, struct slice *ret_apdu);
