/* SPDX-License-Identifier: MIT */
/*
 * The LLC header in front of an APDU (IEC 62056-46 §5.3.2): E6 E7 00 from a meter, E6 E6 00 from
 * its client. Not all firmware writes it.
 */
#pragma once

#include "lib/value/reader.h"

#define LLC_BYTES 3

/* The length of the LLC header at the start of `s`, 0 when there is none. */
static inline size_t llc_length(struct slice s)
{
        bool response = slice_at(s, 0) == 0xe6 && slice_at(s, 1) == 0xe7;
        bool command = slice_at(s, 0) == 0xe6 && slice_at(s, 1) == 0xe6;

        return s.len >= LLC_BYTES && (response || command) && s.data[2] == 0 ? LLC_BYTES : 0;
}
