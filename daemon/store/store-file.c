/* SPDX-License-Identifier: MIT */
/* state.db as a file: made, checked, and put aside when it cannot be used. */
#include "store-file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/database.h"
#include "base/util.h"

#define STORE_VERSION 2

struct store_file {
        sqlite3 *db;
};

DEFINE_OWNED(store_file, struct store_file *, store_file_free);

/* Files of before the first release: the tables that are missing come with the others. */
static const char upgrade[] = "BEGIN IMMEDIATE; ALTER TABLE converter ADD COLUMN socket TEXT;"
                              "ALTER TABLE converter ADD COLUMN refused TEXT;"
                              "PRAGMA user_version = 2; COMMIT;";

/* Small and careful: little memory, one journal file kept, deleted keys overwritten. */
static const char settings[] = "PRAGMA cache_size = -128; PRAGMA journal_mode = TRUNCATE;"
                               "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;"
                               "PRAGMA temp_store = MEMORY;";

/* "name TYPE, name TYPE": of CREATE TABLE; without types: of SELECT and INSERT. */
static void print_columns(const struct store_table *table, bool types, char *buf, size_t size)
{
        size_t used = 0;

        for (size_t i = 0; table->columns[i] && used < size; i++)
                used += (size_t)snprintf(buf + used, size - used, "%s%s%s%s", i ? ", " : "",
                                         table->columns[i], types ? " " : "",
                                         types ? table->types[i] : "");
}

/* A table that is there is left as it is, and nothing is written. */
static int make_table(sqlite3 *db, const struct store_table *table)
{
        char columns[400], sql[500];

        print_columns(table, true, columns, sizeof(columns));
        (void)snprintf(sql, sizeof(sql), "CREATE TABLE IF NOT EXISTS %s (%s) WITHOUT ROWID",
                       table->name, columns);
        return database_execute(db, sql);
}

/*
 * In one transaction, without waiting for the disk: each table would cost it several writes, and a
 * file that a power failure leaves half made has nothing in it yet to lose.
 */
static int make_file(sqlite3 *db)
{
        int r = database_execute(db, "PRAGMA synchronous = OFF; BEGIN IMMEDIATE");

        for (size_t i = 0; store_tables[i] && r >= 0; i++)
                r = make_table(db, store_tables[i]);
        return r < 0 ? r
                     : database_execute(db, "PRAGMA user_version = 2; COMMIT;"
                                            "PRAGMA synchronous = FULL");
}

/* Checks that the file is whole and can be read. */
static int check(sqlite3 *db, int *ret_version)
{
        int r;

        (void)sqlite3_extended_result_codes(db, 1); /* only makes messages better */
        r = database_execute(db, "BEGIN");
        if (r == 0)
                r = database_version(db, ret_version);
        if (r == 0)
                r = database_check(db);
        if (r == 0)
                r = database_execute(db, "COMMIT");
        if (r >= 0 && *ret_version == 1)
                r = database_execute(db, upgrade);
        return r >= 0 && *ret_version > STORE_VERSION ? -EBADMSG : r;
}

static int add_row(struct store_rows *rows, struct store_row *row)
{
        struct store_row **grown =
                row ? reallocarray(rows->rows, rows->n + 1, sizeof(*grown)) : NULL;

        if (!grown) {
                (void)store_row_free(row); /* NULL, by the rule of _free */
                return -ENOMEM;
        }
        rows->rows = grown;
        rows->rows[rows->n++] = row;
        return 0;
}

static struct store_value read_column(sqlite3_stmt *s, int i)
{
        switch (sqlite3_column_type(s, i)) {
        case SQLITE_NULL:
                return (struct store_value){ 0 };
        case SQLITE_BLOB:
                /* an empty one has no address */
                return (struct store_value){ sqlite3_column_blob(s, i) ? sqlite3_column_blob(s, i)
                                                                       : "",
                                             (size_t)sqlite3_column_bytes(s, i), true };
        default: {
                const void *text = sqlite3_column_text(s, i); /* a number as it is written */

                return (struct store_value){ text, (size_t)sqlite3_column_bytes(s, i), false };
        }
        }
}

/* The statement prepared last does not fit the tables of this file. */
static bool is_other_table(sqlite3 *db)
{
        return sqlite3_errcode(db) == SQLITE_ERROR;
}

static int read_table(sqlite3 *db, const struct store_table *table, struct store_rows *rows)
{
        OWNED(statement) sqlite3_stmt *s = NULL;
        char columns[300], sql[400];
        int r;

        print_columns(table, false, columns, sizeof(columns));
        (void)snprintf(sql, sizeof(sql), "SELECT %s FROM %s", columns, table->name);
        r = database_prepare(db, sql, &s);
        if (r < 0 && is_other_table(db)) { /* it came with a later release */
                r = make_table(db, table);
                if (r < 0)
                        return r;
                r = database_prepare(db, sql, &s);
        }
        if (r < 0)
                return is_other_table(db) ? -EBADMSG : r; /* other columns than ours */
        while (r >= 0 && (r = database_step(s)) > 0) {
                struct store_value values[STORE_COLUMNS_MAX];

                for (int i = 0; i < sqlite3_column_count(s); i++)
                        values[i] = read_column(s, i);
                r = add_row(rows, store_row_new(table, values));
        }
        return r;
}

/* In one transaction: outside of one the file is locked, checked and unlocked for each question.
 * On failure it is open still, and ends with the connection. */
static int read_tables(sqlite3 *db, struct store_rows *rows)
{
        int r = database_execute(db, "BEGIN");

        for (size_t i = 0; store_tables[i] && r >= 0; i++)
                r = read_table(db, store_tables[i], rows);
        return r < 0 ? r : database_execute(db, "COMMIT");
}

void store_rows_free(struct store_rows *rows)
{
        for (size_t i = 0; i < rows->n; i++)
                (void)store_row_free(rows->rows[i]); /* NULL, by the rule of _free */
        free(rows->rows);
        *rows = (struct store_rows){ 0 };
}

struct store_file *store_file_free(struct store_file *file)
{
        if (file)
                (void)sqlite3_close(file->db); /* no statement outlives its call: it is not busy */
        free(file);
        return NULL;
}

/* 1 if there is anything in it: a copy made by hand may have tables and no version. -errno */
static int has_tables(sqlite3 *db)
{
        OWNED(statement) sqlite3_stmt *s = NULL;
        int r = database_prepare(db, "SELECT 1 FROM sqlite_master LIMIT 1", &s);

        return r < 0 ? r : database_step(s);
}

/* The start of the service waits for the rows, and for nothing else here. */
static int prepare(sqlite3 *db, store_file_read_t read, void *userdata)
{
        struct store_rows rows = { 0 };
        int version = 0, r = check(db, &version), filled = 0;

        if (r >= 0)
                r = filled = has_tables(db);
        if (r >= 0 && filled)
                r = read_tables(db, &rows);
        if (r >= 0)
                read(&rows, userdata);
        store_rows_free(&rows);
        if (r >= 0)
                r = database_execute(db, settings);
        if (r >= 0 && version == 0)
                r = make_file(db);
        return r;
}

static int open_path(const char *path, store_file_read_t read, void *userdata,
                     struct store_file **ret)
{
        OWNED(store_file) struct store_file *file = calloc(1, sizeof(*file));
        int r;

        if (!file)
                return -ENOMEM;
        r = database_create(path);
        if (r == 0)
                r = database_open(path, SQLITE_OPEN_READWRITE, &file->db);
        if (r == 0)
                r = prepare(file->db, read, userdata);
        if (r < 0)
                return r;
        *ret = TAKE(file);
        return 0;
}

static int path_of(const char *directory, char path[static PATH_MAX])
{
        int n = snprintf(path, PATH_MAX, "%s/state.db", directory);

        return n < 0 || (size_t)n >= PATH_MAX - 16 ? -ENAMETOOLONG : 0;
}

/* Damaged, of a newer version, a folder, or foreign; not a full or read-only disk. */
static bool is_unusable(int r)
{
        return r == -EBADMSG || r == -EACCES || r == -EISDIR || r == -ELOOP || r == -EIO;
}

int store_file_open(const char *directory, store_file_read_t read, void *userdata,
                    struct store_file **ret, bool *ret_aside)
{
        char path[PATH_MAX];
        int r = path_of(directory, path);

        if (r < 0)
                return r;
        if (mkdir(directory, 0700) < 0 && errno != EEXIST)
                return -errno;
        r = open_path(path, read, userdata, ret);
        if (!is_unusable(r))
                return r;
        r = store_file_put_aside(directory);
        *ret_aside = r >= 0;
        return r < 0 ? r : open_path(path, read, userdata, ret);
}

static int bind_value(sqlite3_stmt *s, int i, const struct store_value *value)
{
        if (!value->data)
                return sqlite3_bind_null(s, i);
        if (value->is_blob)
                return sqlite3_bind_blob(s, i, value->data, (int)value->len, SQLITE_STATIC);
        return sqlite3_bind_text(s, i, value->data, (int)value->len, SQLITE_STATIC);
}

static int write_row(sqlite3 *db, const struct store_row *row)
{
        const struct store_table *table = row->table;
        OWNED(statement) sqlite3_stmt *s = NULL;
        char columns[300], sql[400];
        int r, n = 0;

        while (table->columns[n])
                n++;
        print_columns(table, false, columns, sizeof(columns));
        if (row->gone)
                (void)snprintf(sql, sizeof(sql), "DELETE FROM %s WHERE %s = ?1", table->name,
                               table->columns[0]);
        else
                (void)snprintf(sql, sizeof(sql), "INSERT OR REPLACE INTO %s (%s) VALUES (?%.*s)",
                               table->name, columns, 2 * (n - 1), ",?,?,?,?,?,?,?");
        r = database_prepare(db, sql, &s);
        for (int i = 0; i < (row->gone ? 1 : n) && r == 0; i++)
                r = database_errno(bind_value(s, i + 1, &row->values[i]));
        return r < 0 ? r : database_run(s);
}

/*
 * SQLite makes each row in room that it keeps as long as the file is open: the last key would stay
 * there. A longer row takes its place, of a transaction that is never written.
 */
static void overwrite_scratch(sqlite3 *db)
{
        static const char row[] = "BEGIN; INSERT OR REPLACE INTO keys (meter, key, auth_key, title)"
                                  " VALUES (printf('%.*c', 128, '-'), zeroblob(16), zeroblob(16),"
                                  " zeroblob(8)); ROLLBACK;";

        if (database_execute(db, row) < 0)
                database_rollback(db);
}

static bool has_secrets(struct store_row *const *rows, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (rows[i]->table == &store_table_keys)
                        return true;
        return false;
}

int store_file_write(struct store_file *file, struct store_row *const *rows, size_t n)
{
        int r = database_begin(file->db);

        for (size_t i = 0; i < n && r >= 0; i++)
                r = write_row(file->db, rows[i]);
        r = database_end(file->db, r);
        if (has_secrets(rows, n))
                overwrite_scratch(file->db);
        return r;
}

int store_file_put_aside(const char *directory)
{
        static const char *const suffixes[] = { "", "-journal", "-wal", "-shm" };
        char path[PATH_MAX], from[PATH_MAX + 16], to[PATH_MAX + 32];
        int r = path_of(directory, path);

        for (size_t i = 0; i < ELEMENTSOF(suffixes) && r >= 0; i++) {
                (void)snprintf(from, sizeof(from), "%s%s", path, suffixes[i]);
                (void)snprintf(to, sizeof(to), "%s.corrupt%s", path, suffixes[i]);
                if (rename(from, to) < 0 && errno != ENOENT)
                        r = -errno;
        }
        return r;
}
