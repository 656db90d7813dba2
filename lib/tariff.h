/* SPDX-License-Identifier: MIT */
/*
 * Which tariff counts now: told by the meter's own indicator, else seen from the tariff register
 * that last advanced, else from slots of local time. Labels ("HP", "HC") are the user's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reading.h"

#define TARIFF_MAX       8
#define TARIFF_SLOTS_MAX 64
#define TARIFF_LABEL_MAX 32

enum tariff_source {
        TARIFF_SOURCE_NONE,
        TARIFF_SOURCE_INDICATOR, /* 0-0:96.14.0, or the profile's */
        TARIFF_SOURCE_REGISTER,  /* 1.8.x, else 2.8.x advanced */
        TARIFF_SOURCE_SCHEDULE,
};

/* A slot of local time: `1 Mon..Fri 07:00-20:00`, `2 *-12-25`. Later slots win; ends exclusive. */
struct tariff_slot {
        uint8_t tariff;     /* 1..8 */
        uint8_t weekdays;   /* bit 0 Monday … bit 6 Sunday; 0: every day */
        uint8_t month, day; /* 0: any */
        uint16_t year;      /* 0: any */
        uint16_t from_min;  /* minutes of the day */
        uint16_t to_min;    /* exclusive; ≤ from_min wraps past midnight; 1440 midnight */
};

struct tariff_settings {
        char label[TARIFF_MAX][TARIFF_LABEL_MAX]; /* "" prints the digit */
        struct tariff_slot slots[TARIFF_SLOTS_MAX];
        size_t n_slots;
        uint8_t fallback; /* Default=: outside all slots; 0: none */
};

struct tariff {
        const struct tariff_settings
                *settings; /* borrowed from whoever configured it; may be NULL */
        enum tariff_source source;
        uint8_t active;      /* 1..8, 0: not known yet */
        uint64_t since_usec; /* host wall time */
        uint64_t next_usec;  /* next switch by schedule; 0: not known */
        /* Registers as last seen, mantissas in the smallest unit seen: import [0], export [1]. */
        bool seen[2][TARIFF_MAX];
        struct decimal last[2][TARIFF_MAX];
};

/* Reads `1 Mon..Fri 07:00-20:00`, `1 Sat 07:00-13:00`, `2 *-01-01,*-08-01` (one slot per date).
 * Appends to settings. -EINVAL with *ret_fault in words, -ENOSPC beyond TARIFF_SLOTS_MAX. */
int tariff_slot_parse(struct tariff_settings *settings, const char *text, const char **ret_fault);

/*
 * Civil local time of a host instant and back, handed in because lib/ has no clock and no zone:
 * to_local fills year … second and offset_min; to_epoch gives seconds since 1970.
 */
struct tariff_zone {
        struct datetime (*to_local)(int64_t epoch_s, void *userdata);
        int64_t (*to_epoch)(const struct datetime *local, void *userdata);
        void *userdata;
};

/* The readings and texts of one telegram, and the time. Returns true when the active tariff
 * changed. The first telegram only teaches: nothing has advanced yet. */
struct telegram;
bool tariff_update(struct tariff *tariff, const struct telegram *telegram, uint64_t host_usec,
                   const struct tariff_zone *zone);

/* Schedule only, when no telegram comes. Returns true when the active tariff changed. */
bool tariff_tick(struct tariff *tariff, uint64_t host_usec, const struct tariff_zone *zone);

/* The label of the active tariff, its digit where no label is set, "" when it is not known. */
const char *tariff_label(const struct tariff *tariff);

/* "indicator", "register", "schedule", "none". */
const char *tariff_source_name(enum tariff_source source);
