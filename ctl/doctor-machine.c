/* SPDX-License-Identifier: MIT */
/*
 * Checks of the machine: what hangs on USB, which programs get in the way, the disk.
 */
#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "doctor.h"
#include "i18n.h"
#include "json.h"
#include "sysroot.h"

#define STATE_DIRECTORY "/var/lib/smartmeterd"
/* Room for a spool of a day, and what SQLite needs beside it. */
#define DISK_FREE_MIN_BYTES (16U * 1024U * 1024U)
#define PROCESSES_MAX       65536

/* Makers of the chips in USB serial converters, and the kernel module of each. */
static const struct chip {
        const char *vendor_id, *product_id; /* NULL: all of this maker */
        const char *module;
} chips[] = {
        { "067b", NULL, "pl2303" },    { "0557", "2008", "pl2303" },  { "0403", NULL, "ftdi_sio" },
        { "10c4", "ea60", "cp210x" },  { "10c4", "ea63", "cp210x" },  { "10c4", "ea70", "cp210x" },
        { "10c4", "ea71", "cp210x" },  { "1a86", "7523", "ch341" },   { "1a86", "7522", "ch341" },
        { "1a86", "5523", "ch341" },   { "1a86", "55d3", "cdc_acm" }, { "1a86", "55d4", "cdc_acm" },
        { "04e2", NULL, "xr_serial" },
};

static const struct chip *chip_find(const struct usb_device *device)
{
        for (size_t i = 0; i < ELEMENTSOF(chips); i++)
                if (strcasecmp(chips[i].vendor_id, device->vendor_id) == 0 &&
                    (!chips[i].product_id ||
                     strcasecmp(chips[i].product_id, device->product_id) == 0))
                        return &chips[i];
        return NULL;
}

/* What the interfaces of a device have, taken together. */
struct bound {
        char driver[64], tty[64];
};

static void collect_bound(const char *interface_class, const char *driver, const char *tty,
                          void *userdata)
{
        struct bound *bound = userdata;

        if (*driver)
                (void)snprintf(bound->driver, sizeof(bound->driver), "%.63s", driver);
        if (*tty)
                (void)snprintf(bound->tty, sizeof(bound->tty), "%.63s", tty);
}

struct usb_walk {
        struct doctor *doctor;
        size_t n_serial, n_ports;
        void (*run)(struct doctor *doctor, const struct usb_device *device, const struct chip *chip,
                    const struct bound *bound);
};

static void on_device(const struct usb_device *device, void *userdata)
{
        const struct chip *chip = chip_find(device);
        struct usb_walk *walk = userdata;
        struct bound bound = { 0 };

        usb_each_interface(device, collect_bound, &bound);
        if (!chip && !*bound.tty)
                return;
        walk->n_serial++;
        walk->n_ports += *bound.tty != '\0';
        if (walk->run)
                walk->run(walk->doctor, device, chip, &bound);
}

static const char *name_of(const struct usb_device *device, char *buf, size_t size)
{
        (void)snprintf(buf, size, "%s:%s %.80s", device->vendor_id, device->product_id,
                       device->product);
        return buf;
}

/* What stands for one that was unplugged does not count. */
static bool has_converter(const struct doctor *doctor)
{
        struct json_object *converters = json_member(doctor->all, "converters");

        for (size_t i = 0; i < json_count(converters); i++)
                if (strcmp(json_text(json_object_array_get_idx(converters, i), "state"), "gone") !=
                    0)
                        return true;
        return false;
}

void doctor_check_usb(struct doctor *doctor)
{
        struct usb_walk walk = { .doctor = doctor };

        usb_each(on_device, &walk);
        doctor->n_ports = walk.n_ports;
        if (walk.n_serial > 0)
                return;
        /* A UART or a pty named by Device= needs no USB. */
        if (has_converter(doctor))
                doctor_skip(doctor,
                            _("No converter on USB; the configuration names another port."));
        else
                doctor_wrong(
                        doctor, "",
                        _("Plug it in, try another port or cable, and see whether \"sudo dmesg "
                          "-w\" notices it."),
                        _("No USB serial converter is plugged in."));
}

static void check_driver(struct doctor *doctor, const struct usb_device *device,
                         const struct chip *chip, const struct bound *bound)
{
        char name[128], cure[256];

        if (!chip || *bound->driver)
                return;
        (void)snprintf(cure, sizeof(cure),
                       _("sudo modprobe %s. If there is no such module, the kernel came without: "
                         "install its package of further modules (linux-modules-extra), or the "
                         "distribution's standard kernel."),
                       chip->module);
        doctor_wrong(doctor, name_of(device, name, sizeof(name)), cure,
                     _("No driver of the kernel has taken it (%s would)."), chip->module);
}

void doctor_check_driver(struct doctor *doctor)
{
        struct usb_walk walk = { .doctor = doctor, .run = check_driver };

        usb_each(on_device, &walk);
}

static void check_tty(struct doctor *doctor, const struct usb_device *device,
                      const struct chip *chip, const struct bound *bound)
{
        char name[128];

        if (!*bound->driver || *bound->tty)
                return;
        if (strcmp(bound->driver, "usbfs") == 0)
                doctor_wrong(doctor, name_of(device, name, sizeof(name)),
                             _("brltty and virtual machines do so: remove brltty, or take the "
                               "device from the machine; then plug it in again."),
                             _("It has no port: a program has taken it from the kernel."));
        else
                doctor_wrong(doctor, name_of(device, name, sizeof(name)),
                             _("\"sudo dmesg | grep tty\" says why. \"Unknown device type\": a "
                               "counterfeit or too new a chip; another converter helps."),
                             _("The driver %s has it, but made no port of it."), bound->driver);
}

void doctor_check_tty(struct doctor *doctor)
{
        struct usb_walk walk = { .doctor = doctor, .run = check_tty };

        usb_each(on_device, &walk);
}

/* Calls `run` with each process: pid and name. */
static void each_process(void (*run)(const char *pid, const char *name, void *userdata),
                         void *userdata)
{
        char path[SYSROOT_PATH_MAX], name[SYSROOT_TEXT_MAX];
        DIR *dir = opendir(sysroot_path(path, "/proc"));
        struct dirent *entry;
        size_t n = 0;

        while (dir && n < PROCESSES_MAX && (entry = readdir(dir))) {
                if (!isdigit((unsigned char)entry->d_name[0]))
                        continue;
                n++;
                run(entry->d_name, sysroot_read(name, "/proc/%s/comm", entry->d_name), userdata);
        }
        if (dir)
                (void)closedir(dir); /* only read */
}

struct process_search {
        const char *name;
        bool found;
};

static void compare_process(const char *pid, const char *name, void *userdata)
{
        struct process_search *search = userdata;

        if (strcmp(name, search->name) == 0)
                search->found = true;
}

static bool process_runs(const char *name)
{
        struct process_search search = { .name = name };

        each_process(compare_process, &search);
        return search.found;
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

static void check_open_files(const char *pid, const char *name, void *userdata)
{
        char path[SYSROOT_PATH_MAX], link[SYSROOT_PATH_MAX], target[PATH_MAX], cure[256];
        struct doctor *doctor = userdata;
        struct dirent *entry;
        DIR *dir;

        if (strcmp(name, "smartmeterd") == 0)
                return;
        dir = opendir(sysroot_path(path, "/proc/%s/fd", pid));
        while (dir && (entry = readdir(dir))) {
                ssize_t n = readlink(sysroot_path(link, "/proc/%s/fd/%s", pid, entry->d_name),
                                     target, sizeof(target) - 1);

                target[n > 0 ? n : 0] = '\0';
                if (strncmp(target, "/dev/ttyUSB", 11) != 0 &&
                    strncmp(target, "/dev/ttyACM", 11) != 0)
                        continue;
                if (!is_of_interest(doctor, target + 5))
                        continue;
                (void)snprintf(cure, sizeof(cure),
                               _("Stop it, as two readers steal each other's bytes: sudo systemctl "
                                 "stop %.64s, or: sudo kill %s"),
                               name, pid);
                doctor_wrong(doctor, target + 5, cure, _("The port is held by %s (process %s)."),
                             name, pid);
        }
        if (dir)
                (void)closedir(dir); /* only read */
}

void doctor_check_holder(struct doctor *doctor)
{
        struct json_object *converters = json_member(doctor->all, "converters");

        each_process(check_open_files, doctor);
        if (doctor->n_here > 0)
                return;
        /* Others' processes are hidden from a user without rights: the service knows them too. */
        for (size_t i = 0; i < json_count(converters); i++) {
                struct json_object *converter = json_object_array_get_idx(converters, i);

                if (strcmp(json_text(converter, "state"), "busy") == 0)
                        doctor_wrong(doctor, json_text(converter, "device"),
                                     _("Stop that program; the port is taken as soon as it is "
                                       "free."),
                                     _("The port is held by another program (process %s): %s"),
                                     json_text(converter, "holder_pid"),
                                     json_text(converter, "state_reason"));
                else if (strcmp(json_text(converter, "state"), "inhibited") == 0)
                        doctor_wrong(doctor, json_text(converter, "device"),
                                     _("It is taken back as soon as that program (smctl inhibit) "
                                       "ends."),
                                     _("The port was given away on request: %s"),
                                     json_text(converter, "state_reason"));
        }
}

void doctor_check_brltty(struct doctor *doctor)
{
        struct usb_walk walk = { .doctor = doctor };

        usb_each(on_device, &walk);
        if (walk.n_serial > 0 && process_runs("brltty"))
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

        if (!process_runs("gpsd"))
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

/* What udev says of a tty: the service's own database is the only place where it is written. */
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

static void check_modem(struct doctor *doctor, const struct usb_device *device,
                        const struct chip *chip, const struct bound *bound)
{
        if (!*bound->tty || !is_of_interest(doctor, bound->tty) ||
            udev_has(bound->tty, "E:ID_MM_DEVICE_IGNORE=1") ||
            udev_has(bound->tty, "E:ID_MM_PORT_IGNORE=1"))
                return;
        doctor_wrong(doctor, bound->tty,
                     _("The rules of the package keep it off: sudo udevadm trigger. Without a "
                       "modem: sudo systemctl disable --now ModemManager"),
                     _("ModemManager runs and may talk to this port, taking it for a modem."));
}

void doctor_check_modemmanager(struct doctor *doctor)
{
        struct usb_walk walk = { .doctor = doctor, .run = check_modem };

        if (process_runs("ModemManager"))
                usb_each(on_device, &walk);
}

void doctor_check_disk(struct doctor *doctor)
{
        char path[SYSROOT_PATH_MAX];
        struct statvfs disk;
        uint64_t left;

        if (statvfs(sysroot_path(path, "%s", STATE_DIRECTORY), &disk) < 0)
                return; /* not installed: nothing is kept there */
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
