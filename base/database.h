/* SPDX-License-Identifier: MIT */
/* What our SQLite files share: results as errno, and the questions that are asked when one is
 * opened. */
#pragma once

#include <sqlite3.h>

#include "util.h"

DEFINE_OWNED(statement, sqlite3_stmt *, sqlite3_finalize);

/*
 * A result code as 0 or -errno: -EBADMSG for a file that is damaged or no database, -ENOSPC,
 * -EROFS, -EACCES (cannot be opened), -EBUSY (another process holds it), -ENOMEM, else -EIO.
 */
int database_errno(int code);

/* Statements without results. */
int database_execute(sqlite3 *db, const char *sql);
int database_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret);

/* PRAGMA user_version, 0 in an empty file. */
int database_version(sqlite3 *db, int *ret);
/* -EBADMSG when a page is damaged: asked at once, it would show up months later within a write. */
int database_check(sqlite3 *db);
