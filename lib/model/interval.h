/* SPDX-License-Identifier: MIT */
/*
 * How often something comes: the median of the last five distances. One lost telegram, one that
 * follows another at once, or one unplugged night moves it not at all.
 */
#pragma once

#include <stdint.h>

#define INTERVAL_SAMPLES 5

struct interval {
        uint32_t ms[INTERVAL_SAMPLES]; /* in order of arrival, the oldest is overwritten */
        uint8_t n, at;
};

/* Takes in the distance to the one before. */
void interval_add(struct interval *interval, uint64_t usec);

/* The median, of an even number the lower; 0 when nothing was taken in yet. */
uint64_t interval_usec_get(const struct interval *interval);
