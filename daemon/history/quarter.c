/* SPDX-License-Identifier: MIT */
/* Quarter hours: samples in, rows and gaps out. */
#include "quarter.h"

#include <string.h>

#include "base/util.h"

void quarter_init(struct quarter *q, const struct quarter_ops *ops, void *userdata)
{
        memset(q, 0, sizeof(*q));
        q->ops = ops;
        q->userdata = userdata;
}

void quarter_resume(struct quarter *q, int64_t time, const int64_t counters[QUARTER_N_COUNTERS])
{
        q->has_last = true;
        q->last_time = time;
        memcpy(q->last, counters, sizeof(q->last));
}

static void power_add(struct quarter_power *power, int32_t value)
{
        power->least = power->n ? MIN(power->least, value) : value;
        power->greatest = power->n ? MAX(power->greatest, value) : value;
        power->sum += value;
        power->n++;
}

int32_t quarter_power_mean(const struct quarter_power *power)
{
        int64_t half = power->n / 2;

        if (power->n == 0)
                return 0;
        return (int32_t)((power->sum + (power->sum < 0 ? -half : half)) / (int64_t)power->n);
}

static struct quarter_minute *minute_of(struct quarter *q, int64_t minute)
{
        return &q->minutes[minute % QUARTER_MINUTES_OF_A_DAY];
}

const struct quarter_power *quarter_minute_find(const struct quarter *q, int64_t time)
{
        int64_t minute = time / 60;
        const struct quarter_minute *m = &q->minutes[minute % QUARTER_MINUTES_OF_A_DAY];

        return m->minute == minute && m->power.n > 0 ? &m->power : NULL;
}

static void add_minute(struct quarter *q, const struct quarter_sample *sample)
{
        struct quarter_minute *m = minute_of(q, sample->time / 60);

        if (m->minute != sample->time / 60)
                *m = (struct quarter_minute){ .minute = sample->time / 60 };
        power_add(&m->power, sample->power);
}

static bool has_counter(const struct quarter_sample *sample)
{
        for (size_t i = 0; i < QUARTER_N_COUNTERS; i++)
                if (sample->counters[i] != QUARTER_UNKNOWN)
                        return true;
        return false;
}

/* A counter that this telegram does not carry stands where it stood. */
static void complete(const struct quarter *q, const struct quarter_sample *sample,
                     int64_t ret[QUARTER_N_COUNTERS])
{
        for (size_t i = 0; i < QUARTER_N_COUNTERS; i++)
                ret[i] = sample->counters[i] == QUARTER_UNKNOWN && q->has_last
                                 ? q->last[i]
                                 : sample->counters[i];
}

static bool has_fallen(const struct quarter *q, const int64_t now[QUARTER_N_COUNTERS])
{
        for (size_t i = 0; i < QUARTER_N_COUNTERS; i++)
                if (q->last[i] != QUARTER_UNKNOWN && now[i] < q->last[i])
                        return true;
        return false;
}

static int64_t allowed_silence(const struct quarter_sample *sample)
{
        int64_t three = (int64_t)sample->interval * 3;

        return MIN(MAX(three, (int64_t)QUARTER_GAP_MIN_SECONDS), (int64_t)QUARTER_GAP_MAX_SECONDS);
}

/* Why no line can be drawn from the last counters to these; 0: it can. */
static int why_broken(const struct quarter *q, const struct quarter_sample *sample,
                      const int64_t now[QUARTER_N_COUNTERS])
{
        if (!q->has_last)
                return QUARTER_BEGIN;
        if (sample->time < q->last_time)
                return QUARTER_CLOCK;
        if (has_fallen(q, now))
                return QUARTER_EXCHANGE;
        return sample->time - q->last_time > allowed_silence(sample) ? QUARTER_GAP : 0;
}

/* Where the line from the last counter to this one passes `time`. */
static int64_t between(const struct quarter *q, size_t i, int64_t time,
                       const struct quarter_sample *sample, int64_t now)
{
        int64_t span = sample->time - q->last_time, risen;

        if (q->last[i] == QUARTER_UNKNOWN || now == QUARTER_UNKNOWN)
                return QUARTER_UNKNOWN;
        if (span == 0 || __builtin_mul_overflow(now - q->last[i], time - q->last_time, &risen))
                return now;
        return q->last[i] + risen / span;
}

static void emit_row(struct quarter *q, const struct quarter_pending *p,
                     const int64_t counters[QUARTER_N_COUNTERS])
{
        struct quarter_row row = { .slot = p->slot,
                                   .has_power = p->power.n > 0,
                                   .least = p->power.least,
                                   .mean = quarter_power_mean(&p->power),
                                   .greatest = p->power.greatest,
                                   .tariff = p->tariff };

        memcpy(row.counters, counters, sizeof(row.counters));
        q->ops->row(&row, q->userdata);
}

/* All quarters before `slot` are over; the line to `sample` says what their counters were. */
static void close_on_line(struct quarter *q, int64_t slot, const struct quarter_sample *sample,
                          const int64_t now[QUARTER_N_COUNTERS])
{
        int64_t at = q->last_time / QUARTER_SECONDS;
        size_t n = 0;

        for (; at < slot; at++) {
                struct quarter_pending p = { .slot = at, .tariff = sample->tariff };
                int64_t counters[QUARTER_N_COUNTERS];

                while (n < q->n_pending && q->pending[n].slot < at)
                        n++;
                if (n < q->n_pending && q->pending[n].slot == at)
                        p = q->pending[n];
                for (size_t i = 0; i < QUARTER_N_COUNTERS; i++)
                        counters[i] = between(q, i, (at + 1) * QUARTER_SECONDS, sample, now[i]);
                emit_row(q, &p, counters);
        }
}

/* Quarters pending before `slot` have their power, and nothing else is known of them. */
static void close_without_counters(struct quarter *q, int64_t slot)
{
        const int64_t unknown[QUARTER_N_COUNTERS] = { QUARTER_UNKNOWN, QUARTER_UNKNOWN };

        for (size_t n = 0; n < q->n_pending; n++)
                if (q->pending[n].slot != slot && q->pending[n].power.n > 0)
                        emit_row(q, &q->pending[n], unknown);
}

/* Leaves in the list only the quarter of `slot`. */
static void keep_pending(struct quarter *q, int64_t slot)
{
        size_t kept = 0;

        for (size_t n = 0; n < q->n_pending; n++)
                if (q->pending[n].slot == slot)
                        q->pending[kept++] = q->pending[n];
        q->n_pending = kept;
}

static void emit_gap(struct quarter *q, int kind, const struct quarter_sample *sample,
                     const int64_t now[QUARTER_N_COUNTERS])
{
        struct quarter_gap gap = { .kind = (enum quarter_gap_kind)kind,
                                   .from = MIN(q->last_time, sample->time),
                                   .to = sample->time,
                                   .tariff = sample->is_since ? sample->tariff : 0 };

        if (kind == QUARTER_BEGIN)
                gap.from = sample->time;
        memcpy(gap.before, kind == QUARTER_BEGIN ? now : q->last, sizeof(gap.before));
        memcpy(gap.after, now, sizeof(gap.after));
        q->ops->gap(&gap, q->userdata);
}

static void take_counters(struct quarter *q, const struct quarter_sample *sample)
{
        int64_t now[QUARTER_N_COUNTERS], slot = sample->time / QUARTER_SECONDS;
        int broken;

        complete(q, sample, now);
        broken = why_broken(q, sample, now);
        if (broken) {
                close_without_counters(q, slot);
                emit_gap(q, broken, sample, now);
        } else {
                close_on_line(q, slot, sample, now);
        }
        keep_pending(q, slot);
        q->has_last = true;
        q->last_time = sample->time;
        memcpy(q->last, now, sizeof(q->last));
}

/* The quarter that is open, made when it is not there yet. */
static struct quarter_pending *open_slot(struct quarter *q, int64_t slot)
{
        if (q->n_pending > 0 && q->pending[q->n_pending - 1].slot == slot)
                return &q->pending[q->n_pending - 1];
        /* No counter for so long: those that wait will not get one. */
        if (q->n_pending == ELEMENTSOF(q->pending)) {
                close_without_counters(q, slot);
                q->n_pending = 0;
        }
        q->pending[q->n_pending] = (struct quarter_pending){ .slot = slot };
        return &q->pending[q->n_pending++];
}

void quarter_feed(struct quarter *q, const struct quarter_sample *sample)
{
        struct quarter_pending *open;

        if (sample->time < 0)
                return;
        if (sample->is_since && sample->tariff) /* of the quarter that ends here, not the next */
                open_slot(q, MAX(sample->time - 1, 0) / QUARTER_SECONDS)->tariff = sample->tariff;
        if (has_counter(sample))
                take_counters(q, sample);
        if (sample->is_since && !sample->has_power)
                return;
        open = open_slot(q, sample->time / QUARTER_SECONDS);
        if (sample->tariff && !sample->is_since)
                open->tariff = sample->tariff;
        if (!sample->has_power)
                return;
        power_add(&open->power, sample->power);
        add_minute(q, sample);
}
