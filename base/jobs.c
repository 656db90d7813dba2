/* SPDX-License-Identifier: MIT */
#include "jobs.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "thread.h"

#define USEC_PER_SEC UINT64_C(1000000)
#define STACK_BYTES  (256 << 10) /* SQLite takes some tens of kB */
/* So many results, which may be large, wait for the loop: then the thread waits for it. */
#define FINISHED_MAX 4

struct list {
        struct jobs_item *first, **last;
};

struct jobs {
        pthread_t thread;
        pthread_mutex_t lock; /* guards what follows */
        pthread_cond_t changed;
        struct list waiting, finished;
        size_t n_waiting, n_finished, jobs_max;
        bool busy, stopping;
        bool abandoned; /* left behind: the thread frees it */

        /* Of the main loop. */
        sd_event_source *news;
        int news_fd;
};

static void append(struct list *list, struct jobs_item *job)
{
        job->next = NULL;
        *list->last = job;
        list->last = &job->next;
}

static struct jobs_item *take_all(struct list *list)
{
        struct jobs_item *first = list->first;

        *list = (struct list){ NULL, &list->first };
        return first;
}

static struct jobs_item *take_first(struct list *list)
{
        struct jobs_item *first = list->first;

        if (!first)
                return NULL;
        list->first = first->next;
        if (!first->next)
                list->last = &list->first;
        return first;
}

static void drop_all(struct jobs_item *job)
{
        while (job) {
                struct jobs_item *next = job->next;

                job->drop(job);
                job = next;
        }
}

static void destroy(struct jobs *w)
{
        drop_all(take_all(&w->waiting));
        drop_all(take_all(&w->finished));
        (void)pthread_cond_destroy(&w->changed);
        (void)pthread_mutex_destroy(&w->lock);
        (void)close(w->news_fd);
        free(w);
}

/* Under the lock; NULL: it is time to end. */
static struct jobs_item *next_job(struct jobs *w)
{
        struct jobs_item *job;

        while ((!w->waiting.first || w->n_finished == FINISHED_MAX) && !w->stopping)
                (void)pthread_cond_wait(&w->changed, &w->lock);
        if (w->abandoned)
                return NULL;
        job = take_first(&w->waiting);
        w->n_waiting -= job != NULL;
        return job;
}

static void *run(void *userdata)
{
        const uint64_t one = 1;
        struct jobs *w = userdata;
        struct jobs_item *job;
        bool abandoned;

        (void)pthread_mutex_lock(&w->lock);
        w->busy = true;
        while ((job = next_job(w))) {
                (void)pthread_mutex_unlock(&w->lock);
                job->run(job);
                (void)pthread_mutex_lock(&w->lock);
                append(&w->finished, job);
                w->n_finished++;
                (void)!write(w->news_fd, &one, sizeof(one)); /* full: the loop has news to read */
        }
        w->busy = false;
        abandoned = w->abandoned;
        (void)pthread_cond_broadcast(&w->changed);
        (void)pthread_mutex_unlock(&w->lock);
        if (abandoned)
                destroy(w);
        return NULL;
}

/* One at a time: others of the loop have their turn in between, however many are done. */
static int on_news(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        struct jobs *w = userdata;
        struct jobs_item *job;
        uint64_t n;

        (void)pthread_mutex_lock(&w->lock);
        job = take_first(&w->finished);
        w->n_finished -= job != NULL;
        if (!w->finished.first)
                (void)!read(fd, &n, sizeof(n)); /* its number means nothing */
        (void)pthread_cond_broadcast(&w->changed);
        (void)pthread_mutex_unlock(&w->lock);
        if (!job)
                return 0;
        if (job->done)
                job->done(job, job->userdata); /* may free `w` */
        job->drop(job);
        return 0;
}

static int start(struct jobs *w, const char *name)
{
        int r = thread_start(run, w, STACK_BYTES, &w->thread);

        if (r >= 0)
                (void)pthread_setname_np(w->thread, name); /* only shown by debuggers */
        return r;
}

int jobs_new(sd_event *event, const char *name, size_t jobs_max, struct jobs **ret)
{
        struct jobs *w = calloc(1, sizeof(*w));
        pthread_condattr_t attr;
        int r;

        if (!w)
                return -ENOMEM;
        w->jobs_max = jobs_max;
        w->waiting.last = &w->waiting.first;
        w->finished.last = &w->finished.first;
        (void)pthread_mutex_init(&w->lock, NULL); /* these three cannot fail on Linux */
        (void)pthread_condattr_init(&attr);
        (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        (void)pthread_cond_init(&w->changed, &attr);
        (void)pthread_condattr_destroy(&attr);
        w->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        r = w->news_fd < 0 ? -errno
                           : sd_event_add_io(event, &w->news, w->news_fd, EPOLLIN, on_news, w);
        if (r >= 0)
                (void)sd_event_source_set_description(w->news, name);
        /* The loop has ended: posted jobs are still done, without their done(). */
        if (r >= 0 || r == -ESTALE)
                r = start(w, name);
        if (r < 0) {
                w->news = sd_event_source_disable_unref(w->news);
                destroy(w);
                return r;
        }
        *ret = w;
        return 0;
}

int jobs_post(struct jobs *w, struct jobs_item *job)
{
        bool full;

        (void)pthread_mutex_lock(&w->lock);
        full = w->n_waiting == w->jobs_max;
        if (!full) {
                append(&w->waiting, job);
                w->n_waiting++;
                (void)pthread_cond_signal(&w->changed);
        }
        (void)pthread_mutex_unlock(&w->lock);
        if (full)
                job->drop(job);
        return full ? -ENOBUFS : 0;
}

/* True: the thread has ended, or is about to without touching anything. */
static bool wait_for_end(struct jobs *w, uint64_t usec)
{
        struct timespec until;
        int code = 0;
        bool ended;

        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        usec += (uint64_t)until.tv_nsec / 1000;
        until.tv_sec += (time_t)(usec / USEC_PER_SEC);
        until.tv_nsec = (long)(usec % USEC_PER_SEC * 1000);
        (void)pthread_mutex_lock(&w->lock);
        w->stopping = true;
        (void)pthread_cond_broadcast(&w->changed);
        while ((w->busy || w->waiting.first) && code == 0)
                code = pthread_cond_timedwait(&w->changed, &w->lock, &until);
        ended = !w->busy && !w->waiting.first;
        w->abandoned = !ended;
        if (!ended)
                (void)pthread_detach(w->thread); /* ours, and joinable: cannot fail */
        (void)pthread_mutex_unlock(&w->lock);
        return ended;
}

uint64_t jobs_now_usec(void)
{
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now); /* it exists */
        return (uint64_t)now.tv_sec * USEC_PER_SEC + (uint64_t)now.tv_nsec / 1000;
}

uint64_t jobs_left_usec(uint64_t begun_usec, uint64_t usec)
{
        uint64_t passed = begun_usec == 0 ? 0 : jobs_now_usec() - begun_usec;

        return usec - MIN(passed, usec);
}

struct jobs *jobs_free(struct jobs *w, uint64_t usec)
{
        if (!w)
                return NULL;
        w->news = sd_event_source_disable_unref(w->news);
        if (!wait_for_end(w, usec))
                return NULL; /* it frees itself */
        (void)pthread_join(w->thread, NULL);
        destroy(w);
        return NULL;
}
