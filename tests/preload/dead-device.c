/* SPDX-License-Identifier: MIT */
/*
 * A converter that does not answer, as the kernel shows it: open(), tcsetattr() and close() of
 * $DEAD_DEVICE wait for $DEAD_SECONDS while the file $DEAD_SWITCH is there. TERM is not heard
 * meanwhile, as in the kernel's uninterruptible wait.
 */
#undef _FILE_OFFSET_BITS /* open() and open64() are two symbols here */
#undef _TIME_BITS        /* glibc takes one of 64 bits with the other only */
#include <ctype.h>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static bool is_dead(const char *path)
{
        const char *device = getenv("DEAD_DEVICE"), *name = getenv("DEAD_SWITCH");
        char real[PATH_MAX];

        if (!device || !path || !name || access(name, F_OK) < 0)
                return false;
        return strcmp(path, device) == 0 || (realpath(device, real) && strcmp(path, real) == 0);
}

static void wait_as_the_kernel_does(void)
{
        const char *seconds = getenv("DEAD_SECONDS");
        struct timespec rest = { .tv_sec = seconds ? atoi(seconds) : 30 };
        sigset_t all, before;

        (void)sigfillset(&all);
        (void)sigprocmask(SIG_BLOCK, &all, &before);
        (void)nanosleep(&rest, NULL);
        (void)sigprocmask(SIG_SETMASK, &before, NULL);
}

static bool is_dead_fd(int fd)
{
        char link[64], path[256];
        ssize_t n;

        (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, path, sizeof(path) - 1);
        if (n < 0)
                return false;
        path[n] = '\0';
        return is_dead(path);
}

static int open_by(const char *symbol, const char *path, int flags, mode_t mode)
{
        int (*next)(const char *, int, ...) = NULL;

        *(void **)&next = dlsym(RTLD_NEXT, symbol);
        if (is_dead(path))
                wait_as_the_kernel_does();
        return next(path, flags, mode);
}

#define OPEN(name)                                        \
        int name(const char *path, int flags, ...)        \
        {                                                 \
                mode_t mode = 0;                          \
                va_list ap;                               \
                                                          \
                va_start(ap, flags);                      \
                if (flags & O_CREAT)                      \
                        mode = va_arg(ap, mode_t);        \
                va_end(ap);                               \
                return open_by(#name, path, flags, mode); \
        }

OPEN(open)
OPEN(open64)

int tcsetattr(int fd, int actions, const struct termios *t)
{
        int (*next)(int, int, const struct termios *) = NULL;

        *(void **)&next = dlsym(RTLD_NEXT, "tcsetattr");
        if (is_dead_fd(fd))
                wait_as_the_kernel_does();
        return next(fd, actions, t);
}

/* 0: it has gone */
static int parent_of(int pid)
{
        char path[300], line[512] = "";
        FILE *file;
        int parent = 0;

        (void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
        file = fopen(path, "re");
        if (!file)
                return 0;
        if (fgets(line, sizeof(line), file) && strrchr(line, ')'))
                (void)sscanf(strrchr(line, ')'), ") %*c %d", &parent);
        (void)fclose(file);
        return parent;
}

/* A child, as the fork server, or one of its children. */
static bool is_of_us(int pid)
{
        int parent = parent_of(pid);

        return parent == getpid() || (parent > 1 && parent_of(parent) == getpid());
}

static bool has_open(const char *pid, const char *target)
{
        char folder[300], link[600], path[PATH_MAX];
        bool found = false;
        DIR *dir;

        (void)snprintf(folder, sizeof(folder), "/proc/%s/fd", pid);
        dir = opendir(folder);
        if (!dir)
                return false;
        for (struct dirent *entry; !found && (entry = readdir(dir));) {
                ssize_t n;

                (void)snprintf(link, sizeof(link), "%s/%s", folder, entry->d_name);
                n = readlink(link, path, sizeof(path) - 1);
                path[n > 0 ? n : 0] = '\0';
                found = strcmp(path, target) == 0;
        }
        (void)closedir(dir);
        return found;
}

static bool another_has_it(int fd)
{
        char link[64], target[PATH_MAX];
        bool found = false;
        ssize_t n;
        DIR *proc = opendir("/proc");

        (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, target, sizeof(target) - 1);
        target[n > 0 ? n : 0] = '\0';
        for (struct dirent *entry; proc && !found && (entry = readdir(proc));)
                found = isdigit((unsigned char)entry->d_name[0]) && is_of_us(atoi(entry->d_name)) &&
                        has_open(entry->d_name, target);
        if (proc)
                (void)closedir(proc);
        return found;
}

/* Only the last close of an open file reaches the driver. What is on its way through a socket is a
 * copy too, which /proc shows only when it has come. */
static bool is_last(int fd)
{
        const struct timespec rest = { .tv_nsec = 10 * 1000 * 1000 };

        for (int i = 0; i < 100; i++) {
                if (another_has_it(fd))
                        return false;
                (void)nanosleep(&rest, NULL);
        }
        return true;
}

int close(int fd)
{
        static __thread bool looking; /* what we open ourselves is not looked at */
        int (*next)(int) = NULL;

        *(void **)&next = dlsym(RTLD_NEXT, "close");
        if (!looking) {
                looking = true;
                if (is_dead_fd(fd) && is_last(fd))
                        wait_as_the_kernel_does();
                looking = false;
        }
        return next(fd);
}
