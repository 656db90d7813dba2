/* SPDX-License-Identifier: MIT */
/* A new configuration takes the place of the old: all of it, or nothing. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/manager-private.h"
#include "daemon/zone.h"
#include "dbus/names.h"

/* From here on nothing can fail: the new configuration takes the place of the old. */
static void apply(struct manager *m, struct config *config)
{
        struct config *old = m->config;

        sinks_configure(m, config); /* takes the sections of unchanged brokers out of the old one */
        m->config = config;
        if (config->log_level >= 0)
                log_set_level(config->log_level);
        bus_set_readers_group(m->bus, config->readers_group);
        meters_configure(m->meters, config);
        manager_unawait_devices(m);
        for (struct managed *managed = m->converters; managed; managed = managed->next)
                manager_configure_converter(m, managed);
        manager_await_devices(m);
        config_free(old);
}

static int collect_problems(const struct config *config, char ***ret)
{
        char **list;
        size_t n = 0;

        for (const struct config_problem *p = config->problems; p; p = p->next)
                n++;
        list = calloc(n + 1, sizeof(*list));
        if (!list)
                return -ENOMEM;
        n = 0;
        for (const struct config_problem *p = config->problems; p; p = p->next) {
                char text[CONFIG_MESSAGE_MAX + PATH_MAX];

                list[n] = strdup(config_problem_print(p, text, sizeof(text)));
                if (list[n])
                        n++;
        }
        *ret = list;
        return 0;
}

static int refuse(struct manager *m, struct config *config, const char *why, sd_bus_error *error)
{
        char text[CONFIG_MESSAGE_MAX + PATH_MAX];

        if (!why && config && config->problems)
                why = config_problem_print(config->problems, text, sizeof(text));
        if (!why)
                why = "out of memory";
        log_error("the configuration stays as it was: %s", why);
        bus_set_reload_error(m->bus, why);
        (void)sd_bus_error_setf(error, BUS_ERROR_INVALID_CONFIG,
                                "The configuration stays as it was: %s", why);
        config_free(config);
        return -EINVAL;
}

int manager_reload(struct manager *m, char ***ret_warnings, sd_bus_error *error)
{
        struct config *config = NULL;
        int r = config_load(m->options.config_path, &config);

        if (r < 0)
                return refuse(m, config, r == -EINVAL ? NULL : strerror(-r), error);
        if (zone_set(config->timezone) < 0)
                return refuse(m, config, "Timezone= names no zone that is known here", error);
        apply(m, config);
        bus_set_reload_error(m->bus, "");
        log_info("configuration read again");
        return ret_warnings ? collect_problems(config, ret_warnings) : 0;
}
