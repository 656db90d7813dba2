/* SPDX-License-Identifier: MIT */
/*
 * The port of a [reader…] of theirs: which converter it is. ttyUSB0 may be another one tomorrow, so
 * ours goes by USB identity where it is plugged in now, and by the name that udev gave it where the
 * port is such a name. Any other port is a guess, and said to be one.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/doctor/sysroot.h"
#include "ctl/i18n.h"
#include "import-keys.h"

static inline void closedir_owned(DIR *dir)
{
        (void)closedir(dir); /* only read */
}
DEFINE_OWNED(dir, DIR *, closedir_owned);

static const char *port_of(struct import *import, const char *section)
{
        const char *port = import_value(import, section, "port");

        return *port ? port : "/dev/ttyUSB0"; /* their default */
}

static bool same_identity(const struct usb_device *a, const struct usb_device *b)
{
        return strcmp(a->vendor_id, b->vendor_id) == 0 &&
               strcmp(a->product_id, b->product_id) == 0 && strcmp(a->serial, b->serial) == 0;
}

/* Has the converter of another reader the same numbers? PL2303 and CH340 have no serial number, and
 * the ports of a converter with several share theirs. */
static bool is_twin(struct import *import, const char *section, const struct usb_device *device)
{
        for (size_t i = 0; i < import->n_lines; i++) {
                const struct import_line *line = &import->lines[i];
                struct usb_device other;

                if (import_is_reader(import, i) && strcmp(line->section, section) != 0 &&
                    usb_of_tty(port_of(import, line->section), &other) &&
                    same_identity(device, &other))
                        return true;
        }
        return false;
}

/* udev's links are called ID_PATH-portN; those with "usbv2" in them are not what ID_PATH has. */
static bool link_is_for(const char *folder, const char *link, const char *tty)
{
        char path[SYSROOT_PATH_MAX], target[SYSROOT_PATH_MAX];
        ssize_t n;

        if (strstr(link, "-usbv") ||
            snprintf(path, sizeof(path), "%s/%s", folder, link) >= (int)sizeof(path))
                return false;
        n = readlink(path, target, sizeof(target) - 1);
        if (n < 0)
                return false;
        target[n] = '\0';
        return strcmp(basename(target), tty) == 0;
}

/* The ID_PATH of a tty; "" when udev has none for it. */
static void find_id_path(const char *port, char ret[static IMPORT_VALUE_MAX])
{
        char path[SYSROOT_PATH_MAX], real[SYSROOT_PATH_MAX], folder[SYSROOT_PATH_MAX];
        OWNED(dir) DIR *dir = NULL;
        struct dirent *entry;
        const char *tty;

        ret[0] = '\0';
        tty = basename(realpath(sysroot_path(path, "%s", port), real) ? real : path);
        dir = opendir(sysroot_path(folder, "/dev/serial/by-path"));
        while (dir && (entry = readdir(dir))) {
                char *end;

                if (!link_is_for(folder, entry->d_name, tty))
                        continue;
                (void)snprintf(ret, IMPORT_VALUE_MAX, "%s", entry->d_name);
                end = ret + strlen(ret);
                while (end > ret && isdigit((unsigned char)end[-1]))
                        end--;
                if (end - ret > 5 && strncmp(end - 5, "-port", 5) == 0)
                        end[-5] = '\0';
        }
}

static size_t count_readers(struct import *import)
{
        size_t n = 0;

        for (size_t i = 0; i < import->n_lines; i++)
                n += import_is_reader(import, i);
        return n;
}

static enum import_port write_identity(struct import *import, const char *section,
                                       const struct usb_device *device, FILE *out)
{
        struct import_line *line = import_find(import, section, "port");
        char path[IMPORT_VALUE_MAX] = "";
        bool twin = is_twin(import, section, device);

        if (twin)
                find_id_path(port_of(import, section), path);
        fprintf(out, "VendorId=%s\nProductId=%s\n", device->vendor_id, device->product_id);
        if (*device->serial)
                fprintf(out, "Serial=%s\n", device->serial);
        if (twin && !*path) {
                fprintf(out, "Path=\n");
                import_note(import, line, IMPORT_MANUAL,
                            _("another converter has the same numbers: say which one this is with "
                              "Path=, as \"smctl list-converters\" shows it"));
                return IMPORT_PORT_OPEN;
        }
        if (*path)
                fprintf(out, "Path=%s\n", path);
        import_note(import, line, IMPORT_MAPPED, "VendorId=%s ProductId=%s%s%s%s%s",
                    device->vendor_id, device->product_id, *device->serial ? " Serial=" : "",
                    device->serial, *path ? " Path=" : "", path);
        return IMPORT_PORT_EXACT;
}

/* One reader alone may be given any PL2303, the most usual kind: among several it would take the
 * converters of the others. */
static enum import_port write_guess(struct import *import, const char *section, FILE *out)
{
        struct import_line *line = import_find(import, section, "port");
        const char *port = port_of(import, section);

        if (count_readers(import) > 1) {
                fprintf(out, "VendorId=\nProductId=\n");
                import_note(import, line, IMPORT_MANUAL,
                            _("%s is not plugged in, so its section is written with # before it. "
                              "Plug all in and import again, or fill in what \"smctl "
                              "list-converters\" shows"),
                            port);
                return IMPORT_PORT_OPEN;
        }
        fprintf(out, "# %s\nVendorId=067b\n",
                _("a USB converter that is not plugged in now; 067b is the PL2303 family"));
        import_note(import, line, IMPORT_MANUAL,
                    _("VendorId=067b: a guess, since %s is not plugged in. Plug it in and import "
                      "again, or see \"smctl list-converters\""),
                    port);
        return IMPORT_PORT_GUESS;
}

enum import_port import_port(struct import *import, const char *section, FILE *out)
{
        struct import_line *line = import_find(import, section, "port");
        const char *port = port_of(import, section);
        struct usb_device device;

        if (usb_of_tty(port, &device))
                return write_identity(import, section, &device, out);
        if (!strstr(port, "/serial/by-") && (strstr(port, "ttyUSB") || strstr(port, "ttyACM")))
                return write_guess(import, section, out);
        /* A UART, or a name by udev, which appears when its converter is plugged in. */
        fprintf(out, "Device=%s\n", port);
        import_note(import, line, IMPORT_MAPPED, "Device=%s", port);
        return IMPORT_PORT_EXACT;
}
