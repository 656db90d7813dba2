/* SPDX-License-Identifier: MIT */
/* The spool: order, restarts, bounds, damage. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <sqlite3.h>

#include "daemon/spool/mqtt-spool.h"
#include "tests/unit/test.h"

static char folder[] = "/tmp/smartmeterd-spool-XXXXXX";
static char path[64];

static struct mqtt_spool *open_spool(uint64_t bytes_max)
{
        struct mqtt_spool_options options = { folder, "test", bytes_max, false };
        struct mqtt_spool *s;

        assert_int_equal(mqtt_spool_new(&options, &s), 0);
        mqtt_spool_open(s);
        return s;
}

static void append(struct mqtt_spool *s, enum message_class class, int number)
{
        struct message_attributes attributes = { class, 1, true, 7 };
        struct message_list list = { 0 };
        char payload[16];

        (void)snprintf(payload, sizeof(payload), "%d", number);
        message_list_add(&list, message_new(&attributes, "t", payload, strlen(payload)));
        assert_int_equal(mqtt_spool_append(s, &list), 0);
        assert_null(list.head);
}

/* The numbers it holds, as text: "1 2 3 ". */
static const char *content(struct mqtt_spool *s)
{
        static char text[4096];
        struct message_list list = { 0 };
        size_t n = 0;

        text[0] = '\0';
        assert_int_equal(mqtt_spool_read(s, 0, 1000, &list), 0);
        for (const struct message *m = list.head; m; m = m->next)
                n += (size_t)snprintf(text + n, sizeof(text) - n, "%s ", message_payload(m));
        message_list_clear(&list);
        return text;
}

static void spool_keeps_order_and_attributes_over_a_restart(void **state)
{
        struct mqtt_spool *s = open_spool(1 << 20);
        struct message_list list = { 0 };
        struct stat file;
        int64_t rows[2];

        (void)state;
        assert_int_equal(access(path, F_OK), -1); /* nothing is written before it must */
        append(s, MESSAGE_ENERGY, 1);
        assert_int_equal(stat(path, &file), 0);
        assert_int_equal(file.st_mode & 0777, 0600); /* with any umask */
        append(s, MESSAGE_INSTANTANEOUS, 2);
        append(s, MESSAGE_STATE, 3); /* only the present counts: not kept */
        append(s, MESSAGE_ENERGY, 4);
        assert_null(mqtt_spool_free(s));

        s = open_spool(1 << 20);
        assert_int_equal(mqtt_spool_count(s), 3);
        assert_string_equal(content(s), "1 2 4 ");
        assert_int_equal(mqtt_spool_read(s, 0, 2, &list), 0);
        assert_int_equal(list.n, 2);
        assert_int_equal(list.head->attributes.qos, 1);
        assert_true(list.head->attributes.retain);
        assert_int_equal(list.head->attributes.expiry_s, 7);
        rows[0] = list.head->row;
        rows[1] = list.tail->row;
        message_list_clear(&list);
        assert_int_equal(mqtt_spool_read(s, rows[1], 10, &list), 0);
        assert_int_equal(list.n, 1); /* reading on behind a row */
        assert_int_equal(mqtt_spool_remove(s, rows[1]), 0);
        assert_string_equal(content(s), "4 ");
        rows[0] = list.head->row;
        message_list_clear(&list);
        assert_int_equal(mqtt_spool_remove(s, rows[0]), 0);
        assert_int_equal(mqtt_spool_count(s), 0);
        assert_int_equal(access(path, F_OK), -1); /* and the last one takes the file with it */
        append(s, MESSAGE_ENERGY, 5);
        assert_string_equal(content(s), "5 ");
        assert_null(mqtt_spool_free(s));
        assert_int_equal(unlink(path), 0);
}

static void spool_drops_instantaneous_first_and_energy_last(void **state)
{
        /* Rows of 1 + 1 + MQTT_SPOOL_ROW_BYTES to 1 + 3 + … bytes: room for some hundred. */
        struct mqtt_spool *s = open_spool(100 * (MQTT_SPOOL_ROW_BYTES + 4));
        uint64_t count;

        (void)state;
        for (int i = 0; i < 80; i++) {
                append(s, MESSAGE_ENERGY, i);
                append(s, MESSAGE_INSTANTANEOUS, i + 100);
        }
        assert_true(mqtt_spool_dropped(s) > 0);
        count = mqtt_spool_count(s);
        assert_int_equal(count + mqtt_spool_dropped(s), 160);
        for (int i = 0; i < 80; i++) { /* every energy is still there, in order */
                char want[16];

                (void)snprintf(want, sizeof(want), "%d ", i);
                assert_non_null(strstr(content(s), want));
        }
        for (int i = 0; i < 80; i++)
                append(s, MESSAGE_ENERGY, 200 + i);
        assert_null(strstr(content(s), "100 ")); /* now even the oldest energy went */
        assert_non_null(strstr(content(s), "279 "));
        assert_null(mqtt_spool_free(s));
        assert_int_equal(unlink(path), 0);
}

/* Messages in flight are older than waiting ones: they are written first. */
static void spool_writes_what_is_in_flight_before_what_waits(void **state)
{
        static const struct message_attributes kinds[] = {
                { .class = MESSAGE_ENERGY, .qos = 1 },
                { .class = MESSAGE_STATE, .qos = 1 },
                { .class = MESSAGE_INSTANTANEOUS, .qos = 1 },
        };
        struct mqtt_spool *s = open_spool(1 << 20);
        struct message_list list = { 0 };
        struct message *first[3];

        (void)state;
        append(s, MESSAGE_ENERGY, 1);
        for (size_t i = 0; i < 3; i++) {
                char payload[2] = { (char)('2' + i), '\0' };

                first[i] = message_new(&kinds[i], "t", payload, 1);
        }
        message_list_add(&list, message_new(&kinds[0], "t", "5", 1));
        assert_int_equal(mqtt_spool_append_behind(s, first, 3, &list), 0);
        assert_string_equal(content(s), "1 2 4 5 "); /* 3 is a state: not kept */
        assert_int_equal(first[0]->row, 2);
        assert_int_equal(first[1]->row, 0);
        assert_int_equal(first[2]->row, 3);
        message_list_add(&list, message_new(&kinds[0], "t", "6", 1));
        assert_int_equal(mqtt_spool_append_behind(s, first, 3, &list), 0);
        assert_string_equal(content(s),
                            "1 2 4 5 6 "); /* messages with a row are not written again */
        assert_int_equal(mqtt_spool_remove(s, mqtt_spool_last_row(s)), 0);
        append(s, MESSAGE_ENERGY, 7);
        assert_int_equal(mqtt_spool_last_row(s), 6); /* a new file goes on counting */
        for (size_t i = 0; i < 3; i++)
                free(first[i]);
        assert_null(mqtt_spool_free(s));
        assert_int_equal(unlink(path), 0);
}

static void spool_puts_a_damaged_file_aside(void **state)
{
        char aside[80];
        struct mqtt_spool *s;
        FILE *f = fopen(path, "w");

        (void)state;
        assert_non_null(f);
        assert_true(fputs("this is not a database, though it is long enough to be taken for "
                          "something that once was one; see for yourself",
                          f) >= 0);
        assert_int_equal(fclose(f), 0);
        s = open_spool(1 << 20);
        assert_non_null(strstr(mqtt_spool_error(s), "damaged"));
        append(s, MESSAGE_ENERGY, 1);
        assert_string_equal(content(s), "1 ");
        assert_null(mqtt_spool_free(s));
        (void)snprintf(aside, sizeof(aside), "%s.corrupt", path);
        assert_int_equal(unlink(aside), 0);
        assert_int_equal(unlink(path), 0);
}

static void change(const char *sql)
{
        sqlite3 *db;

        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* A digit that is another makes a number that was never read: SQLite does not notice. */
static void spool_leaves_out_what_is_not_as_it_was_written(void **state)
{
        struct mqtt_spool *s = open_spool(1 << 20);

        (void)state;
        for (int i = 1; i <= 200; i++)
                append(s, MESSAGE_ENERGY, i);
        assert_null(mqtt_spool_free(s));
        change("UPDATE message SET payload = CAST('-1' AS BLOB) WHERE id BETWEEN 1 AND 150 OR id = 200;"
               "UPDATE message SET topic = 'x' WHERE id = 152;"
               "UPDATE message SET retain = 1 - retain WHERE id = 153;"
               "DELETE FROM message WHERE id BETWEEN 156 AND 199");
        s = open_spool(1 << 20);
        assert_string_equal(content(s), "151 154 155 ");
        assert_non_null(strstr(mqtt_spool_error(s), "had changed on the disk"));
        assert_int_equal(mqtt_spool_count(s), 3);
        assert_int_equal(mqtt_spool_dropped(s), 153);
        assert_null(mqtt_spool_free(s));
        assert_int_equal(unlink(path), 0);
}

static void spool_of_a_version_without_digests_is_read(void **state)
{
        struct mqtt_spool *s = open_spool(1 << 20);

        (void)state;
        append(s, MESSAGE_ENERGY, 1);
        assert_null(mqtt_spool_free(s));
        change("ALTER TABLE message DROP COLUMN digest");
        s = open_spool(1 << 20);
        append(s, MESSAGE_ENERGY, 2);
        assert_string_equal(content(s), "1 2 ");
        assert_null(mqtt_spool_free(s));
        assert_int_equal(unlink(path), 0);
}

/* A page in the middle is gone: all rows but its own are there, in order, and it is said. */
static void spool_saves_what_is_readable_of_a_damaged_file(void **state)
{
        static const uint8_t hole[4096];
        char aside[80], second[80];
        struct mqtt_spool *s = open_spool(1 << 20);
        struct message_list list = { 0 };
        uint64_t count;
        int fd;

        (void)state;
        for (int i = 0; i < 1000; i++)
                append(s, MESSAGE_ENERGY, 10000 + i);
        assert_null(mqtt_spool_free(s)); /* the last one to close writes its log into the file */
        (void)snprintf(aside, sizeof(aside), "%s.corrupt", path);
        (void)snprintf(second, sizeof(second), "%s.corrupt.1", path);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, hole, sizeof(hole), 5 * 4096), sizeof(hole));
        assert_int_equal(close(fd), 0);
        s = open_spool(1 << 20);
        (void)mqtt_spool_read(s, 0, 1000, &list);
        message_list_clear(&list);
        append(s, MESSAGE_ENERGY, 20000);
        count = mqtt_spool_count(s);
        assert_in_range(count, 700, 1000);
        assert_non_null(strstr(mqtt_spool_error(s), "saved"));
        assert_null(mqtt_spool_free(s));

        s = open_spool(1 << 20); /* reported again, until it is taken away */
        assert_non_null(strstr(mqtt_spool_error(s), ".corrupt"));
        append(s, MESSAGE_ENERGY, 20001);
        assert_non_null(strstr(mqtt_spool_error(s), ".corrupt"));
        assert_int_equal(unlink(aside), 0);
        append(s, MESSAGE_ENERGY, 20002);
        assert_string_equal(mqtt_spool_error(s), "");
        assert_null(mqtt_spool_free(s));
        (void)unlink(second);
        assert_int_equal(unlink(path), 0);
}

/* Reads and removes as a sink does, to the end; how many of 0..n_max-1 came at least once. */
static size_t drain(struct mqtt_spool *s, size_t n_max)
{
        bool seen[1000] = { false };
        struct message_list list = { 0 };
        size_t n = 0;
        int64_t row = 0;

        for (int tries = 0; mqtt_spool_count(s) > 0 && tries < 100; tries++) {
                (void)mqtt_spool_read(s, row, 20, &list);
                for (const struct message *m = list.head; m; m = m->next) {
                        size_t number = strtoul(message_payload(m), NULL, 10);

                        assert_in_range(number, 0, n_max - 1);
                        n += !seen[number];
                        seen[number] = true;
                        row = m->row;
                }
                message_list_clear(&list);
                (void)mqtt_spool_remove(s, row);
        }
        return n;
}

static void write_file(const uint8_t *bytes, size_t n)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, bytes, n), n);
        assert_int_equal(close(fd), 0);
}

/* One bit that changed costs at most the rows of its page. The second page says where all others
 * are: rows lost with it are in the file that was put aside. */
static void spool_loses_no_more_than_a_page_to_a_wrong_bit(void **state)
{
        static const size_t rows = 600;
        static uint8_t good[1 << 18], bad[1 << 18];
        struct mqtt_spool *s = open_spool(1 << 20);
        char aside[80];
        size_t size;
        int fd;

        (void)state;
        for (size_t i = 0; i < rows; i++)
                append(s, MESSAGE_ENERGY, (int)i);
        assert_null(mqtt_spool_free(s));
        fd = open(path, O_RDONLY | O_CLOEXEC);
        size = (size_t)read(fd, good, sizeof(good));
        assert_in_range(size, 4 * 4096, sizeof(good) - 1);
        assert_int_equal(close(fd), 0);
        (void)snprintf(aside, sizeof(aside), "%s.corrupt", path);
        /* The file's own description at the end of its first page, and the rest in steps. */
        for (size_t at = 0; at < size; at += at < 3600 || at >= 4096 ? 661 : 13) {
                size_t n;

                if (at / 4096 == 1)
                        continue;
                memcpy(bad, good, size);
                bad[at] ^= (uint8_t)(1U << at % 8);
                write_file(bad, size);
                s = open_spool(1 << 20);
                n = drain(s, rows);
                if (n < rows - 200)
                        print_message("a bit at %zu: %zu of %zu\n", at, n, rows);
                assert_in_range(n, rows - 200, rows);
                assert_int_equal(mqtt_spool_count(s), 0);
                assert_null(mqtt_spool_free(s));
                (void)unlink(aside);
                (void)unlink(path);
        }
}

/* The folder may lie on another disk; a link in place of the file is of somebody else's making. */
static void spool_is_kept_behind_a_linked_folder_and_in_no_linked_file(void **state)
{
        char linked[80], target[80];
        struct mqtt_spool_options options = { linked, "test", 1 << 20, false };
        struct message_attributes attributes = { MESSAGE_ENERGY, 1, true, 7 };
        struct message_list list = { 0 };
        struct mqtt_spool *s;

        (void)state;
        (void)snprintf(linked, sizeof(linked), "%s-linked", folder);
        (void)snprintf(target, sizeof(target), "%s/elsewhere", folder);
        assert_int_equal(symlink(folder, linked), 0);
        assert_int_equal(mqtt_spool_new(&options, &s), 0);
        append(s, MESSAGE_ENERGY, 1);
        assert_string_equal(content(s), "1 ");
        assert_null(mqtt_spool_free(s));
        assert_int_equal(unlink(linked), 0);

        assert_int_equal(unlink(path), 0);
        assert_int_equal(symlink(target, path), 0);
        s = open_spool(1 << 20);
        message_list_add(&list, message_new(&attributes, "t", "1", 1));
        assert_int_equal(mqtt_spool_append(s, &list), -EROFS);
        assert_non_null(strstr(mqtt_spool_error(s), "able to write"));
        assert_int_equal(access(target, F_OK), -1);
        message_list_clear(&list);
        assert_null(mqtt_spool_free(s));
        assert_int_equal(unlink(path), 0);
}

static void spool_that_cannot_be_written_says_so_and_gives_messages_back(void **state)
{
        struct mqtt_spool_options options = { "/proc/self", "test", 1 << 20, false };
        struct message_attributes attributes = { .class = MESSAGE_ENERGY };
        struct message_list list = { 0 };
        struct mqtt_spool *s;

        (void)state;
        assert_int_equal(mqtt_spool_new(&options, &s), 0);
        mqtt_spool_open(s);
        message_list_add(&list, message_new(&attributes, "t", "1", 1));
        assert_true(mqtt_spool_append(s, &list) < 0);
        assert_int_equal(list.n, 1);
        assert_non_null(strstr(mqtt_spool_error(s), "write"));
        message_list_clear(&list);
        assert_null(mqtt_spool_free(s));
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(spool_keeps_order_and_attributes_over_a_restart),
                cmocka_unit_test(spool_drops_instantaneous_first_and_energy_last),
                cmocka_unit_test(spool_writes_what_is_in_flight_before_what_waits),
                cmocka_unit_test(spool_puts_a_damaged_file_aside),
                cmocka_unit_test(spool_leaves_out_what_is_not_as_it_was_written),
                cmocka_unit_test(spool_of_a_version_without_digests_is_read),
                cmocka_unit_test(spool_saves_what_is_readable_of_a_damaged_file),
                cmocka_unit_test(spool_loses_no_more_than_a_page_to_a_wrong_bit),
                cmocka_unit_test(spool_is_kept_behind_a_linked_folder_and_in_no_linked_file),
                cmocka_unit_test(spool_that_cannot_be_written_says_so_and_gives_messages_back),
        };
        int r;

        if (!mkdtemp(folder))
                return 1;
        (void)snprintf(path, sizeof(path), "%s/mqtt-test.spool", folder);
        r = cmocka_run_group_tests_name("mqtt-spool", tests, NULL, NULL);
        (void)rmdir(folder);
        return r;
}
