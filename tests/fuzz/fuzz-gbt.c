/* SPDX-License-Identifier: MIT */
/*
 * Block transfer: a stream of blocks, each behind a length byte. What is put together must be the
 * blocks 1, 2, 3 … without a gap.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/gbt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static uint8_t collected[8192];
        struct reader r = reader_over((struct slice){ data, size });
        struct gbt gbt = { 0 };
        struct gbt_block block;
        size_t len = 0;
        uint16_t last = 0;
        const char *fault;

        while (r.left.len > 0 && reader_ok(&r)) {
                struct slice apdu = reader_take(&r, reader_u8(&r));

                if (!reader_ok(&r) || gbt_parse(apdu, &block, &fault) < 0)
                        continue;
                switch (gbt_accept(&gbt, &block, (struct slice){ collected, len })) {
                case GBT_FIRST:
                        len = 0;
                        last = 0;
                        /* fall through */
                case GBT_NEXT:
                        if (block.number != last + 1)
                                abort();
                        last = block.number;
                        if (block.data.len > sizeof(collected) - len)
                                return 0;
                        memcpy(collected + len, block.data.data, block.data.len);
                        len += block.data.len;
                        break;
                case GBT_REPEATED:
                        break;
                case GBT_BROKEN:
                        len = 0;
                        last = 0;
                        break;
                }
        }
        return 0;
}
