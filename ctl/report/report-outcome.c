/* SPDX-License-Identifier: MIT */
#include "report-outcome.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

void report_outcomes_done(struct report_outcomes *outcomes)
{
        for (size_t i = 0; i < outcomes->n; i++)
                free(outcomes->items[i].readings);
        free(outcomes->items);
        *outcomes = (struct report_outcomes){ 0 };
}

static int fill(struct report_outcome *outcome, const struct decoder_event *event)
{
        const struct telegram *t = event->telegram;

        *outcome = (struct report_outcome){
                .offset = (size_t)event->offset,
                .status = t->status,
                .framing = event->framing,
                .profile = t->profile,
                .time = t->time,
                .encrypted = t->encrypted,
                .authenticated = t->authenticated,
                .n_readings = t->n_readings,
                .n_texts = t->n_texts,
        };
        memcpy(outcome->error, t->error, sizeof(outcome->error));
        memcpy(outcome->meter_id, t->meter_id, sizeof(outcome->meter_id));
        memcpy(outcome->maker, t->manufacturer, sizeof(outcome->maker));
        if (t->n_readings == 0)
                return 0;
        outcome->readings = calloc(t->n_readings, sizeof(*outcome->readings));
        if (!outcome->readings)
                return -ENOMEM;
        memcpy(outcome->readings, t->readings, t->n_readings * sizeof(*outcome->readings));
        return 0;
}

int report_outcomes_add(struct report_outcomes *outcomes, const struct decoder_event *event)
{
        int r;

        if (!ARRAY_GROW(outcomes->items, outcomes->n, outcomes->room))
                return -ENOMEM;
        r = fill(&outcomes->items[outcomes->n], event);
        if (r < 0)
                return r;
        outcomes->n++;
        return 0;
}

static bool same_reading(const struct reading *a, const struct reading *b)
{
        return obis_equal(a->obis, b->obis) && a->unit == b->unit && a->scale == b->scale &&
               a->value.mantissa == b->value.mantissa && a->value.exponent == b->value.exponent &&
               a->captured.valid == b->captured.valid &&
               (!a->captured.valid ||
                datetime_to_epoch(&a->captured) == datetime_to_epoch(&b->captured));
}

bool report_outcome_is_read(const struct report_outcome *outcome)
{
        return outcome->status == TELEGRAM_OK || outcome->status == TELEGRAM_LAYOUT_UNKNOWN;
}

bool report_outcome_equal(const struct report_outcome *a, const struct report_outcome *b)
{
        if (report_outcome_is_read(a) != report_outcome_is_read(b))
                return false;
        if (!report_outcome_is_read(a))
                return b->n_readings == 0; /* why it cannot be read may be said otherwise */
        if (a->status != b->status || a->profile != b->profile || a->n_texts != b->n_texts ||
            a->n_readings != b->n_readings || a->time.valid != b->time.valid ||
            (a->time.valid && datetime_to_epoch(&a->time) != datetime_to_epoch(&b->time)))
                return false;
        for (size_t i = 0; i < a->n_readings; i++)
                if (!same_reading(&a->readings[i], &b->readings[i]))
                        return false;
        return true;
}
