/* SPDX-License-Identifier: MIT */
/*
 * libudev on the sd-event loop. Matches on *properties*: tags are not shown by every environment
 * (containers, mock beds), and on "remove" sysfs is already gone, so nothing but the path is read.
 * Without udevd there are neither properties nor events: then /sys is looked at again whenever
 * something in /dev changes, and every ten seconds, since nodes of a container may stay for ever.
 */
#include "hotplug.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sys/inotify.h>
#include <unistd.h>

#include <libudev.h>

#include "sysfs.h"

/* A hub with 256 converters sends four events each at once; the default of 128 KiB is too small. */
#define HOTPLUG_BUFFER_BYTES (4 * 1024 * 1024)
/* Far more than any machine has; faked devices beyond it get no memory. */
#define HOTPLUG_KNOWN_MAX 1024
/* Without udevd: a converter in another socket behind the same node is seen by then. */
#define LOOK_USEC (10 * 1000000ULL)

struct known {
        char *syspath;
        struct hotplug_device *reported; /* without udevd: its last report */
        bool seen;                       /* in the enumeration that is running */
        struct known *next;
};

struct hotplug {
        const struct hotplug_ops *ops;
        void *userdata;
        struct udev *udev;
        struct udev_monitor *monitor; /* NULL: no udevd runs */
        struct udev_hwdb *hwdb;       /* without udevd; NULL: none is compiled here */
        sd_event_source *source, *look;
        bool looking; /* because it is time: unchanged devices are not reported */
        bool changed; /* in /dev, since the last look */
        struct known *known;
        size_t n_known;
};

static const char *property(struct udev_device *device, const char *key)
{
        const char *value = udev_device_get_property_value(device, key);

        return value ? value : "";
}

static uint16_t hex16(const char *text)
{
        char *end;
        unsigned long value = strtoul(text, &end, 16);

        return *text && !*end && value <= UINT16_MAX ? (uint16_t)value : 0;
}

/*
 * Some versions of udev's rules overwrite ID_VENDOR_ID and the like with those of the PCI
 * controller the converter hangs on (Raspberry Pi 4): properties with USB in their name come first.
 */
static const char *usb_property(struct udev_device *device, const char *usb_key, const char *key)
{
        const char *value = property(device, usb_key);

        return *value || strcmp(property(device, "ID_BUS"), "pci") == 0 ? value
                                                                        : property(device, key);
}

/* Attributes of the device itself come before both. */
static uint16_t usb_number(struct udev_device *device, const char *attribute, const char *usb_key,
                           const char *key)
{
        struct udev_device *usb =
                udev_device_get_parent_with_subsystem_devtype(device, "usb", "usb_device");
        const char *value = usb ? udev_device_get_sysattr_value(usb, attribute) : NULL;

        return hex16(value ? value : usb_property(device, usb_key, key));
}

static void fill_parents(struct udev_device *device, struct hotplug_device *to)
{
        struct udev_device *usb =
                udev_device_get_parent_with_subsystem_devtype(device, "usb", "usb_device");
        struct udev_device *port =
                udev_device_get_parent_with_subsystem_devtype(device, "usb-serial", NULL);
        const char *number = port ? udev_device_get_sysattr_value(port, "port_number") : NULL;

        if (number && strcmp(number, "0") != 0)
                sysfs_copy_text(to->port, sizeof(to->port), number);
        if (!usb)
                return;
        sysfs_copy_text(to->usb_path, sizeof(to->usb_path), udev_device_get_syspath(usb));
        sysfs_copy_text(to->usb_node, sizeof(to->usb_node), udev_device_get_devnode(usb));
}

/* As udevd describes it, once the rules that name vendor and product have run. */
static bool describe(struct udev_device *device, struct hotplug_device *to)
{
        const char *vendor = property(device, "ID_VENDOR_FROM_DATABASE");
        const char *product = property(device, "ID_MODEL_FROM_DATABASE");

        if (!udev_device_get_devnode(device) || !*property(device, "ID_VENDOR_ID"))
                return false;
        sysfs_copy_text(to->devnode, sizeof(to->devnode), udev_device_get_devnode(device));
        to->vendor_id = usb_number(device, "idVendor", "ID_USB_VENDOR_ID", "ID_VENDOR_ID");
        to->product_id = usb_number(device, "idProduct", "ID_USB_MODEL_ID", "ID_MODEL_ID");
        sysfs_copy_text(to->vendor, sizeof(to->vendor),
                        *vendor ? vendor : usb_property(device, "ID_USB_VENDOR", "ID_VENDOR"));
        sysfs_copy_text(to->product, sizeof(to->product),
                        *product ? product : usb_property(device, "ID_USB_MODEL", "ID_MODEL"));
        sysfs_copy_text(to->serial, sizeof(to->serial),
                        usb_property(device, "ID_USB_SERIAL_SHORT", "ID_SERIAL_SHORT"));
        sysfs_copy_text(to->path, sizeof(to->path), property(device, "ID_PATH"));
        sysfs_copy_text(to->interface, sizeof(to->interface),
                        property(device, "ID_USB_INTERFACE_NUM"));
        sysfs_copy_text(to->driver, sizeof(to->driver), property(device, "ID_USB_DRIVER"));
        to->marked = strcmp(property(device, "SMARTMETER_CONVERTER"), "1") == 0;
        to->ignored = strcmp(property(device, "SMARTMETER_IGNORE"), "1") == 0;
        return true;
}

/* ttyUSB* and ttyACM* under USB. */
static bool is_converter(struct hotplug *h, struct udev_device *device, struct hotplug_device *ret)
{
        const char *name = udev_device_get_sysname(device);

        *ret = (struct hotplug_device){ 0 };
        if (!name || (strncmp(name, "ttyUSB", 6) != 0 && strncmp(name, "ttyACM", 6) != 0))
                return false;
        if (!(h->monitor ? describe(device, ret) : sysfs_describe(h->hwdb, device, ret)))
                return false;
        sysfs_copy_text(ret->syspath, sizeof(ret->syspath), udev_device_get_syspath(device));
        fill_parents(device, ret);
        return true;
}

static struct known **find_known(struct hotplug *h, const char *syspath)
{
        struct known **at = &h->known;

        while (*at && strcmp((*at)->syspath, syspath) != 0)
                at = &(*at)->next;
        return at;
}

static struct known *known_free(struct known *known)
{
        if (!known)
                return NULL;
        free(known->syspath);
        free(known->reported);
        free(known);
        return NULL;
}
DEFINE_OWNED(known, struct known *, known_free);

static void drop_known(struct hotplug *h, struct known **at)
{
        struct known *known = *at;

        *at = known->next;
        h->n_known--;
        h->ops->departed(known->syspath, h->userdata);
        known_free(known);
}

static int add_known(struct hotplug *h, const struct hotplug_device *info, struct known **ret)
{
        OWNED(known) struct known *known = NULL;

        if (h->n_known >= HOTPLUG_KNOWN_MAX)
                return -ENOBUFS;
        known = calloc(1, sizeof(*known));
        if (!known)
                return -ENOMEM;
        known->syspath = strdup(info->syspath);
        known->reported = h->monitor ? NULL : malloc(sizeof(*known->reported));
        if (!known->syspath || (!h->monitor && !known->reported))
                return -ENOMEM;
        if (known->reported)
                *known->reported = *info;
        known->next = h->known;
        h->known = known;
        h->n_known++;
        *ret = TAKE(known);
        return 0;
}

static bool is_another(const struct hotplug_device *before, const struct hotplug_device *now)
{
        return strcmp(before->usb_node, now->usb_node) != 0 ||
               strcmp(before->devnode, now->devnode) != 0;
}

static int arrive(struct hotplug *h, const struct hotplug_device *info)
{
        struct known **at = find_known(h, info->syspath), *known = *at;
        int r;

        /* Another number on the bus or another node: there was no event of its "remove". */
        if (known && known->reported && is_another(known->reported, info)) {
                drop_known(h, at);
                known = NULL;
        }
        if (!known) {
                r = add_known(h, info, &known);
                if (r < 0)
                        return r;
        } else if (known->reported && h->looking) {
                known->seen = true; /* it is there, as it was ten seconds ago */
                return 0;
        }
        known->seen = true;
        h->ops->arrived(info, h->userdata);
        return 0;
}

static void on_event(struct hotplug *h, struct udev_device *device)
{
        const char *action = udev_device_get_action(device);
        const char *syspath = udev_device_get_syspath(device);
        struct hotplug_device info;

        if (!action || !syspath)
                return;
        if (strcmp(action, "remove") == 0) {
                struct known **at = find_known(h, syspath);

                if (*at)
                        drop_known(h, at);
        } else if (is_converter(h, device, &info)) {
                /* -ENOMEM: this one stays unseen until the next event or rescan names it again */
                (void)arrive(h, &info);
        }
}

static int on_monitor(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        struct hotplug *h = userdata;
        struct udev_device *device;
        bool overrun = false;

        for (;;) {
                errno = 0;
                device = udev_monitor_receive_device(h->monitor);
                if (device) {
                        on_event(h, device);
                        udev_device_unref(device);
                } else if (errno == ENOBUFS) {
                        overrun = true; /* events are lost: look at everything again */
                } else {
                        break;
                }
        }
        if (overrun)
                (void)hotplug_enumerate(h); /* fails only for want of memory; events go on */
        return 0;
}

/* -ENOMEM: the next look is made all the same */
static int on_look(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct hotplug *h = userdata;

        h->looking = !h->changed;
        h->changed = false;
        (void)hotplug_enumerate(h);
        h->looking = false;
        (void)sd_event_source_set_time_relative(source, LOOK_USEC);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int on_dev(sd_event_source *source, const struct inotify_event *event, void *userdata)
{
        struct hotplug *h = userdata;

        h->changed = true;
        /* At once, and once for all changes up to then. */
        (void)sd_event_source_set_time_relative(h->look, 0);
        return sd_event_source_set_enabled(h->look, SD_EVENT_ONESHOT);
}

static int look_by_ourselves(sd_event *event, struct hotplug *h)
{
        int r = sd_event_add_time_relative(event, &h->look, CLOCK_MONOTONIC, LOOK_USEC, 1000000,
                                           on_look, h);

        if (r < 0)
                return r;
        (void)sd_event_source_set_description(h->look, "sysfs"); /* for debugging only */
        h->hwdb = udev_hwdb_new(h->udev);
        /* Refused: then the regular looks find new devices, some seconds later. */
        (void)sd_event_add_inotify(event, &h->source, "/dev",
                                   IN_CREATE | IN_DELETE | IN_ATTRIB | IN_MOVED_TO | IN_MOVED_FROM,
                                   on_dev, h);
        return 0;
}

static int open_monitor(sd_event *event, struct hotplug *h)
{
        int r;

        h->monitor = udev_monitor_new_from_netlink(h->udev, "udev");
        if (!h->monitor)
                return errno > 0 ? -errno : -ENOMEM;
        r = udev_monitor_filter_add_match_subsystem_devtype(h->monitor, "tty", NULL);
        if (r < 0)
                return r;
        /* Refused without privilege: then the kernel's own limit holds and ENOBUFS may come. */
        (void)udev_monitor_set_receive_buffer_size(h->monitor, HOTPLUG_BUFFER_BYTES);
        r = udev_monitor_enable_receiving(h->monitor);
        if (r < 0)
                return r;
        r = sd_event_add_io(event, &h->source, udev_monitor_get_fd(h->monitor), EPOLLIN, on_monitor,
                            h);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(h->source, "udev-monitor"); /* for debugging only */
        return 0;
}

bool hotplug_has_udevd(void)
{
        return access("/run/udev/control", F_OK) == 0;
}

int hotplug_new(sd_event *event, bool udevd, const struct hotplug_ops *ops, void *userdata,
                struct hotplug **ret)
{
        OWNED(hotplug) struct hotplug *h = calloc(1, sizeof(*h));
        int r;

        if (!h)
                return -ENOMEM;
        h->ops = ops;
        h->userdata = userdata;
        h->udev = udev_new();
        if (!h->udev)
                return -ENOMEM;
        r = udevd ? open_monitor(event, h) : look_by_ourselves(event, h);
        if (r < 0)
                return r;
        *ret = TAKE(h);
        return 0;
}

static int scan(struct hotplug *h, struct udev_enumerate *enumerate)
{
        struct udev_list_entry *entry;
        struct hotplug_device info;
        int r = udev_enumerate_add_match_subsystem(enumerate, "tty");

        if (r >= 0)
                r = udev_enumerate_add_match_sysname(enumerate, "ttyUSB*");
        if (r >= 0)
                r = udev_enumerate_add_match_sysname(enumerate, "ttyACM*");
        if (r >= 0)
                r = udev_enumerate_scan_devices(enumerate);
        if (r < 0)
                return r;
        udev_list_entry_foreach(entry, udev_enumerate_get_list_entry(enumerate))
        {
                struct udev_device *device =
                        udev_device_new_from_syspath(h->udev, udev_list_entry_get_name(entry));

                if (device && is_converter(h, device, &info))
                        r = arrive(h, &info);
                udev_device_unref(device);
                if (r < 0)
                        return r;
        }
        return 0;
}

int hotplug_enumerate(struct hotplug *h)
{
        struct udev_enumerate *enumerate = udev_enumerate_new(h->udev);
        int r;

        if (!enumerate)
                return -ENOMEM;
        for (struct known *known = h->known; known; known = known->next)
                known->seen = false;
        r = scan(h, enumerate);
        udev_enumerate_unref(enumerate);
        if (r < 0)
                return r;

        for (struct known **at = &h->known; *at;)
                if ((*at)->seen)
                        at = &(*at)->next;
                else
                        drop_known(h, at);
        return 0;
}

struct hotplug *hotplug_free(struct hotplug *h)
{
        if (!h)
                return NULL;
        sd_event_source_disable_unref(h->source);
        sd_event_source_disable_unref(h->look);
        if (h->hwdb)
                udev_hwdb_unref(h->hwdb);
        while (h->known) {
                struct known *known = h->known;

                h->known = known->next;
                known_free(known);
        }
        if (h->monitor)
                udev_monitor_unref(h->monitor);
        if (h->udev)
                udev_unref(h->udev);
        free(h);
        return NULL;
}
