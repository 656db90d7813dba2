/* SPDX-License-Identifier: MIT */
/*
 * The data-notification APDU (IEC 62056-5-3 §7.3.10):
 *
 *      [E6 E7 00] | 0F | long-invoke-id-and-priority(4) | date-time | data
 *
 * date-time is `0C` and 12 bytes, `00` for none, or, in firmware of 2017, an octet string `09 0C`.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/link/llc.h"
#include "lib/value/datetime.h"
#include "lib/value/reader.h"

#define APDU_DATA_NOTIFICATION 0x0f

struct apdu_notification {
        uint32_t invoke_id;   /* without the priority and service bits */
        struct datetime time; /* not valid when absent */
};

/* The APDU without the LLC header, which may stand in front of it wherever it comes from. */
static inline struct slice apdu_skip_llc(struct slice s)
{
        return slice_from(s, llc_length(s));
}

/* Reads up to the data, which the reader then stands at; leaves a fault when it is no such APDU. */
void apdu_notification_begin(struct reader *r, struct apdu_notification *ret);
