/* SPDX-License-Identifier: MIT */
/* Processes that wait in place of the main loop. */
#include "worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define TIMER_ACCURACY_USEC 10000

struct worker {
        struct worker_job job;
        pid_t pid;
        bool over;    /* its result is here, or it was ended */
        bool limited; /* it was ended for its time; `done` hears of it when it has gone */
        int fd;       /* our end of the socket pair */
        sd_event_source *source, *late, *limit;
};

union control {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
};

/* In the worker: hands over the result, and the descriptor with it. */
static void send_result(int socket, const struct worker_result *result)
{
        struct iovec part = { .iov_base = (void *)(uintptr_t)result, .iov_len = sizeof(*result) };
        union control control = { 0 };
        struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

        if (result->fd >= 0) {
                message.msg_control = &control;
                message.msg_controllen = sizeof(control.room);
                control.header.cmsg_level = SOL_SOCKET;
                control.header.cmsg_type = SCM_RIGHTS;
                control.header.cmsg_len = CMSG_LEN(sizeof(int));
                memcpy(CMSG_DATA(&control.header), &result->fd, sizeof(int));
        }
        /* Whoever started us may be gone; then the descriptor is closed with this process. */
        (void)sendmsg(socket, &message, MSG_NOSIGNAL);
}

/* Other converters' ports must not stay open here: their ttys would outlive an unplug. */
static void keep_only(int a, int b)
{
        int low = MIN(a, b), high = MAX(a, b);

        if (low > STDERR_FILENO + 1)
                (void)close_range(STDERR_FILENO + 1, (unsigned int)low - 1, 0);
        if (high > low + 1 && high - 1 > STDERR_FILENO)
                (void)close_range((unsigned int)MAX(low, STDERR_FILENO) + 1, (unsigned int)high - 1,
                                  0);
        (void)close_range((unsigned int)MAX(high, STDERR_FILENO) + 1, ~0u, 0);
}

__attribute__((noreturn)) static void run(const struct worker_job *job, int socket)
{
        struct worker_result result = { .fd = -1 };
        sigset_t none;

        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        (void)prctl(PR_SET_NAME, "smartmeterd-dev");
        keep_only(socket, job->fd);
        job->work(job->argument, job->fd, &result);
        send_result(socket, &result);
        _exit(EXIT_SUCCESS);
}

static int receive_result(int socket, struct worker_result *ret)
{
        struct iovec part = { .iov_base = ret, .iov_len = sizeof(*ret) };
        union control control;
        struct msghdr message = { .msg_iov = &part,
                                  .msg_iovlen = 1,
                                  .msg_control = &control,
                                  .msg_controllen = sizeof(control) };
        ssize_t n = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        const struct cmsghdr *header;

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return -EAGAIN;
        if (n != (ssize_t)sizeof(*ret)) { /* it died before it could answer */
                *ret = (struct worker_result){ .error = EIO, .fd = -1 };
                return 0;
        }
        ret->fd = -1;
        header = CMSG_FIRSTHDR(&message);
        if (header && header->cmsg_type == SCM_RIGHTS)
                memcpy(&ret->fd, CMSG_DATA(header), sizeof(int));
        return 0;
}

static int on_result(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        struct worker *worker = userdata;
        struct worker_result result;

        if (receive_result(fd, &result) < 0)
                return 0;
        if (worker->limited && result.error != 0)
                result.error = ETIMEDOUT;
        worker->over = true;
        (void)sd_event_source_set_enabled(worker->source, SD_EVENT_OFF);
        (void)sd_event_source_set_enabled(worker->late, SD_EVENT_OFF);
        (void)sd_event_source_set_enabled(worker->limit, SD_EVENT_OFF);
        worker->job.done(&result, worker->job.userdata); /* frees the worker */
        return 0;
}

static int on_late(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct worker *worker = userdata;

        worker->job.late(worker->job.userdata);
        return 0;
}

/* It runs until its result is here. In the kernel's wait it does not hear this, and ends later. */
static void end(struct worker *worker)
{
        if (worker->pid > 0 && !worker->over)
                (void)kill(worker->pid, SIGKILL);
        worker->over = true;
}

static int on_limit(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct worker *worker = userdata;

        /* on_result() sees its end: at once, or when the kernel lets go of it. So there is never
         * more than one that waits for the same device. */
        if (worker->pid > 0)
                (void)kill(worker->pid, SIGKILL);
        worker->limited = true;
        return 0;
}

static int add_timer(struct worker *worker, sd_event *event, uint64_t usec,
                     sd_event_time_handler_t handler, sd_event_source **ret)
{
        if (usec == 0)
                return 0;
        return sd_event_add_time_relative(event, ret, CLOCK_MONOTONIC, usec, TIMER_ACCURACY_USEC,
                                          handler, worker);
}

static int watch(struct worker *worker, sd_event *event)
{
        int r = sd_event_add_io(event, &worker->source, worker->fd, EPOLLIN, on_result, worker);

        if (r >= 0)
                r = add_timer(worker, event, worker->job.late_usec, on_late, &worker->late);
        if (r >= 0)
                r = add_timer(worker, event, worker->job.limit_usec, on_limit, &worker->limit);
        return r;
}

/* The kernel is to collect workers that end: nobody asks how they did. */
static void collect_by_kernel(void)
{
        struct sigaction action = { .sa_handler = SIG_IGN };

        (void)sigaction(SIGCHLD, &action, NULL); /* cannot fail for this signal */
}

int worker_start(sd_event *event, const struct worker_job *job, struct worker **ret)
{
        OWNED(worker) struct worker *worker = calloc(1, sizeof(*worker));
        int pair[2], r;

        if (!worker)
                return -ENOMEM;
        worker->job = *job;
        worker->fd = -1;
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        worker->fd = pair[0];
        r = watch(worker, event);
        if (r >= 0) {
                collect_by_kernel();
                worker->pid = fork();
                if (worker->pid == 0)
                        run(job, pair[1]);
                r = worker->pid < 0 ? -errno : 0;
        }
        (void)close(pair[1]); /* a socket nobody wrote to */
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(worker->source, job->name); /* for debugging only */

        *ret = TAKE(worker);
        return 0;
}

struct worker *worker_free(struct worker *worker)
{
        if (!worker)
                return NULL;
        sd_event_source_disable_unref(worker->source);
        sd_event_source_disable_unref(worker->late);
        sd_event_source_disable_unref(worker->limit);
        end(worker);
        if (worker->fd >= 0)
                (void)close(worker->fd);
        free(worker);
        return NULL;
}

void worker_close(int fd)
{
        pid_t pid;

        collect_by_kernel();
        pid = fork();
        if (pid == 0) {
                keep_only(fd, fd);
                (void)close(fd);
                _exit(EXIT_SUCCESS);
        }
        (void)close(fd); /* does not wait: the worker holds the last reference, if there is one */
}
