/* SPDX-License-Identifier: MIT */
/* Who holds a tty: a child that has one open, behind what may not be looked at. */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/converter/holder.h"

#define REFUSED_FD 40
#define TTY_FD     50

/* The attributes of the file behind REFUSED_FD are for its user alone, as those of FUSE; or,
 * `closed`, the whole process is another user's. */
static bool refuse, closed;
static unsigned int n_refused;

/* FSTATAT: what fstatat() is called in libc, which has one for each size of times and of files. */
int real_fstatat(int dir, const char *restrict path, struct stat *restrict ret,
                 int flags) __asm__("__real_" FSTATAT);
int wrap_fstatat(int dir, const char *restrict path, struct stat *restrict ret,
                 int flags) __asm__("__wrap_" FSTATAT);
ssize_t __real_readlinkat(int dir, const char *restrict path, char *restrict to, size_t size);
ssize_t __wrap_readlinkat(int dir, const char *restrict path, char *restrict to, size_t size);

int wrap_fstatat(int dir, const char *restrict path, struct stat *restrict ret, int flags)
{
        if (!refuse || strcmp(path, "40") != 0)
                return real_fstatat(dir, path, ret, flags);
        n_refused++;
        errno = EACCES;
        return -1;
}

ssize_t __wrap_readlinkat(int dir, const char *restrict path, char *restrict to, size_t size)
{
        if (!closed)
                return __real_readlinkat(dir, path, to, size);
        errno = EACCES;
        return -1;
}

struct bed {
        int master;
        const char *tty;
        pid_t child;
};

static int set_up(void **state)
{
        static struct bed bed;
        int ready[2];
        char byte;

        *state = &bed;
        refuse = closed = false;
        n_refused = 0;
        bed.master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        assert_true(bed.master >= 0 && grantpt(bed.master) >= 0 && unlockpt(bed.master) >= 0);
        bed.tty = ptsname(bed.master);
        assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
        bed.child = fork();
        assert_true(bed.child >= 0);
        if (bed.child == 0) {
                int null = open("/dev/null", O_RDONLY), tty = open(bed.tty, O_RDWR | O_NOCTTY);

                (void)close(bed.master); /* who has it is the device */
                if (dup2(null, REFUSED_FD) < 0 || dup2(tty, TTY_FD) < 0 || close(tty) < 0 ||
                    write(ready[1], "", 1) != 1)
                        _exit(1);
                (void)pause();
                _exit(0);
        }
        (void)close(ready[1]);
        assert_int_equal(read(ready[0], &byte, 1), 1);
        (void)close(ready[0]);
        return 0;
}

static int tear_down(void **state)
{
        struct bed *bed = *state;

        (void)kill(bed->child, SIGKILL);
        assert_int_equal(waitpid(bed->child, NULL, 0), bed->child);
        (void)close(bed->master);
        return 0;
}

static void test_who_has_it_open_is_found_and_named(void **state)
{
        struct bed *bed = *state;
        struct holder holder = holder_find(bed->tty);
        char name[16];

        assert_int_equal(holder.pid, bed->child);
        assert_int_equal(prctl(PR_GET_NAME, name), 0);
        assert_string_equal(holder.name, name);
}

/* A file that refuses says nothing of the others. */
static void test_it_is_found_behind_a_file_that_may_not_be_asked(void **state)
{
        struct bed *bed = *state;

        refuse = true;
        assert_int_equal(holder_find(bed->tty).pid, bed->child);
        assert_int_not_equal(n_refused, 0);
}

/* … and a process that refuses is not asked for each. */
static void test_process_that_refuses_is_left_at_once(void **state)
{
        struct bed *bed = *state;

        refuse = closed = true;
        assert_int_equal(holder_find(bed->tty).pid, 0);
        assert_int_not_equal(n_refused, 0);
}

static void test_nobody_is_found_when_nobody_has_it(void **state)
{
        struct bed *bed = *state;

        (void)kill(bed->child, SIGKILL);
        assert_int_equal(waitid(P_PID, (id_t)bed->child, &(siginfo_t){ 0 }, WNOWAIT | WEXITED), 0);
        assert_int_equal(holder_find(bed->tty).pid, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(test_who_has_it_open_is_found_and_named),
                TEST(test_it_is_found_behind_a_file_that_may_not_be_asked),
                TEST(test_process_that_refuses_is_left_at_once),
                TEST(test_nobody_is_found_when_nobody_has_it),
        };

        return cmocka_run_group_tests_name("holder", tests, NULL, NULL);
}
