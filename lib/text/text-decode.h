/* SPDX-License-Identifier: MIT */
/*
 * Reads the lines of a text telegram: numbers with a unit become readings, everything else texts;
 * the identification line gives manufacturer and, where it says so plainly, the model.
 */
#pragma once

#include "lib/value/telegram.h"
#include "text-frame.h"

/*
 * Fills `t` from a frame that text_frame_find() found. Lines that are no objects are skipped. Where
 * the frame has parity, texts are copied into the telegram; else they borrow from the frame.
 */
void text_decode(const struct text_frame *frame, struct telegram *t);
