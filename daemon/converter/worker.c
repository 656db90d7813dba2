/* SPDX-License-Identifier: MIT */
/* Processes that wait in place of the main loop. */
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

#define TIMER_ACCURACY_USEC 10000
#define STOP_MSEC           500

struct worker {
        struct worker_job job;
        bool over;    /* its result is here, or it was ended */
        bool limited; /* it was ended at its time limit; `done` is called when it has gone */
        pid_t pid;    /* 0: the server has not reported it yet */
        int fd;       /* our end of the socket pair */
        sd_event_source *source, *late, *limit;
};

/* A request to the fork server; the answer's socket and the descriptor of the work come with it. */
struct order {
        void (*work)(const void *argument, int fd, struct worker_result *result);
        bool last; /* no other process may have the descriptor when the work begins */
        _Alignas(max_align_t) unsigned char argument[WORKER_ARGUMENT_MAX]; /* as large as it is */
};

/* Our end of the fork server's socket; -1: there is none, and workers are forked from here. */
static int server = -1;
static pid_t server_pid;

#define MAX_FDS 2

union control {
        struct cmsghdr header;
        char room[CMSG_SPACE(MAX_FDS * sizeof(int))];
};

/* -errno when the other end is gone, or takes nothing now. */
static int send_with(int socket, const void *data, size_t size, const int *fds, size_t n_fds)
{
        struct iovec part = { .iov_base = (void *)(uintptr_t)data, .iov_len = size };
        union control control = { 0 };
        struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

        if (n_fds > 0) {
                message.msg_control = &control;
                message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
                control.header.cmsg_level = SOL_SOCKET;
                control.header.cmsg_type = SCM_RIGHTS;
                control.header.cmsg_len = CMSG_LEN(n_fds * sizeof(int));
                memcpy(CMSG_DATA(&control.header), fds, n_fds * sizeof(int));
        }
        return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

/* The size of what came, 0 at the end; unused places of `fds` become -1. */
static ssize_t receive_with(int socket, void *data, size_t size, int fds[MAX_FDS], int flags)
{
        struct iovec part = { .iov_base = data, .iov_len = size };
        union control control;
        struct msghdr message = { .msg_iov = &part,
                                  .msg_iovlen = 1,
                                  .msg_control = &control,
                                  .msg_controllen = sizeof(control) };
        const struct cmsghdr *header;
        ssize_t n;

        for (size_t i = 0; i < MAX_FDS; i++)
                fds[i] = -1;
        n = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
        if (n < 0)
                return -errno;
        header = CMSG_FIRSTHDR(&message);
        if (header && header->cmsg_type == SCM_RIGHTS)
                memcpy(fds, CMSG_DATA(header), header->cmsg_len - CMSG_LEN(0));
        return n;
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

/* The other end has gone: a result is no longer awaited, or no longer to come. */
static bool is_left(int socket)
{
        struct pollfd poll_fd = { .fd = socket };

        return poll(&poll_fd, 1, 0) > 0 && poll_fd.revents & POLLHUP;
}

/* Until the other end of a pipe or a socket writes something, or has gone. */
static void await(int fd)
{
        char byte;

        while (read(fd, &byte, 1) < 0 && errno == EINTR)
                ;
}

__attribute__((noreturn)) static void run(const struct order *order, int fd, int socket, int gate)
{
        struct worker_result result = { .fd = -1 };
        sigset_t none;

        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        (void)signal(SIGTERM, SIG_DFL);
        (void)signal(SIGINT, SIG_DFL);
        (void)prctl(PR_SET_NAME, "smartmeterd-dev");
        /* The process that closes a port last waits for its device: that is to be this one. So
         * first the server, and then the loop, reports that it has closed its descriptor. */
        if (gate >= 0)
                await(gate);
        keep_only(socket, fd);
        if (order->last)
                await(socket);
        if (is_left(socket))
                _exit(EXIT_SUCCESS);
        order->work(order->argument, fd, &result);
        /* The loop may be gone; then the descriptor is closed with this process. */
        (void)send_with(socket, &result, sizeof(result), &result.fd, result.fd >= 0);
        _exit(EXIT_SUCCESS);
}

/* The kernel is to collect workers that end: their exit status is not read. */
static void collect_by_kernel(void)
{
        struct sigaction action = { .sa_handler = SIG_IGN };

        (void)sigaction(SIGCHLD, &action, NULL); /* cannot fail for this signal */
}

/* A process for the order; -errno. `gate`: a pipe, {-1, -1} for none. */
static int fork_worker(const struct order *order, int fd, int socket, const int gate[2], pid_t *ret)
{
        pid_t pid;

        collect_by_kernel();
        pid = fork();
        if (pid == 0) {
                if (gate[1] >= 0)
                        (void)close(gate[1]);
                run(order, fd, socket, gate[0]);
        }
        if (pid < 0)
                return -errno;
        *ret = pid;
        return 0;
}

static void close_all(const int *fds, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (fds[i] >= 0)
                        (void)close(fds[i]);
}

/* In the fork server: forks a worker and reports its pid; without one, the error is its result. The
 * loop may not listen any more by then. */
static void serve(const struct order *order, int fd, int socket)
{
        int gate[2] = { -1, -1 }, r;
        pid_t pid;

        if (order->last && pipe2(gate, O_CLOEXEC) < 0)
                gate[0] = gate[1] = -1; /* then it can only be hoped that the worker is slower */
        r = fork_worker(order, fd, socket, gate, &pid);
        if (fd >= 0)
                (void)close(fd);
        close_all(gate, 2);
        if (r < 0) {
                const struct worker_result result = { .error = -r, .fd = -1 };

                (void)send_with(socket, &result, sizeof(result), NULL, 0);
        } else {
                (void)send_with(socket, &pid, sizeof(pid), NULL, 0);
        }
        (void)close(socket);
}

__attribute__((noreturn)) static void run_server(int socket)
{
        struct order order;
        int fds[MAX_FDS];
        ssize_t n;

        /* The terminal's Ctrl+C is for the service, which closes the socket when it ends. */
        (void)signal(SIGTERM, SIG_IGN);
        (void)signal(SIGINT, SIG_IGN);
        (void)prctl(PR_SET_NAME, "smartmeterd-frk");
        keep_only(socket, socket);
        while ((n = receive_with(socket, &order, sizeof(order), fds, 0)) != 0) {
                if (n >= (ssize_t)offsetof(struct order, argument) && fds[0] >= 0)
                        serve(&order, fds[1], fds[0]);
                else if (n < 0 && n != -EINTR)
                        break;
                else
                        close_all(fds, MAX_FDS);
        }
        _exit(EXIT_SUCCESS);
}

int worker_server_start(void)
{
        int pair[2];
        pid_t pid;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        collect_by_kernel();
        pid = fork();
        if (pid == 0) {
                (void)close(pair[0]); /* else it would not notice the service's end */
                run_server(pair[1]);
        }
        (void)close(pair[1]);
        if (pid < 0) {
                (void)close(pair[0]);
                return -EAGAIN;
        }
        server = pair[0];
        server_pid = pid;
        return 0;
}

/* It ends when its socket is closed, and that is waited for: systemd logs a process that is still
 * there when the service has ended as a leftover. */
void worker_server_stop(void)
{
        const struct timespec pause = { .tv_nsec = 1000000 };

        if (server < 0)
                return;
        (void)close(server);
        server = -1;
        /* The kernel collects it: its number is gone when it is. */
        for (int i = 0; i < STOP_MSEC && kill(server_pid, 0) == 0; i++)
                (void)nanosleep(&pause, NULL);
}

/* It was killed, when memory ran out say. A new one would hold for ever the locks that our threads
 * hold now; a worker holds them once. */
static void give_up_server(void)
{
        (void)close(server); /* it has no reader */
        server = -1;
        log_warning("the process that starts those for devices is gone: the service does it itself "
                    "until it is restarted");
}

/* The server makes it; where there is none, or it does not take orders, we do. */
static int order_worker(const struct order *order, size_t size, int fd, int socket, pid_t *ret)
{
        const int fds[MAX_FDS] = { socket, fd };
        int r = server < 0 ? -ENOTCONN : send_with(server, order, size, fds, fd >= 0 ? 2 : 1);

        if (r >= 0)
                return 0;
        if (r == -EPIPE || r == -ECONNRESET)
                give_up_server();
        return fork_worker(order, fd, socket, (int[]){ -1, -1 }, ret);
}

/* -EAGAIN: it is not there yet. */
static int receive_result(struct worker *worker, struct worker_result *ret)
{
        int fds[MAX_FDS];
        ssize_t n = receive_with(worker->fd, ret, sizeof(*ret), fds, MSG_DONTWAIT);

        if (n == -EAGAIN || n == -EINTR)
                return -EAGAIN;
        if (n == (ssize_t)sizeof(worker->pid)) { /* the server reports its pid */
                memcpy(&worker->pid, ret, sizeof(worker->pid));
                return -EAGAIN;
        }
        if (n != (ssize_t)sizeof(*ret)) /* it died before it could answer */
                *ret = (struct worker_result){ .error = EIO };
        ret->fd = fds[0];
        return 0;
}

static int on_result(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        struct worker *worker = userdata;
        struct worker_result result;

        if (receive_result(worker, &result) < 0)
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

/* It runs until its result is here. In the kernel's wait it does not get the signal, and ends
 * later. One that has closed its socket is over, though its result is not read yet: the kernel has
 * given its number back, and perhaps to another process of ours. */
static void end(const struct worker *worker)
{
        if (worker->pid > 0 && !worker->over && !is_left(worker->fd))
                (void)kill(worker->pid, SIGKILL);
}

static int on_limit(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct worker *worker = userdata;

        /* on_result() sees its end: at once, or when the kernel lets go of it. So there is never
         * more than one that waits for the same device. */
        worker->limited = true;
        if (worker->pid > 0)
                end(worker);
        else /* the server has not reported its pid, and will not any more */
                (void)shutdown(worker->fd, SHUT_RD);
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

int worker_start(sd_event *event, const struct worker_job *job, struct worker **ret)
{
        OWNED(worker) struct worker *worker = calloc(1, sizeof(*worker));
        struct order order = { .work = job->work, .last = job->takes_fd };
        size_t size = offsetof(struct order, argument) + job->argument_size;
        int pair[2], r;

        if (!worker)
                return -ENOMEM;
        worker->job = *job;
        worker->fd = -1;
        if (job->argument_size > sizeof(order.argument))
                return -E2BIG;
        if (job->argument_size > 0)
                memcpy(order.argument, job->argument, job->argument_size);
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        worker->fd = pair[0];
        r = watch(worker, event);
        if (r >= 0)
                r = order_worker(&order, size, job->fd, pair[1], &worker->pid);
        (void)close(pair[1]); /* nothing was written to it */
        if (r < 0)
                return r;
        if (job->takes_fd) {
                (void)close(job->fd);
                (void)send_with(worker->fd, "", 1, NULL, 0); /* a dead worker needs no word */
        }
        (void)sd_event_source_set_description(worker->source, job->name); /* for debugging only */

        *ret = TAKE(worker);
        return 0;
}

/* A descriptor that it opened and that is not taken must not be closed by our end of the socket. */
static void refuse_result(struct worker *worker)
{
        struct worker_result unread = { .fd = -1 };

        (void)shutdown(worker->fd, SHUT_RD); /* from now on it cannot be sent */
        /* the server's word of the worker's number may come first */
        if (receive_result(worker, &unread) < 0 && receive_result(worker, &unread) < 0)
                return;
        if (unread.fd >= 0)
                worker_close(unread.fd);
}

struct worker *worker_free(struct worker *worker)
{
        if (!worker)
                return NULL;
        sd_event_source_disable_unref(worker->source);
        sd_event_source_disable_unref(worker->late);
        sd_event_source_disable_unref(worker->limit);
        if (worker->fd >= 0 && !worker->over)
                refuse_result(worker);
        end(worker);
        if (worker->fd >= 0)
                (void)close(worker->fd);
        free(worker);
        return NULL;
}

/* Nothing: the copy of the descriptor closes with the worker. */
static void work_nothing(const void *argument, int fd, struct worker_result *result)
{
}

void worker_close(int fd)
{
        const struct order order = { .work = work_nothing, .last = true };
        pid_t pid;
        int pair[2] = { -1, -1 };

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) >= 0)
                (void)order_worker(&order, offsetof(struct order, argument), fd, pair[1], &pid);
        (void)close(fd);    /* does not wait: the worker has it still, if there is one */
        close_all(pair, 2); /* which the worker notices */
}
