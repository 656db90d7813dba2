/* SPDX-License-Identifier: MIT */
/* Looks through /proc for the process that holds a tty. */
#include "holder.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/util.h"

/* The kernel's admin-guide, devices.txt */
#define TTYAUX_MAJOR           5
#define PTMX_MINOR             2
#define UNIX98_PTY_SLAVE_MAJOR 136

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

/* "0::/system.slice/jeedom.service": the last part that is a unit — cgroups(7) */
static void fill_unit(struct holder *holder)
{
        char path[64], line[512];
        FILE *file;

        (void)snprintf(path, sizeof(path), "/proc/%u/cgroup", holder->pid);
        file = fopen(path, "re");
        if (!file)
                return;
        while (!*holder->unit && fgets(line, sizeof(line), file)) {
                size_t end = strcspn(line, "\n");
                const char *name;

                line[end] = '\0';
                name = strrchr(line, '/');
                end = name ? strlen(name) : 0;
                if ((end > 8 && strcmp(name + end - 8, ".service") == 0) ||
                    (end > 6 && strcmp(name + end - 6, ".scope") == 0))
                        (void)snprintf(holder->unit, sizeof(holder->unit), "%.63s", name + 1);
        }
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

/* Does the process hide all that it has open, or was it this file alone (as with FUSE)? */
static bool is_closed_process(int fds, const char *number)
{
        char target[8];

        return readlinkat(fds, number, target, sizeof(target)) < 0 && errno == EACCES;
}

static bool process_has_open(const char *pid, const struct stat *node)
{
        char path[sizeof("/proc//fd") + NAME_MAX];
        DIR *dir;
        bool found = false, closed = false;

        (void)snprintf(path, sizeof(path), "/proc/%s/fd", pid);
        dir = opendir(path);
        if (!dir)
                return false; /* another user's, or gone meanwhile */
        for (struct dirent *entry; !found && !closed && (entry = readdir(dir));) {
                struct stat fd;

                if (entry->d_name[0] == '.')
                        continue;
                if (fstatat(dirfd(dir), entry->d_name, &fd, 0) < 0) {
                        /* then all the others say the same, of which there may be thousands */
                        closed = errno == EACCES && is_closed_process(dirfd(dir), entry->d_name);
                        continue;
                }
                found = S_ISCHR(fd.st_mode) &&
                        (fd.st_rdev == node->st_rdev ||
                         (fd.st_ino == node->st_ino && fd.st_dev == node->st_dev));
        }
        (void)closedir(dir);
        return found;
}

/* The helper sees the service's own processes, too: a worker that closes this very port. */
static bool is_ours(uint32_t pid)
{
        char path[64], name[32] = "";
        FILE *file;

        if (pid == (uint32_t)getpid() || pid == (uint32_t)getppid())
                return true;
        (void)snprintf(path, sizeof(path), "/proc/%u/comm", pid);
        file = fopen(path, "re");
        if (file) {
                if (!fgets(name, sizeof(name), file))
                        *name = '\0'; /* it has ended meanwhile */
                (void)fclose(file);   /* opened for reading */
        }
        return strncmp(name, "smartmeterd", 11) == 0;
}

/* A process that has the other end of a pseudo-terminal too is the device, not its reader. */
static bool is_device_itself(const char *pid, const struct stat *node)
{
        const struct stat other_end = { .st_rdev = makedev(TTYAUX_MAJOR, PTMX_MINOR) };
        unsigned int class = major(node->st_rdev);

        return class >= UNIX98_PTY_SLAVE_MAJOR && class < UNIX98_PTY_SLAVE_MAJOR + 8 &&
               process_has_open(pid, &other_end);
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

                if (pid != 0 && process_has_open(entry->d_name, node) && !is_ours(pid) &&
                    !is_device_itself(entry->d_name, node))
                        found = pid;
        }
        (void)closedir(proc);
        return found;
}

static void describe(struct holder *holder)
{
        if (holder->pid == 0)
                return;
        fill_name(holder);
        fill_unit(holder);
}

static struct holder look(const struct stat *node, bool locked)
{
        struct holder holder = { .pid = locked ? 0 : find_locker(node) };

        if (holder.pid == 0)
                holder.pid = find_opener(node);
        describe(&holder);
        return holder;
}

struct holder holder_find(const char *devnode)
{
        struct stat node;

        return stat(devnode, &node) < 0 ? (struct holder){ 0 } : look(&node, false);
}

struct holder holder_of_number(unsigned int major_number, unsigned int minor_number)
{
        const struct stat node = { .st_rdev = makedev(major_number, minor_number) };
        struct holder holder = { .pid = find_opener(&node) };

        describe(&holder);
        return holder;
}

static int connect_helper(void)
{
        const struct timeval patience = { .tv_sec = 3 };
        struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = HOLDER_SOCKET };
        OWNED_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                return -errno;
        /* fails for no socket of this kind */
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        return TAKE_FD(fd);
}

struct holder holder_ask(const char *devnode, bool locked)
{
        struct holder holder = { 0 };
        char text[256];
        struct stat node;
        OWNED_FD int fd = -1;
        ssize_t n;

        if (stat(devnode, &node) < 0 || !S_ISCHR(node.st_mode))
                return holder;
        fd = connect_helper();
        if (fd < 0)
                return look(&node, locked);
        n = snprintf(text, sizeof(text), "%u:%u\n", major(node.st_rdev), minor(node.st_rdev));
        if (send(fd, text, (size_t)n, MSG_NOSIGNAL) != n)
                return holder;
        n = recv(fd, text, sizeof(text) - 1, MSG_WAITALL); /* until it hangs up */
        if (n <= 0)
                return holder;
        text[n] = '\0';
        (void)sscanf(text, "%u\t%31[^\t\n]\t%63[^\t\n]", &holder.pid, holder.name, holder.unit);
        return holder;
}
