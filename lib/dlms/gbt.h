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

#include <stddef.h>

#include "lib/link/link.h"
#include "lib/value/reader.h"

#define GBT_TAG 0xe0

/*
 * Reads the block at the start of `apdu`: a numbered piece, for lib/link/assembly.h; its sender is
 * the caller's to fill in. Borrows from `apdu`. -EBADMSG with *ret_fault in words.
 */
int gbt_parse(struct slice apdu, struct link_piece *ret, size_t *ret_bytes, const char **ret_fault);
