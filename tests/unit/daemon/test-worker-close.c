/* SPDX-License-Identifier: MIT */
/* The process that closes the last copy of a port waits for its device. That is never the loop and
 * never the fork server, however slow the scheduler makes either of them. */
#include "tests/unit/test.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/converter/worker.h"

/* Others do all they have to do meanwhile. */
#define SLOW_USEC (100 * 1000)

/* The writing end of a pipe stands for a port: its reader is hung up by the last close. */
static struct {
        int reader, port;
        ino_t pipe;
        pid_t loop;
        bool loop_was_last;
        bool loop_is_slow, server_is_slow;
} bed;
/* Shared with the workers. */
static volatile struct {
        pid_t opener; /* who opened a port */
        bool hold;    /* who is to close one waits, so that what is closed before is seen */
} * shared;

static pid_t killed;

int __real_kill(pid_t pid, int signal_number);
int __wrap_kill(pid_t pid, int signal_number);
int __wrap_kill(pid_t pid, int signal_number)
{
        if (signal_number == SIGKILL)
                killed = pid;
        return __real_kill(pid, signal_number);
}

int __real_close(int fd);
int __wrap_close(int fd);

static bool is_port(int fd)
{
        struct stat st;

        return fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) && st.st_ino == bed.pipe;
}

static bool is_closed(void)
{
        struct pollfd reader = { .fd = bed.reader };

        return poll(&reader, 1, 0) > 0 && reader.revents & POLLHUP;
}

static bool is_server(void)
{
        char name[16] = "";

        return prctl(PR_GET_NAME, name) == 0 && strcmp(name, "smartmeterd-frk") == 0;
}

int __wrap_close(int fd)
{
        bool before;
        int r;

        if (getpid() != bed.loop) {
                if (bed.server_is_slow && is_server() && is_port(fd))
                        (void)usleep(SLOW_USEC);
                return __real_close(fd);
        }
        if (bed.loop_is_slow && is_port(fd))
                (void)usleep(SLOW_USEC);
        before = is_closed();
        r = __real_close(fd);
        if (bed.reader >= 0 && !before && is_closed())
                bed.loop_was_last = true;
        return r;
}

ssize_t __real_read(int fd, void *buf, size_t size);
ssize_t __wrap_read(int fd, void *buf, size_t size);
ssize_t __wrap_read(int fd, void *buf, size_t size)
{
        ssize_t n = __real_read(fd, buf, size);

        while (getpid() != bed.loop && shared->hold)
                (void)usleep(1000);
        return n;
}

static int begin(bool with_server)
{
        int pair[2];
        struct stat st;

        shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                      0);
        assert_true(shared != MAP_FAILED);
        shared->hold = true;
        assert_int_equal(pipe(pair), 0);
        assert_int_equal(fstat(pair[0], &st), 0);
        bed.reader = pair[0];
        bed.port = pair[1];
        bed.pipe = st.st_ino;
        bed.loop = getpid();
        bed.loop_was_last = bed.loop_is_slow = false;
        return with_server ? worker_server_start() : 0;
}

static int set_up(void **state)
{
        return begin(false);
}

static int set_up_server(void **state)
{
        return begin(true);
}

static int set_up_slow_server(void **state)
{
        bed.server_is_slow = true; /* it has a copy of what is said here */
        return begin(true);
}

static int tear_down(void **state)
{
        int reader = bed.reader;

        bed.reader = -1;
        bed.server_is_slow = false;
        assert_int_equal(close(reader), 0);
        worker_server_stop();
        return munmap((void *)(uintptr_t)shared, sizeof(*shared));
}

static bool has_port(pid_t pid)
{
        char path[32];
        const struct dirent *entry;
        DIR *dir;
        bool found = false;

        (void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
        dir = opendir(path);
        assert_non_null(dir);
        while (!found && (entry = readdir(dir))) {
                struct stat st;

                found = fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 && S_ISFIFO(st.st_mode) &&
                        st.st_ino == bed.pipe && *entry->d_name != '.' &&
                        atoi(entry->d_name) != bed.reader;
        }
        (void)closedir(dir);
        return found;
}

/* What the worker sees of the others when its work begins. */
static void look_around(const void *argument, int fd, struct worker_result *result)
{
        if (has_port(bed.loop))
                result->error = EBUSY;
        else if (has_port(getppid()))
                result->error = EADDRINUSE;
}

static void open_port(const void *argument, int fd, struct worker_result *result)
{
        shared->opener = getpid();
        result->fd = dup(fd);
}

static void on_done(const struct worker_result *result, void *userdata)
{
        *(int *)userdata = result->error;
        if (result->fd >= 0)
                (void)__real_close(result->fd);
}

static struct worker *start(sd_event *event, bool takes_fd, int *error,
                            void (*work)(const void *, int, struct worker_result *))
{
        struct worker *worker;
        const struct worker_job job = { .name = "test",
                                        .work = work,
                                        .fd = bed.port,
                                        .takes_fd = takes_fd,
                                        .done = on_done,
                                        .userdata = error };

        assert_int_equal(worker_start(event, &job, &worker), 0);
        return worker;
}

static void check_closed_by_another(void)
{
        char byte;

        assert_false(bed.loop_was_last);
        shared->hold = false;
        assert_int_equal(read(bed.reader, &byte, 1), 0); /* the last copy is gone */
}

static void check_taken_alone(bool loop_is_slow)
{
        struct worker *worker;
        sd_event *event;
        int error = -1;

        assert_true(sd_event_new(&event) >= 0);
        bed.loop_is_slow = loop_is_slow;
        worker = start(event, true, &error, look_around);
        assert_false(bed.loop_was_last);
        shared->hold = false;
        while (error < 0)
                assert_true(sd_event_run(event, UINT64_MAX) >= 0);
        assert_int_equal(error, 0);
        check_closed_by_another();
        worker_free(worker);
        sd_event_unref(event);
}

static void worker_that_takes_a_port_has_it_alone(void **state)
{
        check_taken_alone(true);
}

static void slow_server_lets_go_before_the_worker_works(void **state)
{
        check_taken_alone(false);
}

static void port_that_nobody_waits_for_closes_elsewhere(void **state)
{
        bed.loop_is_slow = true;
        worker_close(bed.port);
        check_closed_by_another();
}

/* Its worker is over by the time that somebody unplugs the converter, say. */
static void port_that_nobody_took_closes_elsewhere(void **state)
{
        struct worker *worker;
        sd_event *event;
        int error = -1;

        assert_true(sd_event_new(&event) >= 0);
        worker = start(event, false, &error, open_port);
        (void)__real_close(bed.port);
        while (shared->opener == 0 || kill(shared->opener, 0) == 0)
                (void)usleep(1000);
        assert_false(is_closed()); /* it is on its way to us */
        worker_free(worker);
        check_closed_by_another();
        sd_event_unref(event);
}

/* The number of a worker that is over may be another process's by now. */
static void worker_that_is_over_is_not_killed(void **state)
{
        struct worker *worker;
        sd_event *event;
        int error = -1;

        assert_true(sd_event_new(&event) >= 0);
        killed = 0;
        worker = start(event, false, &error, open_port);
        (void)usleep(SLOW_USEC); /* the server reports its pid meanwhile */
        (void)sd_event_run(event, 0);
        while (shared->opener == 0 || kill(shared->opener, 0) == 0)
                (void)usleep(1000);
        worker_free(worker);
        assert_int_equal(killed, 0);
        worker_close(bed.port);
        check_closed_by_another();
        sd_event_unref(event);
}

/* By a fork server, and where there is none. */
#define BOTH(test)                                                \
        cmocka_unit_test_setup_teardown(test, set_up, tear_down), \
                cmocka_unit_test_setup_teardown(test, set_up_server, tear_down)

int main(void)
{
        static const struct CMUnitTest tests[] = {
                BOTH(worker_that_takes_a_port_has_it_alone),
                cmocka_unit_test_setup_teardown(slow_server_lets_go_before_the_worker_works,
                                                set_up_slow_server, tear_down),
                BOTH(port_that_nobody_waits_for_closes_elsewhere),
                BOTH(port_that_nobody_took_closes_elsewhere),
                BOTH(worker_that_is_over_is_not_killed),
        };

        return cmocka_run_group_tests_name("worker-close", tests, NULL, NULL);
}
