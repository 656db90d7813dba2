/* SPDX-License-Identifier: MIT */
/*
 * Checks of the machine: containers, programs that get in the way, the disk.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "ctl/i18n.h"
#include "ctl/view/json.h"
#include "doctor.h"
#include "process.h"
#include "sysroot.h"

#define STATE_DIRECTORY "/var/lib/smartmeterd"
/* Room for a spool of a day, and what SQLite needs beside it. */
#define DISK_FREE_MIN_BYTES (16U * 1024U * 1024U)

/* Files that container managers leave — systemd.exec(5), container_interface of systemd. */
bool doctor_in_container(struct doctor *doctor)
{
        static const char *const marks[] = { "/run/systemd/container",
                                             "/run/host/container-manager", "/.dockerenv",
                                             "/run/.containerenv" };

        for (size_t i = 0; i < ELEMENTSOF(marks); i++)
                if (sysroot_has(marks[i]))
                        return true;
        doctor_skip(doctor, _("This is no container."));
        return false;
}

/* A container sees all of /sys, and of /dev what it was given. */
void doctor_check_node(struct doctor *doctor, const struct usb_serial *serial)
{
        char path[80], fix[320];

        if (!*serial->tty)
                return;
        (void)snprintf(path, sizeof(path), "/dev/%s", serial->tty);
        if (sysroot_has(path))
                return;
        (void)snprintf(fix, sizeof(fix),
                       _("Pass it in: docker and podman with --device=%s, LXC with "
                         "lxc.mount.entry and lxc.cgroup2.devices.allow."),
                       path);
        doctor_wrong(doctor, serial->tty, fix,
                     _("This is a container, and the machine's port %s is not in it."), path);
}

/* True when a program of this name runs. Where not all are shown, none may be said not to run. */
static bool program_runs(struct doctor *doctor, const char *name)
{
        int r = process_runs(name);

        if (r < 0)
                doctor_hidden(doctor, _("The processes of others are hidden from you."));
        return r > 0;
}

void doctor_check_brltty(struct doctor *doctor)
{
        if (doctor->n_serial == 0)
                doctor_skip(doctor, _("No converter is on USB."));
        else if (program_runs(doctor, "brltty"))
                doctor_wrong(
                        doctor, "",
                        _("Without a braille display: sudo apt remove brltty. With one: mask "
                          "the rule of this chip in /etc/udev/rules.d."),
                        _("brltty runs; it takes CP210x, CH340 and FTDI converters for braille "
                          "displays."));
}

/* The value of KEY in a shell-like file of defaults, without quotes. */
static void read_default(const char *path, const char *key, char ret[static SYSROOT_TEXT_MAX])
{
        char full[SYSROOT_PATH_MAX], line[SYSROOT_TEXT_MAX];
        FILE *file = fopen(sysroot_path(full, "%s", path), "re");
        size_t len = strlen(key);

        ret[0] = '\0';
        while (file && fgets(line, sizeof(line), file)) {
                if (strncmp(line, key, len) != 0 || line[len] != '=')
                        continue;
                char *value = line + len + 1;

                value += *value == '"';
                value[strcspn(value, "\"\r\n")] = '\0';
                (void)snprintf(ret, SYSROOT_TEXT_MAX, "%s", value);
        }
        if (file)
                (void)fclose(file); /* only read */
}

void doctor_check_gpsd(struct doctor *doctor)
{
        char automatic[SYSROOT_TEXT_MAX];

        if (!program_runs(doctor, "gpsd"))
                return;
        read_default("/etc/default/gpsd", "USBAUTO", automatic);
        if (strcmp(automatic, "false") != 0)
                doctor_wrong(
                        doctor, "",
                        _("Set USBAUTO=\"false\" in /etc/default/gpsd and name its own port in "
                          "DEVICES; then: sudo systemctl restart gpsd"),
                        _("gpsd runs and opens every USB serial converter to look for a GPS "
                          "mouse."));
}

bool doctor_modemmanager_runs(struct doctor *doctor)
{
        return program_runs(doctor, "ModemManager");
}

/* True when the service reads this port, or would, were it running. */
static bool is_of_interest(struct doctor *doctor, const char *tty)
{
        struct json_object *converters = json_member(doctor->all, "converters");

        if (!doctor->all)
                return true;
        for (size_t i = 0; i < json_count(converters); i++) {
                struct json_object *converter = json_object_array_get_idx(converters, i);
                const char *device = json_text(converter, "device");

                if (strncmp(device, "/dev/", 5) == 0 && strcmp(device + 5, tty) == 0)
                        return strcmp(json_text(converter, "state"), "ignored") != 0;
        }
        return false;
}

/* True when udev has set this property of a tty: its database is the only place that has it. */
static bool udev_has(const char *tty, const char *line)
{
        char device[SYSROOT_TEXT_MAX], path[SYSROOT_PATH_MAX], text[SYSROOT_TEXT_MAX];
        bool found = false;
        FILE *file;

        sysroot_read(device, "/sys/class/tty/%s/dev", tty);
        file = fopen(sysroot_path(path, "/run/udev/data/c%s", device), "re");
        while (file && fgets(text, sizeof(text), file)) {
                text[strcspn(text, "\n")] = '\0';
                found = found || strcmp(text, line) == 0;
        }
        if (file)
                (void)fclose(file); /* only read */
        return found;
}

void doctor_check_modem(struct doctor *doctor, const struct usb_serial *serial)
{
        if (!*serial->tty || !is_of_interest(doctor, serial->tty) ||
            udev_has(serial->tty, "E:ID_MM_DEVICE_IGNORE=1") ||
            udev_has(serial->tty, "E:ID_MM_PORT_IGNORE=1"))
                return;
        doctor_wrong(doctor, serial->tty,
                     _("The rules of the package keep it off: sudo udevadm trigger. Without a "
                       "modem: sudo systemctl disable --now ModemManager"),
                     _("ModemManager runs and may talk to this port, taking it for a modem."));
}

void doctor_check_disk(struct doctor *doctor)
{
        char path[SYSROOT_PATH_MAX];
        struct statvfs disk;
        uint64_t left;

        if (statvfs(sysroot_path(path, "%s", STATE_DIRECTORY), &disk) < 0) {
                doctor_skip(doctor,
                            _("Nothing is kept here yet: /var/lib/smartmeterd is not there."));
                return;
        }
        left = (uint64_t)disk.f_bavail * disk.f_frsize;
        if (disk.f_flag & ST_RDONLY)
                doctor_wrong(doctor, STATE_DIRECTORY,
                             _("Mount it read-write; \"sudo dmesg\" says whether the disk is "
                               "broken."),
                             _("The disk is read-only: nothing learned is kept, and no reading "
                               "survives while the broker is away."));
        else if (left < DISK_FREE_MIN_BYTES || (disk.f_files > 0 && disk.f_favail == 0))
                doctor_wrong(doctor, STATE_DIRECTORY,
                             _("Make room: sudo journalctl --vacuum-size=100M; sudo apt clean. Or "
                               "set a smaller SpoolMax="),
                             _("The disk is nearly full: %llu kB are left."),
                             (unsigned long long)(left / 1024));
}
