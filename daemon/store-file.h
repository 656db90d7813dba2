/* SPDX-License-Identifier: MIT */
/*
 * The file behind store.c: opening it means making its tables, checking every page, and being
 * strict about who may read it. Internal to the store.
 */
#pragma once

#include <sqlite3.h>

/* *ret: owned (sqlite3_close()). -EBADMSG: this file cannot be used, another would do. */
int store_file_open(const char *path, sqlite3 **ret);
/* Renames it, and what lies beside it, to *.corrupt. */
int store_file_put_aside(const char *path);

/* SQLite's result as 0 or -errno. */
int store_file_errno(int rc);
