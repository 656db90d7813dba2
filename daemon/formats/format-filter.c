/* SPDX-License-Identifier: MIT */
/*
 * Interval= and Deadband=.
 */
#include "format-filter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A meter that sends every 10 s by its own clock is not to lose every second telegram of an
 * Interval=10s to a few milliseconds. */
#define INTERVAL_SLACK_PERCENT 5

void format_filter_done(struct format_filter *filter)
{
        free(filter->values);
        *filter = (struct format_filter){ 0 };
}

static struct format_filter_value *find_or_add(struct format_filter *filter, const char *key)
{
        struct format_filter_value *grown;

        for (size_t i = 0; i < filter->n_values; i++)
                if (strcmp(filter->values[i].key, key) == 0)
                        return &filter->values[i];
        if (filter->n_values >= METER_VALUES_MAX)
                return NULL;
        grown = reallocarray(filter->values, filter->n_values + 1, sizeof(*grown));
        if (!grown)
                return NULL;
        filter->values = grown;
        grown += filter->n_values++;
        *grown = (struct format_filter_value){ 0 };
        memcpy(grown->key, key, strnlen(key, sizeof(grown->key) - 1));
        return grown;
}

static bool is_due(uint64_t last_usec, uint64_t now_usec, uint64_t interval_usec)
{
        uint64_t slack = interval_usec * INTERVAL_SLACK_PERCENT / 100;

        /* A clock set back must not silence a value until it has caught up. */
        return last_usec == 0 || now_usec < last_usec ||
               now_usec - last_usec + slack >= interval_usec;
}

/* More than `deadband` percent away from what was sent last. */
static bool has_moved(const struct format_filter_value *last, struct decimal now,
                      struct decimal deadband)
{
        double before = decimal_to_double(last->sent), after = decimal_to_double(now);

        return fabs(after - before) * 100 > fabs(before) * decimal_to_double(deadband);
}

static bool let_through(struct format_filter *filter, uint64_t interval_usec,
                        struct decimal deadband, const struct meter_value *value, uint64_t now_usec)
{
        struct format_filter_value *last = find_or_add(filter, value->key);

        if (!last)
                return true; /* out of memory: rather too much than nothing */
        if (!is_due(last->sent_usec, now_usec, interval_usec))
                return false;
        if (last->sent_usec != 0 && deadband.mantissa != 0 &&
            format_class(value) == MESSAGE_INSTANTANEOUS &&
            !has_moved(last, value->reading.value, deadband) &&
            !is_due(last->sent_usec, now_usec, FORMAT_FILTER_REST_USEC))
                return false;
        last->sent_usec = now_usec;
        last->sent = value->reading.value;
        return true;
}

void format_filter_apply(struct format_filter *filter, uint64_t interval_usec,
                         struct decimal deadband, const struct meter_update *update,
                         struct format_values *ret)
{
        bool everything = interval_usec == 0 && deadband.mantissa == 0;

        ret->n = 0;
        ret->telegram = is_due(filter->telegram_usec, update->host_usec, interval_usec);
        if (ret->telegram)
                filter->telegram_usec = update->host_usec;
        for (size_t i = 0; i < update->n_values; i++)
                /* A plain number cannot say that its scale is not known: 4117 may be 411.7. */
                if (!reading_is_unscaled(&update->values[i]->reading) &&
                    (everything || let_through(filter, interval_usec, deadband, update->values[i],
                                               update->host_usec)))
                        ret->values[ret->n++] = update->values[i];
}
