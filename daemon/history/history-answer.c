/* SPDX-License-Identifier: MIT */
/*
 * Questions to the history: read on the thread, joined on the loop with entries that still wait.
 * Imports of files, too.
 */
#include "history-answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "history-points.h"
#include "history-sink.h"

/* Adds entries that are not on the disk yet, and the counters as they stand now. */
static bool add_waiting(struct output_sink *s, const struct history_job *job,
                        const struct history_meter *hm, struct history_points *p)
{
        for (size_t i = 0; i < s->n_pending; i++)
                if (strcmp(s->pending[i].meter, job->meter) == 0 &&
                    !history_points_add_entry(p, &s->pending[i]))
                        return false;
        if (hm && !history_points_add_now(p, &hm->quarter))
                return false;
        history_points_sort(p);
        return true;
}

static const struct tariff_settings *settings_of(const struct history_meter *hm)
{
        return hm ? hm->meter->tariff.settings : NULL;
}

static int make_answer(struct output_sink *s, struct history_job *job,
                       struct history_step **ret_steps, struct history_gap **ret_gaps,
                       struct history_answer *ret)
{
        const struct history_question *q = &job->question;
        const struct history_meter *hm = history_find_id(s, job->meter);
        struct history_points points = { TAKE(job->points), job->n_points, job->n_points };
        OWNED_FREE struct history_point *owned = NULL;
        const struct tariff_settings *prices;
        size_t n;
        int r;

        if (hm && !*job->unit.unit)
                job->unit = hm->unit;
        prices = history_unit_prices(&job->unit, settings_of(hm));
        r = history_steps_new(q->from, q->to, q->calendar, q->step_seconds, ret_steps, &n);
        if (r == 0 && !add_waiting(s, job, hm, &points))
                r = -ENOMEM;
        owned = points.list;
        if (r < 0)
                return r;
        history_points_fill_tariffs(&points);
        *ret_gaps = reallocarray(NULL, points.n + 1, sizeof(**ret_gaps));
        if (!*ret_gaps)
                return -ENOMEM;
        if (q->calendar != HISTORY_FIXED || q->step_seconds >= QUARTER_SECONDS)
                history_sum(*ret_steps, n, points.list, points.n, q->tariff, prices);
        else if (hm)
                history_sum_minutes(&hm->quarter, *ret_steps, n);
        *ret = (struct history_answer){ .factor = history_unit_factor(&job->unit),
                                        .unit = job->unit.unit,
                                        .steps = *ret_steps,
                                        .n_steps = n,
                                        .currency = prices ? prices->currency : NULL,
                                        .gaps = *ret_gaps,
                                        .n_gaps = history_points_gaps(&points, *ret_gaps) };
        return 0;
}

static void put_on(struct output_sink *s, struct history_job *job)
{
        job->next_asked = s->asked;
        s->asked = job;
}

/* False: the question was canceled before. */
static bool take_off(struct output_sink *s, const struct history_job *job)
{
        struct history_job **at = &s->asked;

        while (*at && *at != job)
                at = &(*at)->next_asked;
        if (!*at)
                return false;
        *at = job->next_asked;
        return true;
}

void history_answer_done(struct output_sink *s, struct history_job *job)
{
        OWNED_FREE struct history_step *steps = NULL;
        OWNED_FREE struct history_gap *gaps = NULL;
        struct history_answer answer = { .unit = "" };
        /* Without a usable file the answer is made from memory. */
        int r = job->result == -ENODEV ? 0 : job->result;

        if (!take_off(s, job))
                return;
        if (r == 0)
                r = make_answer(s, job, &steps, &gaps, &answer);
        answer.result = r;
        job->answer(&answer, job->userdata);
}

void history_answer_cancel(struct output_sink *s)
{
        static const struct history_answer canceled = { .result = -ECANCELED, .unit = "" };

        while (s->asked) {
                struct history_job *job = s->asked;

                s->asked = job->next_asked;
                if (job->kind == HISTORY_JOB_IMPORT)
                        job->imported_done(-ECANCELED, &job->imported, job->userdata);
                else
                        job->answer(&canceled, job->userdata);
        }
}

int output_history_ask(struct sink *sink, const struct history_question *question,
                       void (*answer)(const struct history_answer *answer, void *userdata),
                       void *userdata)
{
        struct output_sink *s = (struct output_sink *)sink;
        OWNED_FREE struct history_step *steps = NULL;
        struct history_job *job;
        size_t n;
        int r = history_steps_new(question->from, question->to, question->calendar,
                                  question->step_seconds, &steps, &n);

        if (r < 0)
                return r;
        if (!s->keeps)
                return -EOPNOTSUPP;
        if (question->costs &&
            !history_has_prices(settings_of(history_find_id(s, question->meter)))) {
                answer(&(struct history_answer){ .unit = "" }, userdata);
                return 0;
        }
        job = history_job_new(s, HISTORY_JOB_READ, question->meter);
        if (!job)
                return -ENOMEM;
        job->question = *question;
        job->question.from = steps[0].from;
        job->answer = answer;
        job->userdata = userdata;
        r = history_post(s, job);
        if (r < 0)
                return r;
        put_on(s, job);
        return 0;
}

/* ---- imports ---- */

/* It has counted since it was resumed: its counters are not on the disk. */
static bool measures(const struct history_meter *hm)
{
        return hm->quarter.has_last && hm->quarter.n_pending > 0;
}

void history_import_done(struct output_sink *s, struct history_job *job)
{
        struct history_meter *hm = history_find_id(s, job->meter);

        /* Where an earlier run ended may be replaced: the next telegram is a begin. */
        if (hm && job->import.replace && job->imported.written > 0 && !measures(hm))
                hm->quarter.has_last = false;
        if (take_off(s, job))
                job->imported_done(job->result, &job->imported, job->userdata);
}

/* The quarter in which the service measures now, and those that wait for a counter, are its own. Of
 * an earlier run it has the last counter, and of no quarter since. */
static int64_t newest_of(const struct output_sink *s, const struct history_meter *hm)
{
        int64_t end = measures(hm) ? hm->quarter.last_time : history_now(s);

        return end / QUARTER_SECONDS * QUARTER_SECONDS;
}

/* The unit that the meter was counted in; electricity's is known before the first counter. */
static int unit_of(const struct history_meter *hm, struct history_unit *ret)
{
        if (*hm->unit.unit)
                *ret = hm->unit;
        else if (strcmp(hm->meter->medium, "electricity") == 0)
                *ret = (struct history_unit){ .unit = "Wh" };
        else
                return -ENODATA;
        return 0;
}

static int prepare_import(const struct output_sink *s, const struct history_meter *hm,
                          const struct history_samples *samples, struct history_job *job)
{
        int64_t keep = (int64_t)(s->config->keep_usec / (uint64_t)USEC_PER_SEC);
        int r = unit_of(hm, &job->unit);

        if (r < 0)
                return r;
        job->samples = reallocarray(NULL, samples->n + 1, sizeof(*job->samples));
        if (!job->samples)
                return -ENOMEM;
        if (samples->n > 0)
                memcpy(job->samples, samples->list, samples->n * sizeof(*job->samples));
        job->import = (struct history_import){
                .unit = job->unit,
                .interval = samples->interval,
                .oldest = MAX(history_now(s) - keep, (int64_t)0),
                .newest = newest_of(s, hm),
                .replace = samples->replace,
                .samples = job->samples,
                .n = samples->n,
        };
        memcpy(job->import.meter, job->meter, sizeof(job->import.meter));
        return 0;
}

int output_history_import(struct sink *sink, const char *meter,
                          const struct history_samples *samples,
                          void (*imported_done)(int result, const struct history_imported *imported,
                                                void *userdata),
                          void *userdata)
{
        struct output_sink *s = (struct output_sink *)sink;
        const struct history_meter *hm = s->keeps ? history_find_id(s, meter) : NULL;
        struct history_job *job;
        int r;

        if (!hm)
                return -EOPNOTSUPP;
        job = history_job_new(s, HISTORY_JOB_IMPORT, meter);
        if (!job)
                return -ENOMEM;
        r = prepare_import(s, hm, samples, job);
        if (r < 0) {
                job->job.drop(&job->job);
                return r;
        }
        job->imported_done = imported_done;
        job->userdata = userdata;
        history_commit(s); /* the import must see every measured quarter */
        r = history_post(s, job);
        if (r < 0)
                return r;
        put_on(s, job);
        return 0;
}
