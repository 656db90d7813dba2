/* SPDX-License-Identifier: MIT */
/*
 * Joins entries on the disk and in memory to one list of points, and makes of points what a
 * question asks for besides sums: gaps, the last day by minute. Pure.
 */
#pragma once

#include "history-file.h"
#include "output-history.h"

struct history_points {
        struct history_point *list; /* owned by whoever holds the struct */
        size_t n, room;
};

/* The points that an entry gives: a quarter's end, or both edges of a gap. False: no memory. */
bool history_points_add_entry(struct history_points *points, const struct history_entry *entry);
/* Where the counters stand now. False: no memory, or nothing is known. */
bool history_points_add_now(struct history_points *points, const struct quarter *quarter);
void history_points_sort(struct history_points *points);

/*
 * The edges of gaps and of runs have no tariff of their own. They get that of the quarter they lie
 * in, else that of the point before; a gap of more than an hour, or one with different tariffs
 * around it, gets none. In order of time.
 */
void history_points_fill_tariffs(struct history_points *points);

/* `gaps` has room for as many as there are points. Returns how many it wrote. */
size_t history_points_gaps(const struct history_points *points, struct history_gap *gaps);

/* Power of each minute, from the ring of the last day. */
void history_sum_minutes(const struct quarter *quarter, struct history_step *steps, size_t n);

/* 10^exponent of the counters' unit. */
double history_unit_factor(const struct history_unit *unit);

/* The settings, if they have a price and the unit is Wh; else NULL, as for NULL. */
const struct tariff_settings *history_unit_prices(const struct history_unit *unit,
                                                  const struct tariff_settings *settings);
