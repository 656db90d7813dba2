/* SPDX-License-Identifier: MIT */
/*
 * The scales of a meter. Where a telegram does not send them, one scale per quantity stands, on
 * evidence over several telegrams, and is remembered; until then a number that may mean two things
 * has no unit. The gain of an energy register is compared with the power of the same telegrams over
 * the same time:
 *
 *      gained ÷ ∫ power      near 1: the scale is right      near 10, 0.1 …: it is wrong
 *
 * Only while one direction flows: a meter that counts each phase by itself gains import and export
 * at once, ten times as much as the power of all phases makes of either. A register that is
 * contradicted throughout an hour of load, by nearly a power of ten, is shown by the measured
 * scale.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/value/reading.h"

#define SCALE_MEMORY_MAX      8 /* voltage, current, energy, and more than any profile asks for */
#define SCALE_MEMORY_TEXT_MAX (SCALE_MEMORY_MAX * 16)

/* The scale remembered of one quantity: its group C without phase, its group D. */
struct scale_entry {
        uint8_t c, d;
        int8_t exponent;
        enum scale_source source; /* SCALE_CANDIDATE, SCALE_EVIDENT, SCALE_MEASURED */
        uint8_t n_against;        /* telegrams in a row that say otherwise; not stored */
        uint64_t against;         /* the last of them */
        int8_t likely;    /* the exponent that telegrams in a row took for likely; not stored */
        uint8_t n_likely; /* how many, each at another load */
        int64_t likely_last, likely_least, likely_most; /* numbers as sent in them */
        uint64_t likely_sequence;                       /* the telegram that was asked last */
};

struct scale_memory {
        struct scale_entry entries[SCALE_MEMORY_MAX];
        size_t n;
};

enum scale_state {
        SCALE_UNPROVED,
        SCALE_PROVED,       /* energy agrees with power */
        SCALE_CONTRADICTED, /* it does not: see shift */
};

/* The comparison of one direction: 1.8.0 with 1.7.0, 2.8.0 with 2.7.0. */
struct scale_proof {
        enum scale_state state;
        int8_t shift; /* what has to be added to the exponent of the energy to agree */
        bool running;
        uint64_t power_mono_usec, contradicted_usec;
        int64_t power_w;
        int64_t watt_ms; /* the integral since `begin` */
        uint64_t load_usec;
        struct decimal begin;             /* the register at the start of the comparison */
        struct decimal last, other_begin; /* it, as it came last; the other direction's at start */
        bool has_last, has_other;         /* whether there are such */
        int64_t gained_mwh, expected_mwh; /* since it was first contradicted by this shift */
};

struct meter_scales {
        struct scale_memory memory;
        uint64_t sequence;            /* of the telegram that is being read */
        struct scale_proof proofs[2]; /* import, export */
        bool changed;                 /* since it was last asked: to be stored and logged */
};

/* Gives a reading that has no scale from the wire or the configuration the remembered one. */
void meter_scales_apply(struct meter_scales *scales, struct reading *reading);

/* One telegram's powers and energies, import and export, as telegrams come; all may be NULL. */
void meter_scales_compare(struct meter_scales *scales, const struct reading *const powers[static 2],
                          const struct reading *const energies[static 2], uint64_t mono_usec);

/*
 * True when a register of this direction has been contradicted throughout an hour of load:
 * *ret_shift is to be added to the exponents of its held values, and the memory has
 * the new scale, for an energy that was last shown as `energy`.
 */
bool meter_scales_replace(struct meter_scales *scales, size_t direction,
                          const struct reading *energy, int8_t *ret_shift);

/* "1.8=1m 11.7=-3e": for a store; and back, -EINVAL when it is none. */
void scale_memory_print(const struct scale_memory *memory, char buf[static SCALE_MEMORY_TEXT_MAX]);
int scale_memory_parse(const char *text, struct scale_memory *ret);
