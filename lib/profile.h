/* SPDX-License-Identifier: MIT */
/*
 * A profile is what we know of one meter family, as data: its line, the scales it does not send,
 * its positional lists. One const struct meter_profile per file in lib/profiles/.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "axdr.h"
#include "obis.h"
#include "quantity.h"
#include "telegram.h"

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

/*
 * How the values of one quantity are scaled where the telegram does not say. The first row that
 * fits counts. `alternative` is for families that send both: it is taken when `exponent` gives a
 * voltage that no network has, or currents that contradict the powers of the same telegram.
 */
struct profile_scale {
        uint8_t c, d; /* of the OBIS code; c without its phase (11 current, 12 voltage) */
        int8_t exponent;
        int8_t alternative;      /* the same as exponent: there is none */
        const char *type_suffix; /* only where 96.1.1 ends like this; NULL: always */
};

enum item_kind {
        ITEM_READING,
        ITEM_TEXT,
        ITEM_TIME, /* a COSEM date-time, or the date or time part of one */
        ITEM_LIST_ID,
        ITEM_SKIP, /* meaning unknown: not reported */
};

/* One place of a positional list. `tag` and `len` make up the shape that selects the list. */
struct profile_item {
        enum item_kind kind;
        uint8_t tag; /* enum axdr_tag */
        uint8_t len; /* of strings; 0: any */
        struct obis obis;
        int8_t exponent;
        enum unit unit; /* UNIT_UNKNOWN: by the quantity table */
};

struct profile_list {
        const char *name;    /* for messages: "AM550 SI, 18 values" */
        const char *list_id; /* first element, or NULL: selected by shape */
        const struct profile_item *items;
        size_t n_items;
};

struct meter_profile {
        const char *name;         /* "lgz-e450" */
        const char *model;        /* "Landis+Gyr E450" */
        const char *manufacturer; /* "LGZ" */
        const char *medium;       /* "electricity" */
        struct serial_line line;  /* its usual line */
        int64_t max_power_w;      /* beyond this an energy register has risen too fast */
        uint16_t interval_s;      /* the usual time between telegrams */
        const struct profile_scale *scales;
        size_t n_scales;
        const struct profile_list *lists;
        size_t n_lists;
        /* Points that say this telegram is of this family; the highest wins, 0 is no claim. */
        unsigned int (*claims)(const struct telegram *t);
};

extern const struct meter_profile *const profile_table[]; /* ends with NULL */

/* By name, or NULL. */
const struct meter_profile *profile_find(const char *name);

/* The profile that claims an otherwise complete telegram with most points; NULL when none does. */
const struct meter_profile *profile_match(const struct telegram *t);

/* Points for a positional list of this profile; 0 when t fitted none of them. */
unsigned int profile_owns_list(const struct meter_profile *profile, const struct telegram *t);

/* How a profile file writes its lists: one row per place on the wire. */
#define PROFILE_READING(tag_, a, b, c, d, e, exponent_)                                   \
        {                                                                                 \
                .kind = ITEM_READING, .tag = (tag_), .obis = OBIS_OF(a, b, c, d, e, 255), \
                .exponent = (exponent_), .unit = UNIT_UNKNOWN                             \
        }
#define PROFILE_TEXT(len_, a, b, c, d, e)                                   \
        {                                                                   \
                .kind = ITEM_TEXT, .tag = AXDR_OCTET_STRING, .len = (len_), \
                .obis = OBIS_OF(a, b, c, d, e, 255)                         \
        }
#define PROFILE_STATE(tag_, a, b, c, d, e)                                            \
        {                                                                             \
                .kind = ITEM_TEXT, .tag = (tag_), .obis = OBIS_OF(a, b, c, d, e, 255) \
        }
#define PROFILE_TIME                                                   \
        {                                                              \
                .kind = ITEM_TIME, .tag = AXDR_OCTET_STRING, .len = 12 \
        }
#define PROFILE_LIST_ID                                        \
        {                                                      \
                .kind = ITEM_LIST_ID, .tag = AXDR_OCTET_STRING \
        }
#define PROFILE_SKIP(tag_, len_)                                \
        {                                                       \
                .kind = ITEM_SKIP, .tag = (tag_), .len = (len_) \
        }
/* In PROFILE_READING and PROFILE_SKIP: any integer type. Firmware widens registers as they grow. */
#define PROFILE_NUMBER AXDR_NULL
