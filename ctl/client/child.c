/* SPDX-License-Identifier: MIT */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"

static int spawn(char *const argv[], const posix_spawn_file_actions_t *actions, pid_t *ret)
{
        posix_spawnattr_t attributes;
        sigset_t defaults;
        int r;

        r = posix_spawnattr_init(&attributes);
        if (r != 0)
                return -r;
        sigemptyset(&defaults);
        sigaddset(&defaults, SIGINT);
        sigaddset(&defaults, SIGQUIT);
        (void)posix_spawnattr_setsigdefault(&attributes, &defaults);
        (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
        r = posix_spawnp(ret, argv[0], actions, &attributes, argv, environ);
        (void)posix_spawnattr_destroy(&attributes);
        return -r;
}

int child_run(char *const argv[])
{
        struct sigaction ignore = { .sa_handler = SIG_IGN }, old_int, old_quit;
        int r, status = 0;
        pid_t pid;

        (void)fflush(NULL);
        (void)sigaction(SIGINT, &ignore, &old_int);
        (void)sigaction(SIGQUIT, &ignore, &old_quit);
        r = spawn(argv, NULL, &pid);
        while (r == 0 && waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        r = -errno;
        (void)sigaction(SIGINT, &old_int, NULL);
        (void)sigaction(SIGQUIT, &old_quit, NULL);
        if (r < 0)
                return r;
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int spawn_into(char *const argv[], int fd, pid_t *ret)
{
        posix_spawn_file_actions_t actions;
        int r;

        r = -posix_spawn_file_actions_init(&actions);
        if (r < 0)
                return r;
        r = -posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
        if (r == 0)
                r = -posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
                                                      O_WRONLY, 0);
        if (r == 0)
                r = spawn(argv, &actions, ret);
        (void)posix_spawn_file_actions_destroy(&actions);
        return r;
}

/* To its end, so that the other side is never kept waiting; what is too much is dropped. */
static int read_all(int fd, char *text)
{
        char more[4096];
        size_t n = 0;

        for (;;) {
                bool full = n == CHILD_OUTPUT_MAX;
                ssize_t got = full ? read(fd, more, sizeof(more))
                                   : read(fd, text + n, CHILD_OUTPUT_MAX - n);

                if (got < 0 && errno == EINTR)
                        continue;
                if (got < 0)
                        return -errno;
                if (got == 0)
                        break;
                n += full ? 0 : (size_t)got;
        }
        text[n] = '\0';
        return 0;
}

int child_capture(char *const argv[], char **ret)
{
        OWNED_FREE char *text = malloc(CHILD_OUTPUT_MAX + 1);
        int fds[2], r, status = 0;
        pid_t pid;

        if (!text)
                return -ENOMEM;
        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        r = spawn_into(argv, fds[1], &pid);
        (void)close(fds[1]); /* the child's end */
        if (r == 0) {
                r = read_all(fds[0], text);
                while (waitpid(pid, &status, 0) < 0)
                        if (errno != EINTR)
                                r = -errno;
        }
        (void)close(fds[0]); /* only read */
        if (r < 0)
                return r;
        *ret = TAKE(text);
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
