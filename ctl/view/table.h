/* SPDX-License-Identifier: MIT */
/*
 * Tables over libsmartcols: as wide as the terminal, long columns cut there and only there, with a
 * mark where they were cut, colours by the rules of output.h. In a pipe every cell is whole.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/util.h"
#include "output.h"

struct table;

enum column_flags {
        COLUMN_RIGHT = 1, /* numbers */
        COLUMN_CUT = 2,   /* may be cut when the terminal is too narrow */
};

struct column {
        const char *title; /* marked for translation */
        unsigned int flags;
        size_t min_width; /* the table drops this column below that many columns; 0: never */
};

/* Owned by the caller. NULL when out of memory. */
struct table *table_new(const struct column *columns, size_t n_columns);
struct table *table_free(struct table *table);

/* A new line; its cells are set by column number. The text is copied; NULL prints "-". */
void table_line(struct table *table);
void table_cell(struct table *table, size_t column, const char *text);
void table_cell_styled(struct table *table, size_t column, const char *text, enum style style);

/* Prints it and returns how many lines it had. */
size_t table_print(struct table *table);

DEFINE_OWNED(table, struct table *, table_free);
