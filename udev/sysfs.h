/* SPDX-License-Identifier: MIT */
/*
 * The properties that udevd would give a converter, where none runs (LXC, Docker): from sysfs and
 * the compiled hardware list. Its node is found by its number, whatever it is called in this /dev.
 */
#pragma once

#include <stdbool.h>

#include <libudev.h>

#include "hotplug.h"

/* Text of a device for people and names: printable ASCII, cut to `size`. NULL is "". */
void sysfs_copy_text(char *to, size_t size, const char *from);

/*
 * Fills in the properties of the device itself and of `hwdb` (may be NULL: nothing is marked).
 * false: it is not under USB, or no node of this /dev leads to it. `device`: a tty.
 */
bool sysfs_describe(struct udev_hwdb *hwdb, struct udev_device *device, struct hotplug_device *to);
