/* SPDX-License-Identifier: MIT */
/*
 * APDUs without any framing; link_raw is declared in lib/link/link.h.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "lib/value/reader.h"

/*
 * The length of a whole data-notification at the start of `s`, its data walked to the end: > 0.
 * 0 when it could be one but the bytes end before it does, -EBADMSG when it is none.
 */
ssize_t raw_notification_length(struct slice s);

/*
 * True when the whole input is APDUs, with or without LLC, and fill between: more of them whole
 * than damaged, each where the one before ends, and nothing of a framing that proves itself.
 */
bool raw_is_all(struct slice whole);

/* True when such an input may begin with this byte. */
bool raw_may_begin(uint8_t byte);
