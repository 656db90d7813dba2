/* SPDX-License-Identifier: MIT */
/* Any bytes as a TIC frame. */
#include "fuzz-link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        fuzz_link(&link_tic, (struct slice){ data, size });
        return 0;
}
