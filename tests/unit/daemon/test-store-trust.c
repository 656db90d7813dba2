/* SPDX-License-Identifier: MIT */
/*
 * What decides whether a telegram is believed, over restarts: titles with their counters, and the
 * framing of each line. How soon it must be on the disk is seen at store_put().
 */
#include <stdlib.h>
#include <unistd.h>

#include "daemon/store/store-table.h"
#include "tests/unit/test.h"

struct place {
        char directory[64];
        sd_event *event;
        struct store *store;
};

static enum store_when urgency; /* of what was put last */

int __real_store_put(struct store *store, const struct store_table *table,
                     const struct store_value *values, enum store_when how_soon);
int __wrap_store_put(struct store *store, const struct store_table *table,
                     const struct store_value *values, enum store_when how_soon);

int __wrap_store_put(struct store *store, const struct store_table *table,
                     const struct store_value *values, enum store_when how_soon)
{
        urgency = how_soon;
        return __real_store_put(store, table, values, how_soon);
}

static void begin(struct place *place)
{
        assert_int_equal(store_new(&(struct store_options){ .event = place->event,
                                                            .directory = place->directory },
                                   &place->store),
                         0);
        store_wait(place->store);
}

static void restart(struct place *place)
{
        place->store = store_free(place->store);
        begin(place);
}

static int make_place(void **state)
{
        struct place *place = calloc(1, sizeof(*place));

        assert_non_null(place);
        strcpy(place->directory, "/tmp/test-store-trust.XXXXXX");
        assert_non_null(mkdtemp(place->directory));
        assert_return_code(sd_event_new(&place->event), 0);
        begin(place);
        *state = place;
        return 0;
}

static int remove_place(void **state)
{
        static const char *const names[] = { "/state.db", "/state.db-journal", "" };
        struct place *place = *state;
        char path[128];

        store_free(place->store);
        assert_null(sd_event_unref(place->event));
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                (void)snprintf(path, sizeof(path), "%s%s", place->directory, names[i]);
                (void)remove(path); /* not all are there */
        }
        free(place);
        return 0;
}

static const struct store_title first = { .title = "4C475A6774206295",
                                          .meter = "LGZ1030655933512",
                                          .keys = "00112233445566aa",
                                          .counter = 4294967295U,
                                          .authenticated = true };
static const struct store_title second = { .title = "49534BEFFF745DC1",
                                           .keys = "ffeeddccbbaa9988",
                                           .counter = 7 };

static void assert_title(struct place *place, const struct store_title *want)
{
        struct store_title got;

        assert_int_equal(store_find_title(place->store, want->title, &got), 1);
        assert_string_equal(got.title, want->title);
        assert_string_equal(got.meter, want->meter);
        assert_string_equal(got.keys, want->keys);
        assert_int_equal(got.counter, want->counter);
        assert_int_equal(got.authenticated, want->authenticated);
}

static void titles_are_remembered_over_restarts(void **state)
{
        struct place *place = *state;
        struct store_title got;

        assert_int_equal(store_find_title(place->store, first.title, &got), 0);
        assert_return_code(store_put_title(place->store, &first), 0);
        assert_return_code(store_put_title(place->store, &second), 0);
        for (int i = 0; i < 2; i++) {
                assert_title(place, &first);
                assert_title(place, &second);
                assert_int_equal(store_find_title_at(place->store, 1, &got), 1);
                assert_int_equal(store_find_title_at(place->store, 2, &got), 0);
                restart(place);
        }
        assert_int_equal(store_forget_title(place->store, first.title), 1);
        assert_int_equal(store_forget_title(place->store, first.title), 0);
        restart(place);
        assert_int_equal(store_find_title(place->store, first.title, &got), 0);
        assert_title(place, &second);
}

/* An orderly stop writes it: no recording of before it is believed. */
static void counter_that_went_on_is_kept_at_a_stop(void **state)
{
        struct place *place = *state;
        struct store_title now = second;

        assert_return_code(store_put_title(place->store, &now), 0);
        now.counter++;
        assert_return_code(store_put_title(place->store, &now), 0);
        assert_int_equal(urgency, STORE_SOMEDAY);
        restart(place);
        assert_title(place, &now);
}

static void what_decides_more_than_a_counter_is_written_soon(void **state)
{
        struct place *place = *state;
        struct store_title now = second;

        assert_return_code(store_put_title(place->store, &now), 0);
        assert_int_equal(urgency, STORE_SOON);
        now.authenticated = true;
        assert_return_code(store_put_title(place->store, &now), 0);
        assert_int_equal(urgency, STORE_SOON);
        strcpy(now.meter, "ISK1030783000001");
        assert_return_code(store_put_title(place->store, &now), 0);
        assert_int_equal(urgency, STORE_SOON);
        strcpy(now.keys, "0123456789abcdef");
        now.counter = 1;
        assert_return_code(store_put_title(place->store, &now), 0);
        assert_int_equal(urgency, STORE_SOON);
        assert_title(place, &now);
}

static void framings_are_remembered_over_restarts(void **state)
{
        struct place *place = *state;
        char framing[STORE_FRAMING_MAX] = "";

        assert_int_equal(store_find_framing(place->store, "tty@a", framing), 0);
        assert_return_code(store_put_framing(place->store, "tty@a", "hdlc"), 0);
        assert_return_code(store_put_framing(place->store, "tty@b", "iec62056-21"), 0);
        assert_return_code(store_put_framing(place->store, "tty@a", "mbus"), 0);
        restart(place);
        assert_int_equal(store_find_framing(place->store, "tty@a", framing), 1);
        assert_string_equal(framing, "mbus");
        assert_int_equal(store_find_framing(place->store, "tty@b", framing), 1);
        assert_string_equal(framing, "iec62056-21");
        assert_int_equal(store_forget_framing(place->store, "tty@b"), 1);
        assert_int_equal(store_forget_framing(place->store, "tty@b"), 0);
        restart(place);
        assert_int_equal(store_find_framing(place->store, "tty@b", framing), 0);
}

static void without_a_store_nothing_is_known(void **state)
{
        struct store_title got;
        char framing[STORE_FRAMING_MAX];

        assert_int_equal(store_find_title(NULL, first.title, &got), 0);
        assert_int_equal(store_find_title_at(NULL, 0, &got), 0);
        assert_int_equal(store_find_framing(NULL, "tty@a", framing), 0);
        assert_return_code(store_forget_title(NULL, first.title), 0);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
        static const struct CMUnitTest tests[] = {
                ROW(titles_are_remembered_over_restarts),
                ROW(counter_that_went_on_is_kept_at_a_stop),
                ROW(what_decides_more_than_a_counter_is_written_soon),
                ROW(framings_are_remembered_over_restarts),
                ROW(without_a_store_nothing_is_known),
        };

        return cmocka_run_group_tests_name("store-trust", tests, NULL, NULL);
}
