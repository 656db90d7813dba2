/* SPDX-License-Identifier: MIT */
/*
 * Checks of the converters on USB: chips of their kind, and whatever else has a tty.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ctl/i18n.h"
#include "ctl/view/json.h"
#include "doctor.h"
#include "sysroot.h"

/* Chips of USB serial converters, and the kernel module of each: from udev/61-smartmeterd.hwdb,
 * which the build reads, so that the list need not be installed here. */
static const struct chip {
        const char *vendor_id, *product_id; /* "": all of this maker */
        const char *module;
} chips[] = {
#include "ctl/doctor/chips.inc"
};

static const struct chip *chip_find(const struct usb_device *device)
{
        for (size_t i = 0; i < ELEMENTSOF(chips); i++)
                if (strcasecmp(chips[i].vendor_id, device->vendor_id) == 0 &&
                    (!*chips[i].product_id ||
                     strcasecmp(chips[i].product_id, device->product_id) == 0))
                        return &chips[i];
        return NULL;
}

static void collect_bound(const char *interface_class, const char *driver, const char *tty,
                          void *userdata)
{
        struct usb_serial *serial = userdata;

        if (*driver)
                (void)snprintf(serial->driver, sizeof(serial->driver), "%.63s", driver);
        if (*tty)
                (void)snprintf(serial->tty, sizeof(serial->tty), "%.63s", tty);
}

struct usb_walk {
        struct doctor *doctor;
        size_t n;
        void (*run)(struct doctor *doctor, const struct usb_serial *serial);
};

static void on_device(const struct usb_device *device, void *userdata)
{
        const struct chip *chip = chip_find(device);
        struct usb_serial serial = { .module = chip ? chip->module : NULL };
        struct usb_walk *walk = userdata;

        usb_each_interface(device, collect_bound, &serial);
        if (!chip && !*serial.tty)
                return;
        (void)snprintf(serial.name, sizeof(serial.name), "%s:%s %.80s", device->vendor_id,
                       device->product_id, device->product);
        walk->n++;
        walk->run(walk->doctor, &serial);
}

size_t doctor_each_usb(struct doctor *doctor,
                       void (*run)(struct doctor *doctor, const struct usb_serial *serial))
{
        struct usb_walk walk = { .doctor = doctor, .run = run };

        usb_each(on_device, &walk);
        return walk.n;
}

void doctor_count_usb(struct doctor *doctor, const struct usb_serial *serial)
{
        doctor->n_serial++;
        doctor->n_ports += *serial->tty != '\0';
}

/* One that was unplugged is kept for a while, and does not count. */
static bool is_there(struct json_object *converter)
{
        return strcmp(json_text(converter, "state"), "gone") != 0;
}

void doctor_check_usb(struct doctor *doctor)
{
        if (doctor->n_serial > 0)
                return;
        /* A UART or a pty named by Device= needs no USB. */
        if (doctor_any(doctor, "converters", is_there))
                doctor_skip(doctor,
                            _("No converter on USB; the configuration names another port."));
        else
                doctor_wrong(
                        doctor, "",
                        _("Plug it in, try another port or cable, and see whether \"sudo dmesg "
                          "-w\" notices it."),
                        _("No USB serial converter is plugged in."));
}

void doctor_check_driver(struct doctor *doctor, const struct usb_serial *serial)
{
        char fix[256];

        if (!serial->module || *serial->driver)
                return;
        (void)snprintf(fix, sizeof(fix),
                       _("sudo modprobe %s. If there is no such module, the kernel came without: "
                         "install its package of further modules (linux-modules-extra), or the "
                         "distribution's standard kernel."),
                       serial->module);
        doctor_wrong(doctor, serial->name, fix,
                     _("No driver of the kernel has taken it (%s would)."), serial->module);
}

void doctor_check_tty(struct doctor *doctor, const struct usb_serial *serial)
{
        if (!*serial->driver || *serial->tty)
                return;
        if (strcmp(serial->driver, "usbfs") == 0)
                doctor_wrong(doctor, serial->name,
                             _("brltty and virtual machines do so: remove brltty, or take the "
                               "device from the machine; then plug it in again."),
                             _("It has no port: a program has taken it from the kernel."));
        else
                doctor_wrong(doctor, serial->name,
                             _("\"sudo dmesg | grep tty\" says why. \"Unknown device type\": a "
                               "counterfeit or too new a chip; another converter helps."),
                             _("The driver %s has it, but made no port of it."), serial->driver);
}
