/* SPDX-License-Identifier: MIT */
/*
 * General block transfer (IEC 62056-5-3 §7.3.13): one APDU cut into numbered blocks.
 *
 *      E0 | block control | block number(2) | acknowledged(2) | length | data
 *
 * Block control: bit 7 last block, bit 6 streaming, bits 5..0 window. Numbers count from 1. A push
 * has no way back, so a block that is missing or out of order ends the transfer: nothing is ever
 * put together across it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reader.h"

#define GBT_TAG 0xe0

struct gbt_block {
        bool last;
        uint16_t number;
        struct slice data;
        size_t bytes; /* of the whole block APDU */
};

/* Reads one block; borrows from `apdu`. -EBADMSG with *ret_fault in words. */
int gbt_parse(struct slice apdu, struct gbt_block *ret, const char **ret_fault);

/* Where a transfer stands. */
struct gbt {
        uint16_t next;        /* the number expected; 0: none begun */
        uint16_t last_length; /* of the block before, to know a repeated one */
};

enum gbt_verdict {
        GBT_FIRST,    /* begins a transfer: forget what was collected, then append */
        GBT_NEXT,     /* append */
        GBT_REPEATED, /* the block before once more: ignore */
        GBT_BROKEN,   /* drop what was collected, and this block */
};

/*
 * Says what to do with the block. `collected` is what was put together so far: a repeated block
 * must agree with its end byte by byte.
 */
enum gbt_verdict gbt_accept(struct gbt *g, const struct gbt_block *block, struct slice collected);

void gbt_reset(struct gbt *g);
