/* SPDX-License-Identifier: MIT */
/* Converters come and go: who they are, whether they are opened, what the bus is told. */
#include "manager.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "daemon/identity.h"
#include "daemon/log.h"
#include "daemon/manager-private.h"
#include "daemon/zone.h"

/* Unplugged converters that are still shown, with their history; the oldest go first. */
#define GONE_MAX 64

static void on_telegram(struct converter *c, const struct telegram *telegram, void *userdata)
{
        struct manager *m = userdata;

        meters_take(m->meters, c, telegram);
}

static struct managed *managed_of(const struct manager *m, const struct converter *c)
{
        struct managed *managed = m->converters;

        while (managed && managed->converter != c)
                managed = managed->next;
        return managed;
}

static void on_changed(struct converter *c, void *userdata)
{
        struct manager *m = userdata;
        const struct managed *managed = managed_of(m, c);

        if (managed && managed->exported)
                bus_converter_changed(m->bus, converter_view_get(c));
}

static void on_lost(struct converter *c, void *userdata)
{
        struct manager *m = userdata;

        meters_converter_lost(m->meters, c);
}

static const struct cipher_keys *on_find_keys(struct converter *c, const uint8_t *title,
                                              void *userdata)
{
        struct manager *m = userdata;

        return meters_find_keys(m->meters, c, title);
}

static const struct cipher_keys *on_try_keys(struct converter *c, size_t attempt, void *userdata)
{
        const struct manager *m = userdata;

        return meters_try_keys(m->meters, attempt);
}

static const struct converter_ops converter_callbacks = {
        .telegram = on_telegram,
        .changed = on_changed,
        .lost = on_lost,
        .find_keys = on_find_keys,
        .try_keys = on_try_keys,
};

static bool matches(const char *pattern, const char *text)
{
        return !pattern || fnmatch(pattern, text, FNM_CASEFOLD) == 0;
}

/* A section without any criterion is for the converters that are known as such. */
static bool section_matches(const struct config_converter *s, const struct hotplug_device *d)
{
        char vendor[5], product[5];

        if (s->device)
                return false;
        if (!s->vendor_id && !s->product_id && !s->serial && !s->path && !s->interface)
                return d->marked;
        (void)snprintf(vendor, sizeof(vendor), "%04x", d->vendor_id);
        (void)snprintf(product, sizeof(product), "%04x", d->product_id);
        return matches(s->vendor_id, vendor) && matches(s->product_id, product) &&
               matches(s->serial, d->serial) && matches(s->path, d->path) &&
               matches(s->interface, d->interface);
}

static const struct config_converter *find_section(const struct manager *m,
                                                   const struct hotplug_device *d)
{
        const struct config_converter *s = m->config->converters;

        while (s && !section_matches(s, d))
                s = s->next;
        return s;
}

static const struct config_converter *find_device_section(const struct manager *m, const char *path)
{
        const struct config_converter *s = m->config->converters;

        while (s && (!s->device || strcmp(s->device, path) != 0))
                s = s->next;
        return s;
}

/* DESIGN §3, "Which are opened". NULL: it may be; else why not. */
static const char *why_ignored(const struct manager *m, const struct converter *c,
                               const struct hotplug_device *d,
                               const struct config_converter *section)
{
        if (d->ignored)
                return "udev says SMARTMETER_IGNORE=1";
        if (section || converter_is_adopted(c) || (d->marked && m->config->auto_bind))
                return NULL;
        return d->marked ? "AutoBind=no, and no [converter] section matches"
                         : "not configured; `smctl adopt` it if there is a meter behind it";
}

static void configure_plugged(struct manager *m, struct converter *c,
                              const struct hotplug_device *d)
{
        const struct config_converter *section = find_section(m, d);
        const char *why = why_ignored(m, c, d, section);

        converter_configure(c, section, !why, why);
}

void manager_configure_converter(struct manager *m, struct managed *managed)
{
        struct converter *c = managed->converter;
        const char *path = converter_awaited_path(c);

        if (*path)
                converter_configure(c, find_device_section(m, path), true, NULL);
        else
                configure_plugged(m, c, converter_device(c));
}

static struct managed *find_id(const struct manager *m, const char *id)
{
        struct managed *managed = m->converters;

        while (managed && strcmp(converter_id(managed->converter), id) != 0)
                managed = managed->next;
        return managed;
}

static struct managed *find_syspath(const struct manager *m, const char *syspath)
{
        struct managed *managed = m->converters;

        while (managed && !(converter_is_plugged(managed->converter) &&
                            strcmp(converter_device(managed->converter)->syspath, syspath) == 0))
                managed = managed->next;
        return managed;
}

struct managed *manager_find(const struct manager *m, const char *key)
{
        struct managed *managed = find_id(m, key);

        for (managed = managed ? managed : m->converters; managed; managed = managed->next) {
                const struct converter *c = managed->converter;
                const char *device = converter_view_get(c)->device;
                const struct config_converter *section = converter_config(c);

                if (strcmp(converter_id(c), key) == 0 || (*device && strcmp(device, key) == 0) ||
                    (strncmp(device, "/dev/", 5) == 0 && strcmp(device + 5, key) == 0) ||
                    (section && section->name && strcmp(section->name, key) == 0))
                        return managed;
        }
        return NULL;
}

static struct managed *add_converter(struct manager *m, const char *id)
{
        const struct converter_options options = { m->options.event, m->store, &converter_callbacks,
                                                   m, m->scratch };
        struct managed **at = &m->converters, *managed = calloc(1, sizeof(*managed));

        if (!managed)
                return NULL;
        if (converter_new(&options, id, &managed->converter) < 0) {
                free(managed);
                return NULL;
        }
        while (*at)
                at = &(*at)->next;
        *at = managed;
        return managed;
}

static void export_converter(struct manager *m, struct managed *managed)
{
        int r;

        if (managed->exported)
                return;
        r = bus_converter_added(m->bus, converter_view_get(managed->converter));
        if (r < 0)
                log_error("%s: cannot be shown on the bus: %s", converter_id(managed->converter),
                          strerror(-r));
        managed->exported = r >= 0;
}

static void hide_converter(struct manager *m, struct managed *managed)
{
        if (managed->exported)
                bus_converter_removed(m->bus, converter_view_get(managed->converter));
        managed->exported = false;
}

void manager_remove_converter(struct manager *m, struct managed *gone)
{
        struct managed **at = &m->converters;

        while (*at != gone)
                at = &(*at)->next;
        *at = gone->next;
        meters_converter_lost(m->meters, gone->converter);
        meters_converter_removed(m->meters, gone->converter);
        hide_converter(m, gone);
        converter_free(gone->converter);
        free(gone);
}

/* Does Device= name it, perhaps through a link? Then that section's converter has it. */
static bool is_awaited(const struct manager *m, const struct hotplug_device *d)
{
        char real[PATH_MAX];

        for (const struct config_converter *s = m->config->converters; s; s = s->next)
                if (s->device && realpath(s->device, real) && strcmp(real, d->devnode) == 0)
                        return true;
        return false;
}

/*
 * Is its serial number of no use, because another one has the same? One that is unplugged counts
 * only if it had to do without its number before: else it may be this one, in another socket.
 */
static bool is_shared(const struct manager *m, const struct hotplug_device *d)
{
        for (const struct managed *managed = m->converters; managed; managed = managed->next) {
                const struct hotplug_device *other = converter_device(managed->converter);

                if (identity_clashes(d, other) && strcmp(d->syspath, other->syspath) != 0 &&
                    (converter_is_plugged(managed->converter) ||
                     strchr(converter_id(managed->converter), '@')))
                        return true;
        }
        return false;
}

/* The others with this number go by their sockets from now on. */
static void rename_clashing(struct manager *m, const struct hotplug_device *d)
{
        for (struct managed *managed = m->converters; managed; managed = managed->next) {
                const struct hotplug_device *other = converter_device(managed->converter);
                char id[IDENTITY_MAX];

                if (!converter_is_plugged(managed->converter) || !identity_clashes(d, other) ||
                    strcmp(d->syspath, other->syspath) == 0)
                        continue;
                (void)identity_of_device(other, true, id);
                if (strcmp(id, converter_id(managed->converter)) == 0)
                        continue;
                log_notice("two converters have serial number %s: they go by their sockets now",
                           d->serial);
                hide_converter(m, managed);
                converter_rename(managed->converter, id);
                export_converter(m, managed);
        }
}

static void forget_oldest_gone(struct manager *m)
{
        struct managed *oldest = NULL;
        size_t n = 0;

        for (struct managed *managed = m->converters; managed; managed = managed->next)
                if (converter_state_get(managed->converter) == CONVERTER_GONE) {
                        n++;
                        if (!oldest || converter_generation(managed->converter) <
                                               converter_generation(oldest->converter))
                                oldest = managed;
                }
        if (n > GONE_MAX)
                manager_remove_converter(m, oldest);
}

static void on_arrived(const struct hotplug_device *device, void *userdata)
{
        struct manager *m = userdata;
        struct managed *managed = find_syspath(m, device->syspath);
        char id[IDENTITY_MAX];
        bool shared;

        if (is_awaited(m, device))
                return;
        if (!managed) {
                shared = is_shared(m, device);
                if (shared)
                        rename_clashing(m, device);
                managed = find_id(m, identity_of_device(device, shared, id));
                if (!managed)
                        managed = add_converter(m, id);
                if (!managed) {
                        log_error("%s: out of memory", device->devnode);
                        return;
                }
                /* the "remove" of the one that was there before may have been lost */
                converter_unplugged(managed->converter);
        }
        configure_plugged(m, managed->converter, device);
        converter_plugged(managed->converter, device);
        export_converter(m, managed);
}

static void on_departed(const char *syspath, void *userdata)
{
        struct manager *m = userdata;
        struct managed *managed = find_syspath(m, syspath);
        bool ignored;

        if (!managed)
                return;
        ignored = converter_state_get(managed->converter) == CONVERTER_IGNORED;
        converter_unplugged(managed->converter);
        if (ignored)
                manager_remove_converter(m, managed);
        else
                forget_oldest_gone(m);
}

static const struct hotplug_ops hotplug_callbacks = { on_arrived, on_departed };

void manager_await_devices(struct manager *m)
{
        for (const struct config_converter *s = m->config->converters; s; s = s->next) {
                char id[IDENTITY_MAX];
                struct managed *managed;
                int r;

                if (!s->device || find_id(m, identity_of_path(s->device, id)))
                        continue;
                managed = add_converter(m, id);
                r = managed ? converter_await(managed->converter, s->device) : -ENOMEM;
                if (r < 0)
                        log_warning("%s: cannot be watched for, only tried again: %s", s->device,
                                    strerror(-r));
                if (managed) {
                        manager_configure_converter(m, managed);
                        export_converter(m, managed);
                }
        }
}

/* Those whose section is gone go too. */
void manager_unawait_devices(struct manager *m)
{
        for (struct managed *managed = m->converters, *next; managed; managed = next) {
                const char *path = converter_awaited_path(managed->converter);

                next = managed->next;
                if (*path && !find_device_section(m, path))
                        manager_remove_converter(m, managed);
        }
}

static void on_bus_lost(void *userdata)
{
        struct manager *m = userdata;

        log_error("the message bus is gone: leaving, to be started again");
        (void)sd_event_exit(m->options.event, -ECONNRESET); /* fails only when already leaving */
}

static int connect_bus(struct manager *m)
{
        const struct bus_options options = {
                .address = m->options.bus_address,
                .readers_group = m->config->readers_group,
                .requests = &manager_requests,
                .userdata = m,
                .on_lost = on_bus_lost,
        };
        int r = bus_new(m->options.event, &options, &m->bus);

        if (r < 0)
                log_error("cannot connect to the message bus: %s", strerror(-r));
        return r;
}

int manager_new(const struct manager_options *options, struct config *config, struct manager **ret)
{
        OWNED(manager) struct manager *m = calloc(1, sizeof(*m));
        int r;

        if (!m) {
                config_free(config);
                return -ENOMEM;
        }
        m->options = *options;
        m->config = config;
        m->scratch = malloc(sizeof(*m->scratch));
        if (!m->scratch)
                return -ENOMEM;
        r = zone_set(config->timezone);
        if (r < 0) {
                log_error("Timezone=%s: there is no such zone", config->timezone);
                return r;
        }
        if (options->state_directory && store_new(options->state_directory, &m->store) < 0)
                m->store = NULL; /* the store has said why; we go on without memory */
        r = store_gather(m->store, options->event);
        if (r < 0)
                return r;
        r = meters_new(&(struct meters_options){ options->event, m->store, &m->sinks }, &m->meters);
        if (r < 0)
                return r;
        meters_configure(m->meters, config);
        r = connect_bus(m);
        if (r < 0)
                return r;
        sinks_configure(m, config);
        r = hotplug_new(options->event, &hotplug_callbacks, m, &m->hotplug);
        if (r < 0) {
                log_error("cannot watch udev: %s", strerror(-r));
                return r;
        }

        *ret = TAKE(m);
        return 0;
}

int manager_start(struct manager *m)
{
        int r;

        manager_await_devices(m);
        r = hotplug_enumerate(m->hotplug);
        if (r < 0) {
                log_error("cannot list the converters: %s", strerror(-r));
                return r;
        }
        bus_set_state(m->bus, m->store || !m->options.state_directory ? "running" : "degraded");
        r = bus_request_name(m->bus);
        if (r < 0)
                log_error("cannot take the name on the message bus: %s", strerror(-r));
        return r;
}

struct manager *manager_free(struct manager *m)
{
        if (!m)
                return NULL;
        m->hotplug = hotplug_free(m->hotplug);
        while (m->converters)
                manager_remove_converter(m, m->converters);
        sinks_free(m);
        m->meters = meters_free(m->meters);
        m->bus = bus_free(m->bus);
        m->store = store_free(m->store);
        m->config = config_free(m->config);
        free(m->scratch);
        free(m);
        return NULL;
}

void manager_describe(const struct manager *m, char *buf, size_t size)
{
        size_t open = 0;

        for (const struct managed *managed = m->converters; managed; managed = managed->next)
                open += converter_state_get(managed->converter) == CONVERTER_RECEIVING;
        (void)snprintf(buf, size, "%zu converter%s receiving, %zu meter%s", open,
                       open == 1 ? "" : "s", meters_count(m->meters),
                       meters_count(m->meters) == 1 ? "" : "s");
}
