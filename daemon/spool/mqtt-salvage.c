/* SPDX-License-Identifier: MIT */
/*
 * Reads on behind an unreadable place: the next row is looked for at growing distances, since the
 * tree leads around a damaged leaf to those behind it.
 */
#include "mqtt-salvage.h"

#include <endian.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/database.h"
#include "base/util.h"

#define PAGE_BYTES 4096               /* SQLite's own choice, in the file and in memory */
#define AT_PAGES   28                 /* in its header: how many there are */
#define STEP_MAX   (INT64_C(1) << 24) /* rows; SpoolMax= holds fewer */

struct salvage {
        sqlite3_stmt *read;
        int (*take)(void *userdata, const struct message *m);
        void *userdata;
        int64_t last; /* the row read last */
        uint64_t n;
};

/* FNV-1a: one byte that differs always makes another number. */
static uint64_t add_bytes(uint64_t sum, const void *data, size_t len)
{
        const uint8_t *bytes = data;

        for (size_t i = 0; i < len; i++)
                sum = (sum ^ bytes[i]) * UINT64_C(0x100000001b3);
        return sum;
}

int64_t mqtt_salvage_digest(const struct message *m)
{
        const uint64_t numbers[] = { (uint64_t)m->attributes.class, (uint64_t)m->attributes.qos,
                                     m->attributes.retain, m->attributes.expiry_s, m->topic_len };
        uint64_t sum = add_bytes(UINT64_C(0xcbf29ce484222325), numbers, sizeof(numbers));

        sum = add_bytes(sum, message_topic(m), m->topic_len);
        return (int64_t)add_bytes(sum, message_payload(m), m->payload_len);
}

bool mqtt_salvage_is_whole(const struct message *m, struct sqlite3_stmt *row)
{
        return sqlite3_column_type(row, 7) == SQLITE_NULL ||
               sqlite3_column_int64(row, 7) == mqtt_salvage_digest(m);
}

struct message *mqtt_salvage_message(struct sqlite3_stmt *row)
{
        struct message_attributes attributes = {
                .class = (enum message_class)sqlite3_column_int(row, 1),
                .qos = sqlite3_column_int(row, 2) ? 1 : 0,
                .retain = sqlite3_column_int(row, 3) != 0,
                .expiry_s = (uint32_t)sqlite3_column_int64(row, 4),
        };
        const char *topic = (const char *)sqlite3_column_text(row, 5);
        const void *payload = sqlite3_column_blob(row, 6);
        struct message *m = message_new(&attributes, topic ? topic : "", payload,
                                        (size_t)sqlite3_column_bytes(row, 6));

        if (m)
                m->row = sqlite3_column_int64(row, 0);
        return m;
}

static bool makes_sense(const struct message *m, sqlite3_stmt *row)
{
        enum message_class class = m->attributes.class;

        return m->topic_len > 0 && sqlite3_column_type(row, 6) == SQLITE_BLOB &&
               (class == MESSAGE_INSTANTANEOUS || class == MESSAGE_ENERGY) &&
               mqtt_salvage_is_whole(m, row);
}

/* A row that makes no sense, or is not as it was written, is left out. */
static int take_row(struct salvage *s)
{
        OWNED_FREE struct message *m = mqtt_salvage_message(s->read);
        int r;

        s->last = sqlite3_column_int64(s->read, 0);
        if (!m || !makes_sense(m, s->read))
                return 0;
        r = s->take(s->userdata, m);
        s->n += r >= 0;
        return r;
}

/* Rows behind `after` until one cannot be read: 0 behind the last, -errno. *ret_taken: what take()
 * returned. */
static int read_on(struct salvage *s, int64_t after, int *ret_taken)
{
        int r = 0;

        *ret_taken = 0;
        (void)sqlite3_reset(s->read);
        (void)sqlite3_bind_int64(s->read, 1, after);
        while (*ret_taken >= 0 && (r = database_step(s->read)) > 0)
                *ret_taken = take_row(s);
        return r;
}

static int read_all(struct salvage *s)
{
        int r = 0;

        for (int64_t step = 0; step <= STEP_MAX; step = step ? 2 * step : 1) {
                int64_t before = s->last;

                if (read_on(s, before + step, &r) == 0 || r < 0)
                        break;
                if (s->last > before)
                        step = 0; /* behind the damage: the next one is looked for anew */
        }
        return r;
}

static int read_file(struct salvage *s, const char *path)
{
        sqlite3 *db = NULL;
        int r = 0;

        if (database_open(path, SQLITE_OPEN_READWRITE, &db) == 0 &&
            database_execute(db, "PRAGMA locking_mode = EXCLUSIVE") == 0 &&
            database_prepare(db,
                             "SELECT " MQTT_SALVAGE_COLUMNS " FROM message WHERE id > ?"
                             " ORDER BY id",
                             &s->read) == 0)
                r = read_all(s);
        (void)sqlite3_finalize(s->read); /* repeats an error that has been dealt with */
        s->read = NULL;
        (void)sqlite3_close(db);
        return r;
}

/* The first page of a new spool, as SQLite makes it: header, tables, where they begin. Freed by
 * sqlite3_free(). */
static uint8_t *make_first_page(const char *schema)
{
        OWNED(database) sqlite3 *db = NULL;
        sqlite3_int64 size;

        if (database_open(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &db) < 0 ||
            database_execute(db, schema) < 0)
                return NULL;
        return sqlite3_serialize(db, "main", &size, 0);
}

static void put_be32(uint8_t *p, uint32_t n)
{
        n = htobe32(n);
        memcpy(p, &n, sizeof(n));
}

/* The tables begin where they always do; only the size is of this file (file format of SQLite,
 * §1.3). */
static bool mend_first_page(const char *path, const char *schema)
{
        OWNED_FD int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        uint8_t *page;
        struct stat st;
        bool done;

        if (fd < 0 || fstat(fd, &st) < 0 || st.st_size < 2 * PAGE_BYTES)
                return false;
        page = make_first_page(schema);
        if (!page)
                return false;
        put_be32(page + AT_PAGES, (uint32_t)(st.st_size / PAGE_BYTES));
        done = pwrite(fd, page, PAGE_BYTES, 0) == PAGE_BYTES;
        sqlite3_free(page);
        return done;
}

int mqtt_salvage(const char *path, const char *schema,
                 int (*take)(void *userdata, const struct message *m), void *userdata,
                 uint64_t *ret_n)
{
        struct salvage s = { .take = take, .userdata = userdata };
        int r = read_file(&s, path);

        if (r >= 0 && s.n == 0 && mend_first_page(path, schema)) {
                s.last = 0;
                r = read_file(&s, path);
        }
        *ret_n = s.n;
        return r;
}
