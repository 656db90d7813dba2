/* SPDX-License-Identifier: MIT */
/* The virtual line: what is written arrives as it is, bytes without a listener are lost and block
 * nothing, unplugging hangs up, replugging keeps the name, and damage is the same for a seed. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>

#include "sim/play.h"
#include "tests/unit/test.h"

static char link_path[64];

static struct sim_play plugged(void)
{
        struct sim_play play = {
                .fd = -1, .fast = true, .link = link_path, .line = { 115200, 8, 'N', 1 }
        };

        assert_int_equal(sim_play_plug(&play), 0);
        return play;
}

static int listen_to(const char *path)
{
        int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

        assert_true(fd >= 0);
        return fd;
}

/* All byte values, so that a line discipline that changes any of them is found. */
static void fill(uint8_t *bytes, size_t len)
{
        for (size_t i = 0; i < len; i++)
                bytes[i] = (uint8_t)i;
}

static size_t drain(int fd, uint8_t *bytes, size_t max)
{
        struct pollfd pollfd = { .fd = fd, .events = POLLIN };
        size_t len = 0;

        while (len < max && poll(&pollfd, 1, 1000) > 0) {
                ssize_t n = read(fd, bytes + len, max - len);

                if (n <= 0)
                        break;
                len += (size_t)n;
        }
        return len;
}

static void bytes_arrive_unchanged(void **state)
{
        struct sim_play play = plugged();
        uint8_t sent[512], got[512] = { 0 };
        int fd = listen_to(link_path);

        fill(sent, sizeof(sent));
        assert_int_equal(sim_play_send(&play, sent, sizeof(sent)), 0);
        assert_int_equal(drain(fd, got, sizeof(got)), sizeof(got));
        assert_memory_equal(got, sent, sizeof(got));
        assert_int_equal(play.sent_bytes, sizeof(sent));
        assert_int_equal(play.lost_bytes, 0);
        (void)close(fd);
        sim_play_unplug(&play);
}

static void nobody_listening_loses_bytes(void **state)
{
        struct sim_play play = plugged();
        uint8_t sent[512], got[16] = { 0 };
        int fd;

        fill(sent, sizeof(sent));
        for (int i = 0; i < 100; i++)
                assert_int_equal(sim_play_send(&play, sent, sizeof(sent)), 0);
        assert_int_equal(play.lost_bytes, 100 * sizeof(sent));
        /* Who opens later hears what is sent later. */
        fd = listen_to(link_path);
        assert_int_equal(sim_play_send(&play, (const uint8_t *)"now", 3), 0);
        assert_int_equal(drain(fd, got, 3), 3);
        assert_memory_equal(got, "now", 3);
        (void)close(fd);
        sim_play_unplug(&play);
}

static void slow_listener_loses_bytes(void **state)
{
        struct sim_play play = plugged();
        uint8_t sent[512];
        int fd = listen_to(link_path);

        fill(sent, sizeof(sent));
        for (int i = 0; i < 1000; i++)
                assert_int_equal(sim_play_send(&play, sent, sizeof(sent)), 0);
        assert_true(play.lost_bytes > 0);
        assert_int_equal(play.sent_bytes + play.lost_bytes, 1000 * sizeof(sent));
        (void)close(fd);
        sim_play_unplug(&play);
}

static void what_was_left_unread_is_gone(void **state)
{
        struct sim_play play = plugged();
        uint8_t got[16] = { 0 };
        int fd = listen_to(link_path);

        assert_int_equal(sim_play_send(&play, (const uint8_t *)"old", 3), 0);
        (void)close(fd);
        assert_int_equal(sim_play_send(&play, (const uint8_t *)"lost", 4), 0);
        fd = listen_to(link_path);
        assert_int_equal(sim_play_send(&play, (const uint8_t *)"new", 3), 0);
        assert_int_equal(drain(fd, got, 3), 3);
        assert_memory_equal(got, "new", 3);
        (void)close(fd);
        sim_play_unplug(&play);
}

static void unplug_hangs_up_and_replug_keeps_the_name(void **state)
{
        struct sim_play play = plugged();
        struct pollfd pollfd = { .fd = listen_to(link_path), .events = POLLIN };
        struct stat st;
        uint8_t byte;

        sim_play_unplug(&play);
        assert_int_equal(poll(&pollfd, 1, 5000), 1);
        assert_true(pollfd.revents & POLLHUP);
        assert_true(read(pollfd.fd, &byte, 1) <= 0);
        assert_int_equal(lstat(link_path, &st), -1);
        (void)close(pollfd.fd);

        assert_int_equal(sim_play_plug(&play), 0);
        pollfd.fd = listen_to(link_path);
        assert_int_equal(sim_play_send(&play, (const uint8_t *)"x", 1), 0);
        assert_int_equal(drain(pollfd.fd, &byte, 1), 1);
        (void)close(pollfd.fd);
        sim_play_unplug(&play);
        assert_int_equal(lstat(link_path, &st), -1);
}

static void foreign_link_is_left_alone(void **state)
{
        struct sim_play play = plugged();
        struct stat st;

        assert_int_equal(unlink(link_path), 0);
        assert_int_equal(symlink("/dev/null", link_path), 0);
        sim_play_unplug(&play);
        assert_int_equal(lstat(link_path, &st), 0);
        assert_int_equal(unlink(link_path), 0);
}

static void file_of_the_links_name_stays(void **state)
{
        struct sim_play play = { .fd = -1, .link = link_path, .line = { 2400, 8, 'E', 1 } };
        int fd = open(link_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        struct stat st;

        assert_true(fd >= 0);
        (void)close(fd);
        assert_int_equal(sim_play_plug(&play), -EEXIST);
        assert_int_equal(play.fd, -1);
        assert_int_equal(lstat(link_path, &st), 0);
        assert_true(S_ISREG(st.st_mode));
        assert_int_equal(unlink(link_path), 0);
}

static void damage_is_reproducible(void **state)
{
        uint8_t sent[512], got[2][512];
        uint64_t n_damaged = 0;

        fill(sent, sizeof(sent));
        for (int i = 0; i < 2; i++) {
                struct sim_play play = plugged();
                int fd = listen_to(link_path);

                play.damage_per_million = 50000;
                play.damage_state = 3;
                assert_int_equal(sim_play_send(&play, sent, sizeof(sent)), 0);
                assert_int_equal(drain(fd, got[i], sizeof(got[i])), sizeof(sent));
                n_damaged = play.damaged_bytes;
                (void)close(fd);
                sim_play_unplug(&play);
        }
        assert_memory_equal(got[0], got[1], sizeof(sent));
        for (size_t i = 0; i < sizeof(sent); i++)
                n_damaged -= got[0][i] != sent[i];
        assert_int_equal(n_damaged, 0);
        assert_memory_not_equal(got[0], sent, sizeof(sent));
}

static bool is_interrupted(void *userdata)
{
        return ++*(int *)userdata >= 3;
}

/* A telegram of many seconds ends on request, in the middle. */
static void telegram_is_interrupted(void **state)
{
        struct sim_play play = plugged();
        uint8_t sent[4096] = { 0 };
        int asked = 0;

        play.fast = false;
        play.interrupted = is_interrupted;
        play.userdata = &asked;
        play.line.baud = 2400;
        assert_int_equal(sim_play_send(&play, sent, sizeof(sent)), -EINTR);
        assert_true(play.lost_bytes < sizeof(sent));
        sim_play_unplug(&play);
}

static void byte_takes_its_bits(void **state)
{
        const struct sim_line e = { 2400, 8, 'E', 1 }, n = { 9600, 8, 'N', 1 },
                              s = { 1200, 7, 'E', 1 };

        assert_int_equal(sim_line_bits_per_byte(&e), 11);
        assert_int_equal(sim_line_bits_per_byte(&n), 10);
        assert_int_equal(sim_line_bits_per_byte(&s), 10);
        assert_int_equal(sim_line_usec(&e, 2400), 11000000);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(bytes_arrive_unchanged),
                cmocka_unit_test(nobody_listening_loses_bytes),
                cmocka_unit_test(slow_listener_loses_bytes),
                cmocka_unit_test(what_was_left_unread_is_gone),
                cmocka_unit_test(unplug_hangs_up_and_replug_keeps_the_name),
                cmocka_unit_test(foreign_link_is_left_alone),
                cmocka_unit_test(file_of_the_links_name_stays),
                cmocka_unit_test(damage_is_reproducible),
                cmocka_unit_test(telegram_is_interrupted),
                cmocka_unit_test(byte_takes_its_bits),
        };

        (void)snprintf(link_path, sizeof(link_path), "test-sim-play.%ld.tty", (long)getpid());
        return _cmocka_run_group_tests("sim-play", tests, ELEMENTSOF(tests), NULL, NULL);
}
