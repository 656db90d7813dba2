/* SPDX-License-Identifier: MIT */
/* Converters come and go: who they are, whether they are opened, what the bus shows. */
#include "manager.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jobs.h"
#include "base/log.h"
#include "base/util.h"
#include "config-build.h"
#include "daemon/meters/zone.h"
#include "manager-private.h"

/* store_converter.refused of a serial number that two converters carry. */
#define SHARED_SERIAL "shared"
/* Unplugged converters that are still shown, with their history; the oldest go first. */
#define GONE_MAX 64
/* A stop takes no longer, whatever hangs; and the state is worth this much in any case. */
#define STOP_USEC  (UINT64_C(1900) * 1000)
#define STORE_USEC (UINT64_C(200) * 1000)

static void on_telegram(struct converter *c, const struct telegram *telegram, void *userdata)
{
        struct managed_converter *mc = userdata;

        meters_take(&mc->line, telegram);
        if (mc->chosen)
                manager_settle_moved(mc->manager, mc);
}

static int on_assess(struct converter *c, const struct telegram *telegram, void *userdata)
{
        struct managed_converter *mc = userdata;

        return manager_assess_moved(mc->manager, mc, telegram);
}

static void on_changed(struct converter *c, void *userdata)
{
        const struct managed_converter *mc = userdata;

        if (mc->exported)
                SINK_NOTIFY_ALL(mc->manager->sinks, converter_changed, converter_view_get(c));
}

static void on_lost(struct converter *c, void *userdata)
{
        struct managed_converter *mc = userdata;

        meters_line_lost(&mc->line);
}

static void on_forget_keys(void *userdata)
{
        struct manager *m = userdata;

        for (struct managed_converter *mc = m->converters; mc; mc = mc->next)
                converter_forget_keys(mc->converter);
}

static const struct converter_ops converter_callbacks = {
        .telegram = on_telegram,
        .changed = on_changed,
        .lost = on_lost,
        .assess = on_assess,
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
        const struct config_converter *s = config_first(m->config, &config_section_converter);

        while (s && !section_matches(s, d))
                s = config_next(s);
        return s;
}

static const struct config_converter *find_device_section(const struct manager *m, const char *path)
{
        const struct config_converter *s = config_first(m->config, &config_section_converter);

        while (s && (!s->device || strcmp(s->device, path) != 0))
                s = config_next(s);
        return s;
}

static struct converter_ban find_refusal(const char *code)
{
        static const struct converter_ban refusals[] = {
                { "gps", "a GPS receiver, not a meter; `smctl adopt` it if that is wrong" },
                { "modbus", "a Modbus line, not a meter; `smctl adopt` it if that is wrong" },
                { "other-meter", "the meter of the adopted converter that left its socket was not "
                                 "heard here; `smctl adopt` it if there is a meter behind it" },
                { "in-use", "another program used it when it was first seen; `smctl adopt` it if "
                            "there is a meter behind it" },
        };
        size_t i = 0;

        while (i + 1 < ELEMENTSOF(refusals) && strcmp(refusals[i].code, code) != 0)
                i++;
        return refusals[i];
}

/* smartmeterd(8) says which are opened. */
static struct converter_ban find_ban(const struct managed_converter *mc,
                                     const struct hotplug_device *d,
                                     const struct config_converter *section)
{
        const struct manager *m = mc->manager;
        const struct converter *c = mc->converter;

        if (d->ignored)
                return (struct converter_ban){ "ignored-by-udev", "udev says SMARTMETER_IGNORE=1" };
        if (section || converter_is_adopted(c) || converter_is_on_trial(c))
                return (struct converter_ban){ 0 };
        if (*converter_refused(c))
                return find_refusal(converter_refused(c));
        if (d->marked && m->config->daemon->auto_bind)
                return (struct converter_ban){ 0 };
        if (d->marked)
                return (struct converter_ban){ "auto-bind-off",
                                               "AutoBind=no, and no [converter] section matches" };
        if (!mc->beside && manager_misses(m, d))
                return (struct converter_ban){
                        "moved", "an adopted converter of this kind is no longer in its socket; "
                                 "`smctl adopt` it if this is the one"
                };
        return (struct converter_ban){
                "not-configured", "not configured; `smctl adopt` it if there is a meter behind it"
        };
}

static void configure_plugged(struct managed_converter *mc, const struct hotplug_device *d)
{
        const struct config_converter *section = find_section(mc->manager, d);

        converter_configure(mc->converter, section, find_ban(mc, d, section));
}

void manager_configure_converter(struct manager *m, struct managed_converter *mc)
{
        struct converter *c = mc->converter;
        const char *path = converter_awaited_path(c);

        if (*path)
                converter_configure(c, find_device_section(m, path), (struct converter_ban){ 0 });
        else
                configure_plugged(mc, converter_device(c));
}

static struct managed_converter *find_id(const struct manager *m, const char *id)
{
        struct managed_converter *mc = m->converters;

        while (mc && strcmp(converter_id(mc->converter), id) != 0)
                mc = mc->next;
        return mc;
}

static struct managed_converter *find_syspath(const struct manager *m, const char *syspath)
{
        struct managed_converter *mc = m->converters;

        while (mc && !(converter_is_plugged(mc->converter) &&
                       strcmp(converter_device(mc->converter)->syspath, syspath) == 0))
                mc = mc->next;
        return mc;
}

struct managed_converter *manager_find(const struct manager *m, const char *key)
{
        struct managed_converter *mc = find_id(m, key);

        for (mc = mc ? mc : m->converters; mc; mc = mc->next) {
                const struct converter *c = mc->converter;
                const char *device = converter_view_get(c)->device;
                const struct config_converter *section = converter_config(c);

                if (strcmp(converter_id(c), key) == 0 || (*device && strcmp(device, key) == 0) ||
                    (strncmp(device, "/dev/", 5) == 0 && strcmp(device + 5, key) == 0) ||
                    (section && strcmp(section->item.name, key) == 0))
                        return mc;
        }
        return NULL;
}

static struct managed_converter *add_converter(struct manager *m, const char *id)
{
        struct managed_converter **at = &m->converters, *mc = calloc(1, sizeof(*mc));

        if (!mc)
                return NULL;
        mc->manager = m;
        meters_line_init(&mc->line, m->meters);
        if (converter_new(&(struct converter_options){ .event = m->options.event,
                                                       .store = m->store,
                                                       .ops = &converter_callbacks,
                                                       .userdata = mc,
                                                       .keyring = meters_keyring(&mc->line),
                                                       .scratch = m->scratch,
                                                       .profiles = m->profiles },
                          id, &mc->converter) < 0) {
                meters_line_done(&mc->line);
                free(mc);
                return NULL;
        }
        mc->line.converter = mc->converter;
        while (*at)
                at = &(*at)->next;
        *at = mc;
        return mc;
}

static void export_converter(struct manager *m, struct managed_converter *mc)
{
        if (mc->exported)
                return;
        mc->exported = true;
        SINK_NOTIFY_ALL(m->sinks, converter_added, converter_view_get(mc->converter));
}

static void hide_converter(struct manager *m, struct managed_converter *mc)
{
        if (mc->exported)
                SINK_NOTIFY_ALL(m->sinks, converter_removed, converter_view_get(mc->converter));
        mc->exported = false;
}

void manager_remove_converter(struct manager *m, struct managed_converter *gone)
{
        struct managed_converter **at = &m->converters;

        while (*at != gone)
                at = &(*at)->next;
        *at = gone->next;
        meters_line_lost(&gone->line);
        meters_line_done(&gone->line);
        hide_converter(m, gone);
        converter_free(gone->converter);
        free(gone);
}

/* Does Device= name it, perhaps through a link? Then that section's converter has it. */
static bool is_awaited(const struct manager *m, const struct hotplug_device *d)
{
        char real[PATH_MAX];

        CONFIG_EACH(struct config_converter, s, m->config, &config_section_converter)
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
        struct store_converter known;
        char id[IDENTITY_MAX];

        /* two were seen once: the number says nothing for good */
        if (store_find_converter(m->store, identity_of_device(d, false, id), &known) > 0 &&
            strcmp(known.refused, SHARED_SERIAL) == 0)
                return true;
        for (const struct managed_converter *mc = m->converters; mc; mc = mc->next) {
                const struct hotplug_device *other = converter_device(mc->converter);

                if (identity_clashes(d, other) && strcmp(d->syspath, other->syspath) != 0 &&
                    (converter_is_plugged(mc->converter) ||
                     strchr(converter_id(mc->converter), '@')))
                        return true;
        }
        return false;
}

/*
 * Two converters have one serial number: what was learned under it belongs to the one in the socket
 * where it was learned. The number itself is marked, so that a foreign device with it is never
 * opened for it.
 */
static void settle_serial(struct manager *m, const char *id, const struct hotplug_device *newcomer)
{
        struct store_converter row, mark = { .refused = SHARED_SERIAL };

        (void)snprintf(mark.identity, sizeof(mark.identity), "%s", id);
        if (store_find_converter(m->store, id, &row) > 0 && *newcomer->path &&
            strcmp(row.socket, newcomer->path) == 0) {
                (void)identity_of_device(newcomer, true, row.identity);
                (void)store_put_converter(m->store, &row); /* the store has logged it */
        }
        if (m->store)
                (void)store_put_converter(m->store, &mark);
}

/* The others with this number go by their sockets from now on. */
static void rename_clashing(struct manager *m, const struct hotplug_device *d)
{
        for (struct managed_converter *mc = m->converters; mc; mc = mc->next) {
                const struct hotplug_device *other = converter_device(mc->converter);
                char id[IDENTITY_MAX], old[IDENTITY_MAX];

                if (!converter_is_plugged(mc->converter) || !identity_clashes(d, other) ||
                    strcmp(d->syspath, other->syspath) == 0)
                        continue;
                (void)identity_of_device(other, true, id);
                if (strcmp(id, converter_id(mc->converter)) == 0)
                        continue;
                log_notice("two converters have serial number %s: they go by their sockets now",
                           d->serial);
                hide_converter(m, mc);
                (void)snprintf(old, sizeof(old), "%s", converter_id(mc->converter));
                converter_rename(mc->converter, id);
                settle_serial(m, old, d);
                manager_configure_converter(m, mc);
                export_converter(m, mc);
        }
}

static void forget_oldest_gone(struct manager *m)
{
        struct managed_converter *oldest = NULL;
        size_t n = 0;

        for (struct managed_converter *mc = m->converters; mc; mc = mc->next)
                if (converter_state_get(mc->converter) == CONVERTER_GONE) {
                        n++;
                        if (!oldest || converter_generation(mc->converter) <
                                               converter_generation(oldest->converter))
                                oldest = mc;
                }
        if (n > GONE_MAX)
                manager_remove_converter(m, oldest);
}

static void on_arrived(const struct hotplug_device *device, void *userdata)
{
        struct manager *m = userdata;
        struct managed_converter *mc = find_syspath(m, device->syspath);
        char id[IDENTITY_MAX];
        bool shared;

        if (is_awaited(m, device))
                return;
        if (!mc) {
                shared = is_shared(m, device);
                if (shared)
                        rename_clashing(m, device);
                mc = find_id(m, identity_of_device(device, shared, id));
                if (!mc)
                        mc = add_converter(m, id);
                if (!mc) {
                        log_error("%s: out of memory", device->devnode);
                        return;
                }
                /* the "remove" of the one that was there before may have been lost */
                converter_unplugged(mc->converter);
                converter_hold_back(mc->converter, m->starting);
                mc->beside = mc->chosen = false;
                if (!find_section(m, device))
                        manager_try_moved(m, mc, device);
        }
        configure_plugged(mc, device);
        converter_plugged(mc->converter, device);
        export_converter(m, mc);
        manager_look_beside(m, device);
}

static void on_departed(const char *syspath, void *userdata)
{
        struct manager *m = userdata;
        struct managed_converter *mc = find_syspath(m, syspath);
        struct hotplug_device device;
        bool ignored;

        if (!mc)
                return;
        device = *converter_device(mc->converter);
        ignored = converter_state_get(mc->converter) == CONVERTER_IGNORED;
        converter_unplugged(mc->converter);
        if (ignored)
                manager_remove_converter(m, mc);
        else
                forget_oldest_gone(m);
        manager_look_beside(m, &device);
}

static const struct hotplug_ops hotplug_callbacks = { on_arrived, on_departed };

void manager_await_devices(struct manager *m)
{
        CONFIG_EACH(struct config_converter, s, m->config, &config_section_converter)
        {
                char id[IDENTITY_MAX];
                struct managed_converter *mc;
                int r;

                if (!s->device || find_id(m, identity_of_path(s->device, id)))
                        continue;
                mc = add_converter(m, id);
                if (mc)
                        converter_hold_back(mc->converter, m->starting);
                r = mc ? converter_await(mc->converter, s->device) : -ENOMEM;
                if (r < 0)
                        log_warning("%s: cannot be watched for, only tried again: %s", s->device,
                                    strerror(-r));
                if (mc) {
                        manager_configure_converter(m, mc);
                        export_converter(m, mc);
                }
        }
}

/* Those whose section is gone go too; what they had may be a USB converter of its own again. */
bool manager_unawait_devices(struct manager *m)
{
        bool any = false;

        for (struct managed_converter *mc = m->converters, *next; mc; mc = next) {
                const char *path = converter_awaited_path(mc->converter);

                next = mc->next;
                if (*path && !find_device_section(m, path)) {
                        manager_remove_converter(m, mc);
                        any = true;
                }
        }
        return any;
}

/* Converters that udev has shown, and a Device= names by now, are left to that section's. */
void manager_yield_devices(struct manager *m)
{
        for (struct managed_converter *mc = m->converters, *next; mc; mc = next) {
                next = mc->next;
                if (!*converter_awaited_path(mc->converter) &&
                    converter_is_plugged(mc->converter) &&
                    is_awaited(m, converter_device(mc->converter)))
                        manager_remove_converter(m, mc);
        }
}

void manager_look_again(struct manager *m)
{
        int r = hotplug_enumerate(m->hotplug);

        if (r < 0)
                log_warning("cannot list the converters: %s", strerror(-r));
}

static void on_bus_lost(void *userdata)
{
        struct manager *m = userdata;

        log_error("the message bus is gone: leaving, to be started again");
        (void)sd_event_exit(m->options.event, -ECONNRESET); /* fails only when already leaving */
}

static void announce_state(struct bus *bus, void *userdata)
{
        const struct manager *m = userdata;

        bus_set_state(bus, m->state);
        bus_set_reload_error(bus, m->reload_error ? m->reload_error : "");
}

static void manager_set_state(struct manager *m, const char *state)
{
        m->state = state;
        if (m->bus)
                announce_state(m->bus, m);
        peers_each(m->peers, announce_state, m);
}

void manager_set_reload_error(struct manager *m, const char *error)
{
        free(m->reload_error);
        m->reload_error = strdup(error); /* NULL: the log has it too */
        manager_set_state(m, m->state);
}

static void show_state(struct manager *m)
{
        manager_set_state(m, store_error(m->store) < 0 ? "degraded" : "running");
}

/* Recalls what was learned, late, from a disk that did not answer in time. */
static void recall_all(struct manager *m)
{
        meters_recall_all(m->meters);
        for (struct managed_converter *mc = m->converters; mc; mc = mc->next) {
                converter_recall(mc->converter);
                manager_configure_converter(m, mc);
        }
}

static void on_store_changed(bool loaded, void *userdata)
{
        struct manager *m = userdata;

        if (!m->meters || (!m->bus && !m->peers) || !m->store)
                return; /* we are only beginning: manager_start() shows it */
        show_state(m);
        if (loaded)
                recall_all(m);
}

static int connect_bus(struct manager *m)
{
        const struct bus_options options = {
                .address = m->options.bus_address,
                .version = m->version,
                .readers_group = m->config->daemon->readers_group,
                .requests = &manager_requests,
                .userdata = m,
                .on_lost = on_bus_lost,
        };
        int r;

        if (m->options.no_bus)
                return peers_new(m, &m->peers);
        r = bus_new(m->options.event, &options, &m->bus);
        if (r < 0)
                log_error("cannot connect to the message bus: %s", strerror(-r));
        return r;
}

int manager_new(const struct manager_options *options, struct manager **ret)
{
        OWNED(manager) struct manager *m = calloc(1, sizeof(*m));
        int r;

        if (!m)
                return -ENOMEM;
        m->options = *options;
        m->state = "starting";
        m->version = options->udevd ? PROJECT_VERSION : PROJECT_VERSION " (without udev)";
        m->scratch = malloc(sizeof(*m->scratch));
        if (!m->scratch)
                return -ENOMEM;
        if (options->state_directory) {
                r = store_new(&(struct store_options){ .event = options->event,
                                                       .directory = options->state_directory,
                                                       .changed = on_store_changed,
                                                       .userdata = m },
                              &m->store);
                if (r < 0)
                        return r;
        }
        *ret = TAKE(m);
        return 0;
}

int manager_configure(struct manager *m, struct config *config)
{
        int r;

        m->config = config;
        m->profiles = TAKE(config->profiles);
        r = zone_set(config->tariff->timezone);
        if (r < 0) {
                log_error("Timezone=%s: there is no such zone", config->tariff->timezone);
                return r;
        }
        r = connect_bus(m);
        if (r < 0)
                return r;
        r = hotplug_new(m->options.event, m->options.udevd, &hotplug_callbacks, m, &m->hotplug);
        if (r < 0) {
                log_error("cannot watch for converters: %s", strerror(-r));
                return r;
        }
        if (m->bus)
                bus_advance(m->bus);
        r = profile_set_add_builtin(m->profiles); /* while the disk works */
        if (r < 0) {
                log_error("cannot read the built-in profiles: %s", strerror(-r));
                return r;
        }
        store_wait(m->store); /* nothing above asks it; what is below does */
        r = meters_new(&(struct meters_options){ .event = m->options.event,
                                                 .store = m->store,
                                                 .sinks = &m->sinks,
                                                 .forget_keys = on_forget_keys,
                                                 .userdata = m },
                       &m->meters);
        if (r < 0)
                return r;
        meters_configure(m->meters, config);
        outputs_configure(m, config);
        return 0;
}

int manager_start(struct manager *m)
{
        int r;

        m->starting = true;
        manager_await_devices(m);
        r = m->bus ? bus_begin_name(m->bus) : 0;
        if (r < 0) {
                log_error("cannot ask for the name on the message bus: %s", strerror(-r));
                return r;
        }
        r = hotplug_enumerate(m->hotplug);
        m->starting = false;
        if (r < 0) {
                log_error("cannot list the converters: %s", strerror(-r));
                return r;
        }
        show_state(m);
        r = m->bus ? bus_request_name(m->bus) : 0;
        if (r < 0)
                log_error("cannot take the name on the message bus: %s", strerror(-r));
        return r;
}

void manager_open(struct manager *m)
{
        for (struct managed_converter *mc = m->converters; mc; mc = mc->next)
                converter_hold_back(mc->converter, false);
}

struct manager *manager_free(struct manager *m)
{
        uint64_t begun_usec = jobs_now_usec();

        if (!m)
                return NULL;
        m->hotplug = hotplug_free(m->hotplug);
        while (m->converters)
                manager_remove_converter(m, m->converters);
        outputs_free(m);
        m->meters = meters_free(m->meters);
        /* Callers that wait for the disk are answered on the bus. */
        m->store = store_free_in(m->store, MAX(jobs_left_usec(begun_usec, STOP_USEC), STORE_USEC));
        m->bus = bus_free(m->bus);
        m->peers = peers_free(m->peers);
        free(m->reload_error);
        m->config = config_free(m->config);
        m->profiles = profile_set_free(m->profiles);
        free(m->scratch);
        free(m);
        return NULL;
}

void manager_describe(const struct manager *m, char *buf, size_t size)
{
        size_t open = 0;

        for (const struct managed_converter *mc = m->converters; mc; mc = mc->next)
                open += converter_state_get(mc->converter) == CONVERTER_RECEIVING;
        (void)snprintf(buf, size, "%zu converter%s receiving, %zu meter%s", open,
                       open == 1 ? "" : "s", meters_count(m->meters),
                       meters_count(m->meters) == 1 ? "" : "s");
}
