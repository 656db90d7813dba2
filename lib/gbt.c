/* SPDX-License-Identifier: MIT */
/*
 * General block transfer, receiving side of an unconfirmed push (IEC 62056-5-3 §7.3.13).
 */
#include "gbt.h"

#include <errno.h>

#include "axdr.h"

#define CONTROL_LAST 0x80

int gbt_parse(struct slice apdu, struct gbt_block *ret, const char **ret_fault)
{
        struct reader r = reader_over(apdu);
        struct gbt_block block = { 0 };
        uint8_t control;

        if (reader_u8(&r) != GBT_TAG)
                reader_fail(&r, "block transfer: not a block");
        control = reader_u8(&r);
        block.last = control & CONTROL_LAST;
        block.number = reader_be16(&r);
        (void)reader_be16(&r); /* acknowledged: nothing is, in a push */
        block.data = reader_take(&r, axdr_length(&r));
        if (reader_ok(&r) && block.number == 0)
                reader_fail(&r, "block transfer: blocks count from 1");
        if (!reader_ok(&r)) {
                *ret_fault = r.fault;
                return -EBADMSG;
        }
        block.bytes = apdu.len - r.left.len;
        *ret = block;
        return 0;
}

/* The block before once more, byte by byte: a meter that repeats itself does no harm. */
static bool is_repeated(const struct gbt *g, const struct gbt_block *block, struct slice collected)
{
        size_t n = block->data.len;

        return g->next > 1 && block->number == g->next - 1 && n == g->last_length &&
               n <= collected.len &&
               slice_equal(block->data, slice_from(collected, collected.len - n));
}

enum gbt_verdict gbt_accept(struct gbt *g, const struct gbt_block *block, struct slice collected)
{
        if (block->number != 1 && is_repeated(g, block, collected))
                return GBT_REPEATED;
        if (block->number != 1 && (block->number != g->next || g->next == 0)) {
                gbt_reset(g);
                return GBT_BROKEN;
        }
        g->next = (uint16_t)(block->number + 1);
        g->last_length = (uint16_t)block->data.len;
        return block->number == 1 ? GBT_FIRST : GBT_NEXT;
}

void gbt_reset(struct gbt *g)
{
        *g = (struct gbt){ 0 };
}
