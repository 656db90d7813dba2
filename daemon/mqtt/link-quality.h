/* SPDX-License-Identifier: MIT */
/*
 * How many frames of the last hour were damaged, from a counter that is looked at now and then: one
 * bucket for each five minutes. A counter that falls is another converter's, and begins anew.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/model/converter-view.h"

#define LINK_QUALITY_BUCKETS 12

struct link_quality {
        bool counting;
        uint64_t total;  /* as it was seen last */
        uint64_t bucket; /* the number of the current one since the monotonic clock began */
        uint64_t damaged[LINK_QUALITY_BUCKETS];
};

/* `total`: frames damaged so far; NULL: not counted now. Returns those of the last hour. */
uint64_t link_quality_look(struct link_quality *q, const uint64_t *total, uint64_t now_usec);

/* The converters there are. */
struct link_converters {
        const struct converter_view **views; /* the array is owned, they are borrowed */
        size_t n;
};

/* Out of memory: frames damaged by this one are not counted. */
void link_converters_add(struct link_converters *converters, const struct converter_view *view);
void link_converters_remove(struct link_converters *converters, const struct converter_view *view);
void link_converters_done(struct link_converters *converters);
/* link_quality_look() at the one that reads this meter now. */
uint64_t link_quality_of(struct link_quality *q, const struct link_converters *converters,
                         const char *meter_id, uint64_t now_usec);
