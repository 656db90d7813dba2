/* SPDX-License-Identifier: MIT */
/* Workers that answer, die, hang, and answer late: their owner always hears, and once. */
#include "tests/unit/test.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/converter/worker.h"

#define SOON_USEC  (20 * 1000)
#define NEVER_USEC (600 * 1000000ULL)

struct heard {
        sd_event *event;
        struct worker *worker;
        struct worker_result result;
        unsigned int n_late, n_done;
        int wake; /* written to when the worker is late; -1: nothing is */
};

static void on_late(void *userdata)
{
        struct heard *heard = userdata;

        assert_int_equal(heard->n_done, 0);
        heard->n_late++;
        if (heard->wake >= 0)
                assert_int_equal(write(heard->wake, "", 1), 1);
}

static void on_done(const struct worker_result *result, void *userdata)
{
        struct heard *heard = userdata;

        heard->result = *result;
        heard->n_done++;
        heard->worker = worker_free(heard->worker);
        assert_int_equal(sd_event_exit(heard->event, 0), 0);
}

static void answer(const void *argument, int fd, struct worker_result *result)
{
        result->error = *(const int *)argument;
        result->marked = true;
        result->fd = dup(fd);
}

static void answer_when_late(const void *argument, int fd, struct worker_result *result)
{
        char byte;

        result->error = read(fd, &byte, 1) == 1 ? EBUSY : EIO;
}

static void die(const void *argument, int fd, struct worker_result *result)
{
        _exit(3);
}

static void hang(const void *argument, int fd, struct worker_result *result)
{
        for (;;)
                (void)pause();
}

static struct heard run(void (*work)(const void *, int, struct worker_result *), int fd,
                        int argument, uint64_t limit_usec, int wake)
{
        struct heard heard = { .wake = wake };
        struct worker_job job = {
                .name = "test",
                .work = work,
                .argument = &argument,
                .argument_size = sizeof(argument),
                .fd = fd,
                .late_usec = SOON_USEC,
                .limit_usec = limit_usec,
                .late = on_late,
                .done = on_done,
                .userdata = &heard,
        };

        assert_true(sd_event_new(&heard.event) >= 0);
        assert_int_equal(worker_start(heard.event, &job, &heard.worker), 0);
        argument = -1; /* the worker has its own */
        assert_int_equal(sd_event_loop(heard.event), 0);
        assert_int_equal(heard.n_done, 1);
        sd_event_unref(heard.event);
        return heard;
}

static void result_and_descriptor_come_back(void **state)
{
        int pair[2];
        struct stat sent, received;
        struct heard heard;

        assert_int_equal(pipe(pair), 0);
        heard = run(answer, pair[1], 0, NEVER_USEC, -1);
        assert_int_equal(heard.result.error, 0);
        assert_true(heard.result.marked);
        assert_int_equal(fstat(pair[1], &sent), 0);
        assert_int_equal(fstat(heard.result.fd, &received), 0);
        assert_int_equal(received.st_ino, sent.st_ino);
        close(heard.result.fd);
        close(pair[0]);
        close(pair[1]);
}

static void error_comes_back(void **state)
{
        struct heard heard = run(answer, -1, ENOTTY, NEVER_USEC, -1);

        assert_int_equal(heard.result.error, ENOTTY);
        assert_int_equal(heard.result.fd, -1);
}

static void worker_that_dies_is_an_error(void **state)
{
        assert_int_equal(run(die, -1, 0, NEVER_USEC, -1).result.error, EIO);
}

static void late_worker_is_told_of_and_waited_for(void **state)
{
        struct heard heard;
        int pair[2];

        assert_int_equal(pipe(pair), 0);
        heard = run(answer_when_late, pair[0], 0, NEVER_USEC, pair[1]);
        close(pair[0]);
        close(pair[1]);
        assert_int_equal(heard.n_late, 1);
        assert_int_equal(heard.result.error, EBUSY);
}

static void worker_that_never_answers_is_ended(void **state)
{
        struct heard heard = run(hang, -1, 0, 2 * SOON_USEC, -1);

        assert_int_equal(heard.n_late, 1);
        assert_int_equal(heard.result.error, ETIMEDOUT);
        assert_int_equal(heard.result.fd, -1);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void take_lock(const void *argument, int fd, struct worker_result *result)
{
        result->error = pthread_mutex_lock(&lock);
}

/* As the resolver's, or that of stdio, which another thread holds at the moment. */
static void worker_is_not_held_up_by_a_lock_of_a_thread(void **state)
{
        struct heard heard;

        assert_int_equal(pthread_mutex_lock(&lock), 0);
        heard = run(take_lock, -1, 0, 200 * SOON_USEC, -1);
        assert_int_equal(pthread_mutex_unlock(&lock), 0);
        assert_int_equal(heard.result.error, 0);
}

static void closed_descriptor_closes_elsewhere(void **state)
{
        int pair[2];
        char byte;

        assert_int_equal(pipe(pair), 0);
        worker_close(pair[1]);
        assert_int_equal(read(pair[0], &byte, 1), 0); /* its last copy is gone */
        close(pair[0]);
}

static void name_parent(const void *argument, int fd, struct worker_result *result)
{
        result->error = getppid();
}

/* Still runs: a process that is dead and not yet taken away does not. */
static bool is_alive(pid_t pid)
{
        char path[32], text[64] = "", state = 0;
        FILE *f;

        (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
        f = fopen(path, "re");
        if (!f)
                return false;
        if (fgets(text, sizeof(text), f))
                (void)sscanf(text, "%*d (%*[^)]) %c", &state);
        (void)fclose(f);
        return state && state != 'Z' && state != 'X';
}

/* systemd calls what is left of a service that has ended a leftover. */
static void nothing_is_left_of_a_server_that_was_stopped(void **state)
{
        for (int i = 0; i < 20; i++) {
                struct heard heard;

                assert_int_equal(worker_server_start(), 0);
                heard = run(name_parent, -1, 0, 200 * SOON_USEC, -1);
                assert_true(is_alive(heard.result.error));
                worker_server_stop();
                assert_false(is_alive(heard.result.error));
        }
}

static int start_server(void **state)
{
        return worker_server_start();
}

static int stop_server(void **state)
{
        worker_server_stop();
        return 0;
}

/* By a fork server, and where there is none. */
#define SERVED(test) cmocka_unit_test_setup_teardown(test, start_server, stop_server)
#define BOTH(test)   cmocka_unit_test(test), SERVED(test)

int main(void)
{
        static const struct CMUnitTest tests[] = {
                BOTH(result_and_descriptor_come_back),
                BOTH(error_comes_back),
                BOTH(worker_that_dies_is_an_error),
                BOTH(late_worker_is_told_of_and_waited_for),
                BOTH(worker_that_never_answers_is_ended),
                BOTH(closed_descriptor_closes_elsewhere),
                SERVED(worker_is_not_held_up_by_a_lock_of_a_thread),
                cmocka_unit_test(nothing_is_left_of_a_server_that_was_stopped),
        };

        return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
