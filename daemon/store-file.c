/* SPDX-License-Identifier: MIT */
/*
 * state.db as a file: made, checked, and put aside when it cannot be used.
 */
#include "store-file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "lib/util.h"

#define STORE_VERSION 1

DEFINE_OWNED(statement, sqlite3_stmt *, sqlite3_finalize);

/*
 * In one transaction and not waited for: each would cost five times the disk's patience, 125 ms of
 * the first start, and a file that a power failure leaves half made has nothing in it yet to lose.
 */
static const char schema[] =
        "PRAGMA synchronous = OFF; BEGIN IMMEDIATE;"
        "CREATE TABLE IF NOT EXISTS converter (identity TEXT PRIMARY KEY, line TEXT, profile TEXT,"
        " meter TEXT, adopted INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;"
        "CREATE TABLE IF NOT EXISTS keys (meter TEXT PRIMARY KEY COLLATE NOCASE, key BLOB,"
        " auth_key BLOB, title BLOB) WITHOUT ROWID;"
        "PRAGMA user_version = 1; COMMIT; PRAGMA synchronous = FULL;";

/* Small and careful: little memory, one journal file kept, deleted keys overwritten. */
static const char settings[] = "PRAGMA cache_size = -128; PRAGMA journal_mode = TRUNCATE;"
                               "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;"
                               "PRAGMA temp_store = MEMORY;";

int store_file_errno(int rc)
{
        switch (rc & 0xff) {
        case SQLITE_OK:
        case SQLITE_ROW:
        case SQLITE_DONE:
                return 0;
        case SQLITE_NOMEM:
                return -ENOMEM;
        case SQLITE_FULL:
                return -ENOSPC;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                return -EBUSY;
        case SQLITE_READONLY:
                return -EROFS;
        case SQLITE_PERM:
        case SQLITE_AUTH:
        case SQLITE_CANTOPEN:
                return -EACCES;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
                return -EBADMSG;
        default:
                return -EIO;
        }
}

static int read_version(sqlite3 *db, int *ret)
{
        OWNED(statement) sqlite3_stmt *s = NULL;

        int rc = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &s, NULL);
        if (rc == SQLITE_OK)
                rc = sqlite3_step(s);
        if (rc != SQLITE_ROW)
                return store_file_errno(rc);
        *ret = sqlite3_column_int(s, 0);
        return 0;
}

/* Damage deep in the file would show up months later, in the middle of a write: ask now. */
static int check_pages(sqlite3 *db)
{
        OWNED(statement) sqlite3_stmt *s = NULL;

        int rc = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &s, NULL);
        if (rc == SQLITE_OK)
                rc = sqlite3_step(s);
        if (rc != SQLITE_ROW)
                return rc == SQLITE_DONE ? -EBADMSG : store_file_errno(rc);

        const char *answer = (const char *)sqlite3_column_text(s, 0);
        return answer && strcmp(answer, "ok") == 0 ? 0 : -EBADMSG;
}

static int prepare(sqlite3 *db)
{
        int version = 0, r;

        (void)sqlite3_extended_result_codes(db, 1); /* only makes messages better */
        r = read_version(db, &version);
        if (r == 0)
                r = check_pages(db);
        if (r < 0)
                return r;
        if (version > STORE_VERSION)
                return -EBADMSG;

        int rc = sqlite3_exec(db, settings, NULL, NULL, NULL);
        if (rc == SQLITE_OK && version < STORE_VERSION)
                rc = sqlite3_exec(db, schema, NULL, NULL, NULL);
        return store_file_errno(rc);
}

int store_file_open(const char *path, sqlite3 **ret)
{
        sqlite3 *db = NULL;
        int r;

        /* SQLite would create it readable for all (0644); keys are in it. */
        OWNED_FD int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return -errno;

        r = store_file_errno(
                sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL));
        if (r == 0)
                r = prepare(db);
        if (r < 0) {
                (void)sqlite3_close(db); /* no statement outlives its call: it is not busy */
                return r;
        }
        *ret = db;
        return 0;
}

int store_file_put_aside(const char *path)
{
        static const char *const suffixes[] = { "", "-journal", "-wal", "-shm" };
        char from[PATH_MAX + 16], to[PATH_MAX + 32];

        for (size_t i = 0; i < ELEMENTSOF(suffixes); i++) {
                (void)snprintf(from, sizeof(from), "%s%s", path, suffixes[i]);
                (void)snprintf(to, sizeof(to), "%s.corrupt%s", path, suffixes[i]);
                if (rename(from, to) < 0 && errno != ENOENT)
                        return -errno;
        }
        return 0;
}
