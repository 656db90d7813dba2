/* SPDX-License-Identifier: MIT */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pthread.h>
#include <sqlite3.h>

#include "base/log.h"
#include "daemon/store/store-file.h"
#include "daemon/store/store.h"

/* A disk that can be made to hang, or to refuse. */
static struct {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        bool frozen;
        int refuses;
        unsigned int n_writes, n_rows;
} disk = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static int wait_for_thaw(void)
{
        int r;

        (void)pthread_mutex_lock(&disk.lock);
        while (disk.frozen)
                (void)pthread_cond_wait(&disk.changed, &disk.lock);
        r = disk.refuses;
        (void)pthread_mutex_unlock(&disk.lock);
        return r;
}

static void freeze(bool frozen)
{
        (void)pthread_mutex_lock(&disk.lock);
        disk.frozen = frozen;
        (void)pthread_cond_broadcast(&disk.changed);
        (void)pthread_mutex_unlock(&disk.lock);
}

static void refuse(int code)
{
        (void)pthread_mutex_lock(&disk.lock);
        disk.refuses = code;
        (void)pthread_mutex_unlock(&disk.lock);
}

int __real_store_file_open(const char *directory, store_file_read_t read, void *userdata,
                           struct store_file **ret, bool *ret_aside);
int __wrap_store_file_open(const char *directory, store_file_read_t read, void *userdata,
                           struct store_file **ret, bool *ret_aside);
int __real_store_file_write(struct store_file *file, struct store_row *const *rows, size_t n);
int __wrap_store_file_write(struct store_file *file, struct store_row *const *rows, size_t n);

int __wrap_store_file_open(const char *directory, store_file_read_t read, void *userdata,
                           struct store_file **ret, bool *ret_aside)
{
        (void)wait_for_thaw();
        return __real_store_file_open(directory, read, userdata, ret, ret_aside);
}

int __wrap_store_file_write(struct store_file *file, struct store_row *const *rows, size_t n)
{
        int r = wait_for_thaw();

        (void)pthread_mutex_lock(&disk.lock);
        disk.n_writes++;
        disk.n_rows += (unsigned int)n;
        (void)pthread_mutex_unlock(&disk.lock);
        return r < 0 ? r : __real_store_file_write(file, rows, n);
}

struct place {
        char directory[64];
        char path[96];
        sd_event *event;
        struct store *store;
        unsigned int n_changes;
        bool loaded;
};

static void on_changed(bool loaded, void *userdata)
{
        struct place *place = userdata;

        place->n_changes++;
        place->loaded = loaded;
}

static int begin(struct place *place)
{
        int r = store_new(&(struct store_options){ .event = place->event,
                                                   .directory = place->directory,
                                                   .wait_usec = disk.frozen ? 1000 : 0,
                                                   .retry_usec = 1000,
                                                   .changed = on_changed,
                                                   .userdata = place },
                          &place->store);

        store_wait(place->store);
        return r;
}

static void on_synced(int result, void *userdata)
{
        *(int *)userdata = result;
}

#define WAITS 1

/* Runs the loop until what was put is on the disk. */
static int sync_store(struct place *place)
{
        int result = WAITS;

        store_sync(place->store, on_synced, &result);
        while (result == WAITS)
                assert_return_code(sd_event_run(place->event, UINT64_MAX), 0);
        return result;
}

static int make_place(void **state)
{
        struct place *place = calloc(1, sizeof(*place));

        assert_non_null(place);
        strcpy(place->directory, "/tmp/test-store.XXXXXX");
        assert_non_null(mkdtemp(place->directory));
        (void)snprintf(place->path, sizeof(place->path), "%s/state.db", place->directory);
        assert_return_code(sd_event_new(&place->event), 0);
        assert_int_equal(begin(place), 0);
        *state = place;
        return 0;
}

static int remove_place(void **state)
{
        static const char *const names[] = { "state.db", "state.db-journal", "state.db.corrupt",
                                             "" };
        struct place *place = *state;
        char path[128];

        freeze(false);
        refuse(0);
        store_free(place->store);
        assert_null(sd_event_unref(place->event));
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                (void)snprintf(path, sizeof(path), "%s/%s", place->directory, names[i]);
                (void)remove(path); /* not all are there */
        }
        free(place);
        return 0;
}

static void reopen(struct place *place)
{
        place->store = store_free(place->store);
        assert_int_equal(begin(place), 0);
}

static const struct store_converter learned = {
        .identity = "067b:2303@pci-0000:00:14.0-usb-0:2:1.0",
        .has_line = true,
        .line = { 2400, 8, PARITY_EVEN, 1 },
        .profile = "lgz-e450",
        .meter_id = "LGZ1030655933512",
};

static void converter_is_remembered_across_restarts(void **state)
{
        struct place *place = *state;
        struct store_converter got;

        assert_int_equal(store_find_converter(place->store, learned.identity, &got), 0);
        assert_int_equal(store_put_converter(place->store, &learned), 0);
        reopen(place);
        assert_int_equal(store_find_converter(place->store, learned.identity, &got), 1);
        assert_string_equal(got.identity, learned.identity);
        assert_true(got.has_line);
        assert_true(serial_line_equal(&got.line, &learned.line));
        assert_string_equal(got.profile, "lgz-e450");
        assert_string_equal(got.meter_id, "LGZ1030655933512");
        assert_false(got.adopted);
}

static void converter_is_replaced_and_forgotten(void **state)
{
        struct place *place = *state;
        struct store_converter changed = { .adopted = true }, got;

        strcpy(changed.identity, learned.identity);
        assert_int_equal(store_put_converter(place->store, &learned), 0);
        assert_int_equal(store_put_converter(place->store, &changed), 0);
        assert_int_equal(store_find_converter(place->store, learned.identity, &got), 1);
        assert_false(got.has_line);
        assert_string_equal(got.profile, "");
        assert_true(got.adopted);

        assert_int_equal(store_forget_converter(place->store, learned.identity), 0);
        assert_int_equal(store_find_converter(place->store, learned.identity, &got), 0);
        assert_int_equal(store_forget_converter(place->store, "never seen"), 0);
}

/* The file's change counter (SQLite file format, 1.3.7): one more for each transaction. */
static unsigned int n_written(const struct place *place)
{
        uint8_t counter[4];
        OWNED_FD int fd = open(place->path, O_RDONLY | O_CLOEXEC);

        assert_int_equal(pread(fd, counter, sizeof(counter), 24), sizeof(counter));
        return (unsigned int)counter[0] << 24 | (unsigned int)counter[1] << 16 |
               (unsigned int)counter[2] << 8 | counter[3];
}

/* The same, once the file is made: who begins does not wait for that. */
static unsigned int n_written_first(struct place *place)
{
        assert_int_equal(sync_store(place), 0);
        return n_written(place);
}

static void learn_many(struct place *place)
{
        struct store_converter converter = learned, got;

        for (int i = 0; i < 256; i++) {
                (void)snprintf(converter.identity, sizeof(converter.identity), "067b:2303:%d", i);
                assert_int_equal(store_learn_converter(place->store, &converter), 0);
                assert_int_equal(store_find_converter(place->store, converter.identity, &got), 1);
        }
}

static void what_is_learned_is_written_together_a_moment_later(void **state)
{
        struct place *place = *state;
        struct store_converter got;
        unsigned int before = n_written_first(place);

        learn_many(place);
        assert_int_equal(n_written(place), before);
        while (n_written(place) == before)
                assert_return_code(sd_event_run(place->event, UINT64_MAX), 0);
        assert_int_equal(n_written(place), before + 1);

        learn_many(place); /* nothing new: nothing is written */
        reopen(place);
        assert_int_equal(n_written(place), before + 1);
        assert_int_equal(store_find_converter(place->store, "067b:2303:255", &got), 1);
}

static void what_is_not_yet_written_is_at_the_end(void **state)
{
        struct place *place = *state;
        struct store_converter got;
        unsigned int before = n_written_first(place);

        learn_many(place);
        reopen(place);
        assert_int_equal(n_written(place), before + 1);
        assert_int_equal(store_find_converter(place->store, "067b:2303:255", &got), 1);
}

static void what_must_last_does_not_wait(void **state)
{
        struct place *place = *state;
        struct cipher_keys keys = { .has_key = true };
        unsigned int before = n_written_first(place);

        assert_int_equal(store_put_keys(place->store, "m", &keys), 0);
        assert_int_equal(sync_store(place), 0);
        assert_int_equal(n_written(place), before + 1);
        assert_int_equal(store_put_converter(place->store, &learned), 0);
        assert_int_equal(sync_store(place), 0);
        assert_int_equal(n_written(place), before + 2);
        learn_many(place);
        assert_int_equal(store_forget_converter(place->store, learned.identity), 0);
        assert_int_equal(sync_store(place), 0);
        assert_int_equal(n_written(place), before + 3); /* what was learned goes with it */
        assert_int_equal(sync_store(place), 0);
        assert_int_equal(n_written(place), before + 3);
}

static void a_disk_that_hangs_keeps_nobody(void **state)
{
        struct place *place = *state;
        struct store_converter got;
        int result = WAITS;

        assert_int_equal(sync_store(place), 0); /* it has been opened */
        freeze(true);
        assert_int_equal(store_put_converter(place->store, &learned), 0);
        store_sync(place->store, on_synced, &result);
        for (int i = 0; i < 100; i++) { /* nothing queues up behind it */
                struct store_converter other = learned;

                (void)snprintf(other.profile, sizeof(other.profile), "p%d", i);
                assert_int_equal(store_put_converter(place->store, &other), 0);
                assert_return_code(sd_event_run(place->event, 0), 0);
        }
        assert_int_equal(result, WAITS);
        assert_int_equal(store_find_converter(place->store, learned.identity, &got), 1);
        assert_string_equal(got.profile, "p99");
        disk.n_writes = 0;
        freeze(false);
        assert_int_equal(sync_store(place), 0);
        assert_int_equal(result, 0);
        assert_int_equal(disk.n_writes, 2);
}

static void who_waits_for_a_disk_that_hangs_is_told(void **state)
{
        struct place *place = *state;

        freeze(true);
        assert_int_equal(store_put_converter(place->store, &learned), 0);
        assert_int_equal(sync_store(place), -ETIMEDOUT);
        assert_int_equal(store_error(place->store), -ETIMEDOUT);
        assert_int_equal(place->n_changes, 1);
        freeze(false);
        assert_int_equal(sync_store(place), 0);
        assert_int_equal(store_error(place->store), 0);
        assert_int_equal(place->n_changes, 2);
}

static void a_disk_that_hangs_is_told_though_nobody_waits(void **state)
{
        struct place *place = *state;

        assert_int_equal(sync_store(place), 0);
        place->n_changes = 0;
        freeze(true);
        assert_int_equal(store_put_converter(place->store, &learned), 0);
        while (place->n_changes == 0)
                assert_return_code(sd_event_run(place->event, UINT64_MAX), 0);
        assert_int_equal(store_error(place->store), -ETIMEDOUT);
        freeze(false);
        while (store_error(place->store) != 0)
                assert_return_code(sd_event_run(place->event, UINT64_MAX), 0);
        assert_int_equal(place->n_changes, 2);
}

static void what_the_disk_refuses_is_written_with_the_next(void **state)
{
        struct place *place = *state;
        struct cipher_keys keys = { .has_key = true };
        struct store_converter got;

        refuse(-ENOSPC);
        assert_int_equal(store_put_converter(place->store, &learned), 0);
        assert_int_equal(sync_store(place), -ENOSPC);
        assert_int_equal(store_error(place->store), -ENOSPC);
        refuse(0);
        assert_int_equal(store_put_keys(place->store, "m", &keys), 0);
        assert_int_equal(sync_store(place), 0);
        assert_int_equal(store_error(place->store), 0);
        reopen(place);
        assert_int_equal(store_find_converter(place->store, learned.identity, &got), 1);
        assert_int_equal(store_find_keys(place->store, "m", &keys), 1);
}

static void a_disk_that_answers_late_is_read_late(void **state)
{
        struct place *place = *state;
        struct store_converter other = { .identity = "new" }, got, changed = learned;

        assert_int_equal(store_put_converter(place->store, &learned), 0);
        (void)snprintf(changed.identity, sizeof(changed.identity), "both");
        assert_int_equal(store_put_converter(place->store, &changed), 0);
        (void)snprintf(changed.identity, sizeof(changed.identity), "forgotten");
        assert_int_equal(store_put_converter(place->store, &changed), 0);
        place->store = store_free(place->store);
        freeze(true);
        assert_int_equal(begin(place), 0);
        assert_int_equal(store_error(place->store), -ETIMEDOUT);
        assert_int_equal(store_find_converter(place->store, learned.identity, &got), 0);
        assert_int_equal(store_put_converter(place->store, &other), 0);
        (void)snprintf(other.identity, sizeof(other.identity), "both");
        assert_int_equal(store_put_converter(place->store, &other), 0);
        assert_int_equal(store_forget_converter(place->store, "forgotten"), 0);
        freeze(false);
        while (!place->loaded)
                assert_return_code(sd_event_run(place->event, UINT64_MAX), 0);
        assert_int_equal(sync_store(place), 0);
        for (int i = 0; i < 2; i++) {
                assert_int_equal(store_find_converter(place->store, learned.identity, &got), 1);
                assert_string_equal(got.profile, "lgz-e450");
                assert_int_equal(store_find_converter(place->store, "new", &got), 1);
                assert_int_equal(store_find_converter(place->store, "both", &got), 1);
                assert_string_equal(got.profile, ""); /* what was put last */
                assert_int_equal(store_find_converter(place->store, "forgotten", &got), 0);
                reopen(place);
        }
}

static void a_file_damaged_while_it_is_used_is_written_anew(void **state)
{
        struct place *place = *state;
        struct cipher_keys keys = { .has_key = true };
        struct store_converter got;
        char aside[128];

        assert_int_equal(store_put_converter(place->store, &learned), 0);
        assert_int_equal(sync_store(place), 0);
        int fd = open(place->path, O_WRONLY | O_CLOEXEC);
        assert_int_equal(pwrite(fd, "garbage in place of a header", 28, 0), 28);
        (void)close(fd);
        assert_int_equal(store_put_keys(place->store, "m", &keys), 0);
        assert_int_equal(sync_store(place), 0);
        (void)snprintf(aside, sizeof(aside), "%s.corrupt", place->path);
        assert_int_equal(access(aside, F_OK), 0);
        reopen(place);
        assert_int_equal(store_find_converter(place->store, learned.identity, &got), 1);
        assert_int_equal(store_find_keys(place->store, "m", &keys), 1);
}

static void converters_are_listed_in_order(void **state)
{
        struct place *place = *state;
        struct store_converter got;
        char list[64] = "";

        for (char c = 'e'; c >= 'a'; c--) {
                struct store_converter converter = { .identity = { c }, .adopted = c != 'c' };

                assert_int_equal(store_put_converter(place->store, &converter), 0);
        }
        assert_int_equal(store_forget_converter(place->store, "b"), 0);
        for (size_t i = 0; store_find_converter_at(place->store, i, &got) > 0; i++) {
                strcat(list, got.identity);
                assert_int_equal(got.adopted, *got.identity != 'c');
        }
        assert_string_equal(list, "acde");
}

static void meters_and_retained_topics_are_remembered(void **state)
{
        struct place *place = *state;
        char id[METER_ID_MAX], name[32];

        assert_int_equal(store_put_meter(place->store, "LGZ1", "{}", false), 0);
        assert_int_equal(store_put_retained(place->store, "local", "LGZ1", "a/b\nc\n"), 0);
        assert_int_equal(store_put_retained(place->store, "local", "", "state\n"), 0);
        assert_int_equal(store_put_retained(place->store, "localhost", "LGZ2", "d\n"), 0);
        reopen(place);
        assert_string_equal(store_meter_at(place->store, 0, id), "{}");
        assert_string_equal(id, "LGZ1");
        assert_null(store_meter_at(place->store, 1, id));
        assert_string_equal(store_retained_at(place->store, "local", 0, id), "state\n");
        assert_string_equal(id, "");
        assert_string_equal(store_retained_at(place->store, "local", 1, id), "a/b\nc\n");
        assert_string_equal(id, "LGZ1");
        assert_null(store_retained_at(place->store, "local", 2, id));
        assert_string_equal(store_retained_output_at(place->store, 2, name, sizeof(name)),
                            "localhost");
        assert_null(store_retained_output_at(place->store, 3, name, sizeof(name)));

        assert_int_equal(store_forget_meter(place->store, "LGZ1"), 1);
        assert_int_equal(store_forget_meter(place->store, "LGZ1"), 0);
        assert_int_equal(store_put_retained(place->store, "local", "LGZ1", ""), 0);
        reopen(place);
        assert_null(store_meter_at(place->store, 0, id));
        assert_null(store_retained_at(place->store, "local", 1, id));
}

static void keys_are_remembered_by_meter_in_any_case(void **state)
{
        struct place *place = *state;
        struct cipher_keys keys = { .has_key = true, .key = { 1, 2, 3 } }, got;

        assert_int_equal(store_find_keys(place->store, "4C475A01", &got), 0);
        assert_int_equal(store_put_keys(place->store, "4C475A01", &keys), 0);
        reopen(place);
        assert_int_equal(store_find_keys(place->store, "4c475a01", &got), 1);
        assert_true(got.has_key && !got.has_auth_key && !got.has_title);
        assert_memory_equal(got.key, keys.key, sizeof(keys.key));

        keys.has_auth_key = true;
        keys.auth_key[15] = 9;
        assert_int_equal(store_put_keys(place->store, "4c475a01", &keys), 0);
        assert_int_equal(store_find_keys(place->store, "4C475A01", &got), 1);
        assert_true(got.has_auth_key);
        assert_int_equal(got.auth_key[15], 9);
}

static void keys_are_listed_in_order_of_their_meters(void **state)
{
        struct place *place = *state;
        struct cipher_keys keys = { .has_key = true, .key = { 7 } }, got;
        char meter[METER_ID_MAX] = "unchanged";

        assert_int_equal(store_find_keys_at(NULL, 0, meter, &got), 0);
        assert_int_equal(store_find_keys_at(place->store, 0, meter, &got), 0);
        assert_string_equal(meter, "unchanged");
        assert_int_equal(store_put_keys(place->store, "B", &(struct cipher_keys){ 0 }), 0);
        assert_int_equal(store_put_keys(place->store, "A", &keys), 0);
        assert_int_equal(store_find_keys_at(place->store, 0, meter, &got), 1);
        assert_string_equal(meter, "A");
        assert_true(got.has_key && got.key[0] == 7);
        assert_int_equal(store_find_keys_at(place->store, 1, meter, &got), 1);
        assert_string_equal(meter, "B");
        assert_false(got.has_key);
        assert_int_equal(store_find_keys_at(place->store, 2, meter, &got), 0);
}

static void file_is_for_its_owner_only(void **state)
{
        struct place *place = *state;
        struct stat st;

        assert_int_equal(stat(place->path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
}

static void a_file_of_an_older_release_gets_what_it_lacks(void **state)
{
        struct place *place = *state;
        struct store_converter got;
        char text[SCALE_MEMORY_TEXT_MAX];
        sqlite3 *db = NULL;

        assert_int_equal(store_put_converter(place->store, &learned), 0);
        place->store = store_free(place->store);
        assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, "DROP TABLE scale; DROP TABLE told", NULL, NULL, NULL),
                         SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);

        assert_int_equal(begin(place), 0);
        assert_int_equal(store_find_converter(place->store, learned.identity, &got), 1);
        assert_int_equal(store_put_scales(place->store, "m", "1.8=0"), 0);
        reopen(place);
        assert_int_equal(store_find_scales(place->store, "m", text), 1);
        assert_int_equal(store_find_converter(place->store, learned.identity, &got), 1);
}

/* As .dump of sqlite3 makes one. */
static void a_copy_without_a_version_is_read(void **state)
{
        struct place *place = *state;
        struct store_converter got;
        sqlite3 *db = NULL;

        assert_int_equal(store_put_converter(place->store, &learned), 0);
        place->store = store_free(place->store);
        assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 0", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        for (int i = 0; i < 2; i++) {
                assert_int_equal(begin(place), 0);
                assert_int_equal(store_find_converter(place->store, learned.identity, &got), 1);
                assert_int_equal(sync_store(place), 0);
                place->store = store_free(place->store);
        }
        assert_int_equal(begin(place), 0);
}

/* The rows of a new file are known before it is made: what goes wrong then is reported as ever. */
static void a_new_file_that_cannot_be_made_is_told_and_made_later(void **state)
{
        struct place *place = *state;
        struct rlimit before, nothing;
        struct store_converter got;

        place->store = store_free(place->store);
        assert_int_equal(remove(place->path), 0);
        (void)signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
        nothing = (struct rlimit){ 0, before.rlim_max };
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &nothing), 0);
        assert_int_equal(begin(place), 0);
        while (store_error(place->store) == 0)
                assert_return_code(sd_event_run(place->event, UINT64_MAX), 0);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        while (store_error(place->store) != 0) /* though there is nothing to be written */
                assert_return_code(sd_event_run(place->event, UINT64_MAX), 0);
        assert_int_equal(store_put_converter(place->store, &learned), 0);
        assert_int_equal(sync_store(place), 0);
        reopen(place);
        assert_int_equal(store_find_converter(place->store, learned.identity, &got), 1);
}

static void damaged_file_is_put_aside(void **state)
{
        struct place *place = *state;
        struct store_converter got;
        char aside[128];

        assert_int_equal(store_put_converter(place->store, &learned), 0);
        place->store = store_free(place->store);
        int fd = open(place->path, O_WRONLY | O_CLOEXEC);
        assert_int_equal(pwrite(fd, "garbage in place of a header", 28, 0), 28);
        (void)close(fd);

        assert_int_equal(begin(place), 0);
        assert_int_equal(store_find_converter(place->store, learned.identity, &got), 0);
        assert_int_equal(store_put_converter(place->store, &learned), 0);
        assert_int_equal(store_find_converter(place->store, learned.identity, &got), 1);
        (void)snprintf(aside, sizeof(aside), "%s.corrupt", place->path);
        assert_int_equal(access(aside, F_OK), 0);
}

static void damage_behind_the_header_is_found_too(void **state)
{
        struct place *place = *state;
        char page[4096];
        char aside[128];

        assert_int_equal(store_put_converter(place->store, &learned), 0);
        place->store = store_free(place->store);
        memset(page, 0xa5, sizeof(page));
        int fd = open(place->path, O_WRONLY | O_CLOEXEC);
        assert_int_equal(pwrite(fd, page, sizeof(page), 4096), (ssize_t)sizeof(page));
        (void)close(fd);

        assert_int_equal(begin(place), 0);
        (void)snprintf(aside, sizeof(aside), "%s.corrupt", place->path);
        assert_int_equal(access(aside, F_OK), 0);
}

static void what_is_no_file_is_put_aside(void **state)
{
        struct place *place = *state;
        struct store_converter got;
        char aside[128];

        place->store = store_free(place->store);
        assert_int_equal(remove(place->path), 0);
        assert_int_equal(mkdir(place->path, 0700), 0);
        assert_int_equal(begin(place), 0);
        assert_int_equal(store_error(place->store), 0);
        assert_int_equal(store_put_converter(place->store, &learned), 0);
        reopen(place);
        assert_int_equal(store_find_converter(place->store, learned.identity, &got), 1);
        (void)snprintf(aside, sizeof(aside), "%s.corrupt", place->path);
        assert_int_equal(rmdir(aside), 0);
}

static void without_a_folder_all_is_in_memory(void **state)
{
        struct place place = { .directory = "/proc/none/such" };
        struct store_converter got;
        struct cipher_keys keys;

        assert_return_code(sd_event_new(&place.event), 0);
        assert_int_equal(begin(&place), 0);
        assert_int_equal(store_error(place.store), -ENOENT);
        assert_int_equal(store_put_converter(place.store, &learned), 0);
        assert_int_equal(store_find_converter(place.store, learned.identity, &got), 1);
        assert_int_equal(sync_store(&place), -ENOENT);
        assert_null(store_free(place.store));
        assert_null(sd_event_unref(place.event));

        assert_int_equal(store_put_converter(NULL, &learned), 0);
        assert_int_equal(store_find_converter(NULL, learned.identity, &got), 0);
        assert_int_equal(store_find_keys(NULL, "m", &keys), 0);
        assert_null(store_free(NULL));
}

#define HERE(function) cmocka_unit_test_setup_teardown(function, make_place, remove_place)

int main(void)
{
        static const struct CMUnitTest tests[] = {
                HERE(converter_is_remembered_across_restarts),
                HERE(converter_is_replaced_and_forgotten),
                HERE(what_is_learned_is_written_together_a_moment_later),
                HERE(what_is_not_yet_written_is_at_the_end),
                HERE(what_must_last_does_not_wait),
                HERE(a_disk_that_hangs_keeps_nobody),
                HERE(who_waits_for_a_disk_that_hangs_is_told),
                HERE(a_disk_that_hangs_is_told_though_nobody_waits),
                HERE(what_the_disk_refuses_is_written_with_the_next),
                HERE(a_disk_that_answers_late_is_read_late),
                HERE(a_file_damaged_while_it_is_used_is_written_anew),
                HERE(converters_are_listed_in_order),
                HERE(meters_and_retained_topics_are_remembered),
                HERE(keys_are_remembered_by_meter_in_any_case),
                HERE(keys_are_listed_in_order_of_their_meters),
                HERE(file_is_for_its_owner_only),
                HERE(a_file_of_an_older_release_gets_what_it_lacks),
                HERE(a_copy_without_a_version_is_read),
                HERE(a_new_file_that_cannot_be_made_is_told_and_made_later),
                HERE(damaged_file_is_put_aside),
                HERE(damage_behind_the_header_is_found_too),
                HERE(what_is_no_file_is_put_aside),
                cmocka_unit_test(without_a_folder_all_is_in_memory),
        };

        log_set_level(LOG_ERR); /* the warning of a damaged file is expected here */
        return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
