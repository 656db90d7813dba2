/* SPDX-License-Identifier: MIT */
/* Options of methods: a{sv} behind the arguments, so that a method can grow. An unknown option is
 * an error and never ignored: a caller that asks for more must learn that it does not get it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bus-private.h"

static const struct bus_option *find(const struct bus_option *options, size_t n, const char *name)
{
        for (size_t i = 0; i < n; i++)
                if (strcmp(options[i].name, name) == 0)
                        return &options[i];
        return NULL;
}

static int fail_unknown(sd_bus_message *m, const struct bus_option *options, size_t n,
                        const char *name, sd_bus_error *error)
{
        char known[200] = "no options yet";
        size_t used = 0;

        for (size_t i = 0; i < n && used < sizeof(known); i++)
                used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s",
                                         i == 0       ? ""
                                         : i + 1 == n ? " and "
                                                      : ", ",
                                         options[i].name);
        return bus_fail(error, -EINVAL, BUS_ERROR_INVALID_ARGUMENT,
                        "Unknown option '%.100s'; %s knows %s.", name, sd_bus_message_get_member(m),
                        known);
}

static int read_one(sd_bus_message *m, const struct bus_option *options, size_t n,
                    sd_bus_error *error)
{
        const struct bus_option *option;
        const char *name, *contents;
        char type;
        int r;

        r = sd_bus_message_read_basic(m, 's', &name);
        if (r < 0)
                return r;
        option = find(options, n, name);
        if (!option)
                return fail_unknown(m, options, n, name, error);
        r = sd_bus_message_peek_type(m, &type, &contents);
        if (r < 0)
                return r;
        if (type != 'v' || strcmp(contents, option->signature) != 0)
                return bus_fail(error, -EINVAL, BUS_ERROR_INVALID_ARGUMENT,
                                "The option %s has the D-Bus type '%s', for example %s.",
                                option->name, option->signature, option->example);
        return sd_bus_message_read(m, "v", option->signature, option->ret);
}

int bus_read_options(sd_bus_message *m, const struct bus_option *options, size_t n,
                     sd_bus_error *error)
{
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = read_one(m, options, n, error);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}
