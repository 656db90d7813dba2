/* SPDX-License-Identifier: MIT */
/*
 * Serial converters as udev or sysfs show them: a callback when a USB tty is there, changes or
 * goes. Watches before it enumerates, so that none is lost; a device seen twice is reported once.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "base/util.h"

/* A tty under USB; a plain value. Texts are "" when udev does not say. */
struct hotplug_device {
        char syspath[256];  /* the key: unique while it is plugged in */
        char usb_path[256]; /* sysfs path of the USB device; the same for each port of one chip */
        char devnode[64];   /* "/dev/ttyUSB0" */
        char usb_node[64];  /* "/dev/bus/usb/001/004", for a USB reset */
        uint16_t vendor_id, product_id;
        char vendor[64], product[64], serial[64];
        char path[128];    /* ID_PATH: which socket of which hub */
        char interface[8]; /* ID_USB_INTERFACE_NUM "00": which port of a chip with several */
        char port[8];      /* port number within the interface, "" for the first */
        char driver[32];
        bool marked;  /* SMARTMETER_CONVERTER=1: known to be a meter's converter */
        bool ignored; /* SMARTMETER_IGNORE=1: hands off */
};

struct hotplug_ops {
        /* New, or known and changed (properties, permissions). */
        void (*arrived)(const struct hotplug_device *device, void *userdata);
        void (*departed)(const char *syspath, void *userdata);
};

struct hotplug;

/* True when udevd runs, which it does not in most containers. */
bool hotplug_has_udevd(void);

/*
 * Watches; reports nothing before hotplug_enumerate(). `udevd`: by its events and properties; else
 * by sysfs and /dev alone, looking every ten seconds. `ops` is borrowed. -errno.
 */
int hotplug_new(sd_event *event, bool udevd, const struct hotplug_ops *ops, void *userdata,
                struct hotplug **ret);
struct hotplug *hotplug_free(struct hotplug *h);
DEFINE_OWNED(hotplug, struct hotplug *, hotplug_free);

/* Reports every device that is there now, and known ones that are not as departed. -errno. */
int hotplug_enumerate(struct hotplug *h);
