/* SPDX-License-Identifier: MIT */
/*
 * Checks of the machine: what hangs on USB, which programs get in the way, the disk.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/statvfs.h>

#include "ctl/i18n.h"
#include "ctl/view/json.h"
#include "doctor.h"
#include "process.h"
#include "sysroot.h"

#define STATE_DIRECTORY "/var/lib/smartmeterd"
/* Room for a spool of a day, and what SQLite needs beside it. */
#define DISK_FREE_MIN_BYTES (16U * 1024U * 1024U)

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

/* The converters on USB; without one there is nothing to say about them. */
static void walk_serial(struct doctor *doctor,
                        void (*run)(struct doctor *doctor, const struct usb_device *device,
                                    const struct chip *chip, const struct bound *bound))
{
        struct usb_walk walk = { .doctor = doctor, .run = run };

        usb_each(on_device, &walk);
        if (walk.n_serial == 0)
                doctor_skip(doctor, _("No converter is on USB."));
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
        walk_serial(doctor, check_driver);
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
        walk_serial(doctor, check_tty);
}

/* Files that container managers leave — systemd.exec(5), container_interface of systemd. */
static bool in_container(void)
{
        static const char *const marks[] = { "/run/systemd/container",
                                             "/run/host/container-manager", "/.dockerenv",
                                             "/run/.containerenv" };

        for (size_t i = 0; i < ELEMENTSOF(marks); i++)
                if (sysroot_has(marks[i]))
                        return true;
        return false;
}

/* A container sees all of /sys, and of /dev what it was given. */
static void check_node(struct doctor *doctor, const struct usb_device *device,
                       const struct chip *chip, const struct bound *bound)
{
        char path[80], cure[320];

        if (!*bound->tty)
                return;
        (void)snprintf(path, sizeof(path), "/dev/%s", bound->tty);
        if (sysroot_has(path))
                return;
        (void)snprintf(cure, sizeof(cure),
                       _("Pass it in: docker and podman with --device=%s, LXC with "
                         "lxc.mount.entry and lxc.cgroup2.devices.allow."),
                       path);
        doctor_wrong(doctor, bound->tty, cure,
                     _("This is a container, and the machine's port %s is not in it."), path);
}

void doctor_check_container(struct doctor *doctor)
{
        if (in_container())
                walk_serial(doctor, check_node);
        else
                doctor_skip(doctor, _("This is no container."));
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
        struct usb_walk walk = { .doctor = doctor };

        usb_each(on_device, &walk);
        if (walk.n_serial == 0)
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
        if (program_runs(doctor, "ModemManager"))
                walk_serial(doctor, check_modem);
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
