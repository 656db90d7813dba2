/* SPDX-License-Identifier: MIT */
/* Any bytes of a talker that is no meter: however they are cut, the same is said of them. */
#include <stdlib.h>

#include "base/util.h"
#include "daemon/converter/foreign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct foreign whole = { 0 }, cut = { 0 };
        const char *said = foreign_feed(&whole, (struct slice){ data, size }), *said_cut = NULL;

        for (size_t at = 0; at < size; at += 7)
                said_cut =
                        foreign_feed(&cut, (struct slice){ data + at, MIN((size_t)7, size - at) });
        if (size > 0 && said != said_cut)
                abort();
        return 0;
}
