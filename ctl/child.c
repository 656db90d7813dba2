/* SPDX-License-Identifier: MIT */
#include "child.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static int spawn(char *const argv[], pid_t *ret)
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
        r = posix_spawnp(ret, argv[0], NULL, &attributes, argv, environ);
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
        r = spawn(argv, &pid);
        while (r == 0 && waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        r = -errno;
        (void)sigaction(SIGINT, &old_int, NULL);
        (void)sigaction(SIGQUIT, &old_quit, NULL);
        if (r < 0)
                return r;
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
