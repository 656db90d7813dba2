/* SPDX-License-Identifier: MIT */
/* What our SQLite files share: opening, statements, transactions, results as errno. Files hold
 * their own SQL, and take columns and bind values with sqlite3_…() themselves. */
#pragma once

#include <sqlite3.h>

#include "util.h"

DEFINE_OWNED(database, sqlite3 *, sqlite3_close);
DEFINE_OWNED(statement, sqlite3_stmt *, sqlite3_finalize);

/*
 * A result code as 0 or -errno: -EBADMSG for a file that is damaged or no database, -ENOSPC,
 * -EROFS, -EACCES (cannot be opened), -EBUSY (another process holds it), -ENOMEM, else -EIO.
 */
int database_errno(int code);

/* Makes the file, 0600, if it is missing: SQLite would leave who may read it to the umask. No link
 * is followed. -errno of open(). */
int database_create(const char *path);
/* Opens it with `flags` (SQLITE_OPEN_…), for one thread at a time. *ret is owned also on failure,
 * whose code it has (sqlite3_errcode()). */
int database_open(const char *path, int flags, sqlite3 **ret);

/* Statements without results. */
int database_execute(sqlite3 *db, const char *sql);
int database_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret);
/* For a statement that is kept as long as the file. */
int database_prepare_kept(sqlite3 *db, const char *sql, sqlite3_stmt **ret);
/* 1: there is a row, 0: no more rows, -errno. Values that could not be bound show here. */
int database_step(sqlite3_stmt *s);
/* The one step of a statement without rows; it can be bound and run again. */
int database_run(sqlite3_stmt *s);

/* Takes the lock for writing at once. */
int database_begin(sqlite3 *db);
/* Ends a transaction in which `r` happened: committed when it is not negative and the commit
 * succeeds, else rolled back. Returns the first failure. */
int database_end(sqlite3 *db, int r);
/* Nothing where no transaction is open: SQLite ends some by itself. */
void database_rollback(sqlite3 *db);

/* PRAGMA user_version, 0 in an empty file. */
int database_version(sqlite3 *db, int *ret);
/* -EBADMSG when a page is damaged: asked at once, it would show up months later within a write. */
int database_check(sqlite3 *db);
