/* SPDX-License-Identifier: MIT */
/*
 * Prints the power drawn from the grid whenever it changes, one line per meter and change.
 *
 *      cc -o power power.c $(pkg-config --cflags --libs libsystemd)
 */
#include <stdio.h>
#include <string.h>

#include <systemd/sd-bus.h>

#define ELECTRICITY "org.smartmeterd.Electricity1"

/* Reads a{sv} of properties and prints PowerImport if it is among them. */
static int print_power(sd_bus_message *m, const char *path)
{
        int r = sd_bus_message_enter_container(m, 'a', "{sv}");

        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                const char *name;
                double watts;

                r = sd_bus_message_read(m, "s", &name);
                if (r >= 0 && strcmp(name, "PowerImport") == 0) {
                        r = sd_bus_message_read(m, "v", "d", &watts);
                        if (r >= 0)
                                printf("%s %g W\n", strrchr(path, '/') + 1, watts);
                } else if (r >= 0) {
                        r = sd_bus_message_skip(m, "v");
                }
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        (void)fflush(stdout);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int on_properties_changed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *interface;
        int r = sd_bus_message_read(m, "s", &interface);

        if (r < 0 || strcmp(interface, ELECTRICITY) != 0)
                return r;
        return print_power(m, sd_bus_message_get_path(m));
}

/* a{oa{sa{sv}}}: every object, its interfaces, their properties. */
static int print_all(sd_bus_message *m)
{
        const char *path, *interface;
        int r = sd_bus_message_enter_container(m, 'a', "{oa{sa{sv}}}");

        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "oa{sa{sv}}")) > 0) {
                r = sd_bus_message_read(m, "o", &path);
                if (r >= 0)
                        r = sd_bus_message_enter_container(m, 'a', "{sa{sv}}");
                while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sa{sv}")) > 0) {
                        r = sd_bus_message_read(m, "s", &interface);
                        if (r >= 0)
                                r = strcmp(interface, ELECTRICITY) == 0
                                            ? print_power(m, path)
                                            : sd_bus_message_skip(m, "a{sv}");
                        if (r >= 0)
                                r = sd_bus_message_exit_container(m);
                }
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r;
}

int main(void)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;
        sd_bus *bus = NULL;
        int r;

        r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_add_match(bus, NULL,
                                     "type='signal',sender='org.smartmeterd',"
                                     "interface='org.freedesktop.DBus.Properties',"
                                     "member='PropertiesChanged'",
                                     on_properties_changed, NULL);
        /* After the match: nothing is missed between this answer and the first signal. */
        if (r >= 0)
                r = sd_bus_call_method(bus, "org.smartmeterd", "/org/smartmeterd",
                                       "org.freedesktop.DBus.ObjectManager", "GetManagedObjects",
                                       &error, &reply, "");
        if (r >= 0)
                r = print_all(reply);
        sd_bus_message_unref(reply);
        while (r >= 0) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
        }
        (void)fprintf(stderr, "power: %s\n", error.message ? error.message : strerror(-r));
        sd_bus_error_free(&error);
        sd_bus_unref(bus);
        return 1;
}
