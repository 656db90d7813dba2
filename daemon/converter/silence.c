/* SPDX-License-Identifier: MIT */
/* When a converter has fallen silent, and what is tried. */
#include "silence.h"

#include "base/util.h"

#define USEC              UINT64_C(1000000)
#define LIMIT_MIN_USEC    (15 * USEC)
#define LIMIT_FIRST_USEC  (60 * USEC) /* before an interval is known */
#define INTERVALS         3
#define INTERVAL_CAP_USEC (2 * 3600 * USEC) /* the slowest push that utilities configure: 1 h */
#define RESET_PAUSE_USEC  (600 * USEC)
/* The drivers have no way to keep a tty over a reset: "remove" and "add" follow at once. */
#define RESET_REPLUG_USEC (10 * USEC)

/* A pause that was taken for a silence, and is as long as the one before it, is the interval. */
static bool is_regular(const struct silence *silence, uint64_t pause_usec)
{
        uint64_t before = silence->odd_usec;

        return before != 0 && MAX(before, pause_usec) - MIN(before, pause_usec) <= before / 4;
}

void silence_ended(struct silence *silence, uint64_t pause_usec)
{
        uint64_t fading = silence->interval_usec - silence->interval_usec / 8;

        if (silence->tried == SILENCE_NOTHING) { /* forgotten slowly: one does not stay for ever */
                silence->interval_usec = MIN(MAX(pause_usec, fading), INTERVAL_CAP_USEC);
                silence->odd_usec = 0;
        } else {
                if (is_regular(silence, pause_usec))
                        silence->interval_usec = MIN(pause_usec, INTERVAL_CAP_USEC);
                silence->odd_usec = pause_usec;
        }
        silence->tried = SILENCE_NOTHING;
}

void silence_forget(struct silence *silence)
{
        silence->tried = SILENCE_NOTHING;
}

uint64_t silence_limit(const struct silence *silence)
{
        return silence->interval_usec == 0
                       ? LIMIT_FIRST_USEC
                       : MAX(INTERVALS * silence->interval_usec, LIMIT_MIN_USEC);
}

uint64_t silence_deadline(const struct silence *silence, uint64_t last_byte_usec)
{
        if (silence->tried == SILENCE_SILENT)
                return UINT64_MAX;
        return MAX(last_byte_usec, silence->from_usec) + silence_limit(silence);
}

enum silence_step silence_next(struct silence *silence, uint64_t now, uint64_t last_byte_usec,
                               bool may_reset)
{
        bool rested = silence->reset_usec == 0 || now - silence->reset_usec >= RESET_PAUSE_USEC;

        if (now < silence_deadline(silence, last_byte_usec))
                return SILENCE_NOTHING;
        silence->from_usec = now;
        if (silence->tried == SILENCE_NOTHING) {
                silence->tried = SILENCE_REOPEN;
        } else if (silence->tried == SILENCE_REOPEN && may_reset && rested) {
                silence->tried = SILENCE_USB_RESET;
                silence->reset_usec = now;
        } else {
                silence->tried = SILENCE_SILENT;
        }
        return silence->tried;
}

void silence_reset_failed(struct silence *silence)
{
        silence->tried = SILENCE_SILENT;
}

bool silence_outlives_unplug(const struct silence *silence, uint64_t now)
{
        return silence->tried == SILENCE_USB_RESET && now - silence->reset_usec < RESET_REPLUG_USEC;
}
