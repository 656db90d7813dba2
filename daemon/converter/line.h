/* SPDX-License-Identifier: MIT */
/*
 * Which line the meter speaks: candidates in the order of smartmeterd.conf(5), and whether one of
 * them is to be rejected for what arrives at it. Pure: bytes, errors and time come in as numbers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/profile/profile.h"

#define LINE_CANDIDATES_MAX 10 /* learned, the profile's, and seven usual ones */

struct line_sweep {
        struct serial_line candidates[LINE_CANDIDATES_MAX];
        size_t n, at;
        size_t tried;    /* candidates left behind since the beginning */
        bool bytes_seen; /* at any of them: the meter is there, it is only the line */
        uint64_t begun_usec, timeout_usec;
};

/* Either may be NULL. `timeout_usec` is DetectTimeout. */
void line_sweep_begin(struct line_sweep *sweep, const struct serial_line *learned,
                      const struct serial_line *profile, uint64_t timeout_usec, uint64_t now_usec);
/* A sweep over one line only: Line= is configured. */
void line_sweep_fixed(struct line_sweep *sweep, const struct serial_line *line,
                      uint64_t timeout_usec, uint64_t now_usec);
const struct serial_line *line_sweep_get(const struct line_sweep *sweep);
/* The next candidate, the first again after the last. */
void line_sweep_advance(struct line_sweep *sweep);
/* Everything was tried for long enough: there is no meter. */
bool line_sweep_is_over(const struct line_sweep *sweep, uint64_t now_usec);

/* What arrived since the candidate was set. */
struct line_evidence {
        uint64_t since_usec;                      /* when it was set */
        uint64_t first_byte_usec, last_byte_usec; /* 0: none yet */
        uint64_t bytes, line_errors;
        unsigned int whole_bursts; /* bytes between two silences, without a frame in them */
};

enum line_result {
        LINE_WAIT,
        LINE_REJECT,
};

/* A frame whose check sum holds accepts without asking here. */
enum line_result line_assess(const struct line_sweep *sweep, const struct line_evidence *evidence,
                             uint64_t now_usec);
/* When to assess again though nothing arrives: monotonic µs. */
uint64_t line_deadline(const struct line_sweep *sweep, const struct line_evidence *evidence,
                       uint64_t now_usec);
