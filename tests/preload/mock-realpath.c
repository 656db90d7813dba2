/* SPDX-License-Identifier: MIT */
/*
 * realpath() for libserialport, and for us, on mock devices. umockdev (0.19, Debian 13) takes the
 * path of its bed off every answer; a mock tty is a link to a pty, whose path is shorter than that,
 * and the copy runs over the stack. The name of a mock device is its only one, so it is answered as
 * it is.
 */
#include <dlfcn.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *__realpath_chk(const char *name, char *resolved, size_t size);

static char *mock(const char *name, char *resolved)
{
        return access(name, F_OK) == 0 ? strcpy(resolved, name) : NULL;
}

static int is_mock(const char *name, size_t size)
{
        return getenv("UMOCKDEV_DIR") && strncmp(name, "/dev/", 5) == 0 && strlen(name) < size;
}

char *__realpath_chk(const char *name, char *resolved, size_t size)
{
        char *(*next)(const char *, char *, size_t);

        if (is_mock(name, size))
                return mock(name, resolved);
        *(void **)&next = dlsym(RTLD_NEXT, "__realpath_chk");
        return next(name, resolved, size);
}

/* As a program that is built without _FORTIFY_SOURCE calls it. */
char *realpath(const char *name, char *resolved)
{
        char *(*next)(const char *, char *);

        if (resolved && is_mock(name, PATH_MAX))
                return mock(name, resolved);
        *(void **)&next = dlsym(RTLD_NEXT, "realpath");
        return next(name, resolved);
}
