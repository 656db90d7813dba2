/* SPDX-License-Identifier: MIT */
/* What callers on the bus ask for (struct bus_requests); they are authorised already. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "daemon/meters/zone.h"
#include "dbus/names.h"
#include "manager-private.h"
#include "requests-history.h"

static struct managed_converter *find_or_say(const struct manager *m, const char *key,
                                             sd_bus_error *error)
{
        struct managed_converter *mc = manager_find(m, key);

        if (!mc)
                (void)sd_bus_error_setf(error, BUS_ERROR_NO_SUCH_CONVERTER,
                                        "there is no converter '%s'; see `smctl list-converters`",
                                        key);
        return mc;
}

static int reload(void *userdata, char ***ret_warnings, sd_bus_error *error)
{
        return manager_reload(userdata, ret_warnings, error);
}

static int rescan(void *userdata, sd_bus_error *error)
{
        struct manager *m = userdata;

        return hotplug_enumerate(m->hotplug);
}

static int set_meter_key(void *userdata, const char *meter, const uint8_t *ek, const uint8_t *ak,
                         sd_bus_error *error)
{
        struct manager *m = userdata;
        struct cipher_keys keys = { .has_key = true, .has_auth_key = ak };
        int r;

        if (!m->store)
                return sd_bus_error_set(error, BUS_ERROR_FAILED,
                                        "there is no state directory: use KeyFile= in the "
                                        "configuration");
        memcpy(keys.key, ek, sizeof(keys.key));
        if (ak)
                memcpy(keys.auth_key, ak, sizeof(keys.auth_key));
        r = meters_set_keys(m->meters, meter, &keys);
        cipher_keys_wipe(&keys);
        if (r == -ENAMETOOLONG)
                return sd_bus_error_set(error, BUS_ERROR_INVALID_ARGUMENT, "that id is too long");
        return r;
}

static int adopt(void *userdata, const char *tty, const char *line_text, const char *profile,
                 const char **ret_id, sd_bus_error *error)
{
        struct manager *m = userdata;
        struct managed_converter *mc = find_or_say(m, tty, error);
        struct serial_line line;
        int r;

        if (!mc)
                return -ENOENT;
        if (line_text && strcmp(line_text, "auto") == 0)
                line_text = NULL;
        if (line_text && serial_line_parse(line_text, &line) < 0)
                return sd_bus_error_setf(error, BUS_ERROR_INVALID_ARGUMENT,
                                         "'%s' is no line; right is for example '2400 8E1'",
                                         line_text);
        if (profile && !profile_set_find(m->profiles, profile))
                return sd_bus_error_setf(error, BUS_ERROR_INVALID_ARGUMENT,
                                         "there is no profile '%s'", profile);
        if (converter_device(mc->converter)->ignored)
                return sd_bus_error_set(error, BUS_ERROR_NOT_SUPPORTED,
                                        "udev says SMARTMETER_IGNORE=1 for this converter");
        r = converter_adopt(mc->converter, line_text ? &line : NULL, profile);
        if (r < 0)
                return r;
        mc->chosen = true;
        manager_configure_converter(m, mc);
        *ret_id = converter_id(mc->converter);
        return 0;
}

/* Its meters go with it, unless another converter carries them by now. */
static void forget_meters(struct manager *m, struct converter *c)
{
        const struct converter_view *view = converter_view_get(c);

        while (view->meter_ids[0] && meters_forget(m->meters, view->meter_ids[0]) >= 0)
                ;
}

/* For absent ones: a meter or a converter of an earlier run, a key of a meter never heard. */
static int forget_absent(struct manager *m, const char *id, sd_bus_error *error)
{
        struct store_converter known;
        int r = meters_forget(m->meters, id);

        if (r != -ENOENT)
                return r;
        if (store_find_converter(m->store, id, &known) > 0)
                return store_forget_converter(m->store, id);
        r = meters_forget_keys(m->meters, id);
        if (r == 0)
                return sd_bus_error_setf(error, BUS_ERROR_NO_SUCH_CONVERTER,
                                         "there is no converter or meter '%s', and none is "
                                         "remembered; see `smctl forget --list`",
                                         id);
        return MIN(r, 0);
}

static int forget(void *userdata, const char *id, sd_bus_error *error)
{
        struct manager *m = userdata;
        struct managed_converter *mc = manager_find(m, id);
        const struct meter *meter = mc ? NULL : meters_find(m->meters, id);

        if (meter)
                return meters_forget(m->meters, meter->id);
        if (!mc)
                return forget_absent(m, id, error);
        converter_forget(mc->converter);
        forget_meters(m, mc->converter);
        if (converter_state_get(mc->converter) == CONVERTER_GONE)
                manager_remove_converter(m, mc);
        else
                manager_configure_converter(m, mc);
        return 0;
}

/* Meters first, then converters that somebody adopted. */
static bool remembered_at(void *userdata, size_t index, struct bus_remembered *ret)
{
        struct manager *m = userdata;
        struct store_converter converter;
        const struct meter *meter;

        for (size_t i = 0; (meter = meters_remembered_at(m->meters, i)); i++) {
                const char *name = meters_name(m->meters, meter->id);

                if (meters_find(m->meters, meter->id) || index-- > 0)
                        continue;
                (void)snprintf(ret->id, sizeof(ret->id), "%s", meter->id);
                (void)snprintf(ret->name, sizeof(ret->name), "%s", *name ? name : meter->model);
                ret->kind = "meter";
                ret->last_usec = meter->last_host_usec;
                return true;
        }
        for (size_t i = 0; store_find_converter_at(m->store, i, &converter) > 0; i++) {
                if (!converter.adopted || manager_find(m, converter.identity) || index-- > 0)
                        continue;
                (void)snprintf(ret->id, sizeof(ret->id), "%s", converter.identity);
                (void)snprintf(ret->name, sizeof(ret->name), "%s", converter.meter_id);
                ret->kind = "converter";
                ret->last_usec = 0;
                return true;
        }
        return false;
}

static int probe(void *userdata, const char *id, sd_bus_error *error)
{
        struct managed_converter *mc = find_or_say(userdata, id, error);

        if (!mc)
                return -ENOENT;
        if (converter_state_get(mc->converter) == CONVERTER_IGNORED)
                return sd_bus_error_set(error, BUS_ERROR_NOT_SUPPORTED,
                                        "it is not configured: `smctl adopt` it first");
        if (converter_state_get(mc->converter) == CONVERTER_GONE)
                return sd_bus_error_set(error, BUS_ERROR_GONE, "it is unplugged");
        converter_probe(mc->converter);
        return 0;
}

static int reset(void *userdata, const char *id, const char *how, sd_bus_error *error)
{
        struct managed_converter *mc = find_or_say(userdata, id, error);
        int r;

        if (!mc)
                return -ENOENT;
        r = converter_reset(mc->converter, how);
        if (r == -EINVAL)
                return sd_bus_error_setf(error, BUS_ERROR_INVALID_ARGUMENT,
                                         "'%s' is no way to reset; there are 'reopen' and 'usb'",
                                         how);
        if (r == -EPERM)
                return sd_bus_error_set(error, BUS_ERROR_NOT_SUPPORTED,
                                        "it is not configured: `smctl adopt` it first");
        if (r < 0)
                return sd_bus_error_setf(error, BUS_ERROR_FAILED, "USB reset: %s", strerror(-r));
        return 0;
}

static int inhibit(void *userdata, const char *id, const char *who, const char *why,
                   uint64_t cookie, sd_bus_error *error)
{
        struct managed_converter *mc = find_or_say(userdata, id, error);
        int r;

        if (!mc)
                return -ENOENT;
        r = converter_inhibit(mc->converter, who, why, cookie);
        if (r == -EUSERS)
                return sd_bus_error_set(error, BUS_ERROR_LIMIT, "it is lent to too many already");
        return r;
}

static void inhibit_done(void *userdata, const char *id, uint64_t cookie)
{
        struct managed_converter *mc = manager_find(userdata, id);

        if (mc)
                converter_inhibit_done(mc->converter, cookie);
}

static int capture(void *userdata, const char *id, int fd, sd_bus_error *error)
{
        OWNED_FD int owned = fd;
        struct managed_converter *mc = find_or_say(userdata, id, error);
        int r;

        if (!mc)
                return -ENOENT;
        r = converter_capture(mc->converter, TAKE_FD(owned));
        if (r == -EUSERS)
                return sd_bus_error_set(error, BUS_ERROR_LIMIT, "it is captured too often already");
        return r;
}

static const char *find_converter(void *userdata, const char *key)
{
        struct managed_converter *mc = manager_find(userdata, key);

        return mc ? converter_id(mc->converter) : NULL;
}

static const char *find_meter(void *userdata, const char *key)
{
        const struct manager *m = userdata;
        const struct meter *meter = meters_find(m->meters, key);

        return meter ? meter->id : NULL;
}

static void refresh_converter(void *userdata, const char *id)
{
        struct managed_converter *mc = manager_find(userdata, id);

        if (mc)
                converter_update_view(mc->converter);
}

static int sink_reconnect(void *userdata, const char *name, sd_bus_error *error)
{
        struct manager *m = userdata;

        if (outputs_reconnect(m, name) >= 0)
                return 0;
        return sd_bus_error_setf(error, BUS_ERROR_FAILED, "there is no output '%s'", name);
}

static const char *meter_name(void *userdata, const char *meter_id)
{
        const struct manager *m = userdata;

        return meters_name(m->meters, meter_id);
}

static void settle(void *userdata, void (*done)(int result, void *cookie), void *cookie)
{
        const struct manager *m = userdata;

        store_sync(m->store, done, cookie);
}

static int set_log_level(void *userdata, const char *level)
{
        int priority = log_level_parse(level);

        if (priority < 0)
                return priority;
        log_set_level(priority);
        return 0;
}

static const char *get_log_level(void *userdata)
{
        return log_level_name(log_level_get());
}

static int set_log_target(void *userdata, const char *target)
{
        return log_target_set(target);
}

static const char *get_log_target(void *userdata)
{
        return log_target_get();
}

static const char *timezone_name(void *userdata)
{
        return zone_name();
}

const struct bus_requests manager_requests = {
        .reload = reload,
        .rescan = rescan,
        .set_meter_key = set_meter_key,
        .adopt = adopt,
        .forget = forget,
        .remembered_at = remembered_at,
        .probe = probe,
        .reset = reset,
        .inhibit = inhibit,
        .inhibit_done = inhibit_done,
        .capture = capture,
        .find_converter = find_converter,
        .find_meter = find_meter,
        .refresh_converter = refresh_converter,
        .sink_reconnect = sink_reconnect,
        .get_history = requests_get_history,
        .import_history = requests_import_history,
        .timezone = timezone_name,
        .meter_name = meter_name,
        .settle = settle,
        .set_log_level = set_log_level,
        .get_log_level = get_log_level,
        .set_log_target = set_log_target,
        .get_log_target = get_log_target,
};
