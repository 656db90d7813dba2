/* SPDX-License-Identifier: MIT */
/* The spool: order, restarts, bounds, damage. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "daemon/mqtt-spool.h"
#include "tests/unit/test.h"

static char folder[] = "/tmp/smartmeterd-spool-XXXXXX";
static char path[64];

static struct mqtt_spool *open_spool(uint64_t bytes_max)
{
        struct mqtt_spool_options options = { folder, "test", bytes_max, false };
        struct mqtt_spool *s;

        assert_int_equal(mqtt_spool_new(&options, &s), 0);
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
        assert_int_equal(file.st_mode & 0777, 0600); /* whatever the umask */
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
        assert_int_equal(mqtt_spool_remove(s, rows, 2), 0);
        assert_string_equal(content(s), "4 ");
        rows[0] = list.head->row;
        message_list_clear(&list);
        assert_int_equal(mqtt_spool_remove(s, rows, 1), 0);
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

static void spool_that_cannot_be_written_says_so_and_gives_messages_back(void **state)
{
        struct mqtt_spool_options options = { "/proc/self", "test", 1 << 20, false };
        struct message_attributes attributes = { .class = MESSAGE_ENERGY };
        struct message_list list = { 0 };
        struct mqtt_spool *s;

        (void)state;
        assert_int_equal(mqtt_spool_new(&options, &s), 0);
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
                cmocka_unit_test(spool_puts_a_damaged_file_aside),
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
