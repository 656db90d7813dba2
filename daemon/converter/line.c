/* SPDX-License-Identifier: MIT */
/* Line detection: the order of the candidates and when one is left. */
#include "line.h"

#include "base/util.h"

/* The longest telegram seen takes 1.5 kB: two of them without a frame. */
#define LINE_BYTES_MAX 3072
/* Half of all bytes are damaged at a wrong parity, nearly all at a wrong speed. */
#define LINE_ERRORS_MIN   8
#define LINE_ERRORS_SHARE 8
/* Whole bursts without a frame; the first candidate worked last, so noise gets a second. */
#define LINE_BURSTS_MAX 2
/* At the right line a telegram takes up to 3 s (2400 baud) and comes each 10 s at the latest. */
#define LINE_FRAME_WAIT_USEC (20 * 1000000ULL)
/* Bytes came, and then silence: some meters send once a minute. */
#define LINE_PATIENCE_USEC (75 * 1000000ULL)
#define LINE_OVERTIME      3

static const struct serial_line usual_lines[] = {
        { 2400, 8, PARITY_EVEN, 1 },   { 2400, 8, PARITY_NONE, 1 },  { 9600, 8, PARITY_NONE, 1 },
        { 115200, 8, PARITY_NONE, 1 }, { 38400, 8, PARITY_NONE, 1 }, { 9600, 7, PARITY_EVEN, 1 },
        { 115200, 7, PARITY_EVEN, 1 },
};

static void add(struct line_sweep *sweep, const struct serial_line *line)
{
        for (size_t i = 0; i < sweep->n; i++)
                if (serial_line_equal(&sweep->candidates[i], line))
                        return;
        if (sweep->n < ELEMENTSOF(sweep->candidates))
                sweep->candidates[sweep->n++] = *line;
}

void line_sweep_begin(struct line_sweep *sweep, const struct serial_line *learned,
                      const struct serial_line *profile, uint64_t timeout_usec, uint64_t now_usec)
{
        *sweep = (struct line_sweep){ .begun_usec = now_usec, .timeout_usec = timeout_usec };
        if (learned)
                add(sweep, learned);
        if (profile)
                add(sweep, profile);
        for (size_t i = 0; i < ELEMENTSOF(usual_lines); i++)
                add(sweep, &usual_lines[i]);
}

void line_sweep_fixed(struct line_sweep *sweep, const struct serial_line *line,
                      uint64_t timeout_usec, uint64_t now_usec)
{
        *sweep = (struct line_sweep){ .begun_usec = now_usec, .timeout_usec = timeout_usec };
        add(sweep, line);
}

const struct serial_line *line_sweep_get(const struct line_sweep *sweep)
{
        return &sweep->candidates[sweep->at];
}

void line_sweep_advance(struct line_sweep *sweep)
{
        sweep->at = (sweep->at + 1) % sweep->n;
        sweep->tried++;
}

/* Each candidate's share of the time, so that a sweep over a silent line ends when it should. */
static uint64_t dwell(const struct line_sweep *sweep)
{
        uint64_t share = sweep->timeout_usec / sweep->n;

        return sweep->bytes_seen ? MAX(share, LINE_PATIENCE_USEC) : share;
}

/* Silence that long at one candidate speaks against it. */
static uint64_t quiet_end(const struct line_sweep *sweep, const struct line_evidence *e)
{
        return (e->last_byte_usec != 0 ? e->last_byte_usec : e->since_usec) + dwell(sweep);
}

bool line_sweep_is_over(const struct line_sweep *sweep, uint64_t now_usec)
{
        uint64_t elapsed = now_usec - sweep->begun_usec;

        if (sweep->n == 1 || elapsed < sweep->timeout_usec)
                return false; /* a configured line is not given up: there is nothing else to try */
        return !sweep->bytes_seen || sweep->tried >= sweep->n ||
               elapsed >= LINE_OVERTIME * sweep->timeout_usec;
}

enum line_result line_assess(const struct line_sweep *sweep, const struct line_evidence *evidence,
                             uint64_t now_usec)
{
        const struct line_evidence *e = evidence;

        if (sweep->n == 1)
                return LINE_WAIT;
        if (e->line_errors >= LINE_ERRORS_MIN &&
            e->line_errors * LINE_ERRORS_SHARE >= e->bytes + e->line_errors)
                return LINE_REJECT;
        if (e->bytes >= LINE_BYTES_MAX)
                return LINE_REJECT;
        if (e->whole_bursts >= (sweep->tried == 0 ? LINE_BURSTS_MAX : 1))
                return LINE_REJECT;
        if (e->last_byte_usec - e->first_byte_usec >= LINE_FRAME_WAIT_USEC)
                return LINE_REJECT;
        return now_usec >= quiet_end(sweep, e) ? LINE_REJECT : LINE_WAIT;
}

uint64_t line_deadline(const struct line_sweep *sweep, const struct line_evidence *evidence,
                       uint64_t now_usec)
{
        uint64_t over = sweep->begun_usec + sweep->timeout_usec;

        if (sweep->n == 1)
                return UINT64_MAX;
        if (over <= now_usec) /* the patience of line_sweep_is_over() */
                over = MAX(sweep->begun_usec + LINE_OVERTIME * sweep->timeout_usec, now_usec + 1);
        return MIN(quiet_end(sweep, evidence), over);
}
