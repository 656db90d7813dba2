/* SPDX-License-Identifier: MIT */
/*
 * What a meter's counters showed, out of a table that people have. These shapes are known:
 *
 *      from,to,import_Wh,export_Wh       counted from one time to another (smctl history --csv)
 *      time,1.8.0 [kWh],2.8.0 [kWh]      what the counters showed at a time
 *      time,1.8.1 [kWh],1.8.2 [kWh]      the same, or what was counted, a column for each tariff
 *      statistic_id,unit,start,sum       Home Assistant: an entity a row, at the end of the hour
 *      entity_id,type,unit,<time>,…      Home Assistant's energy dashboard: a time a column
 *
 * What was counted is added up to a counter that begins at 0, anew behind each hole.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "csv-table.h"

struct csv_sample {
        int64_t time;       /* seconds since 1970 */
        double counters[2]; /* drawn, fed in; NaN: not known */
        uint8_t tariff;     /* since the sample before; 0: not known */
        bool begins;        /* nothing is known of the time since the sample before */
};

struct csv_series {
        struct csv_sample *list; /* owned; in order of time */
        size_t n;
        size_t n_rows;     /* of the table */
        uint32_t interval; /* usual seconds between samples */
};

/* Reads all of it. -EBADMSG, with what is wrong and where on standard error; -ENOMEM. */
int csv_series_read(struct csv *csv, const struct csv_wish *wish, struct csv_series *ret);
void csv_series_done(struct csv_series *series);
