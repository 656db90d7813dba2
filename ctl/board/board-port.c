/* SPDX-License-Identifier: MIT */
#include "board-port.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/util.h"
#include "ctl/doctor/sysroot.h"
#include "ctl/i18n.h"
#include "ctl/view/output.h"

/* The kernel's admin-guide, devices.txt */
#define PTY_SLAVE_MAJOR 136
#define PTY_MAJORS      8
/* The kernel's ABI, sysfs-tty: a port whose hardware was not found */
#define TYPE_UNKNOWN "0"

static bool begins(const char *text, const char *start)
{
        return strncmp(text, start, strlen(start)) == 0;
}

/* Names that no USB converter has. */
static bool is_name_of_uart(const char *name)
{
        static const char *const names[] = { "ttyAMA", "ttyS", "serial" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (begins(name, names[i]) && !strchr(name, '/'))
                        return true;
        return false;
}

static int fail_missing(const struct board_port *port)
{
        if (!is_name_of_uart(port->name))
                return 0;
        (void)output_fail(_("%s is not there. Is the UART switched on? On a Raspberry Pi: "
                            "enable_uart=1 in /boot/firmware/config.txt, and a restart of the "
                            "machine"),
                          port->device);
        return -ENOENT;
}

/* It becomes a line of two files, and a file's name. */
static bool is_plain(const char *device)
{
        for (; *device; device++)
                if (!isalnum((unsigned char)*device) && !strchr("/-_.:@+,", *device))
                        return false;
        return true;
}

/* The kernel says which ttys are ports, and which of them have hardware behind them. */
static int assess(const struct board_port *port)
{
        char path[SYSROOT_PATH_MAX], type[SYSROOT_TEXT_MAX];

        if (port->pseudo && is_plain(port->device))
                return 1;
        if (!is_plain(port->device) ||
            access(sysroot_path(path, "/sys/class/tty/%s/device", port->tty), F_OK) < 0) {
                (void)output_fail(_("%s is no serial port"), port->device);
                return -ENOTTY;
        }
        if (strcmp(sysroot_read(type, "/sys/class/tty/%s/type", port->tty), TYPE_UNKNOWN) == 0) {
                (void)output_fail(_("%s has no hardware behind it"), port->device);
                return -ENODEV;
        }
        return 1;
}

int board_port_find(const char *word, struct board_port *ret)
{
        char path[SYSROOT_PATH_MAX], copy[PATH_MAX];
        struct usb_device usb;

        *ret = (struct board_port){ 0 };
        if (snprintf(ret->device, sizeof(ret->device), "%s%s", *word == '/' ? "" : "/dev/", word) >=
            (int)sizeof(ret->device))
                return 0;
        (void)snprintf(copy, sizeof(copy), "%s", ret->device);
        (void)snprintf(ret->name, sizeof(ret->name), "%.63s", basename(copy));
        if (!realpath(sysroot_path(path, "%s", ret->device), ret->node) ||
            stat(ret->node, &ret->file) < 0)
                return fail_missing(ret);
        if (!S_ISCHR(ret->file.st_mode) || usb_of_tty(ret->device, &usb))
                return 0;
        (void)snprintf(copy, sizeof(copy), "%s", ret->node);
        (void)snprintf(ret->tty, sizeof(ret->tty), "%.63s", basename(copy));
        ret->pseudo = major(ret->file.st_rdev) >= PTY_SLAVE_MAJOR &&
                      major(ret->file.st_rdev) < PTY_SLAVE_MAJOR + PTY_MAJORS;
        return assess(ret);
}

struct search {
        const struct board_port *port;
        struct process *found;
        bool any;
};

static bool has_open(const struct process *process, const struct stat *file)
{
        char path[SYSROOT_PATH_MAX];
        DIR *dir = opendir(sysroot_path(path, "/proc/%s/fd", process->pid));
        bool found = false;

        if (!dir)
                return false; /* it has ended, or is another user's */
        for (struct dirent *entry; !found && (entry = readdir(dir));) {
                struct stat open_file;

                found = fstatat(dirfd(dir), entry->d_name, &open_file, 0) == 0 &&
                        S_ISCHR(open_file.st_mode) && open_file.st_rdev == file->st_rdev;
        }
        (void)closedir(dir); /* only read */
        return found;
}

static void look_at(const struct process *process, void *userdata)
{
        struct search *search = userdata;

        if (search->any || begins(process->name, "smartmeterd") ||
            !has_open(process, &search->port->file))
                return;
        search->any = true;
        *search->found = *process;
}

bool board_port_holder(const struct board_port *port, struct process *ret)
{
        struct search search = { .port = port, .found = ret };

        if (port->pseudo) /* who has made it has it open */
                return false;
        /* Where not all processes are shown, the service says who reads the port, too. */
        (void)process_each(look_at, &search);
        if (search.any)
                process_describe(ret);
        return search.any;
}

bool board_is_login(const struct process *holder)
{
        return begins(holder->unit, "serial-getty@");
}
