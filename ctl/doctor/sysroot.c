/* SPDX-License-Identifier: MIT */
#include "sysroot.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

_Static_assert(SYSROOT_PATH_MAX >= PATH_MAX, "realpath() writes up to PATH_MAX");

static inline void closedir_owned(DIR *dir)
{
        (void)closedir(dir); /* only read */
}
DEFINE_OWNED(dir, DIR *, closedir_owned);

static void vpath(char buf[static SYSROOT_PATH_MAX], const char *format, va_list arguments)
{
        const char *root = getenv("SMCTL_SYSROOT");
        int n = snprintf(buf, SYSROOT_PATH_MAX, "%s", root ? root : "");

        if (n >= 0 && n < SYSROOT_PATH_MAX)
                (void)vsnprintf(buf + n, (size_t)(SYSROOT_PATH_MAX - n), format, arguments);
}

char *sysroot_path(char buf[static SYSROOT_PATH_MAX], const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        vpath(buf, format, arguments);
        va_end(arguments);
        return buf;
}

char *sysroot_read(char buf[static SYSROOT_TEXT_MAX], const char *format, ...)
{
        char path[SYSROOT_PATH_MAX];
        va_list arguments;
        FILE *file;
        size_t len;

        va_start(arguments, format);
        vpath(path, format, arguments);
        va_end(arguments);
        buf[0] = '\0';
        file = fopen(path, "re");
        if (!file)
                return buf;
        if (!fgets(buf, SYSROOT_TEXT_MAX, file))
                buf[0] = '\0';
        (void)fclose(file); /* only read */
        len = strlen(buf);
        while (len > 0 && isspace((unsigned char)buf[len - 1]))
                buf[--len] = '\0';
        return buf;
}

bool sysroot_has(const char *path)
{
        char full[SYSROOT_PATH_MAX];

        return access(sysroot_path(full, "%s", path), F_OK) == 0;
}

/* "console=ttyAMA0,115200" — the kernel's admin-guide, serial-console */
int sysroot_is_console(const char *tty)
{
        char path[SYSROOT_PATH_MAX], arguments[4096] = "";
        FILE *file = fopen(sysroot_path(path, "/proc/cmdline"), "re");
        size_t len = strlen(tty);

        if (!file)
                return -errno;
        arguments[fread(arguments, 1, sizeof(arguments) - 1, file)] = '\0';
        (void)fclose(file); /* only read */
        for (const char *at = arguments; (at = strstr(at, "console=")); at += strlen("console=")) {
                const char *value = at + strlen("console=");

                if ((at == arguments || at[-1] == ' ') && strncmp(value, tty, len) == 0 &&
                    strchr(", \n", value[len]))
                        return 1;
        }
        return 0;
}

static void fill_device(const char *name, struct usb_device *device)
{
        char text[SYSROOT_TEXT_MAX];

        *device = (struct usb_device){ 0 };
        (void)snprintf(device->name, sizeof(device->name), "%s", name);
        (void)snprintf(device->vendor_id, sizeof(device->vendor_id), "%.4s",
                       sysroot_read(text, "/sys/bus/usb/devices/%s/idVendor", name));
        (void)snprintf(device->product_id, sizeof(device->product_id), "%.4s",
                       sysroot_read(text, "/sys/bus/usb/devices/%s/idProduct", name));
        sysroot_read(device->vendor, "/sys/bus/usb/devices/%s/manufacturer", name);
        sysroot_read(device->product, "/sys/bus/usb/devices/%s/product", name);
        sysroot_read(device->serial, "/sys/bus/usb/devices/%s/serial", name);
}

bool usb_of_tty(const char *tty, struct usb_device *ret)
{
        char path[SYSROOT_PATH_MAX], real[SYSROOT_PATH_MAX], device[SYSROOT_PATH_MAX];

        /* A link (/dev/serial/by-id/…) names the same tty, as long as it is plugged in. */
        sysroot_path(path, "%s%s", *tty == '/' ? "" : "/dev/", tty);
        if (!realpath(path, real))
                (void)snprintf(real, sizeof(real), "%s", path);
        sysroot_path(path, "/sys/class/tty/%s/device", basename(real));
        if (!realpath(path, device))
                return false;
        /* Up from the interface to the device: the first folder with an idVendor. */
        while (strlen(device) > 1) {
                (void)snprintf(path, sizeof(path), "%.4000s/idVendor", device);
                FILE *file = fopen(path, "re");

                if (file) {
                        (void)fclose(file); /* only asked whether it is there */
                        fill_device(basename(device), ret);
                        return *ret->vendor_id;
                }
                (void)dirname(device);
        }
        return false;
}

void usb_each(void (*each)(const struct usb_device *device, void *userdata), void *userdata)
{
        char path[SYSROOT_PATH_MAX], text[SYSROOT_TEXT_MAX];
        OWNED(dir) DIR *dir = opendir(sysroot_path(path, "/sys/bus/usb/devices"));
        struct dirent *entry;

        while (dir && (entry = readdir(dir))) {
                struct usb_device device;

                /* "1-1.2:1.0" is an interface, "usb1" a root hub, class 09 any other hub. */
                if (entry->d_name[0] == '.' || strchr(entry->d_name, ':') ||
                    strncmp(entry->d_name, "usb", 3) == 0)
                        continue;
                if (strcmp(sysroot_read(text, "/sys/bus/usb/devices/%s/bDeviceClass",
                                        entry->d_name),
                           "09") == 0)
                        continue;
                fill_device(entry->d_name, &device);
                if (*device.vendor_id)
                        each(&device, userdata);
        }
}

/* The driver bound to it: the last part of its "driver" link. */
static void read_driver(const char *interface, char ret[static 64])
{
        char path[SYSROOT_PATH_MAX], real[SYSROOT_PATH_MAX];

        ret[0] = '\0';
        if (realpath(sysroot_path(path, "/sys/bus/usb/devices/%s/driver", interface), real))
                (void)snprintf(ret, 64, "%.63s", basename(real));
}

/* usb-serial has "ttyUSB0" below the interface, cdc_acm "tty/ttyACM0". */
static void read_tty(const char *interface, char ret[static 64])
{
        static const char *const folders[] = { "", "/tty" };
        char path[SYSROOT_PATH_MAX];

        ret[0] = '\0';
        for (size_t i = 0; i < ELEMENTSOF(folders); i++) {
                OWNED(dir)
                DIR *dir = opendir(
                        sysroot_path(path, "/sys/bus/usb/devices/%s%s", interface, folders[i]));
                struct dirent *entry;

                while (dir && (entry = readdir(dir)))
                        if (strncmp(entry->d_name, "tty", 3) == 0 && entry->d_name[3])
                                (void)snprintf(ret, 64, "%.63s", entry->d_name);
        }
}

void usb_each_interface(const struct usb_device *device,
                        void (*each)(const char *interface_class, const char *driver,
                                     const char *tty, void *userdata),
                        void *userdata)
{
        char path[SYSROOT_PATH_MAX], text[SYSROOT_TEXT_MAX];
        OWNED(dir) DIR *dir = opendir(sysroot_path(path, "/sys/bus/usb/devices"));
        size_t len = strlen(device->name);
        struct dirent *entry;

        while (dir && (entry = readdir(dir))) {
                char driver[64], tty[64];

                if (strncmp(entry->d_name, device->name, len) != 0 || entry->d_name[len] != ':')
                        continue;
                read_driver(entry->d_name, driver);
                read_tty(entry->d_name, tty);
                each(sysroot_read(text, "/sys/bus/usb/devices/%s/bInterfaceClass", entry->d_name),
                     driver, tty, userdata);
        }
}
