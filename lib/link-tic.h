/* SPDX-License-Identifier: MIT */
/*
 * TIC, the customer output of French meters (Enedis-NOI-CPT_54E), in both modes:
 *
 *      historique   STX { LF label SP value SP check CR } … ETX                  1200 7E1
 *      standard     STX { LF label HT [time HT] value HT check CR } … ETX        9600 7E1
 *
 * link_tic is declared in link.h.
 */
#pragma once

#include "reader.h"
#include "telegram.h"

/*
 * Reads a frame of link_tic into `t`, which telegram_reset() has emptied. -EBADMSG when it is none;
 * `t` is untouched then. Texts borrow from `frame`, or are copied where it has parity in bit 7.
 */
int tic_decode(struct slice frame, struct telegram *t);
