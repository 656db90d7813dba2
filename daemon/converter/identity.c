/* SPDX-License-Identifier: MIT */
/* Names of converters. */
#include "identity.h"

#include <stdio.h>
#include <string.h>

/* Serial numbers that makers burn into every piece (copies of the CP2102 and others). */
static const char *const worthless_serials[] = {
        "0",        "00",         "000",  "0000",     "00000000",  "0001",
        "00000001", "0123456789", "1234", "12345678", "123456789", "0123456789ABCDEF",
};

static bool has_own_serial(const struct hotplug_device *device)
{
        if (!*device->serial)
                return false;
        for (size_t i = 0; i < ELEMENTSOF(worthless_serials); i++)
                if (strcmp(device->serial, worthless_serials[i]) == 0)
                        return false;
        return true;
}

char *identity_of_device(const struct hotplug_device *device, bool shared,
                         char buf[static IDENTITY_MAX])
{
        const char *interface = device->interface;
        bool by_serial = has_own_serial(device) && !shared;
        char suffix[32] = "";

        /* ID_PATH names the interface already; a serial number stands for the whole chip */
        if (by_serial && *interface && strcmp(interface, "00") != 0)
                (void)snprintf(suffix, sizeof(suffix), "-if%s", interface);
        if (*device->port)
                (void)snprintf(suffix + strlen(suffix), sizeof(suffix) - strlen(suffix), "-port%s",
                               device->port);
        (void)snprintf(buf, IDENTITY_MAX, "%04x:%04x%c%s%s", device->vendor_id, device->product_id,
                       by_serial ? ':' : '@',
                       by_serial ? device->serial
                                 : (*device->path ? device->path : device->devnode),
                       suffix);
        for (char *c = buf; *c; c++)
                if (*c == '/' || *c == ' ')
                        *c = '-';
        return buf;
}

char *identity_of_path(const char *path, char buf[static IDENTITY_MAX])
{
        const char *scheme = strstr(path, "://");

        if (scheme)
                (void)snprintf(buf, IDENTITY_MAX, "%.*s@%s", (int)(scheme - path), path,
                               scheme + 3);
        else
                (void)snprintf(buf, IDENTITY_MAX, "tty@%s", path + strspn(path, "/"));
        for (char *c = buf; *c; c++)
                if (*c == '/' || *c == ' ')
                        *c = '-';
        return buf;
}

bool identity_clashes(const struct hotplug_device *a, const struct hotplug_device *b)
{
        return a->vendor_id == b->vendor_id && a->product_id == b->product_id && *a->serial &&
               strcmp(a->serial, b->serial) == 0 && strcmp(a->interface, b->interface) == 0 &&
               strcmp(a->port, b->port) == 0;
}
