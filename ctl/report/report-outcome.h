/* SPDX-License-Identifier: MIT */
/*
 * The decoder's results for the telegrams of a capture, kept so that those of the report can be
 * compared with them.
 */
#pragma once

#include "lib/decoder.h"

/* The decoder's result for one telegram. */
struct report_outcome {
        size_t offset; /* of its first frame */
        enum telegram_status status;
        char error[TELEGRAM_ERROR_MAX];
        const char *framing;
        const struct meter_profile *profile;
        char meter_id[TELEGRAM_ID_MAX];
        char maker[4];
        struct datetime time;
        bool encrypted, authenticated;
        struct reading *readings; /* owned */
        size_t n_readings, n_texts;
};

struct report_outcomes {
        struct report_outcome *items; /* owned */
        size_t n, room;
};

void report_outcomes_done(struct report_outcomes *outcomes);

/* Adds the result of an event of the type DECODER_TELEGRAM. -ENOMEM. */
int report_outcomes_add(struct report_outcomes *outcomes, const struct decoder_event *event);

/* It was understood, if only its list of values was not. */
bool report_outcome_is_read(const struct report_outcome *outcome);
/* The same was read, or neither could be read, for whichever reason. */
bool report_outcome_equal(const struct report_outcome *a, const struct report_outcome *b);
