/* SPDX-License-Identifier: MIT */
/* What callers on the bus ask of the history, and what it answers. */
#include "requests-history.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "daemon/history/output-history.h"
#include "daemon/history/quarter.h"
#include "daemon/manager-private.h"
#include "daemon/outputs.h"
#include "dbus/names.h"

#define USEC_PER_SEC UINT64_C(1000000)

struct question {
        void (*done)(const struct bus_history *answer, void *cookie);
        void *cookie;
};

static double energy(const struct history_answer *answer, const struct history_step *step, size_t i)
{
        return step->has_energy[i] ? (double)step->energy[i] * answer->factor : NAN;
}

static const char *gap_name(uint8_t kind)
{
        return kind == QUARTER_EXCHANGE ? "exchange" : kind == QUARTER_CLOCK ? "clock" : "gap";
}

static void fill_steps(const struct history_answer *answer, struct bus_history_step *steps)
{
        for (size_t i = 0; i < answer->n_steps; i++) {
                const struct history_step *step = &answer->steps[i];

                steps[i] = (struct bus_history_step){
                        .from_usec = (uint64_t)step->from * USEC_PER_SEC,
                        .imported = energy(answer, step, QUARTER_IMPORT),
                        .exported = energy(answer, step, QUARTER_EXPORT),
                        .least = step->has_power ? (double)step->least : NAN,
                        .greatest = step->has_power ? (double)step->greatest : NAN,
                        .cost = step->has_cost ? step->cost : NAN,
                        .unpriced = (double)step->unpriced * answer->factor,
                };
        }
}

static void on_answer(const struct history_answer *answer, void *userdata)
{
        OWNED_FREE struct question *question = userdata;
        OWNED_FREE struct bus_history_step *steps = calloc(answer->n_steps + 1, sizeof(*steps));
        OWNED_FREE struct bus_history_gap *gaps = calloc(answer->n_gaps + 1, sizeof(*gaps));
        struct bus_history reply = { .result = answer->result };

        if (!steps || !gaps) {
                reply.result = -ENOMEM;
        } else if (reply.result == 0) {
                fill_steps(answer, steps);
                for (size_t i = 0; i < answer->n_gaps; i++)
                        gaps[i] = (struct bus_history_gap){
                                .from_usec = (uint64_t)answer->gaps[i].from * USEC_PER_SEC,
                                .to_usec = (uint64_t)answer->gaps[i].to * USEC_PER_SEC,
                                .kind = gap_name(answer->gaps[i].kind),
                        };
                reply.steps = steps;
                reply.n_steps = answer->n_steps;
                reply.currency = answer->currency;
                reply.gaps = gaps;
                reply.n_gaps = answer->n_gaps;
        }
        question->done(&reply, question->cookie);
}

static int read_question(const struct bus_history_question *from, const char *meter,
                         struct history_question *ret, sd_bus_error *error)
{
        *ret = (struct history_question){ .from = (int64_t)(from->from_usec / USEC_PER_SEC),
                                          .to = (int64_t)(from->to_usec / USEC_PER_SEC),
                                          .calendar = HISTORY_FIXED,
                                          .step_seconds = from->step_seconds,
                                          .tariff = (uint8_t)MIN(from->tariff, 255U),
                                          .costs = from->costs };
        (void)snprintf(ret->meter, sizeof(ret->meter), "%s", meter);
        if (*from->calendar && history_calendar_parse(from->calendar, &ret->calendar) < 0)
                return sd_bus_error_setf(error, BUS_ERROR_INVALID_ARGUMENT,
                                         "'%.40s' is no calendar: write day, week, month or year.",
                                         from->calendar);
        return 0;
}

int requests_get_history(void *userdata, const char *meter, const struct bus_history_question *from,
                         void (*done)(const struct bus_history *answer, void *cookie), void *cookie,
                         sd_bus_error *error)
{
        const struct manager *m = userdata;
        struct sink *history = outputs_find(m, &output_history);
        struct history_question question;
        struct question *asked;
        int r = read_question(from, meter, &question, error);

        if (r < 0)
                return r;
        if (!history)
                return -ENOMEM; /* it is always there but for that */
        asked = malloc(sizeof(*asked));
        if (!asked)
                return -ENOMEM;
        *asked = (struct question){ done, cookie };
        r = output_history_ask(history, &question, on_answer, asked);
        if (r < 0)
                free(asked);
        if (r == -EINVAL || r == -E2BIG)
                return sd_bus_error_setf(error, BUS_ERROR_INVALID_ARGUMENT, "%s",
                                         r == -E2BIG
                                                 ? "More than 40000 steps: ask for larger ones."
                                                 : "The end must be after the begin, and a step a "
                                                   "multiple of 60 seconds.");
        if (r == -EOPNOTSUPP)
                return sd_bus_error_set(error, BUS_ERROR_NOT_SUPPORTED,
                                        "No history is kept: the configuration says [history] "
                                        "Keep=no, or the state directory cannot be used.");
        return r;
}

/* ---- what files bring ---- */

struct importing {
        void (*done)(int result, const struct bus_history_imported *imported, void *cookie);
        void *cookie;
};

static void on_imported(int result, const struct history_imported *imported, void *userdata)
{
        OWNED_FREE struct importing *importing = userdata;

        importing->done(result,
                        &(struct bus_history_imported){ .written = imported->written,
                                                        .measured = imported->measured,
                                                        .left_out = imported->left_out },
                        importing->cookie);
}

static struct history_sample *samples_of(const struct bus_history_import *import)
{
        struct history_sample *samples = calloc(import->n + 1, sizeof(*samples));

        for (size_t i = 0; samples && i < import->n; i++) {
                const struct bus_history_sample *from = &import->samples[i];

                samples[i] = (struct history_sample){
                        .time = (int64_t)(from->time_usec / USEC_PER_SEC),
                        .counters = { from->imported, from->exported },
                        .tariff = (uint8_t)MIN(from->tariff, 255U),
                        .begins = from->begins,
                };
        }
        return samples;
}

static int fail_import(int r, sd_bus_error *error)
{
        if (r == -ENODATA)
                return sd_bus_error_set(error, BUS_ERROR_NOT_SUPPORTED,
                                        "No counter of this meter was heard yet, so that its unit "
                                        "is not known: try again after its next telegram.");
        if (r == -EOPNOTSUPP)
                return sd_bus_error_set(error, BUS_ERROR_NOT_SUPPORTED,
                                        "No history is kept: the configuration says [history] "
                                        "Keep=no, or the state directory cannot be used.");
        return r;
}

int requests_import_history(void *userdata, const char *meter,
                            const struct bus_history_import *from,
                            void (*done)(int result, const struct bus_history_imported *imported,
                                         void *cookie),
                            void *cookie, sd_bus_error *error)
{
        OWNED_FREE struct history_sample *samples = samples_of(from);
        struct history_samples list = { samples, from->n,
                                        MIN(from->interval_seconds, (uint32_t)INT32_MAX),
                                        from->replace };
        struct sink *history = outputs_find(userdata, &output_history);
        struct importing *importing;
        const char *fault;
        size_t at = 0;
        int r;

        if (!samples || !history) /* it is always there but for want of memory */
                return -ENOMEM;
        fault = history_samples_fault(samples, from->n, &at);
        if (fault)
                return sd_bus_error_setf(error, BUS_ERROR_INVALID_ARGUMENT,
                                         "Sample %zu cannot be: %s.", at + 1, fault);
        importing = malloc(sizeof(*importing));
        if (!importing)
                return -ENOMEM;
        *importing = (struct importing){ done, cookie };
        r = output_history_import(history, meter, &list, on_imported, importing);
        if (r < 0)
                free(importing);
        return r < 0 ? fail_import(r, error) : r;
}
