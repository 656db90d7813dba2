/* SPDX-License-Identifier: MIT */
#include "database.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int database_errno(int code)
{
        switch (code & 0xff) { /* an extended code has its group here */
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

/* Closed before SQLite opens it: a later close would drop SQLite's locks. */
int database_create(const char *path)
{
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

        if (fd < 0)
                return -errno;
        (void)close(fd); /* nothing was written */
        return 0;
}

int database_open(const char *path, int flags, sqlite3 **ret)
{
        return database_errno(sqlite3_open_v2(path, ret, flags | SQLITE_OPEN_NOMUTEX, NULL));
}

int database_execute(sqlite3 *db, const char *sql)
{
        return database_errno(sqlite3_exec(db, sql, NULL, NULL, NULL));
}

int database_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret)
{
        return database_errno(sqlite3_prepare_v2(db, sql, -1, ret, NULL));
}

int database_prepare_kept(sqlite3 *db, const char *sql, sqlite3_stmt **ret)
{
        return database_errno(
                sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL));
}

int database_step(sqlite3_stmt *s)
{
        int code = sqlite3_step(s);

        return code == SQLITE_ROW ? 1 : database_errno(code);
}

int database_run(sqlite3_stmt *s)
{
        int code = sqlite3_step(s);

        (void)sqlite3_reset(s); /* repeats the failure */
        return database_errno(code);
}

int database_begin(sqlite3 *db)
{
        return database_execute(db, "BEGIN IMMEDIATE");
}

int database_end(sqlite3 *db, int r)
{
        if (r >= 0)
                r = database_execute(db, "COMMIT");
        if (r < 0)
                database_rollback(db);
        return r;
}

void database_rollback(sqlite3 *db)
{
        if (!sqlite3_get_autocommit(db))
                (void)database_execute(db, "ROLLBACK"); /* the failure that led to it is reported */
}

/* The one row of a question; -EBADMSG when it has none. */
static int ask(sqlite3 *db, const char *sql, sqlite3_stmt **ret)
{
        OWNED(statement) sqlite3_stmt *s = NULL;
        int r = database_prepare(db, sql, &s);

        if (r == 0)
                r = database_step(s);
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;
        *ret = TAKE(s);
        return 0;
}

int database_version(sqlite3 *db, int *ret)
{
        OWNED(statement) sqlite3_stmt *s = NULL;
        int r = ask(db, "PRAGMA user_version", &s);

        if (r < 0)
                return r;
        *ret = sqlite3_column_int(s, 0);
        return 0;
}

int database_check(sqlite3 *db)
{
        OWNED(statement) sqlite3_stmt *s = NULL;
        int r = ask(db, "PRAGMA quick_check(1)", &s);
        const char *answer;

        if (r < 0)
                return r;
        answer = (const char *)sqlite3_column_text(s, 0);
        return answer && strcmp(answer, "ok") == 0 ? 0 : -EBADMSG;
}
