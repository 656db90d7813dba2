/* SPDX-License-Identifier: MIT */
#include "whole-file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"

static int write_all(int fd, const char *content)
{
        for (size_t left = strlen(content); left > 0;) {
                ssize_t n = write(fd, content, left);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                content += n;
                left -= (size_t)n;
        }
        return 0;
}

static int fill(int fd, const char *content, const struct whole_file *how)
{
        int r;

        if ((how->uid != (uid_t)-1 || how->gid != (gid_t)-1) && fchown(fd, how->uid, how->gid) < 0)
                return -errno;
        if (fchmod(fd, how->mode) < 0)
                return -errno;
        r = write_all(fd, content);
        return r < 0 ? r : fsync(fd) < 0 ? -errno : 0;
}

static int put_in_place(const char *beside, const char *path, bool anew)
{
        if (!anew)
                return rename(beside, path) < 0 ? -errno : 0;
        if (renameat2(AT_FDCWD, beside, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
                return 0;
        /* Not every file system can (NFS). */
        if (errno != EINVAL || link(beside, path) < 0)
                return -errno;
        (void)unlink(beside); /* the other of its two names */
        return 0;
}

int whole_file_write(const char *path, const char *content, const struct whole_file *how)
{
        char beside[PATH_MAX];
        OWNED_FD int fd = -1;
        int r;

        if (snprintf(beside, sizeof(beside), "%s.new", path) >= (int)sizeof(beside))
                return -ENAMETOOLONG;
        (void)unlink(beside); /* of a run that was broken off */
        fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return -errno;
        r = fill(fd, content, how);
        if (r == 0)
                r = put_in_place(beside, path, how->anew);
        if (r < 0)
                (void)unlink(beside); /* it is of no use to anyone */
        return r;
}
