/* SPDX-License-Identifier: MIT */
/*
 * state.db: two small tables, read when a converter or a meter appears and written when something
 * was learned. Every call prepares its statement anew, since calls are minutes or days apart.
 */
#include "store.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <sqlite3.h>

#include "lib/util.h"
#include "log.h"
#include "store-file.h"

#define GATHER_USEC UINT64_C(200000)
#define GATHER_MAX  256 /* 80 kB, for 200 ms; beyond, they are written at once */

struct store {
        sqlite3 *db;
        sd_event_source *timer;          /* NULL: nothing is gathered */
        struct store_converter *learned; /* owned; written when the timer expires */
        size_t n_learned;
        char path[PATH_MAX];
};

DEFINE_OWNED(store, struct store *, store_free);
DEFINE_OWNED(statement, sqlite3_stmt *, sqlite3_finalize);

int store_new(const char *directory, struct store **ret)
{
        OWNED(store) struct store *store = calloc(1, sizeof(*store));
        int r;

        if (!store)
                return -ENOMEM;
        if (mkdir(directory, 0700) < 0 && errno != EEXIST)
                return -errno;
        int n = snprintf(store->path, sizeof(store->path), "%s/state.db", directory);
        if (n < 0 || (size_t)n >= sizeof(store->path) - 16)
                return -ENAMETOOLONG;

        r = store_file_open(store->path, &store->db);
        if (r == -EBADMSG) {
                r = store_file_put_aside(store->path);
                if (r < 0)
                        return r;
                log_warning("%s cannot be used (damaged, or of a newer version); it is kept as "
                            "%s.corrupt and what was learned is learned anew",
                            store->path, store->path);
                r = store_file_open(store->path, &store->db);
        }
        if (r < 0)
                return r;

        *ret = TAKE(store);
        return 0;
}

static int prepare(struct store *store, const char *sql, const char *key, sqlite3_stmt **ret)
{
        int rc = sqlite3_prepare_v2(store->db, sql, -1, ret, NULL);
        if (rc == SQLITE_OK)
                rc = sqlite3_bind_text(*ret, 1, key, -1, SQLITE_STATIC);
        return store_file_errno(rc);
}

static int step_write(sqlite3_stmt *s)
{
        return store_file_errno(sqlite3_step(s));
}

static void copy_text(sqlite3_stmt *s, int column, char *ret, size_t size)
{
        const char *text = (const char *)sqlite3_column_text(s, column);

        (void)snprintf(ret, size, "%s", text ? text : ""); /* what is stored was no longer */
}

#define CONVERTER_COLUMNS "identity, line, profile, meter, adopted"

static void read_converter(sqlite3_stmt *s, struct store_converter *ret)
{
        const char *line = (const char *)sqlite3_column_text(s, 1);

        *ret = (struct store_converter){ .adopted = sqlite3_column_int(s, 4) != 0 };
        ret->has_line = line && serial_line_parse(line, &ret->line) == 0;
        copy_text(s, 0, ret->identity, sizeof(ret->identity));
        copy_text(s, 2, ret->profile, sizeof(ret->profile));
        copy_text(s, 3, ret->meter_id, sizeof(ret->meter_id));
}

static const struct store_converter *find_learned(const struct store *store, const char *identity)
{
        for (size_t i = 0; i < store->n_learned; i++)
                if (strcmp(store->learned[i].identity, identity) == 0)
                        return &store->learned[i];
        return NULL;
}

int store_find_converter(struct store *store, const char *identity, struct store_converter *ret)
{
        OWNED(statement) sqlite3_stmt *s = NULL;

        const struct store_converter *learned;

        if (!store)
                return 0;
        learned = find_learned(store, identity);
        if (learned) {
                *ret = *learned;
                return 1;
        }
        int r = prepare(store, "SELECT " CONVERTER_COLUMNS " FROM converter WHERE identity = ?1",
                        identity, &s);
        if (r < 0)
                return r;

        int rc = sqlite3_step(s);
        if (rc != SQLITE_ROW)
                return store_file_errno(rc);
        read_converter(s, ret);
        return 1;
}

static int put_converter(struct store *store, const struct store_converter *converter)
{
        OWNED(statement) sqlite3_stmt *s = NULL;
        char line[SERIAL_LINE_TEXT_MAX];

        int r = prepare(store,
                        "INSERT OR REPLACE INTO converter (" CONVERTER_COLUMNS
                        ") VALUES (?1, ?2, ?3, ?4, ?5)",
                        converter->identity, &s);
        if (r < 0)
                return r;

        if (converter->has_line)
                (void)sqlite3_bind_text(s, 2, serial_line_print(&converter->line, line), -1,
                                        SQLITE_STATIC);
        (void)sqlite3_bind_text(s, 3, converter->profile, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(s, 4, converter->meter_id, -1, SQLITE_STATIC);
        (void)sqlite3_bind_int(s, 5, converter->adopted);
        return step_write(s); /* a binding that failed leaves NULL, which reads as unknown */
}

static int put_learned(struct store *store)
{
        int r;

        r = store_file_errno(sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL));
        for (size_t i = 0; r >= 0 && i < store->n_learned; i++)
                r = put_converter(store, &store->learned[i]);
        if (r >= 0)
                r = store_file_errno(sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL));
        if (r < 0 && !sqlite3_get_autocommit(store->db)) /* or it has done so by itself */
                (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
        return r;
}

/* Writes what was learned. */
static void flush(struct store *store)
{
        int r;

        if (store->n_learned == 0)
                return;
        if (store->timer)
                (void)sd_event_source_set_enabled(store->timer, SD_EVENT_OFF);
        r = put_learned(store);
        if (r < 0) {
                const struct log_about about = { .error = -r };

                log_about(LOG_WARNING, &about, "what was learned cannot be remembered: %s",
                          strerror(-r));
        }
        free(store->learned);
        store->learned = NULL;
        store->n_learned = 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        (void)source;
        (void)usec;
        flush(userdata);
        return 0;
}

int store_gather(struct store *store, sd_event *event)
{
        int r;

        if (!store)
                return 0;
        r = sd_event_add_time_relative(event, &store->timer, CLOCK_MONOTONIC, 0, 0, on_timer,
                                       store);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(store->timer, "store");
        return sd_event_source_set_enabled(store->timer, SD_EVENT_OFF);
}

struct store *store_free(struct store *store)
{
        if (!store)
                return NULL;
        store->timer = sd_event_source_disable_unref(store->timer);
        flush(store);
        (void)sqlite3_close(store->db); /* no statement outlives its call: it is not busy */
        free(store->learned);
        free(store);
        return NULL;
}

/* -ENOMEM, or another errno when the timer cannot be armed: the loop has ended. */
static int gather(struct store *store, const struct store_converter *converter)
{
        size_t at = 0;
        int r;

        while (at < store->n_learned &&
               strcmp(store->learned[at].identity, converter->identity) != 0)
                at++;
        if (at == store->n_learned) {
                struct store_converter *learned =
                        reallocarray(store->learned, at + 1, sizeof(*learned));

                if (!learned)
                        return -ENOMEM;
                store->learned = learned;
        }
        if (store->n_learned == 0) {
                r = sd_event_source_set_time_relative(store->timer, GATHER_USEC);
                if (r >= 0)
                        r = sd_event_source_set_enabled(store->timer, SD_EVENT_ONESHOT);
                if (r < 0)
                        return r;
        }
        store->learned[at] = *converter;
        store->n_learned = MAX(store->n_learned, at + 1);
        return 0;
}

int store_learn_converter(struct store *store, const struct store_converter *converter)
{
        if (!store)
                return 0;
        if (store->n_learned == GATHER_MAX)
                flush(store);
        if (store->timer && gather(store, converter) >= 0)
                return 0;
        return store_put_converter(store, converter);
}

int store_put_converter(struct store *store, const struct store_converter *converter)
{
        if (!store)
                return 0;
        flush(store);
        return put_converter(store, converter);
}

int store_forget_converter(struct store *store, const char *identity)
{
        OWNED(statement) sqlite3_stmt *s = NULL;

        if (!store)
                return 0;
        flush(store);
        int r = prepare(store, "DELETE FROM converter WHERE identity = ?1", identity, &s);
        return r < 0 ? r : step_write(s);
}

int store_each_adopted(struct store *store,
                       void (*each)(const struct store_converter *converter, void *userdata),
                       void *userdata)
{
        OWNED(statement) sqlite3_stmt *s = NULL;
        int rc;

        if (!store)
                return 0;
        flush(store);
        rc = sqlite3_prepare_v2(store->db,
                                "SELECT " CONVERTER_COLUMNS
                                " FROM converter WHERE adopted ORDER BY identity",
                                -1, &s, NULL);
        if (rc != SQLITE_OK)
                return store_file_errno(rc);

        while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
                struct store_converter converter;

                read_converter(s, &converter);
                each(&converter, userdata);
        }
        return store_file_errno(rc);
}

static bool copy_blob(sqlite3_stmt *s, int column, uint8_t *ret, size_t size)
{
        const void *blob = sqlite3_column_blob(s, column);

        if (!blob || (size_t)sqlite3_column_bytes(s, column) != size)
                return false;
        memcpy(ret, blob, size);
        return true;
}

static void read_keys(sqlite3_stmt *s, struct cipher_keys *ret)
{
        *ret = (struct cipher_keys){ 0 };
        ret->has_key = copy_blob(s, 0, ret->key, sizeof(ret->key));
        ret->has_auth_key = copy_blob(s, 1, ret->auth_key, sizeof(ret->auth_key));
        ret->has_title = copy_blob(s, 2, ret->title, sizeof(ret->title));
}

int store_find_keys(struct store *store, const char *meter, struct cipher_keys *ret)
{
        OWNED(statement) sqlite3_stmt *s = NULL;

        if (!store)
                return 0;
        int r = prepare(store, "SELECT key, auth_key, title FROM keys WHERE meter = ?1", meter, &s);
        if (r < 0)
                return r;

        int rc = sqlite3_step(s);
        if (rc != SQLITE_ROW)
                return store_file_errno(rc);
        read_keys(s, ret);
        return 1;
}

int store_find_keys_at(struct store *store, size_t index, char ret_meter[static METER_ID_MAX],
                       struct cipher_keys *ret)
{
        OWNED(statement) sqlite3_stmt *s = NULL;
        int rc;

        if (!store)
                return 0;
        rc = sqlite3_prepare_v2(store->db,
                                "SELECT key, auth_key, title, meter FROM keys"
                                " ORDER BY meter LIMIT 1 OFFSET ?1",
                                -1, &s, NULL);
        if (rc == SQLITE_OK)
                rc = sqlite3_bind_int64(s, 1, (sqlite3_int64)index);
        if (rc == SQLITE_OK)
                rc = sqlite3_step(s);
        if (rc != SQLITE_ROW)
                return store_file_errno(rc);
        read_keys(s, ret);
        (void)snprintf(ret_meter, METER_ID_MAX, "%s", (const char *)sqlite3_column_text(s, 3));
        return 1;
}

static int bind_key(sqlite3_stmt *s, int column, bool has, const uint8_t *key, size_t size)
{
        return has ? sqlite3_bind_blob(s, column, key, (int)size, SQLITE_STATIC) : SQLITE_OK;
}

int store_put_keys(struct store *store, const char *meter, const struct cipher_keys *keys)
{
        OWNED(statement) sqlite3_stmt *s = NULL;

        if (!store)
                return 0;
        flush(store);
        int r = prepare(store,
                        "INSERT OR REPLACE INTO keys (meter, key, auth_key, title)"
                        " VALUES (?1, ?2, ?3, ?4)",
                        meter, &s);
        if (r < 0)
                return r;

        int rc = bind_key(s, 2, keys->has_key, keys->key, sizeof(keys->key));
        if (rc == SQLITE_OK)
                rc = bind_key(s, 3, keys->has_auth_key, keys->auth_key, sizeof(keys->auth_key));
        if (rc == SQLITE_OK)
                rc = bind_key(s, 4, keys->has_title, keys->title, sizeof(keys->title));
        return rc == SQLITE_OK ? step_write(s) : store_file_errno(rc);
}

int store_forget_keys(struct store *store, const char *meter)
{
        OWNED(statement) sqlite3_stmt *s = NULL;

        if (!store)
                return 0;
        flush(store);
        int r = prepare(store, "DELETE FROM keys WHERE meter = ?1", meter, &s);
        if (r >= 0)
                r = step_write(s);
        return r < 0 ? r : sqlite3_changes(store->db) > 0;
}
