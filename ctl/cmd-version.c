/* SPDX-License-Identifier: MIT */
/*
 * smctl version: ours, and the service's where it runs. A service that is away is no failure here.
 */
#include <stdio.h>

#include "client.h"
#include "config-build.h"
#include "dbus/names.h"
#include "i18n.h"
#include "options.h"
#include "verb.h"

static char *service_version(void)
{
        OWNED(bus) sd_bus *bus = NULL;
        char *version = NULL;

        if (ctl_settings.address) {
                if (client_open(&bus) < 0)
                        return NULL;
        } else if (sd_bus_open_system(&bus) < 0) {
                return NULL;
        }
        /* Asking for a version must not start a service. */
        (void)sd_bus_set_method_call_timeout(bus, 5U * 1000000U);
        OWNED(message) sd_bus_message *reply = NULL;
        int owned = 0;

        if (sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                               "org.freedesktop.DBus", "NameHasOwner", NULL, &reply, "s",
                               BUS_NAME) < 0 ||
            sd_bus_message_read(reply, "b", &owned) < 0 || !owned)
                return NULL;
        if (sd_bus_get_property_string(bus, BUS_NAME, BUS_PATH, BUS_INTERFACE_MANAGER, "Version",
                                       NULL, &version) < 0)
                return NULL;
        return version;
}

int cmd_version(int argc, char **argv)
{
        OWNED(json) struct json_object *object = NULL;
        const struct options options = { 0 };
        OWNED_FREE char *service = NULL;
        int first;

        first = options_parse(&options, argc, argv);
        if (first <= 0)
                return options_exit(first);
        service = service_version();
        if (ctl_settings.json) {
                object = json_object_new_object();
                json_set_text(object, "smctl", PROJECT_VERSION);
                json_set_text(object, "smartmeterd", service);
                json_print(object);
                return EXIT_DONE;
        }
        printf("smctl %s\n", PROJECT_VERSION);
        printf("smartmeterd %s\n", service ? service : _("(does not run)"));
        return EXIT_DONE;
}
