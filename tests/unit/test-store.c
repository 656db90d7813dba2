/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/store.h"

struct place {
        char directory[64];
        char path[96];
        struct store *store;
};

static int make_place(void **state)
{
        struct place *place = calloc(1, sizeof(*place));

        assert_non_null(place);
        strcpy(place->directory, "/tmp/test-store.XXXXXX");
        assert_non_null(mkdtemp(place->directory));
        (void)snprintf(place->path, sizeof(place->path), "%s/state.db", place->directory);
        assert_int_equal(store_new(place->directory, &place->store), 0);
        *state = place;
        return 0;
}

static int remove_place(void **state)
{
        static const char *const names[] = { "state.db", "state.db-journal", "state.db.corrupt",
                                             "" };
        struct place *place = *state;
        char path[128];

        store_free(place->store);
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
        assert_int_equal(store_new(place->directory, &place->store), 0);
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
        sd_event *event = NULL;
        unsigned int before;

        assert_return_code(sd_event_new(&event), 0);
        assert_return_code(store_gather(place->store, event), 0);
        before = n_written(place);
        learn_many(place);
        assert_int_equal(n_written(place), before);
        while (n_written(place) == before)
                assert_return_code(sd_event_run(event, UINT64_MAX), 0);
        assert_int_equal(n_written(place), before + 1);

        learn_many(place); /* and at the end even without the timer */
        place->store = store_free(place->store);
        assert_int_equal(n_written(place), before + 2);
        reopen(place);
        assert_int_equal(store_find_converter(place->store, "067b:2303:255", &got), 1);
        assert_null(sd_event_unref(event));
}

static void what_must_last_does_not_wait(void **state)
{
        struct place *place = *state;
        struct cipher_keys keys = { .has_key = true };
        sd_event *event = NULL;
        unsigned int before;

        assert_return_code(sd_event_new(&event), 0);
        assert_return_code(store_gather(place->store, event), 0);
        before = n_written(place);
        assert_int_equal(store_put_keys(place->store, "m", &keys), 0);
        assert_int_equal(n_written(place), before + 1);
        assert_int_equal(store_put_converter(place->store, &learned), 0);
        assert_int_equal(n_written(place), before + 2);
        learn_many(place);
        assert_int_equal(store_forget_converter(place->store, learned.identity), 0);
        assert_int_equal(n_written(place), before + 4); /* what was learned, and the other */
        place->store = store_free(place->store);
        assert_int_equal(n_written(place), before + 4);
        assert_null(sd_event_unref(event));
}

static void append_identity(const struct store_converter *converter, void *userdata)
{
        strcat(userdata, converter->identity);
}

static void only_adopted_ones_are_listed(void **state)
{
        struct place *place = *state;
        char list[64] = "";

        for (char c = 'a'; c < 'f'; c++) {
                struct store_converter converter = { .identity = { c }, .adopted = c != 'c' };

                assert_int_equal(store_put_converter(place->store, &converter), 0);
        }
        assert_int_equal(store_each_adopted(place->store, append_identity, list), 0);
        assert_string_equal(list, "abde");
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

        assert_int_equal(store_new(place->directory, &place->store), 0);
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

        assert_int_equal(store_new(place->directory, &place->store), 0);
        (void)snprintf(aside, sizeof(aside), "%s.corrupt", place->path);
        assert_int_equal(access(aside, F_OK), 0);
}

static void without_a_folder_all_is_forgotten_quietly(void **state)
{
        struct store *store = NULL;
        struct store_converter got;
        struct cipher_keys keys;

        assert_int_equal(store_new("/proc/none/such", &store), -ENOENT);
        assert_null(store);
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
                HERE(what_must_last_does_not_wait),
                HERE(only_adopted_ones_are_listed),
                HERE(keys_are_remembered_by_meter_in_any_case),
                HERE(keys_are_listed_in_order_of_their_meters),
                HERE(file_is_for_its_owner_only),
                HERE(damaged_file_is_put_aside),
                HERE(damage_behind_the_header_is_found_too),
                cmocka_unit_test(without_a_folder_all_is_forgotten_quietly),
        };

        log_set_level(LOG_ERR); /* the warning of a damaged file is expected here */
        return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
