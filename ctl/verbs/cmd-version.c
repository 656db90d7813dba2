/* SPDX-License-Identifier: MIT */
/*
 * smctl version: ours, and the service's where it runs. A service that is away is no failure here.
 */
#include <stdio.h>

#include "config-build.h"
#include "ctl/client/client.h"
#include "ctl/i18n.h"
#include "ctl/options.h"
#include "dbus/names.h"
#include "verb.h"

static char *service_version(void)
{
        OWNED(bus) sd_bus *bus = NULL;
        char *version = NULL;

        if (client_connect(&bus) < 0 || !client_has_service(bus))
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
                object = json_new_object();
                json_set_text(object, "smctl", PROJECT_VERSION);
                json_set_text(object, "smartmeterd", service);
                json_print(object);
                return EXIT_DONE;
        }
        printf("smctl %s\n", PROJECT_VERSION);
        printf("smartmeterd %s\n", service ? service : _("(does not run)"));
        return EXIT_DONE;
}
