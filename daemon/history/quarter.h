/* SPDX-License-Identifier: MIT */
/*
 * One meter's course, cut into quarter hours of wall time: its counters at each end of a quarter,
 * and the least, mean and greatest power in it. Pure: fed with samples, gives rows.
 *
 *      samples     x    x    x  |  x    x        (nothing heard)            x    x  |  x
 *      counters                 R1                                                  R2
 *      gap                              [ ------------------------------- ]
 *
 * A counter at the end of a quarter (R) lies on the line between the samples around it. Where too
 * much time passes between two samples there is a gap, with the counters at its edges; a quarter
 * that ends in a gap has no counters. A counter that fell makes an edge too: the meter was
 * exchanged or reset, and the difference means nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUARTER_SECONDS 900
/* The value of a counter that is not known. */
#define QUARTER_UNKNOWN INT64_MIN
/* Nothing for so long is a gap, whatever the meter's interval: slow meters count once an hour. */
#define QUARTER_GAP_MIN_SECONDS 300
#define QUARTER_GAP_MAX_SECONDS 14400
/* Quarters that wait for a counter: as many as the longest time that is no gap has, and one. */
#define QUARTER_PENDING_MAX      (QUARTER_GAP_MAX_SECONDS / QUARTER_SECONDS + 2)
#define QUARTER_MINUTES_OF_A_DAY 1440

enum quarter_counter {
        QUARTER_IMPORT, /* electricity drawn, or the counter of another medium */
        QUARTER_EXPORT,
        QUARTER_N_COUNTERS,
};

/* One telegram. Counters are integers in the unit that the caller keeps to (Wh, dm³). */
struct quarter_sample {
        int64_t time;                         /* seconds since 1970 */
        int64_t counters[QUARTER_N_COUNTERS]; /* QUARTER_UNKNOWN: not in this telegram */
        bool has_power;
        int32_t power;     /* W: drawn minus fed in */
        uint32_t interval; /* between telegrams that have counters, seconds; 0: not known yet */
        uint8_t tariff;    /* 1.., 0: none */
        bool is_since;     /* the tariff is that since the sample before, not that from now on */
};

/* A quarter that is over. */
struct quarter_row {
        int64_t slot;                         /* number of the quarter: time / QUARTER_SECONDS */
        int64_t counters[QUARTER_N_COUNTERS]; /* at its end, or QUARTER_UNKNOWN */
        bool has_power;
        int32_t least, mean, greatest; /* W */
        uint8_t tariff;
};

enum quarter_gap_kind {
        QUARTER_GAP = 1,      /* nothing was heard */
        QUARTER_EXCHANGE = 2, /* a counter fell: another meter, or one that was reset */
        QUARTER_CLOCK = 3,    /* this machine's clock was set back */
        QUARTER_BEGIN = 4,    /* the first sample: only the second edge means something */
        QUARTER_END = 5,      /* no gap: where the counters stood when the service ended */
        /* Edges of an import: its counters are not compared with the measured ones. */
        QUARTER_IMPORT_END = 6,   /* only `before` means something */
        QUARTER_IMPORT_BEGIN = 7, /* only `after` means something */
};

struct quarter_gap {
        enum quarter_gap_kind kind;
        int64_t from, to; /* seconds since 1970 */
        int64_t before[QUARTER_N_COUNTERS], after[QUARTER_N_COUNTERS];
        uint8_t tariff; /* of the energy counted in it; 0: not known */
};

struct quarter_ops {
        void (*row)(const struct quarter_row *row, void *userdata);
        void (*gap)(const struct quarter_gap *gap, void *userdata);
};

/* Power over some time. */
struct quarter_power {
        int64_t sum;
        int32_t least, greatest;
        uint32_t n; /* samples; 0: nothing is known */
};

struct quarter_minute {
        int64_t minute; /* time / 60; 0: empty */
        struct quarter_power power;
};

struct quarter_pending {
        int64_t slot;
        struct quarter_power power;
        uint8_t tariff;
};

/* Read freely; written by the functions below. */
struct quarter {
        const struct quarter_ops *ops;
        void *userdata;
        bool has_last;
        int64_t last_time; /* of the last sample that had a counter */
        int64_t last[QUARTER_N_COUNTERS];
        struct quarter_pending pending[QUARTER_PENDING_MAX]; /* the last one is the open quarter */
        size_t n_pending;
        struct quarter_minute minutes[QUARTER_MINUTES_OF_A_DAY]; /* a ring */
};

void quarter_init(struct quarter *q, const struct quarter_ops *ops, void *userdata);

/* Goes on where an earlier run ended: the last counters that were kept, and when. */
void quarter_resume(struct quarter *q, int64_t time, const int64_t counters[QUARTER_N_COUNTERS]);

/* The next sample. Rows and gaps that it completes are handed to the ops before this returns. */
void quarter_feed(struct quarter *q, const struct quarter_sample *sample);

/* The mean of `power`, rounded; 0 where there is none. */
int32_t quarter_power_mean(const struct quarter_power *power);

/* The minute that `time` lies in, NULL when nothing is known of it. */
const struct quarter_power *quarter_minute_find(const struct quarter *q, int64_t time);
