/* SPDX-License-Identifier: MIT */
/*
 * Looking at the machine through files: /sys, /proc, /run, /etc. $SMCTL_SYSROOT stands before every
 * path, so that tests can build a machine of their own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define SYSROOT_PATH_MAX 4096
#define SYSROOT_TEXT_MAX 256

/* The path with the root before it; returns buf. */
char *sysroot_path(char buf[static SYSROOT_PATH_MAX], const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* The first line of a file, without blanks around; "" when it cannot be read. Returns buf. */
char *sysroot_read(char buf[static SYSROOT_TEXT_MAX], const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* True when there is something of this name. */
bool sysroot_has(const char *path);

/* 1: the kernel was started with this tty ("ttyAMA0") as a console, 0: it was not. -errno: that is
 * not to be seen. */
int sysroot_is_console(const char *tty);

/* A USB device as sysfs shows it. */
struct usb_device {
        char name[64];                    /* "1-1.2" */
        char vendor_id[8], product_id[8]; /* four hex digits */
        char vendor[SYSROOT_TEXT_MAX], product[SYSROOT_TEXT_MAX], serial[SYSROOT_TEXT_MAX];
};

/* The device behind a tty ("ttyUSB0" or "/dev/…", links are followed); false when it is not USB. */
bool usb_of_tty(const char *tty, struct usb_device *ret);

/* Calls `each` for every USB device that is no hub. */
void usb_each(void (*each)(const struct usb_device *device, void *userdata), void *userdata);

/* Calls `each` for every interface of a device: class (hex), driver ("" none), tty ("" none). */
void usb_each_interface(const struct usb_device *device,
                        void (*each)(const char *interface_class, const char *driver,
                                     const char *tty, void *userdata),
                        void *userdata);
