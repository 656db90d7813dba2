/* SPDX-License-Identifier: MIT */
/* A new configuration takes the place of the old: all of it, or nothing. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "daemon/meters/zone.h"
#include "dbus/names.h"
#include "manager-private.h"

/* From here on nothing can fail: the new configuration takes the place of the old. */
static void apply(struct manager *m, struct config *config)
{
        struct config *old = m->config;
        bool left;

        outputs_configure(m, config);
        m->config = config;
        if (profile_set_take(m->profiles, TAKE(config->profiles)))
                log_info("profiles of meter families read again");
        if (config->daemon->log_level > 0)
                log_set_level(config->daemon->log_level);
        if (m->bus)
                bus_set_readers_group(m->bus, config->daemon->readers_group);
        meters_configure(m->meters, config);
        left = manager_unawait_devices(m);
        manager_yield_devices(m);
        for (struct managed_converter *mc = m->converters; mc; mc = mc->next)
                manager_configure_converter(m, mc);
        manager_await_devices(m);
        if (left)
                manager_look_again(m);
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
        const sd_id128_t id = LOG_ID_CONFIGURATION;
        const struct log_about about = { .message_id = &id };
        char text[CONFIG_MESSAGE_MAX + PATH_MAX];

        if (!why && config && config->problems)
                why = config_problem_print(config->problems, text, sizeof(text));
        if (!why)
                why = "out of memory";
        log_about(LOG_ERR, &about, "the configuration stays as it was: %s", why);
        manager_set_reload_error(m, why);
        (void)sd_bus_error_setf(error, BUS_ERROR_INVALID_CONFIG,
                                "The configuration stays as it was: %s", why);
        config_free(config);
        return -EINVAL;
}

int manager_reload(struct manager *m, char ***ret_warnings, sd_bus_error *error)
{
        struct config *config = NULL;
        int r = config_load(m->options.config_path, outputs_section_at, &config);

        if (r == 0)
                r = profile_set_add_builtin(config->profiles);
        if (r < 0)
                return refuse(m, config, r == -EINVAL ? NULL : strerror(-r), error);
        if (zone_set(config->tariff->timezone) < 0)
                return refuse(m, config, "Timezone= names no zone that is known here", error);
        apply(m, config);
        manager_set_reload_error(m, "");
        log_info("configuration read again");
        return ret_warnings ? collect_problems(config, ret_warnings) : 0;
}
