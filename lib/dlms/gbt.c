/* SPDX-License-Identifier: MIT */
/*
 * General block transfer, receiving side of an unconfirmed push (IEC 62056-5-3 §7.3.13).
 */
#include "gbt.h"

#include <errno.h>

#include "lib/value/axdr.h"

#define CONTROL_LAST 0x80
#define MODULUS      0x10000 /* the number has 16 bits */

int gbt_parse(struct slice apdu, struct link_piece *ret, size_t *ret_bytes, const char **ret_fault)
{
        struct reader r = reader_over(apdu);
        struct link_piece block = { .numbered = true, .modulus = MODULUS };
        uint8_t control;

        if (reader_u8(&r) != GBT_TAG)
                reader_fail(&r, "block transfer: not a block");
        control = reader_u8(&r);
        block.last = control & CONTROL_LAST;
        block.number = reader_be16(&r);
        block.first = block.number == 1;
        (void)reader_be16(&r); /* acknowledged: nothing is, in a push */
        block.bytes = reader_take(&r, axdr_length(&r));
        if (reader_ok(&r) && block.number == 0)
                reader_fail(&r, "block transfer: blocks count from 1");
        if (!reader_ok(&r)) {
                *ret_fault = r.fault;
                return -EBADMSG;
        }
        *ret_bytes = apdu.len - r.left.len;
        *ret = block;
        return 0;
}
