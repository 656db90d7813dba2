/* SPDX-License-Identifier: MIT */
/*
 * The file behind store.c: opening it means making its tables, checking every page, and being
 * strict about who may read it. Internal to the store, and called on its thread alone.
 */
#pragma once

#include "store-table.h"

struct store_file;

/* Rows that were read: owned, store_rows_free(). */
struct store_rows {
        struct store_row **rows;
        size_t n;
};
void store_rows_free(struct store_rows *rows);

/* Takes the rows over, as soon as they are read: a new file is made after that. */
typedef void (*store_file_read_t)(struct store_rows *rows, void *userdata);

/*
 * Makes the directory (0700) and the file where they are missing. *ret_aside: the file could not be
 * used and is now *.corrupt; then `read` may be called twice. -errno.
 */
int store_file_open(const char *directory, store_file_read_t read, void *userdata,
                    struct store_file **ret, bool *ret_aside);
struct store_file *store_file_free(struct store_file *file);

/* All in one transaction: rows that are gone are deleted, the others take their places. -EBADMSG:
 * this file cannot be used any more. */
int store_file_write(struct store_file *file, struct store_row *const *rows, size_t n);
/* Renames it, and its journals beside it, to *.corrupt. It must be closed. */
int store_file_put_aside(const char *directory);
