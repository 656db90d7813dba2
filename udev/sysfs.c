/* SPDX-License-Identifier: MIT */
/* Names are made as udevd's rules make them: an identity is the same with and without it. */
#include "sysfs.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define DEV "/dev"
/* The /dev of a container holds some dozen nodes; a larger one is not searched to its end. */
#define NODES_MAX 4096
/* /dev/NAME and /dev/FOLDER/NAME */
#define DEPTH_MAX 2

void sysfs_copy_text(char *to, size_t size, const char *from)
{
        size_t len = from ? strnlen(from, size - 1) : 0;

        memcpy(to, from ? from : "", len);
        to[len] = '\0';
        for (char *c = to; *c; c++) /* an untrusted USB descriptor may hold anything */
                if ((unsigned char)*c < ' ' || (unsigned char)*c >= 0x7f)
                        *c = '_';
}

/* As usb_id writes texts of descriptors: blanks around are cut, runs of them are one underscore. */
static void copy_name(char *to, size_t size, const char *from)
{
        size_t n = 0;

        for (const char *c = from ? from : ""; *c && n < size - 1; c++) {
                if (!isspace((unsigned char)*c))
                        to[n++] = isalnum((unsigned char)*c) || strchr("#+-.:=@_", *c) ? *c : '_';
                else if (n > 0 && c[1] && !isspace((unsigned char)c[1]))
                        to[n++] = '_';
        }
        to[n] = '\0';
}

/* A serial number with a character that none has is ignored, as by udev. */
static void copy_serial(char *to, size_t size, const char *from)
{
        for (const char *c = from ? from : ""; *c; c++)
                if ((unsigned char)*c < ' ' || (unsigned char)*c > 0x7f || *c == ',')
                        from = NULL;
        copy_name(to, size, from);
}

static uint16_t hex16(const char *text)
{
        unsigned int value = 0;

        return text && sscanf(text, "%4x", &value) == 1 ? (uint16_t)value : 0;
}

static bool leads_to(const char *node, dev_t number)
{
        struct stat st;

        return stat(node, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == number;
}

static bool search(const char *folder, int depth, dev_t number, size_t *n_seen, char *to,
                   size_t size)
{
        DIR *dir = opendir(folder);
        struct dirent *entry;
        bool found = false;

        while (dir && !found && *n_seen < NODES_MAX && (entry = readdir(dir))) {
                char path[PATH_MAX];
                size_t len = (size_t)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);

                if (entry->d_name[0] == '.' || len >= sizeof(path))
                        continue;
                ++*n_seen;
                /* A node that was bind-mounted looks like the plain file below it here. */
                if (entry->d_type == DT_DIR)
                        found = depth < DEPTH_MAX &&
                                search(path, depth + 1, number, n_seen, to, size);
                else if (len < size && leads_to(path, number)) {
                        memcpy(to, path, len + 1);
                        found = true;
                }
        }
        if (dir)
                (void)closedir(dir); /* only read */
        return found;
}

/* By its usual name, else by any that a container was given it under. */
static bool find_node(struct udev_device *device, char *to, size_t size)
{
        dev_t number = udev_device_get_devnum(device);
        size_t n_seen = 0;

        (void)snprintf(to, size, DEV "/%s", udev_device_get_sysname(device));
        return number != 0 && (leads_to(to, number) || search(DEV, 1, number, &n_seen, to, size));
}

/* The parent of the first device on the way up that is not of this subsystem. */
static struct udev_device *above(struct udev_device *device, const char *subsystem)
{
        const char *own;

        do {
                device = udev_device_get_parent(device);
                own = device ? udev_device_get_subsystem(device) : NULL;
        } while (own && strcmp(own, subsystem) == 0);
        return device;
}

static void prepend(char *path, size_t size, const char *kind, const char *name)
{
        char whole[512];

        (void)snprintf(whole, sizeof(whole), "%s-%s%s%s", kind, name, *path ? "-" : "", path);
        sysfs_copy_text(path, size, whole);
}

/* ID_PATH: which socket of which hub of which controller, from the device up to the root. */
static void describe_path(struct udev_device *interface, char *path, size_t size)
{
        static const char *const buses[] = { "pci", "platform", "amba", "acpi", "xen" };
        struct udev_device *at = interface;

        path[0] = '\0';
        while (at) {
                const char *subsystem = udev_device_get_subsystem(at);
                const char *name = udev_device_get_sysname(at);
                const char *bus = NULL;

                for (size_t i = 0; subsystem && i < ELEMENTSOF(buses); i++)
                        if (strcmp(subsystem, buses[i]) == 0)
                                bus = buses[i];
                if (at == interface && strchr(name, '-')) {
                        prepend(path, size, "usb-0", strchr(name, '-') + 1);
                        path[strlen("usb-0")] = ':';
                        at = above(at, "usb");
                } else if (bus) {
                        prepend(path, size, bus, name);
                        at = above(at, bus);
                } else {
                        at = udev_device_get_parent(at);
                }
        }
}

/* The hardware list's entry of a USB device: by its numbers, as the rules ask. */
static void look_up(struct udev_hwdb *hwdb, struct hotplug_device *to)
{
        struct udev_list_entry *entry;
        char modalias[96];

        (void)snprintf(modalias, sizeof(modalias), "usb:v%04Xp%04X:%.64s", to->vendor_id,
                       to->product_id, to->product);
        udev_list_entry_foreach(entry, udev_hwdb_get_properties_list_entry(hwdb, modalias, 0))
        {
                const char *name = udev_list_entry_get_name(entry);
                const char *value = udev_list_entry_get_value(entry);

                if (strcmp(name, "SMARTMETER_CONVERTER") == 0)
                        to->marked = strcmp(value, "1") == 0;
                else if (strcmp(name, "SMARTMETER_IGNORE") == 0)
                        to->ignored = strcmp(value, "1") == 0;
                else if (strcmp(name, "ID_VENDOR_FROM_DATABASE") == 0)
                        sysfs_copy_text(to->vendor, sizeof(to->vendor), value);
                else if (strcmp(name, "ID_MODEL_FROM_DATABASE") == 0)
                        sysfs_copy_text(to->product, sizeof(to->product), value);
        }
}

bool sysfs_describe(struct udev_hwdb *hwdb, struct udev_device *device, struct hotplug_device *to)
{
        struct udev_device *usb =
                udev_device_get_parent_with_subsystem_devtype(device, "usb", "usb_device");
        struct udev_device *interface =
                udev_device_get_parent_with_subsystem_devtype(device, "usb", "usb_interface");
        char node[PATH_MAX];

        if (!usb || !interface || !find_node(device, node, sizeof(to->devnode)))
                return false;
        sysfs_copy_text(to->devnode, sizeof(to->devnode), node);
        to->vendor_id = hex16(udev_device_get_sysattr_value(usb, "idVendor"));
        to->product_id = hex16(udev_device_get_sysattr_value(usb, "idProduct"));
        copy_name(to->vendor, sizeof(to->vendor),
                  udev_device_get_sysattr_value(usb, "manufacturer"));
        copy_name(to->product, sizeof(to->product), udev_device_get_sysattr_value(usb, "product"));
        copy_serial(to->serial, sizeof(to->serial), udev_device_get_sysattr_value(usb, "serial"));
        sysfs_copy_text(to->interface, sizeof(to->interface),
                        udev_device_get_sysattr_value(interface, "bInterfaceNumber"));
        sysfs_copy_text(to->driver, sizeof(to->driver),
                        udev_device_get_property_value(interface, "DRIVER"));
        describe_path(interface, to->path, sizeof(to->path));
        if (hwdb)
                look_up(hwdb, to);
        return true;
}
