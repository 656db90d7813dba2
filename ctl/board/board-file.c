/* SPDX-License-Identifier: MIT */
#include "board-file.h"

#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "ctl/doctor/sysroot.h"
#include "ctl/i18n.h"
#include "ctl/view/output.h"
#include "ctl/whole-file.h"

#define UNIT_FOLDER "/etc/systemd/system/smartmeterd.service.d"
#define WRITTEN_BY \
        "# written by smctl adopt, which writes it anew each time; smctl forget takes it away\n"

bool board_has_systemd(void)
{
        char path[SYSROOT_PATH_MAX];

        return access(sysroot_path(path, "/run/systemd/system"), F_OK) == 0; /* sd_booted(3) */
}

bool board_files_name(const char *config, const char *name, struct board_files *ret)
{
        char copy[PATH_MAX], folder[PATH_MAX], unit[SYSROOT_PATH_MAX];

        *ret = (struct board_files){ 0 };
        (void)snprintf(copy, sizeof(copy), "%s", config);
        if (!realpath(dirname(copy), folder))
                return false;
        return snprintf(ret->section, sizeof(ret->section), "%s/smartmeterd.conf.d/adopt-%s.conf",
                        folder, name) < (int)sizeof(ret->section) &&
               snprintf(ret->drop_in, sizeof(ret->drop_in), "%s/adopt-%s.conf",
                        sysroot_path(unit, UNIT_FOLDER), name) < (int)sizeof(ret->drop_in);
}

/* The file's own folder, but not those above it that no package brings. */
static int make_folder(const char *file)
{
        char copy[PATH_MAX];

        (void)snprintf(copy, sizeof(copy), "%s", file);
        return mkdir(dirname(copy), 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int put(const char *path, const char *content)
{
        int r = make_folder(path);

        if (r >= 0)
                r = whole_file_write(
                        path, content,
                        &(struct whole_file){ .mode = 0644, .uid = (uid_t)-1, .gid = (gid_t)-1 });
        if (r < 0)
                (void)output_fail(_("%s cannot be written: %s"), path, strerror(-r));
        return r;
}

static int write_section(const struct board_port *port, const struct board_wish *wish,
                         const char *path)
{
        char text[PATH_MAX + 512];
        int n = snprintf(text, sizeof(text),
                         WRITTEN_BY "[converter \"%s\"]\nDevice=%s\n%s%s%s%s%s%s", port->name,
                         port->device, wish->line ? "Line=" : "", wish->line ? wish->line : "",
                         wish->line ? "\n" : "", wish->profile ? "Profile=" : "",
                         wish->profile ? wish->profile : "", wish->profile ? "\n" : "");

        return n < (int)sizeof(text) ? put(path, text) : -ENAMETOOLONG;
}

/* Ports belong to dialout, of which the service is, unless the administrator decided otherwise. A
 * port that belongs to tty is, or was, the login prompt's. */
static const char *other_group(const struct board_port *port)
{
        const struct group *group = port->file.st_gid != 0 ? getgrgid(port->file.st_gid) : NULL;

        if (!group || strcmp(group->gr_name, "dialout") == 0 || strcmp(group->gr_name, "tty") == 0)
                return "";
        return group->gr_name;
}

static int write_drop_in(const struct board_port *port, const char *path)
{
        const char *group = other_group(port);
        char text[PATH_MAX + 512];
        int n = snprintf(text, sizeof(text), WRITTEN_BY "[Service]\nDeviceAllow=%s rw\n%s%s%s",
                         port->pseudo ? "char-pts" : port->device,
                         *group ? "SupplementaryGroups=" : "", group, *group ? "\n" : "");

        return n < (int)sizeof(text) ? put(path, text) : -ENAMETOOLONG;
}

void board_files_undo(const struct board_files *files)
{
        /* A file that cannot be removed was not written either. */
        if (*files->section && !files->was_section)
                (void)unlink(files->section);
        if (*files->drop_in && !files->was_drop_in)
                (void)unlink(files->drop_in);
}

int board_files_write(const struct board_port *port, const struct board_wish *wish,
                      struct board_files *files)
{
        int r = 0;

        if (!board_files_name(wish->config, port->name, files))
                return -ENOENT;
        files->was_section = access(files->section, F_OK) == 0;
        files->was_drop_in = access(files->drop_in, F_OK) == 0;
        if (wish->has_section && !files->was_section)
                files->section[0] = '\0';
        if (!board_has_systemd())
                files->drop_in[0] = '\0';
        if (*files->section)
                r = write_section(port, wish, files->section);
        if (r >= 0 && *files->drop_in) {
                r = write_drop_in(port, files->drop_in);
                if (r < 0)
                        board_files_undo(files);
        }
        return r;
}

int board_files_remove(const struct board_files *files)
{
        const char *const paths[] = { files->section, files->drop_in };
        int n = 0;

        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                if (!*paths[i])
                        continue;
                if (unlink(paths[i]) == 0) {
                        n++;
                } else if (errno != ENOENT) {
                        int r = -errno;

                        (void)output_fail(
                                errno == EACCES || errno == EROFS || errno == EPERM
                                        ? _("not allowed to write in %s. Try it with sudo")
                                        : _("%s cannot be taken away"),
                                paths[i]);
                        return r;
                }
        }
        return n;
}
