/* SPDX-License-Identifier: MIT */
/*
 * A profile is what we know of one meter family, as data: how it is recognised, its line, the
 * scales it does not send, its positional lists. It is written as a file (docs/new-meter.md); the
 * shipped ones are built in as text and read by the same parser as those of the administrator.
 *
 * A set holds profiles by name. It is owned by the program and lent to its decoders.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/value/axdr.h"
#include "lib/value/decimal.h"
#include "lib/value/obis.h"
#include "lib/value/quantity.h"
#include "lib/value/telegram.h"

enum serial_parity {
        PARITY_NONE,
        PARITY_EVEN,
        PARITY_ODD,
};

/* "2400 8E1". */
struct serial_line {
        uint32_t baud;
        uint8_t bits;
        enum serial_parity parity;
        uint8_t stop;
};

#define SERIAL_LINE_TEXT_MAX 16

/* Reads "2400 8E1" or "2400,8E1". -EINVAL when it is none. */
int serial_line_parse(const char *text, struct serial_line *ret);
/* Prints "2400 8E1"; returns `buf`. */
char *serial_line_print(const struct serial_line *line, char buf[static SERIAL_LINE_TEXT_MAX]);
bool serial_line_equal(const struct serial_line *a, const struct serial_line *b);

/* Possible values: "207..253", "100A" (0 to 100, whatever its sign), "80kW". In base units. */
struct profile_range {
        bool given;
        struct decimal least, most;
        double low, high; /* the same, for what is asked of every telegram */
};

#define PROFILE_CANDIDATES_MAX 4
#define PROFILE_ITEMS_MAX      64 /* places of a list; the longest known has 33 */

/*
 * How the values of one quantity are scaled where the telegram does not say. The first row that
 * fits counts. Several exponents are candidates: which one holds for a meter is decided on
 * evidence; the first is the usual one.
 */
struct profile_scale {
        char kind;    /* U I P Q S E F A as in profile_kind_of(); 0: by code */
        uint8_t c, d; /* of the code; c without its phase */
        int16_t e;    /* -1: any */
        int8_t exponents[PROFILE_CANDIDATES_MAX];
        uint8_t n_exponents;
        uint32_t wanted, mask; /* of profile_scale_code(), so that finding a row is cheap */
};

/* Kind, c without its phase, d, e as one number. */
static inline uint32_t profile_scale_code(char kind, uint8_t c, uint8_t d, uint8_t e)
{
        return (uint32_t)(uint8_t)kind << 24 | (uint32_t)c << 16 | (uint32_t)d << 8 | e;
}

enum item_kind {
        ITEM_READING,
        ITEM_TEXT,    /* an identifier or a state */
        ITEM_TIME,    /* a COSEM date-time */
        ITEM_DATE,    /* the date part of one, 5 bytes */
        ITEM_CLOCK,   /* the time part of one, 4 bytes */
        ITEM_LIST_ID, /* must be the list's id */
        ITEM_SKIP,    /* meaning unknown: not reported */
};

#define PROFILE_NUMBER AXDR_NULL /* any integer: firmware widens registers as they grow */
#define PROFILE_ANY    0xfe      /* any value at all */

/* One place of a positional list. */
struct profile_item {
        enum item_kind kind;
        uint8_t tag; /* enum axdr_tag, PROFILE_NUMBER or PROFILE_ANY */
        uint8_t len; /* of strings; 0: any */
        struct obis obis;
        int8_t exponent;
        enum unit unit; /* UNIT_UNSAID: by the quantity table */
        struct profile_range range;

        /* Worked out of the above when the profile was read, for lists are weighed all the time. */
        char measures;       /* profile_kind_of() */
        bool bounded;        /* what it measures has a range, of its own or of the profile */
        int64_t least, most; /* of the number as sent */
        bool signless;       /* the range is of its size */
};

/* A value's name in the program that this one replaces, where the quantity table has another. */
struct profile_topic {
        uint8_t c, d, e;
        const char *name; /* "REACTIVE_ENERGY_P" */
        bool radian;      /* it turned degrees into radian */
};

struct meter_profile;

struct profile_list {
        const struct meter_profile *owner; /* set when the profile was read */
        const char *name;                  /* for messages: "Slovenia, 18 values" */
        const char *id;                    /* pattern of the list id, or NULL */
        struct profile_item *items;
        size_t n_items;
        bool open; /* any number of values may follow */
};

enum profile_clock {
        PROFILE_CLOCK_WIRE,     /* the offset is as sent */
        PROFILE_CLOCK_LOCAL,    /* local time, whatever offset is sent */
        PROFILE_CLOCK_STANDARD, /* standard time all year, whatever offset is sent */
        PROFILE_CLOCK_UTC,
};

/* [match]: each fact that holds gives its weight, one that contradicts excludes. */
struct profile_match {
        const char *list_id;  /* patterns, separated by blanks; NULL: not asked */
        const char *makers;   /* FLAG ids */
        const char *ident;    /* patterns of the identification of a text telegram */
        const char *framings; /* names */
        bool has_push;
        uint8_t push_least, push_most; /* group B of the push object */
        const char *layout;            /* as in struct telegram_hints */
        uint8_t registers;             /* 32 or 64 bits; 0: not asked */
        bool title;                    /* only with a system title */
        bool own_list;                 /* only where one of its lists fitted */
        uint8_t least;                 /* fewer points are no claim */
};

struct meter_profile {
        const char *name;              /* "lgz-e450" */
        const char *model;             /* "Landis+Gyr E450" */
        const char *model_name;        /* "E450" */
        const char *manufacturer;      /* "LGZ" */
        const char *manufacturer_name; /* "Landis+Gyr" */
        const char *medium;            /* "electricity" */
        struct serial_line line;       /* its usual line; baud 0: none given */
        int64_t max_power_w;           /* beyond this an energy register has risen too fast */
        uint16_t interval_s;           /* the usual time between telegrams */
        enum profile_clock clock;
        const char *ask; /* how it is asked; NULL: it sends by itself */
        struct profile_range power, voltage, current, frequency;
        struct profile_match match;
        struct profile_scale *scales;
        size_t n_scales;
        uint8_t scale_of[QUANTITIES_MAX]; /* of quantity_index(): 1 + the row that scales it, 0:
                                             none */
        struct profile_list *lists;
        size_t n_lists;
        uint64_t list_sizes; /* bit n % 64: it has a list of n values; all bits: or of any number */
        struct profile_topic *topics;
        size_t n_topics;
        const char *connection, *encryption, *ask_for; /* for people */
};

struct profile_set;

/* Gets the faults in a profile's text. */
struct profile_reporter {
        void (*report)(void *userdata, const char *file, unsigned int line, bool warning,
                       const char *message);
        void *userdata;
};

/* A set with the built-in profiles. Owned by the caller. -ENOMEM. */
int profile_set_new(struct profile_set **ret);
/* The same in two steps: they are read when that is convenient, and before any other. A set that
 * has them stays as it is. -ENOMEM: then call it again, or free the set. */
struct profile_set *profile_set_new_empty(void);
int profile_set_add_builtin(struct profile_set *set);
struct profile_set *profile_set_free(struct profile_set *set);

/*
 * Adds the profile that `text` describes; `file` is for messages and for "where from". One of the
 * same name is replaced. -EINVAL when there is an error: then nothing was added, and `reporter`
 * (may be NULL) was called. -ENOMEM.
 */
int profile_set_add(struct profile_set *set, struct slice text, const char *file,
                    const struct profile_reporter *reporter);

/*
 * Makes `set` hold what `from` holds, and frees `from`. Profiles whose text and file are the same
 * stay where they are; others are kept aside until `set` is freed, because meters point at them.
 * True when anything changed.
 */
bool profile_set_take(struct profile_set *set, struct profile_set *from);

/* By name, or NULL. Lives as long as the set. */
const struct meter_profile *profile_set_find(const struct profile_set *set, const char *name);
/* The i-th in the order of reading; NULL past the last. */
const struct meter_profile *profile_set_at(const struct profile_set *set, size_t i);
/* The file it was read from; NULL: built in. *ret_overrides: the file of the one of the same name
 * that it replaced, "" for a built-in one, NULL for none. */
const char *profile_set_origin(const struct profile_set *set, const struct meter_profile *profile,
                               const char **ret_overrides);

/* Counts the changes of a set; the first is 1. */
uint64_t profile_set_generation(const struct profile_set *set);

/* The facts of the last telegram of a line, and its profile: the next one mostly has the same. */
struct profile_memo {
        uint64_t facts, generation;
        const struct meter_profile *profile;
};

/* The profile that claims an otherwise complete telegram with most points; NULL when none does.
 * `memo` is zeroed at first, and goes along with the line; NULL: none. */
const struct meter_profile *profile_set_match(const struct profile_set *set,
                                              const struct telegram *t, struct profile_memo *memo);
/* Points of one profile; 0 is no claim. */
unsigned int profile_points(const struct meter_profile *profile, const struct telegram *t);

/*
 * The kind of a code of electricity: U voltage, I current, P Q S power (active, reactive,
 * apparent), E energy of any of them, F frequency, A power factor; 0 for anything else.
 */
char profile_kind_of(struct obis obis);

/* Looks up once which row scales which quantity, when all rows are read: the next two need it. */
void profile_scales_settle(struct meter_profile *profile);
/* The row that scales a code; NULL when the profile has none. */
const struct profile_scale *profile_find_scale(const struct meter_profile *profile,
                                               struct obis obis);
/* The same of a reading, whose quantity was looked up already. */
const struct profile_scale *profile_scale_of(const struct meter_profile *profile,
                                             const struct reading *reading);
/* The range that the meter can measure of a kind, of a quantity; NULL: the profile does not say. */
const struct profile_range *profile_range_of(const struct meter_profile *profile, char kind);
const struct profile_range *profile_find_range(const struct meter_profile *profile,
                                               struct obis obis);
/* Zero is always possible: a phase that is not connected. */
bool profile_range_holds(const struct profile_range *range, struct decimal value);

/* The row of [datacollector] for this quantity; NULL when the profile (may be NULL) has none. */
const struct profile_topic *profile_find_topic(const struct meter_profile *profile,
                                               struct obis obis);

/* True when `text` fits one of the patterns in `patterns`; '*' stands for any characters. */
bool profile_pattern_fits(const char *patterns, struct slice text);
