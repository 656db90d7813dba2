/* SPDX-License-Identifier: MIT */
/*
 * The upper half the bus driver plays: what callers ask for is printed, and answered as the command
 * `fail` said.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bus-driver.h"
#include "dbus/names.h"

struct driver_converter *driver_find_converter(struct driver *d, const char *key)
{
        for (size_t i = 0; i < DRIVER_MAX; i++) {
                struct driver_converter *c = &d->converters[i];

                if (c->used && (strcmp(c->id, key) == 0 || strcmp(c->bus.device, key) == 0 ||
                                strcmp(c->bus.device + strlen("/dev/"), key) == 0))
                        return c;
        }
        return NULL;
}

struct meter *driver_find_meter(struct driver *d, const char *id)
{
        for (size_t i = 0; i < DRIVER_MAX; i++)
                if (d->meters[i] && strcmp(d->meters[i]->id, id) == 0)
                        return d->meters[i];
        return NULL;
}

static int asked(struct driver *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int asked(struct driver *d, const char *format, ...)
{
        va_list args;

        (void)fputs("request ", stdout);
        va_start(args, format);
        (void)vprintf(format, args);
        va_end(args);
        (void)putchar('\n');
        (void)fflush(stdout);
        return d->fail;
}

static int on_reload(void *userdata, char ***ret_warnings, sd_bus_error *error)
{
        int r = asked(userdata, "reload");
        char **warnings;

        if (r == -EINVAL)
                (void)sd_bus_error_set(error, BUS_ERROR_INVALID_CONFIG, "a.conf:3: unknown key");
        if (r < 0)
                return r;
        warnings = calloc(2, sizeof(*warnings));
        if (!warnings)
                return -ENOMEM;
        warnings[0] = strdup("a.conf:7: a warning");
        *ret_warnings = warnings;
        return 0;
}

static int on_rescan(void *userdata, sd_bus_error *error)
{
        return asked(userdata, "rescan");
}

static int on_set_meter_key(void *userdata, const char *meter, const uint8_t *ek, const uint8_t *ak,
                            sd_bus_error *error)
{
        return asked(userdata, "set-meter-key %s %02x..%02x %s", meter, ek[0], ek[15],
                     ak ? "with-ak" : "without-ak");
}

static int on_adopt(void *userdata, const char *tty, const char *line, const char *profile,
                    const char **ret_id, sd_bus_error *error)
{
        struct driver *d = userdata;
        const struct driver_converter *c = driver_find_converter(d, tty);
        int r = asked(d, "adopt %s %s %s", tty, line ? line : "-", profile ? profile : "-");

        if (r < 0)
                return r;
        if (!c)
                return -ENOENT;
        *ret_id = c->id;
        return 0;
}

static int on_forget(void *userdata, const char *id, sd_bus_error *error)
{
        return asked(userdata, "forget %s", id);
}

static int on_probe(void *userdata, const char *id, sd_bus_error *error)
{
        return asked(userdata, "probe %s", id);
}

static int on_reset(void *userdata, const char *id, const char *how, sd_bus_error *error)
{
        return asked(userdata, "reset %s %s", id, how);
}

static int on_inhibit(void *userdata, const char *id, const char *who, const char *why,
                      uint64_t cookie, sd_bus_error *error)
{
        return asked(userdata, "inhibit %s %s/%s %llu", id, who, why, (unsigned long long)cookie);
}

static void on_inhibit_done(void *userdata, const char *id, uint64_t cookie)
{
        (void)asked(userdata, "inhibit-done %s %llu", id, (unsigned long long)cookie);
}

static int on_capture(void *userdata, const char *id, int fd, sd_bus_error *error)
{
        struct driver *d = userdata;

        if (d->capture_fd >= 0)
                (void)close(d->capture_fd); /* the last one is enough for the tests */
        d->capture_fd = fd;
        return asked(d, "capture %s", id);
}

static const char *on_find_converter(void *userdata, const char *key)
{
        const struct driver_converter *c = driver_find_converter(userdata, key);

        return c ? c->id : NULL;
}

static const char *on_meter_name(void *userdata, const char *id)
{
        return strcmp(id, "LGZ1") == 0 ? "House" : "";
}

static const char *on_find_meter(void *userdata, const char *key)
{
        const struct meter *meter =
                driver_find_meter(userdata, strcmp(key, "House") == 0 ? "LGZ1" : key);

        return meter ? meter->id : NULL;
}

/* A counter that differs each time it is looked at, until a test says how many. */
static void on_refresh_converter(void *userdata, const char *id)
{
        struct driver_converter *c = driver_find_converter(userdata, id);

        if (c && !c->frames_announced)
                c->bus.statistics[1].value = driver_now(CLOCK_MONOTONIC);
}

static int on_sink_reconnect(void *userdata, const char *sink, sd_bus_error *error)
{
        return asked(userdata, "reconnect %s", sink);
}

static int on_set_log_level(void *userdata, const char *level)
{
        struct driver *d = userdata;

        if (strcmp(level, "debug") != 0 && strcmp(level, "info") != 0)
                return -EINVAL;
        (void)snprintf(d->log_level, sizeof(d->log_level), "%s", level);
        return 0;
}

static const char *on_get_log_level(void *userdata)
{
        const struct driver *d = userdata;

        return *d->log_level ? d->log_level : "info";
}

static int on_set_log_target(void *userdata, const char *target)
{
        return strcmp(target, "console") == 0 ? 0 : -EINVAL;
}

static const char *on_get_log_target(void *userdata)
{
        return "console";
}

const struct bus_requests driver_requests = {
        .reload = on_reload,
        .rescan = on_rescan,
        .set_meter_key = on_set_meter_key,
        .adopt = on_adopt,
        .forget = on_forget,
        .probe = on_probe,
        .reset = on_reset,
        .inhibit = on_inhibit,
        .inhibit_done = on_inhibit_done,
        .capture = on_capture,
        .find_converter = on_find_converter,
        .find_meter = on_find_meter,
        .refresh_converter = on_refresh_converter,
        .sink_reconnect = on_sink_reconnect,
        .meter_name = on_meter_name,
        .set_log_level = on_set_log_level,
        .get_log_level = on_get_log_level,
        .set_log_target = on_set_log_target,
        .get_log_target = on_get_log_target,
};
