/* SPDX-License-Identifier: MIT */
/*
 * Where their configuration stands when no option says it. Jeedom's plugin writes it below /tmp,
 * where everybody may put a file of that name: one is taken only when it, and each folder on the
 * way, belongs to whom it should, and no link is followed.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "import.h"

/* Theirs has 1 or 2 kB. */
#define FOUND_FILE_MAX (1024 * 1024)

/* Whose files Jeedom's are on Debian. */
#define WEB_USER "www-data"

struct place {
        const char *folder, *rest;
        bool shared; /* all may write in the folder */
};

static const struct place places[] = {
        { "/var/lib/smartmeter-datacollector", "datacollector.ini", false },
        { "/tmp", "jeedom/SmartMeterUSB/config.ini", true },
};

static bool is_trusted(uid_t owner)
{
        const struct passwd *web = getpwnam(WEB_USER);

        return owner == 0 || owner == geteuid() || (web && owner == web->pw_uid);
}

static bool is_sound(const struct place *place, int fd, bool last)
{
        struct stat there;

        return fstat(fd, &there) >= 0 && (!place->shared || is_trusted(there.st_uid)) &&
               (!last || (S_ISREG(there.st_mode) && there.st_size <= FOUND_FILE_MAX));
}

/* One step at a time: the folder of the step before cannot be exchanged for another. */
static int walk(const struct place *place, int folder)
{
        char rest[NAME_MAX], *next = rest, *name;
        OWNED_FD int fd = folder;

        (void)snprintf(rest, sizeof(rest), "%s", place->rest);
        while ((name = strsep(&next, "/"))) {
                /* a FIFO of that name would hold us for ever without O_NONBLOCK */
                int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | (next ? O_DIRECTORY : 0) |
                            (place->shared ? O_NOFOLLOW : 0);
                int inner = openat(fd, name, flags);

                if (inner < 0)
                        return errno == ELOOP || errno == ENOTDIR ? -EPERM : -errno;
                (void)close(fd); /* only a folder */
                fd = inner;
                if (!is_sound(place, fd, !next))
                        return -EPERM;
        }
        return TAKE_FD(fd);
}

static int open_place(const struct place *place, FILE **ret)
{
        char path[SYSROOT_PATH_MAX];
        OWNED_FD int fd =
                open(sysroot_path(path, "%s", place->folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        fd = walk(place, TAKE_FD(fd));
        if (fd < 0)
                return fd;
        *ret = fdopen(fd, "r");
        if (!*ret)
                return -errno;
        (void)TAKE_FD(fd); /* the stream's now */
        return 0;
}

const char *import_place(size_t i, char buf[static SYSROOT_PATH_MAX])
{
        return i < ELEMENTSOF(places) ? sysroot_path(buf, "%s/%s", places[i].folder, places[i].rest)
                                      : NULL;
}

int import_find_file(char ret_path[static SYSROOT_PATH_MAX], FILE **ret)
{
        int found = -ENOENT;

        *ret = NULL;
        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                FILE *stream = NULL;
                int r = open_place(&places[i], &stream);

                if (r == -ENOENT)
                        continue;
                if (found != -ENOENT) { /* which of them is in use is not ours to guess */
                        if (stream)
                                (void)fclose(stream); /* only read */
                        if (*ret)
                                (void)fclose(*ret);
                        *ret = NULL;
                        return -ENOTUNIQ;
                }
                found = r;
                *ret = stream;
                (void)import_place(i, ret_path);
        }
        return found;
}
