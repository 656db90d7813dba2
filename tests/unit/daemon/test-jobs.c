/* SPDX-License-Identifier: MIT */
/* The thread may be faster than the loop, or the loop faster than the thread. */
#include "tests/unit/test.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/jobs.h"

#define N 50

static atomic_uint n_run, n_dropped;
static unsigned int n_done;
static sd_event *event;
static struct jobs *jobs;

static void run(struct jobs_item *job)
{
        (void)atomic_fetch_add(&n_run, 1);
}

static void done(struct jobs_item *job, void *userdata)
{
        n_done++;
}

static void done_frees(struct jobs_item *job, void *userdata)
{
        n_done++;
        jobs = jobs_free(jobs, UINT64_C(20000000));
}

static void drop(struct jobs_item *job)
{
        (void)atomic_fetch_add(&n_dropped, 1);
        free(job);
}

static int set_up(void **state)
{
        n_run = n_dropped = n_done = 0;
        assert_int_equal(sd_event_new(&event), 0);
        return jobs_new(event, "test", N, &jobs);
}

static int tear_down(void **state)
{
        jobs = jobs_free(jobs, UINT64_C(20000000));
        event = sd_event_unref(event);
        return 0;
}

static void post(void (*on_done)(struct jobs_item *job, void *userdata))
{
        struct jobs_item *job = calloc(1, sizeof(*job));

        assert_non_null(job);
        *job = (struct jobs_item){ .run = run, .done = on_done, .drop = drop };
        assert_int_equal(jobs_post(jobs, job), 0);
}

/* However many results there are, each turn of the loop takes one; and few of them are there. */
static void a_fast_thread_keeps_the_loop_from_nothing(void **state)
{
        for (int i = 0; i < N; i++)
                post(done);
        (void)usleep(200 * 1000); /* the loop is slow */
        assert_in_range(n_run, 1, 8);
        for (unsigned int i = 1; i <= N; i++) {
                assert_true(sd_event_run(event, UINT64_C(20000000)) > 0);
                assert_int_equal(n_done, i);
        }
        assert_int_equal(n_run, N);
        assert_int_equal(n_dropped, N);
        assert_int_equal(sd_event_run(event, 0), 0); /* no turn for nothing */
}

/* The handler of a result may end all; the results behind it are dropped then. */
static void the_end_may_come_out_of_a_result(void **state)
{
        post(done_frees);
        post(done);
        (void)usleep(100 * 1000);
        assert_true(sd_event_run(event, UINT64_C(20000000)) > 0);
        assert_null(jobs);
        assert_int_equal(n_done, 1);
        assert_int_equal(n_dropped, 2);
}

/* A stop does not wait for a loop that takes nothing any more. */
static void results_that_nobody_takes_are_no_reason_to_wait(void **state)
{
        for (int i = 0; i < N; i++)
                post(done);
        (void)usleep(100 * 1000);
        jobs = jobs_free(jobs, UINT64_C(20000000));
        assert_int_equal(n_run, N);
        assert_int_equal(n_done, 0);
        assert_int_equal(n_dropped, N);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_fast_thread_keeps_the_loop_from_nothing, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(the_end_may_come_out_of_a_result, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(results_that_nobody_takes_are_no_reason_to_wait,
                                                set_up, tear_down),
        };

        return cmocka_run_group_tests_name("jobs", tests, NULL, NULL);
}
