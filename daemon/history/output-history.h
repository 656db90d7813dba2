/* SPDX-License-Identifier: MIT */
/*
 * The history of each meter, as an output: [history] Keep=2y. Quarters are kept in memory and
 * written once an hour, at an orderly stop, and never between: 9000 small writes a year. A thread
 * does it; the main loop never waits for the disk.
 *
 *     telegram ─► quarter ─► rows, gaps ─► (an hour) ─► worker ─► history.db
 *     question ─────────────────────────────────────► worker ─► points, waiting entries ─► sums
 */
#pragma once

#include "daemon/config/output.h"
#include "history-import.h"
#include "history-sum.h"

extern const struct output output_history;

struct history_question {
        char meter[METER_ID_MAX];
        int64_t from, to; /* seconds since 1970 */
        enum history_calendar calendar;
        uint32_t step_seconds; /* with HISTORY_FIXED; 60: of the last day, power alone */
        uint8_t tariff;        /* 0: whatever it was */
        bool costs; /* costs alone are wanted: nothing is read where nothing has a price */
};

struct history_gap {
        int64_t from, to;
        uint8_t kind; /* enum quarter_gap_kind */
};

struct history_answer {
        int result;       /* 0, or -errno: the rest is empty then */
        double factor;    /* energy × factor is in `unit` */
        const char *unit; /* "Wh", "m³", …; "" when nothing is known of the meter */
        const struct history_step *steps;
        size_t n_steps;
        const char
                *currency; /* of the steps' costs, "": not configured; NULL: nothing has a price */
        const struct history_gap *gaps;
        size_t n_gaps;
};

/*
 * Asks; `done` is called once, from the main loop, also when the output is freed first (then with
 * -ECANCELED). -EINVAL, -E2BIG for questions that have no answer, -EOPNOTSUPP where no history is
 * kept: then `done` is not called.
 */
int output_history_ask(struct sink *sink, const struct history_question *question,
                       void (*done)(const struct history_answer *answer, void *userdata),
                       void *userdata);

struct history_samples {
        const struct history_sample *list; /* without a fault; copied */
        size_t n;
        uint32_t interval; /* usual seconds between them; after three times as many: a gap */
        bool replace;      /* also what was measured */
};

/*
 * Takes a file's samples into a meter's history. As for output_history_ask(): `done` is called
 * once, with 0 or -errno (-EMEDIUMTYPE: it counted in another unit before). -ENODATA: no counter of
 * this meter was heard yet, so that its unit is not known; -EOPNOTSUPP.
 */
int output_history_import(struct sink *sink, const char *meter,
                          const struct history_samples *samples,
                          void (*done)(int result, const struct history_imported *imported,
                                       void *userdata),
                          void *userdata);
