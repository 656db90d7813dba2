/* SPDX-License-Identifier: MIT */
/*
 * Block transfer: a stream of blocks, each behind a length byte. What is put together must be the
 * blocks 1, 2, 3 … without a gap.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/dlms/gbt.h"
#include "lib/link/assembly.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The same, kept in the simplest way. */
struct shadow {
        size_t len;
        uint16_t last;
        uint8_t bytes[ASSEMBLY_BYTES];
};

static void take(struct shadow *shadow, const struct link_piece *block)
{
        if (block->number == 1)
                shadow->len = shadow->last = 0;
        if (block->number != shadow->last + 1)
                abort();
        shadow->last = block->number;
        memcpy(shadow->bytes + shadow->len, block->bytes.data, block->bytes.len);
        shadow->len += block->bytes.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct shadow shadow;
        static struct assembly assembly;
        struct reader r = reader_over((struct slice){ data, size });
        const char *fault;

        assembly_init(&assembly);
        shadow.len = shadow.last = 0;
        while (r.left.len > 0 && reader_ok(&r)) {
                struct slice apdu = reader_take(&r, reader_u8(&r));
                struct link_piece block;
                enum assembly_result result;
                size_t bytes;

                if (!reader_ok(&r) || gbt_parse(apdu, &block, &bytes, &fault) < 0)
                        continue;
                result = assembly_put(&assembly, &block, 0);
                if (result == ASSEMBLY_MORE || result == ASSEMBLY_COMPLETE)
                        take(&shadow, &block);
                if (result == ASSEMBLY_COMPLETE &&
                    (assembly.len != shadow.len ||
                     memcmp(assembly.bytes, shadow.bytes, shadow.len) != 0))
                        abort();
        }
        assembly_done(&assembly);
        return 0;
}
