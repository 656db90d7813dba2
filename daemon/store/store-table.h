/* SPDX-License-Identifier: MIT */
/*
 * Rows of state.db as they stand in memory. All tables have one shape: a text as key, then columns
 * of text or bytes. A new table is one struct store_table, listed in store-table.c, and the
 * functions that turn its rows into values; only they know its columns.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "store.h"

#define STORE_COLUMNS_MAX 8
#define STORE_TABLES_MAX  8

struct store_table {
        const char *name;
        bool any_case; /* keys that differ in case alone are one key */
        /* The key first; each column has its SQL type and constraints. */
        const char *columns[STORE_COLUMNS_MAX + 1], *types[STORE_COLUMNS_MAX];
};

/* One column of a row. data NULL: SQL's NULL. Texts end with a NUL that len leaves out. */
struct store_value {
        const void *data;
        size_t len;
        bool is_blob;
};

struct store_row {
        const struct store_table *table;
        bool dirty; /* the file has another value, or is about to get this one */
        bool gone;  /* deleted here, and in the file as soon as it is not dirty any more */
        struct store_value values[]; /* one per column; they point behind the last */
};

extern const struct store_table store_table_converter, store_table_framing, store_table_keys,
        store_table_meter, store_table_scale, store_table_title, store_table_retained;
/* NULL behind the last. */
extern const struct store_table *const store_tables[];

/* A copy that owns its values; NULL: no memory. */
struct store_row *store_row_new(const struct store_table *table, const struct store_value *values);
/* Values are overwritten: they may be secrets. Returns NULL. */
struct store_row *store_row_free(struct store_row *row);

static inline struct store_value store_text(const char *text)
{
        return (struct store_value){ text, __builtin_strlen(text), false };
}

/* "" where the row has nothing. */
static inline const char *store_row_text(const struct store_row *row, size_t column)
{
        return row->values[column].data ? row->values[column].data : "";
}

/* Cut to `size`: stored values were no longer than that. */
void store_row_copy(const struct store_row *row, size_t column, char *ret, size_t size);

/* ---- of the store: every one of them takes a store that is NULL for one without rows ---- */

/* NULL: there is none. Borrowed until the next change. */
const struct store_row *store_find(const struct store *store, const struct store_table *table,
                                   const char *key);
/* The index-th in the order of the keys; NULL behind the last. */
const struct store_row *store_at(const struct store *store, const struct store_table *table,
                                 size_t index);
/* When it is to be on the disk. */
enum store_when {
        STORE_NOW,    /* as soon as the disk takes it */
        STORE_SOON,   /* with other changes within 200 ms */
        STORE_SOMEDAY /* within the hour, with the next that must, or at an orderly stop */
};
/* The row with this key is now this one. `values` are copied. -ENOMEM: nothing changed. */
int store_put(struct store *store, const struct store_table *table,
              const struct store_value *values, enum store_when when);
/* 1: it was there; 0: not. */
int store_delete(struct store *store, const struct store_table *table, const char *key);
