/* SPDX-License-Identifier: MIT */
/*
 * The tariff that counts now: by the meter's own indicator, else by the tariff register that last
 * advanced, else by slots of local time. Labels ("HP", "HC") are the user's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/value/reading.h"

#define TARIFF_MAX       8
#define TARIFF_SLOTS_MAX 64
#define TARIFF_LABEL_MAX 32

enum tariff_source {
        TARIFF_SOURCE_NONE,
        TARIFF_SOURCE_INDICATOR, /* 0-0:96.14.0, or PTEC, NTARF of TIC */
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
        bool has_price[TARIFF_MAX];
        double price[TARIFF_MAX]; /* of a kWh drawn, in `currency` */
        char currency[4];         /* of ISO 4217: "CHF"; "": not given */
};

struct tariff {
        const struct tariff_settings
                *settings; /* borrowed from whoever configured it; may be NULL */
        enum tariff_source source;
        uint8_t active;      /* 1..8, 0: not known yet */
        uint64_t since_usec; /* host wall time; where it was found so at the start: of the start */
        uint64_t next_usec;  /* next switch by schedule; 0: not known */
        /* Registers as last seen: import [0], export [1]. */
        bool seen[2][TARIFF_MAX];
        struct decimal last[2][TARIFF_MAX];
        uint64_t registers_usec; /* when registers were last seen; 0: never */
        uint64_t recheck_usec;   /* until then next_usec holds */
};

/* New settings, borrowed; NULL: none. The active tariff stays until another one is seen. */
void tariff_configure(struct tariff *tariff, const struct tariff_settings *settings);

/*
 * Reads one Slot= line: the tariff, then weekdays, dates, times, each optional, not all missing.
 *      1 Mon..Fri 07:00-20:00
 *      1 Sat,Sun 07:00-13:00,17:00-19:00
 *      2 *-01-01,*-08-01,2026-04-03          the whole day
 *      2 22:00-06:00                         every day, past midnight
 * Weekday and date are those on which the slot begins. Appends one slot per date and time range.
 * -EINVAL with *ret_fault in words (static storage), -ENOSPC beyond TARIFF_SLOTS_MAX; then nothing
 * was appended.
 */
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

/*
 * One telegram: its indicator, and the readings the meter took from it (suspect ones left out), of
 * which the tariff registers count. Returns true when the active tariff or its source changed.
 *
 * The first sight of a register only teaches. When several registers of a direction advanced since
 * the last telegram, and that was within the hour, the tariff has just switched to the one that was
 * not active; after a longer gap the next Wh decides.
 */
struct telegram;
bool tariff_update(struct tariff *tariff, const struct telegram *telegram,
                   const struct reading *const accepted[], size_t n_accepted, uint64_t host_usec,
                   const struct tariff_zone *zone);

/*
 * Schedule only, when no telegram comes. Returns true when the active tariff or its source changed.
 * In the hour that is lost or comes twice the slot follows the clock on the wall.
 */
bool tariff_tick(struct tariff *tariff, uint64_t host_usec, const struct tariff_zone *zone);

/* The label of the active tariff, its digit where no label is set, "" when it is not known. */
const char *tariff_label(const struct tariff *tariff);

/* "indicator", "register", "schedule", "none". */
const char *tariff_source_name(enum tariff_source source);
