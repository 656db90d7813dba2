/* SPDX-License-Identifier: MIT */
/* Looks through /proc for the process that holds a tty. */
#include "holder.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/util.h"

static void fill_name(struct holder *holder)
{
        char path[64];
        FILE *file;

        (void)snprintf(path, sizeof(path), "/proc/%u/comm", holder->pid);
        file = fopen(path, "re");
        if (!file)
                return;
        if (fgets(holder->name, sizeof(holder->name), file))
                holder->name[strcspn(holder->name, "\n")] = '\0';
        (void)fclose(file); /* opened for reading */
}

/* "1: FLOCK  ADVISORY  WRITE 1234 00:18:5 0 EOF" — proc(5), /proc/locks */
static uint32_t find_locker(const struct stat *node)
{
        FILE *file = fopen("/proc/locks", "re");
        char line[256];
        uint32_t found = 0;

        if (!file)
                return 0;
        while (!found && fgets(line, sizeof(line), file)) {
                unsigned int pid, major_number, minor_number;
                unsigned long inode;

                if (sscanf(line, "%*d: FLOCK %*s %*s %u %x:%x:%lu", &pid, &major_number,
                           &minor_number, &inode) == 4 &&
                    inode == node->st_ino && makedev(major_number, minor_number) == node->st_dev &&
                    pid != (unsigned int)getpid())
                        found = pid;
        }
        (void)fclose(file); /* opened for reading */
        return found;
}

static bool process_has_open(const char *pid, const struct stat *node)
{
        char path[sizeof("/proc//fd") + NAME_MAX];
        DIR *dir;
        bool found = false;

        (void)snprintf(path, sizeof(path), "/proc/%s/fd", pid);
        dir = opendir(path);
        if (!dir)
                return false; /* another user's, or gone meanwhile */
        for (struct dirent *entry; !found && (entry = readdir(dir));) {
                struct stat fd;

                found = entry->d_name[0] != '.' &&
                        fstatat(dirfd(dir), entry->d_name, &fd, 0) == 0 && S_ISCHR(fd.st_mode) &&
                        (fd.st_rdev == node->st_rdev ||
                         (fd.st_ino == node->st_ino && fd.st_dev == node->st_dev));
        }
        (void)closedir(dir);
        return found;
}

static uint32_t find_opener(const struct stat *node)
{
        DIR *proc = opendir("/proc");
        uint32_t found = 0;

        if (!proc)
                return 0;
        for (struct dirent *entry; !found && (entry = readdir(proc));) {
                uint32_t pid = isdigit((unsigned char)entry->d_name[0])
                                       ? (uint32_t)strtoul(entry->d_name, NULL, 10)
                                       : 0;

                if (pid != 0 && pid != (uint32_t)getpid() && process_has_open(entry->d_name, node))
                        found = pid;
        }
        (void)closedir(proc);
        return found;
}

struct holder holder_find(const char *devnode)
{
        struct holder holder = { 0 };
        struct stat node;

        if (stat(devnode, &node) < 0)
                return holder;
        holder.pid = find_locker(&node);
        if (holder.pid == 0)
                holder.pid = find_opener(&node);
        if (holder.pid != 0)
                fill_name(&holder);
        return holder;
}
