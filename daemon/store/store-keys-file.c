/* SPDX-License-Identifier: MIT */
/* The keys of a state.db that another process may have open: it is only read. */
#include "store-keys-file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/database.h"
#include "base/util.h"

#define BUSY_MS 2000 /* the service writes a few rows at a time */

static bool copy_key(sqlite3_stmt *s, int column, uint8_t ret[static CIPHER_KEY_BYTES])
{
        const void *bytes = sqlite3_column_blob(s, column);

        if (!bytes || sqlite3_column_bytes(s, column) != CIPHER_KEY_BYTES)
                return false;
        memcpy(ret, bytes, CIPHER_KEY_BYTES);
        return true;
}

static int read_rows(sqlite3 *db, store_keys_each *each, void *userdata)
{
        OWNED(statement) sqlite3_stmt *s = NULL;
        int r = database_prepare(db, "SELECT key, auth_key, meter FROM keys", &s);

        while (r >= 0 && (r = database_step(s)) > 0) {
                struct cipher_keys keys = { 0 };

                keys.has_key = copy_key(s, 0, keys.key);
                keys.has_auth_key = copy_key(s, 1, keys.auth_key);
                each(&keys, (const char *)sqlite3_column_text(s, 2), userdata);
                cipher_keys_wipe(&keys);
        }
        return r;
}

int store_keys_of_file(const char *directory, store_keys_each *each, void *userdata)
{
        OWNED(database) sqlite3 *db = NULL;
        char path[PATH_MAX];
        int r, n = snprintf(path, sizeof(path), "%s/state.db", directory);

        if (n < 0 || (size_t)n >= sizeof(path))
                return -ENAMETOOLONG;
        if (access(path, R_OK) < 0) /* SQLite says of each that it "cannot open" */
                return -errno;
        r = database_open(path, SQLITE_OPEN_READONLY, &db);
        if (r < 0)
                return r;
        (void)sqlite3_busy_timeout(db, BUSY_MS); /* without it a busy file is an error sooner */
        return read_rows(db, each, userdata);
}
