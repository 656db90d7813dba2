/* SPDX-License-Identifier: MIT */
/*
 * What a converter is called, whatever tty number it gets: "067b:23a3:BEA:n114J20" by its serial
 * number, "067b:2303@pci-0000:00:14.0-usb-0:2:1.0" by its socket where it has none of its own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "udev/hotplug.h"

#define IDENTITY_MAX 160

/* `shared`: another one with the same numbers is plugged in too. Returns `buf`. */
char *identity_of_device(const struct hotplug_device *device, bool shared,
                         char buf[static IDENTITY_MAX]);

/* A tty that is named in the configuration: "tty@dev-ttyAMA0". Returns `buf`. */
char *identity_of_path(const char *path, char buf[static IDENTITY_MAX]);

/* Would both get the same name by serial number? */
bool identity_clashes(const struct hotplug_device *a, const struct hotplug_device *b);
