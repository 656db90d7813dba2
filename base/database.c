/* SPDX-License-Identifier: MIT */
#include "database.h"

#include <errno.h>
#include <string.h>

int database_errno(int code)
{
        switch (code & 0xff) { /* what extended codes stand for */
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

int database_execute(sqlite3 *db, const char *sql)
{
        return database_errno(sqlite3_exec(db, sql, NULL, NULL, NULL));
}

int database_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret)
{
        return database_errno(sqlite3_prepare_v2(db, sql, -1, ret, NULL));
}

/* The one row of a question; -EBADMSG when it has none. */
static int ask(sqlite3 *db, const char *sql, sqlite3_stmt **ret)
{
        OWNED(statement) sqlite3_stmt *s = NULL;
        int r = database_prepare(db, sql, &s), code;

        if (r < 0)
                return r;
        code = sqlite3_step(s);
        if (code != SQLITE_ROW)
                return code == SQLITE_DONE ? -EBADMSG : database_errno(code);
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
