/* SPDX-License-Identifier: MIT */
/* Files that people find whole or not at all. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct whole_file {
        mode_t mode;
        uid_t uid; /* (uid_t)-1: as it comes */
        gid_t gid; /* (gid_t)-1: as it comes */
        bool anew; /* a file that is there is not replaced: -EEXIST */
};

/*
 * Writes `content` beside `path`, and then in its place: a reader finds the old file or the new
 * one. It cannot be read by others before it has its owner and mode. -errno: nothing has changed.
 */
int whole_file_write(const char *path, const char *content, const struct whole_file *how);
