/* SPDX-License-Identifier: MIT */
/* A tty that is opened to listen: what is true of it at each moment. */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/converter/tty.h"

/* A pseudo terminal that was never opened: it echoes. */
static int make_tty(char path[static 64])
{
        int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        struct termios t;

        assert_true(master >= 0);
        assert_int_equal(grantpt(master), 0);
        assert_int_equal(unlockpt(master), 0);
        assert_int_equal(ptsname_r(master, path, 64), 0);
        assert_int_equal(tcgetattr(master, &t), 0);
        assert_true(t.c_lflag & ECHO);
        return master;
}

static bool echoes(int fd)
{
        struct termios t;

        assert_int_equal(tcgetattr(fd, &t), 0);
        return t.c_lflag & (ECHO | ECHONL);
}

/* All that comes behind the echo may wait for the device, which goes on talking. */
static void echo_is_off_before_the_line_is_set(void **state)
{
        static const struct serial_line no_line = { 12345, 8, PARITY_NONE, 1 };
        char path[64];
        OWNED_FD int master = make_tty(path);
        bool marked;
        int fd;

        (void)state;
        assert_int_equal(tty_open(path, &no_line, false, &fd, &marked), -EINVAL);
        assert_false(echoes(master));
}

static void it_is_opened_to_read_alone_unless_it_is_to_be_asked(void **state)
{
        static const struct serial_line line = { 9600, 8, PARITY_NONE, 1 };

        (void)state;
        for (int write = 0; write < 2; write++) {
                char path[64];
                OWNED_FD int master = make_tty(path);
                OWNED_FD int fd = -1;
                bool marked;

                assert_int_equal(tty_open(path, &line, write, &fd, &marked), 0);
                assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, write ? O_RDWR : O_RDONLY);
                assert_false(echoes(master));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(echo_is_off_before_the_line_is_set),
                cmocka_unit_test(it_is_opened_to_read_alone_unless_it_is_to_be_asked),
        };

        return cmocka_run_group_tests_name("tty", tests, NULL, NULL);
}
