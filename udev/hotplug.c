/* SPDX-License-Identifier: MIT */
/*
 * libudev on the sd-event loop. Matches on *properties*: tags are not shown by every environment
 * (containers, mock beds), and on "remove" sysfs is already gone, so nothing but the path is read.
 */
#include "hotplug.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libudev.h>

/* A hub with 256 converters sends four events each at once; the default of 128 KiB is too small. */
#define HOTPLUG_BUFFER_BYTES (4 * 1024 * 1024)
/* Far more than any machine has; whoever fakes more gets no further memory from us. */
#define HOTPLUG_KNOWN_MAX 1024

struct known {
        char *syspath;
        bool seen; /* in the enumeration that is running */
        struct known *next;
};

struct hotplug {
        const struct hotplug_ops *ops;
        void *userdata;
        struct udev *udev;
        struct udev_monitor *monitor;
        sd_event_source *source;
        struct known *known;
        size_t n_known;
};

static void copy_text(char *to, size_t size, const char *from)
{
        size_t len = from ? strnlen(from, size - 1) : 0;

        memcpy(to, from ? from : "", len);
        to[len] = '\0';
        for (char *c = to; *c; c++) /* a stranger's USB descriptor may hold anything */
                if ((unsigned char)*c < ' ' || (unsigned char)*c >= 0x7f)
                        *c = '_';
}

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

static void fill_parents(struct udev_device *device, struct hotplug_device *to)
{
        struct udev_device *usb =
                udev_device_get_parent_with_subsystem_devtype(device, "usb", "usb_device");
        struct udev_device *port =
                udev_device_get_parent_with_subsystem_devtype(device, "usb-serial", NULL);
        const char *number = port ? udev_device_get_sysattr_value(port, "port_number") : NULL;

        if (number && strcmp(number, "0") != 0)
                copy_text(to->port, sizeof(to->port), number);
        if (!usb)
                return;
        copy_text(to->usb_path, sizeof(to->usb_path), udev_device_get_syspath(usb));
        copy_text(to->usb_node, sizeof(to->usb_node), udev_device_get_devnode(usb));
}

static void fill(struct udev_device *device, struct hotplug_device *to)
{
        const char *vendor = property(device, "ID_VENDOR_FROM_DATABASE");
        const char *product = property(device, "ID_MODEL_FROM_DATABASE");

        *to = (struct hotplug_device){ 0 };
        copy_text(to->syspath, sizeof(to->syspath), udev_device_get_syspath(device));
        copy_text(to->devnode, sizeof(to->devnode), udev_device_get_devnode(device));
        to->vendor_id = hex16(property(device, "ID_VENDOR_ID"));
        to->product_id = hex16(property(device, "ID_MODEL_ID"));
        copy_text(to->vendor, sizeof(to->vendor), *vendor ? vendor : property(device, "ID_VENDOR"));
        copy_text(to->product, sizeof(to->product),
                  *product ? product : property(device, "ID_MODEL"));
        copy_text(to->serial, sizeof(to->serial), property(device, "ID_SERIAL_SHORT"));
        copy_text(to->path, sizeof(to->path), property(device, "ID_PATH"));
        copy_text(to->interface, sizeof(to->interface), property(device, "ID_USB_INTERFACE_NUM"));
        copy_text(to->driver, sizeof(to->driver), property(device, "ID_USB_DRIVER"));
        to->marked = strcmp(property(device, "SMARTMETER_CONVERTER"), "1") == 0;
        to->ignored = strcmp(property(device, "SMARTMETER_IGNORE"), "1") == 0;
        fill_parents(device, to);
}

/* ttyUSB* and ttyACM* under USB; the rules that name vendor and product have run. */
static bool is_converter(struct udev_device *device)
{
        const char *name = udev_device_get_sysname(device);

        if (!name || (strncmp(name, "ttyUSB", 6) != 0 && strncmp(name, "ttyACM", 6) != 0))
                return false;
        return udev_device_get_devnode(device) && *property(device, "ID_VENDOR_ID");
}

static struct known **find_known(struct hotplug *h, const char *syspath)
{
        struct known **at = &h->known;

        while (*at && strcmp((*at)->syspath, syspath) != 0)
                at = &(*at)->next;
        return at;
}

static void drop_known(struct hotplug *h, struct known **at)
{
        struct known *known = *at;

        *at = known->next;
        h->n_known--;
        h->ops->departed(known->syspath, h->userdata);
        free(known->syspath);
        free(known);
}

static int arrive(struct hotplug *h, struct udev_device *device)
{
        const char *syspath = udev_device_get_syspath(device);
        struct known *known = *find_known(h, syspath);
        struct hotplug_device info;

        if (!known) {
                if (h->n_known >= HOTPLUG_KNOWN_MAX)
                        return -ENOBUFS;
                known = calloc(1, sizeof(*known));
                if (!known)
                        return -ENOMEM;
                known->syspath = strdup(syspath);
                if (!known->syspath) {
                        free(known);
                        return -ENOMEM;
                }
                known->next = h->known;
                h->known = known;
                h->n_known++;
        }
        known->seen = true;
        fill(device, &info);
        h->ops->arrived(&info, h->userdata);
        return 0;
}

static void on_event(struct hotplug *h, struct udev_device *device)
{
        const char *action = udev_device_get_action(device);
        const char *syspath = udev_device_get_syspath(device);

        if (!action || !syspath)
                return;
        if (strcmp(action, "remove") == 0) {
                struct known **at = find_known(h, syspath);

                if (*at)
                        drop_known(h, at);
        } else if (is_converter(device)) {
                /* -ENOMEM: this one stays unseen until the next event or rescan names it again */
                (void)arrive(h, device);
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

static int open_monitor(struct hotplug *h)
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
        return udev_monitor_enable_receiving(h->monitor);
}

int hotplug_new(sd_event *event, const struct hotplug_ops *ops, void *userdata,
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
        r = open_monitor(h);
        if (r < 0)
                return r;
        r = sd_event_add_io(event, &h->source, udev_monitor_get_fd(h->monitor), EPOLLIN, on_monitor,
                            h);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(h->source, "udev-monitor"); /* for debugging only */

        *ret = TAKE(h);
        return 0;
}

static int scan(struct hotplug *h, struct udev_enumerate *enumerate)
{
        struct udev_list_entry *entry;
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

                if (device && is_converter(device))
                        r = arrive(h, device);
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
        while (h->known) {
                struct known *known = h->known;

                h->known = known->next;
                free(known->syspath);
                free(known);
        }
        if (h->monitor)
                udev_monitor_unref(h->monitor);
        if (h->udev)
                udev_unref(h->udev);
        free(h);
        return NULL;
}
