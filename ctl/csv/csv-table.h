/* SPDX-License-Identifier: MIT */
/*
 * The lines of a table that people have, before anything is made of them: times, and what each
 * channel had then. A channel is what one column has, or one of Home Assistant's entities: energy
 * drawn or fed in, all of it or that of one tariff. Four shapes are known (csv-series.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "csv.h"

/* 28 years of quarter hours. */
#define CSV_ROWS_MAX 1000000

#define CSV_TARIFFS_MAX 8

enum csv_side {
        CSV_DRAWN,
        CSV_FED_IN,
        CSV_N_SIDES,
};

/* Tariffs whose columns can be wished for; others are found by their code. */
#define CSV_WISHED_TARIFFS 2

/* The user's options about the table; NULL, false: found by its head. */
struct csv_wish {
        const char *time, *import, *export; /* columns; of the last two also entities */
        const char *tariffs[CSV_N_SIDES][CSV_WISHED_TARIFFS]; /* the same, of tariffs 1 and 2 */
        const char *unit;                                     /* of values that do not say theirs */
        bool energy;              /* counted since the time of the row */
        const char *counter_unit; /* the meter's: "Wh", "m³", "GJ" */
};

struct csv_channel {
        uint8_t side;   /* enum csv_side */
        uint8_t tariff; /* 0: all of it */
};

#define CSV_CHANNELS_MAX (CSV_N_SIDES * (1 + CSV_TARIFFS_MAX))

struct csv_row {
        int64_t from, to;    /* the same: what the counters showed then; to = INT64_MIN: unknown */
        size_t values;       /* of its channels: where they begin in the table's */
        uint8_t tariff;      /* 0: not known */
        size_t line, column; /* of its time */
};

struct csv_table {
        struct csv_channel channels[CSV_CHANNELS_MAX];
        size_t n_channels;
        struct csv_row *rows; /* owned; in order of time, one of each */
        size_t n, room;
        double *values; /* owned; in the meter's unit, NaN: not known */
        size_t n_lines;
        bool energy; /* counted, not shown */
        bool ends;   /* rows have the begin of a step, and what was shown at its end */
};

/* Reads all of it. -EBADMSG, with what is wrong and where on standard error; -ENOMEM. */
int csv_table_read(struct csv *csv, const struct csv_wish *wish, struct csv_table *ret);
void csv_table_done(struct csv_table *table);

/* Says what is wrong with a row; `format` may have a %zu, which `line` is for. -EBADMSG. */
int csv_table_fail(const struct csv *csv, const struct csv_row *row, const char *format,
                   size_t line);
