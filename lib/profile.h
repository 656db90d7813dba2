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

/* How the values of one quantity are scaled where the telegram does not say. */
struct profile_scale {
        uint8_t c, d; /* of the OBIS code; c 0: every c */
        int8_t exponent;
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
