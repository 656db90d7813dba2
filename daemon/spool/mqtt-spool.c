/* SPDX-License-Identifier: MIT */
/*
 * The spool: SQLite in write-ahead mode, so that a batch is one append to a log and a process that
 * is killed loses none of it. A file that turns out damaged is put aside and a new one begun.
 */
#include "mqtt-spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/database.h"
#include "base/util.h"
#include "daemon/formats/format.h"
#include "mqtt-salvage.h"
#include "mqtt-spool-error.h"

#define ASIDES_MAX      4 /* damaged files that are kept */
#define ASIDE_MAX       (PATH_MAX + 16)
#define SPOOL_TRIM_ROWS 64 /* dropped at a time when it is too big */

struct mqtt_spool {
        char path[PATH_MAX];
        uint64_t bytes_max;
        bool durable;
        sqlite3 *db; /* NULL: closed */
        sqlite3_stmt *insert, *read, *remove, *trim, *drop;
        int64_t last_row; /* ever given, also of a file that has been removed since */
        uint64_t n, bytes, n_instantaneous, dropped;
        char aside[ASIDE_MAX]; /* the damaged file of this run, or one of an earlier run */
        bool to_salvage;       /* the one of this run has not been read yet */
        char error[MQTT_SPOOL_ERROR_MAX];
};

static const char schema[] =
        "CREATE TABLE IF NOT EXISTS message (id INTEGER PRIMARY KEY, class INTEGER NOT NULL,"
        " qos INTEGER NOT NULL, retain INTEGER NOT NULL, expiry INTEGER NOT NULL,"
        " topic TEXT NOT NULL, payload BLOB NOT NULL, digest INTEGER);"
        "CREATE INDEX IF NOT EXISTS instantaneous ON message (id) WHERE class = 1;";

/* EXCLUSIVE: it has no other reader, and the shared-memory file and its mapping are saved. */
static const char settings[] = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
                               "PRAGMA cache_size = -128; PRAGMA temp_store = MEMORY;"
                               "PRAGMA wal_autocheckpoint = 256;"
                               "PRAGMA journal_size_limit = 1048576;";

/* Damaged rows that are taken out at once. */
#define DAMAGED_MAX 64

_Static_assert(MESSAGE_INSTANTANEOUS == 1, "the class is written in the schema and on disk");

static size_t row_bytes(size_t topic_len, size_t payload_len)
{
        return topic_len + payload_len + MQTT_SPOOL_ROW_BYTES;
}

static void close_db(struct mqtt_spool *s)
{
        /* Finalising NULL is allowed; its result repeats an error that has been reported. */
        (void)sqlite3_finalize(s->insert);
        (void)sqlite3_finalize(s->read);
        (void)sqlite3_finalize(s->remove);
        (void)sqlite3_finalize(s->trim);
        (void)sqlite3_finalize(s->drop);
        s->insert = s->read = s->remove = s->trim = s->drop = NULL;
        (void)sqlite3_close(s->db);
        s->db = NULL;
}

static int fail(struct mqtt_spool *s, int code)
{
        return mqtt_spool_explain(code, s->path, s->error);
}

/* `r` is what a function of the database returned: 0, or the code of its failure is asked for. */
static int explain(struct mqtt_spool *s, int r)
{
        return r < 0 ? fail(s, sqlite3_errcode(s->db)) : 0;
}

static int run(struct mqtt_spool *s, const char *sql)
{
        return explain(s, database_execute(s->db, sql));
}

static int prepare(struct mqtt_spool *s, const char *sql, sqlite3_stmt **ret)
{
        return explain(s, database_prepare_kept(s->db, sql, ret));
}

static int prepare_all(struct mqtt_spool *s)
{
        int r;

        r = prepare(s,
                    "INSERT INTO message (class, qos, retain, expiry, topic, payload, id, digest)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    &s->insert);
        if (r < 0)
                return r;
        r = prepare(s,
                    "SELECT " MQTT_SALVAGE_COLUMNS " FROM message WHERE id > ? ORDER BY id LIMIT ?",
                    &s->read);
        if (r < 0)
                return r;
        r = prepare(s, "DELETE FROM message WHERE id <= ? RETURNING class, topic, payload",
                    &s->remove);
        if (r < 0)
                return r;
        r = prepare(s, "DELETE FROM message WHERE id = ? RETURNING class, topic, payload",
                    &s->drop);
        if (r < 0)
                return r;
        return prepare(s,
                       "DELETE FROM message WHERE id IN (SELECT id FROM message WHERE class = ?"
                       " ORDER BY id LIMIT ?) RETURNING class, topic, payload",
                       &s->trim);
}

static int count_rows(struct mqtt_spool *s)
{
        OWNED(statement) sqlite3_stmt *stmt = NULL;
        int r;

        r = prepare(s,
                    "SELECT count(*), total(length(CAST(topic AS BLOB)) + length(payload)),"
                    " count(*) FILTER (WHERE class = 1), max(id) FROM message",
                    &stmt);
        if (r < 0)
                return r;
        r = database_step(stmt);
        if (r <= 0)
                return fail(s, sqlite3_errcode(s->db));
        s->n = (uint64_t)sqlite3_column_int64(stmt, 0);
        s->bytes = (uint64_t)sqlite3_column_int64(stmt, 1) + s->n * MQTT_SPOOL_ROW_BYTES;
        s->n_instantaneous = (uint64_t)sqlite3_column_int64(stmt, 2);
        s->last_row = MAX(s->last_row, sqlite3_column_int64(stmt, 3));
        if (s->n > 0 && sqlite3_column_type(stmt, 3) != SQLITE_INTEGER)
                return fail(s, SQLITE_CORRUPT); /* rows without numbers: no primary key */
        return 0;
}

/* A file of a version that had none: its rows are taken as they are. */
static int add_digest(struct mqtt_spool *s)
{
        if (database_execute(s->db, "SELECT digest FROM message LIMIT 0") == 0)
                return 0;
        return run(s, "ALTER TABLE message ADD COLUMN digest INTEGER");
}

static int open_db(struct mqtt_spool *s)
{
        int r;

        /* SQLITE_OPEN_NOFOLLOW is no use: it refuses a link among the folders too. */
        if (database_create(s->path) == -ELOOP)
                return fail(s, SQLITE_CANTOPEN_SYMLINK);
        /* Where it failed otherwise, opening fails and has its sentence. */
        r = database_open(s->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &s->db);
        if (r < 0)
                return explain(s, r);
        r = run(s, settings);
        if (r < 0)
                return r;
        r = run(s, s->durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
        if (r < 0)
                return r;
        r = run(s, schema);
        if (r < 0)
                return r;
        r = add_digest(s);
        if (r < 0)
                return r;
        r = count_rows(s);
        if (r < 0)
                return r;
        return prepare_all(s);
}

static void aside_path(const struct mqtt_spool *s, unsigned int i, char aside[static ASIDE_MAX])
{
        if (i == 0)
                (void)snprintf(aside, ASIDE_MAX, "%s.corrupt", s->path);
        else
                (void)snprintf(aside, ASIDE_MAX, "%s.corrupt.%u", s->path, i);
}

static void move(const char *from, const char *to, const char *suffix)
{
        char old[ASIDE_MAX + 8], new[ASIDE_MAX + 8];

        (void)snprintf(old, sizeof(old), "%s%s", from, suffix);
        (void)snprintf(new, sizeof(new), "%s%s", to, suffix);
        if (rename(old, new) < 0)
                (void)unlink(old); /* if it cannot be moved, it must at least not be in the way */
}

/* Moves the damaged file and its log to a name that is free; the last one is used again. */
static void put_aside(struct mqtt_spool *s)
{
        unsigned int i = 0;

        close_db(s);
        s->to_salvage = true;
        s->n = s->bytes = s->n_instantaneous = 0;
        for (aside_path(s, i, s->aside); access(s->aside, F_OK) == 0 && i < ASIDES_MAX - 1;)
                aside_path(s, ++i, s->aside);
        move(s->path, s->aside, "");
        move(s->path, s->aside, "-wal");
        (void)snprintf(s->error, sizeof(s->error),
                       "spool %.60s was damaged: it was put aside as %.70s and a new one begun",
                       s->path, s->aside);
}

static int insert(struct mqtt_spool *s, const struct message *m)
{
        int r;

        (void)sqlite3_reset(s->insert);
        /* Binding fails for a wrong index only, and that would show in the step. */
        (void)sqlite3_bind_int(s->insert, 1, (int)m->attributes.class);
        (void)sqlite3_bind_int(s->insert, 2, m->attributes.qos);
        (void)sqlite3_bind_int(s->insert, 3, m->attributes.retain);
        (void)sqlite3_bind_int64(s->insert, 4, m->attributes.expiry_s);
        (void)sqlite3_bind_text(s->insert, 5, message_topic(m), (int)m->topic_len, SQLITE_STATIC);
        (void)sqlite3_bind_blob(s->insert, 6, message_payload(m), (int)m->payload_len,
                                SQLITE_STATIC);
        (void)sqlite3_bind_int64(s->insert, 7, ++s->last_row);
        (void)sqlite3_bind_int64(s->insert, 8, mqtt_salvage_digest(m));
        r = explain(s, database_run(s->insert));
        if (r < 0)
                return r;
        s->n++;
        s->bytes += row_bytes(m->topic_len, m->payload_len);
        s->n_instantaneous += m->attributes.class == MESSAGE_INSTANTANEOUS;
        return 0;
}

static int take_salvaged(void *userdata, const struct message *m)
{
        return insert(userdata, m);
}

/* Into the new file goes what of the damaged one can still be read. */
static void salvage(struct mqtt_spool *s)
{
        uint64_t n = 0;

        if (run(s, "BEGIN") < 0)
                return;
        if (mqtt_salvage(s->aside, schema, take_salvaged, s, &n) < 0 || run(s, "COMMIT") < 0) {
                database_rollback(s->db); /* as it was: empty */
                (void)count_rows(s);
                n = 0;
        }
        (void)snprintf(s->error, sizeof(s->error),
                       "spool %.50s was damaged: %" PRIu64 " messages of it were saved, the rest "
                       "lies in %.60s: look at it, then delete it",
                       s->path, n, s->aside);
}

/* Opens it if it is closed, and gets a damaged one out of the way. */
static int need_db(struct mqtt_spool *s)
{
        int r;

        if (s->db)
                return 0;
        r = open_db(s);
        if (r == -EUCLEAN) {
                put_aside(s);
                r = open_db(s);
        }
        if (r < 0) {
                close_db(s);
        } else if (s->to_salvage) {
                s->to_salvage = false;
                salvage(s);
        }
        return r;
}

/* After a failure in the middle: the transaction is undone, a damaged file put aside. */
static int give_up(struct mqtt_spool *s, int r)
{
        if (s->db)
                database_rollback(s->db);
        if (r == -EUCLEAN) {
                put_aside(s);
                (void)need_db(s); /* readable rows go on from a new file */
        } else if (s->db) {
                /* Counts may be off after a rollback; a fresh look also heals a lost file. */
                close_db(s);
        }
        return r;
}

int mqtt_spool_new(const struct mqtt_spool_options *options, struct mqtt_spool **ret)
{
        struct mqtt_spool *s = calloc(1, sizeof(*s));
        char name[FORMAT_SEGMENT_MAX];

        if (!s)
                return -ENOMEM;
        (void)snprintf(s->path, sizeof(s->path), "%s/mqtt-%s.spool", options->directory,
                       format_identifier(options->name, name, sizeof(name)));
        s->bytes_max = options->bytes_max;
        s->durable = options->durable;
        *ret = s;
        return 0;
}

void mqtt_spool_open(struct mqtt_spool *s)
{
        struct stat st;

        aside_path(s, 0, s->aside);
        if (access(s->aside, F_OK) == 0)
                (void)snprintf(
                        s->error, sizeof(s->error),
                        "readings of a damaged spool lie in %.90s: look at it, then delete it",
                        s->aside);
        if (stat(s->path, &st) == 0)
                (void)need_db(s); /* the sentence is kept, and it is tried again when needed */
}

struct mqtt_spool *mqtt_spool_free(struct mqtt_spool *s)
{
        if (!s)
                return NULL;
        close_db(s);
        free(s);
        return NULL;
}

static const char *mark_path(const struct mqtt_spool *s, char path[static PATH_MAX + 16])
{
        (void)snprintf(path, PATH_MAX + 16, "%s.reached", s->path);
        return path;
}

bool mqtt_spool_was_reached(const struct mqtt_spool *s)
{
        char path[PATH_MAX + 16];

        return s->n > 0 || access(mark_path(s, path), F_OK) == 0;
}

void mqtt_spool_set_reached(struct mqtt_spool *s)
{
        char path[PATH_MAX + 16];
        int fd = open(mark_path(s, path), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

        if (fd >= 0)
                (void)close(fd); /* nothing is in it */
}

uint64_t mqtt_spool_count(const struct mqtt_spool *s)
{
        return s->n;
}

int64_t mqtt_spool_last_row(const struct mqtt_spool *s)
{
        return s->last_row;
}

uint64_t mqtt_spool_dropped(const struct mqtt_spool *s)
{
        return s->dropped;
}

const char *mqtt_spool_error(const struct mqtt_spool *s)
{
        return s->error;
}

/* Steps a DELETE … RETURNING class, topic, payload to its end and counts what went. */
static int run_delete(struct mqtt_spool *s, sqlite3_stmt *stmt, uint64_t *ret_n)
{
        uint64_t n = 0;
        int r;

        while ((r = database_step(stmt)) > 0) {
                s->n--;
                s->n_instantaneous -= sqlite3_column_int(stmt, 0) == MESSAGE_INSTANTANEOUS;
                s->bytes -= row_bytes((size_t)sqlite3_column_bytes(stmt, 1),
                                      (size_t)sqlite3_column_bytes(stmt, 2));
                n++;
        }
        (void)sqlite3_reset(stmt); /* repeats a failure */
        r = explain(s, r);
        if (r < 0)
                return r;
        *ret_n = n;
        return 0;
}

static int trim(struct mqtt_spool *s)
{
        uint64_t n;
        int r;

        while (s->bytes > s->bytes_max && s->n > 0) {
                enum message_class class =
                        s->n_instantaneous > 0 ? MESSAGE_INSTANTANEOUS : MESSAGE_ENERGY;

                (void)sqlite3_bind_int(s->trim, 1, (int)class);
                (void)sqlite3_bind_int(s->trim, 2, SPOOL_TRIM_ROWS);
                r = run_delete(s, s->trim, &n);
                if (r < 0)
                        return r;
                s->dropped += n;
                if (n == 0)
                        return 0; /* the counts were wrong: no reason to spin */
        }
        return 0;
}

/* Nothing new; a damaged file is reported until it has been taken away. */
static void all_is_well(struct mqtt_spool *s)
{
        if (!strstr(s->error, ".corrupt") || access(s->aside, F_OK) < 0)
                s->error[0] = '\0';
}

static bool is_kept(const struct message *m)
{
        return m->row == 0 && m->attributes.class != MESSAGE_STATE;
}

static int append_all(struct mqtt_spool *s, struct message *const *first, size_t n,
                      const struct message_list *list)
{
        int r;

        r = run(s, "BEGIN");
        for (size_t i = 0; r >= 0 && i < n; i++)
                if (is_kept(first[i]))
                        r = insert(s, first[i]);
        for (const struct message *m = list->head; r >= 0 && m; m = m->next)
                if (m->attributes.class != MESSAGE_STATE)
                        r = insert(s, m);
        if (r >= 0)
                r = trim(s);
        return r < 0 ? r : run(s, "COMMIT");
}

int mqtt_spool_append_behind(struct mqtt_spool *s, struct message *const *first, size_t n,
                             struct message_list *list)
{
        int64_t row;
        int r;

        while (message_list_drop_oldest(list, MESSAGE_STATE))
                ;
        if (!list->head)
                return 0;
        r = need_db(s);
        if (r < 0)
                return r;
        row = s->last_row;
        r = append_all(s, first, n, list);
        if (r < 0)
                return give_up(s, r);
        for (size_t i = 0; i < n; i++)
                if (is_kept(first[i]))
                        first[i]->row = ++row; /* as append_all() gave them */
        all_is_well(s);
        message_list_clear(list);
        return 0;
}

int mqtt_spool_append(struct mqtt_spool *s, struct message_list *list)
{
        return mqtt_spool_append_behind(s, NULL, 0, list);
}

/* A message that is not as it was written is worth nothing: a digit of it may be another. */
static int drop_damaged(struct mqtt_spool *s, const int64_t *rows, size_t n)
{
        uint64_t gone;
        int r = 0;

        for (size_t i = 0; i < n && r >= 0; i++) {
                (void)sqlite3_bind_int64(s->drop, 1, rows[i]);
                r = run_delete(s, s->drop, &gone);
        }
        s->dropped += n;
        (void)snprintf(s->error, sizeof(s->error),
                       "spool %.60s: %zu messages had changed on the disk and are left out: look "
                       "after the disk",
                       s->path, n);
        return r;
}

/* *ret_after: the last row that was looked at. */
static int read_some(struct mqtt_spool *s, int64_t *after, size_t n, struct message_list *ret)
{
        int64_t damaged[DAMAGED_MAX];
        size_t n_damaged = 0;
        int r, code = SQLITE_OK;

        (void)sqlite3_bind_int64(s->read, 1, *after);
        (void)sqlite3_bind_int64(s->read, 2, (sqlite3_int64)n);
        while ((r = database_step(s->read)) > 0) {
                struct message *m = mqtt_salvage_message(s->read);

                if (!m) {
                        code = SQLITE_NOMEM;
                        break;
                }
                if (m->row <= *after) { /* no primary key any more: they would come without end */
                        free(m);
                        code = SQLITE_CORRUPT;
                        break;
                }
                *after = m->row;
                if (mqtt_salvage_is_whole(m, s->read)) {
                        message_list_add(ret, m);
                        continue;
                }
                damaged[n_damaged++] = m->row;
                free(m);
                if (n_damaged == ELEMENTSOF(damaged))
                        break; /* of the others later */
        }
        (void)sqlite3_reset(s->read); /* repeats a failure */
        if (r < 0 || code != SQLITE_OK)
                return r < 0 ? explain(s, r) : fail(s, code);
        return n_damaged > 0 ? drop_damaged(s, damaged, n_damaged) : 0;
}

/* Until there is a whole one, or nothing more. */
static int read_whole(struct mqtt_spool *s, int64_t after, size_t n, struct message_list *ret)
{
        int64_t before;
        int r = need_db(s);

        if (r < 0)
                return r;
        do {
                before = after;
                r = read_some(s, &after, n, ret);
        } while (r >= 0 && !ret->head && after > before);
        return r < 0 ? give_up(s, r) : 0;
}

int mqtt_spool_read(struct mqtt_spool *s, int64_t after, size_t n, struct message_list *ret)
{
        int r = read_whole(s, after, n, ret);

        if (r != -EUCLEAN || !s->db)
                return r;
        /* Rows saved of a damaged file have the numbers behind those of before. */
        return ret->head ? 0 : read_whole(s, after, n, ret);
}

static void remove_file(struct mqtt_spool *s)
{
        char wal[PATH_MAX + 4];

        close_db(s); /* also removes the -wal: it is the last connection; not on a full disk */
        (void)unlink(s->path);
        (void)snprintf(wal, sizeof(wal), "%s-wal", s->path);
        (void)unlink(wal);
        s->n = s->bytes = s->n_instantaneous = 0;
        all_is_well(s);
}

int mqtt_spool_remove(struct mqtt_spool *s, int64_t row)
{
        uint64_t gone;
        int r;

        if (s->n == 0)
                return 0;
        /* A full disk takes no removal of rows, but that of the file. With Durability=always it
         * fills again at once: then the file is kept while it can be. */
        if (row >= s->last_row && !s->durable) {
                remove_file(s);
                return 0;
        }
        r = need_db(s);
        if (r < 0)
                return r;
        r = run(s, "BEGIN");
        if (r >= 0) {
                (void)sqlite3_bind_int64(s->remove, 1, row);
                r = run_delete(s, s->remove, &gone);
        }
        if (r >= 0)
                r = run(s, "COMMIT");
        if (r < 0) {
                r = give_up(s, r);
                if (row < s->last_row)
                        return r;
                remove_file(s);
        } else if (s->n == 0 && !s->durable) {
                remove_file(s); /* the last ones had been dropped */
        }
        return 0;
}
