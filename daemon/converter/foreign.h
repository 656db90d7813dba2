/* SPDX-License-Identifier: MIT */
/*
 * Recognises talkers that are no meters, so that their converters are left alone: GPS receivers
 * (NMEA 0183 sentences) and Modbus RTU. Pure: bytes come in, a name comes out.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/value/reader.h"

/* The longest Modbus RTU frame. */
#define FOREIGN_WINDOW 256

/* Zero-initialised: nothing was heard yet. */
struct foreign {
        uint8_t window[FOREIGN_WINDOW]; /* the last bytes */
        size_t n;
        unsigned int sentences, frames; /* with a right check sum, since it was zeroed */
};

/* "gps", "modbus", or NULL while neither is certain: three check sums have held. */
const char *foreign_feed(struct foreign *foreign, struct slice bytes);
