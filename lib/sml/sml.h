/* SPDX-License-Identifier: MIT */
/*
 * An SML file (BSI TR-03109-1 Anlage IV, SML 1.04): messages in type-length coding, each with its
 * own check sum, of which the list of values counts.
 */
#pragma once

#include "lib/value/reader.h"
#include "lib/value/telegram.h"

/*
 * Reads a file, without transport and escapes, into `t`. -EBADMSG when it is damaged: `t` may be
 * half filled then. A file without a list of values sets TELEGRAM_LAYOUT_UNKNOWN and returns 0.
 * Texts borrow from `file`.
 */
int sml_file_decode(struct slice file, struct telegram *t);
