/* SPDX-License-Identifier: MIT */
/* Any bytes as an IEC 62056-21 readout; P1 must never claim the same frame. */
#include "fuzz-link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct slice s = { data, size };
        struct link_found found = { 0 };

        fuzz_link(&link_iec62056_21, s);
        if (size > 0 && link_p1.starts(data[0]) &&
            link_p1.probe(s, (struct slice){ 0 }, &found) == LINK_WHOLE &&
            link_iec62056_21.probe(s, (struct slice){ 0 }, &found) == LINK_WHOLE)
                abort();
        return 0;
}
