/* SPDX-License-Identifier: MIT */
/*
 * realpath() for libserialport on mock devices. umockdev (0.19, Debian 13) takes the path of its
 * bed off every answer; a mock tty is a link to a pty, whose path is shorter than that, and the
 * copy runs over the stack. The name of a mock device is its only one, so it is answered as it is.
 */
#include <dlfcn.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *__realpath_chk(const char *name, char *resolved, size_t size);

char *__realpath_chk(const char *name, char *resolved, size_t size)
{
        char *(*next)(const char *, char *, size_t);

        if (getenv("UMOCKDEV_DIR") && strncmp(name, "/dev/", 5) == 0 && strlen(name) < size)
                return access(name, F_OK) == 0 ? strcpy(resolved, name) : NULL;
        *(void **)&next = dlsym(RTLD_NEXT, "__realpath_chk");
        return next(name, resolved, size);
}
