/* SPDX-License-Identifier: MIT */
/*
 * APDUs without any framing; link_raw is declared in lib/link/link.h.
 */
#pragma once

#include <stdbool.h>

#include "lib/link/link.h"
#include "lib/value/reader.h"

/*
 * Whether `s` begins with a whole data-notification, its data walked to the end. LINK_MORE when the
 * bytes end before it does; *ret is zeroed by the caller.
 */
enum link_result raw_find_notification(struct slice s, struct link_found *ret);

/*
 * True when the whole input is APDUs, with or without LLC, and fill between: more of them whole
 * than damaged, each where the one before ends, and nothing of a framing that proves itself.
 */
bool raw_is_all(struct slice whole);

/* True when such an input may begin with this byte. */
bool raw_may_begin(uint8_t byte);
