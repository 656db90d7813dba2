/* SPDX-License-Identifier: MIT */
/*
 * A disk that hangs: while the file $FROZEN_DISK/frozen exists, whatever writes below $FROZEN_DISK,
 * or waits for it to be written, or lists a folder there, does not return.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static bool is_below(int fd, const char *folder)
{
        char link[32], path[PATH_MAX];
        ssize_t n;

        (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, path, sizeof(path) - 1);
        if (n <= 0)
                return false;
        path[n] = '\0';
        return strncmp(path, folder, strlen(folder)) == 0;
}

static void wait_for_thaw(int fd)
{
        const char *folder = getenv("FROZEN_DISK");
        char sign[PATH_MAX];

        if (!folder)
                return;
        (void)snprintf(sign, sizeof(sign), "%s/frozen", folder);
        while (access(sign, F_OK) == 0 && is_below(fd, folder))
                (void)nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
}

#define REAL(name_, ...)                                    \
        int (*real_##name_)(__VA_ARGS__) = NULL;            \
                                                            \
        *(void **)&real_##name_ = dlsym(RTLD_NEXT, #name_); \
        wait_for_thaw(fd)

int fsync(int fd)
{
        REAL(fsync, int);
        return real_fsync(fd);
}

int fdatasync(int fd)
{
        REAL(fdatasync, int);
        return real_fdatasync(fd);
}

int ftruncate64(int fd, off64_t length)
{
        REAL(ftruncate64, int, off64_t);
        return real_ftruncate64(fd, length);
}

ssize_t pwrite64(int fd, const void *buf, size_t n, off64_t offset)
{
        ssize_t (*real_pwrite64)(int, const void *, size_t, off64_t) = NULL;

        *(void **)&real_pwrite64 = dlsym(RTLD_NEXT, "pwrite64");
        wait_for_thaw(fd);
        return real_pwrite64(fd, buf, n, offset);
}

ssize_t write(int fd, const void *buf, size_t n)
{
        ssize_t (*real_write)(int, const void *, size_t) = NULL;

        *(void **)&real_write = dlsym(RTLD_NEXT, "write");
        wait_for_thaw(fd);
        return real_write(fd, buf, n);
}

DIR *opendir(const char *path)
{
        DIR *(*real_opendir)(const char *) = NULL;
        DIR *dir;

        *(void **)&real_opendir = dlsym(RTLD_NEXT, "opendir");
        dir = real_opendir(path);
        if (dir)
                wait_for_thaw(dirfd(dir));
        return dir;
}
