/* SPDX-License-Identifier: MIT */
/* The list of outputs: one row per kind, made from the configuration, told of everything. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/format.h"
#include "daemon/log.h"
#include "daemon/manager-private.h"

static inline void closedir_owned(DIR *dir)
{
        (void)closedir(dir); /* only read */
}
DEFINE_OWNED(dir, DIR *, closedir_owned);

static const char *meter_name(void *userdata, const char *meter_id)
{
        const struct broker *broker = userdata;

        return meters_name(broker->manager->meters, meter_id);
}

/* The sink's status becomes the object on the bus. */
static void on_status(const struct sink_mqtt_status *status, void *userdata)
{
        struct broker *broker = userdata;
        struct bus_sink *view = &broker->view;

        view->connected = status->connected;
        (void)snprintf(view->last_error, sizeof(view->last_error), "%s", status->last_error);
        view->queued = status->queued;
        view->spooled = status->spooled;
        view->published = status->published;
        view->dropped = status->dropped;
        if (broker->exported)
                bus_mqtt_changed(broker->manager->bus, view);
}

static bool same_text(const char *a, const char *b)
{
        return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_broker(const struct config_mqtt *a, const struct config_mqtt *b)
{
        return same_text(a->name, b->name) && same_text(a->host, b->host) && a->port == b->port &&
               a->protocol == b->protocol && a->tls == b->tls &&
               same_text(a->ca_file, b->ca_file) && same_text(a->cert_file, b->cert_file) &&
               same_text(a->cert_key_file, b->cert_key_file) && a->verify_host == b->verify_host &&
               same_text(a->psk, b->psk) && same_text(a->psk_identity, b->psk_identity) &&
               same_text(a->username, b->username) && same_text(a->password, b->password) &&
               same_text(a->client_id, b->client_id) && same_text(a->instance, b->instance) &&
               a->formats == b->formats && same_text(a->group, b->group) &&
               same_text(a->discovery_prefix, b->discovery_prefix) &&
               same_text(a->jeedom_root, b->jeedom_root) && a->interval_usec == b->interval_usec &&
               decimal_compare(a->deadband, b->deadband) == 0 && a->spool == b->spool &&
               a->spool_max_bytes == b->spool_max_bytes &&
               a->durability_always == b->durability_always;
}

static void list_sinks(struct manager *m)
{
        struct sink **at = &m->sinks; /* each sink carries the link to the next */

        *at = bus_sink_get(m->bus);
        at = &(*at)->next;
        for (struct broker *broker = m->brokers; broker; broker = broker->next) {
                *at = broker->sink;
                at = &(*at)->next;
        }
        *at = NULL;
}

static struct broker *broker_free(struct broker *broker)
{
        if (broker->exported)
                bus_mqtt_removed(broker->manager->bus, &broker->view);
        broker->exported = false; /* the last words of the sink go nowhere */
        if (broker->sink)
                (void)broker->sink->ops->free(broker->sink); /* NULL, by the rule of _free */
        free(broker);
        return NULL;
}

static int broker_new(struct manager *m, const struct config_mqtt *config, struct broker **ret)
{
        struct broker *broker = calloc(1, sizeof(*broker));
        int r;

        if (!broker)
                return -ENOMEM;
        broker->manager = m;
        broker->config = config;
        broker->view.name = config->name;
        r = sink_mqtt_new(
                &(struct sink_mqtt_options){
                        .event = m->options.event,
                        .config = config,
                        .state_directory = m->options.state_directory,
                        .version = m->options.version,
                        .on_status = on_status,
                        .userdata = broker,
                        .meter_name = meter_name,
                },
                &broker->sink);
        if (r < 0) {
                free(broker);
                return r;
        }
        *ret = broker;
        return 0;
}

static struct config_mqtt **find_section(struct config *config, const struct config_mqtt *like)
{
        struct config_mqtt **at = &config->mqtts;

        while (*at && !same_broker(*at, like))
                at = &(*at)->next;
        return at;
}

/* The broker borrows its section: the old one moves into the new configuration, the equal new one
 * into the old, which is freed soon. */
static void exchange_sections(struct config_mqtt **old_at, struct config_mqtt **new_at)
{
        struct config_mqtt *old_section = *old_at, *new_section = *new_at;
        struct config_mqtt *old_next = old_section->next;

        old_section->next = new_section->next;
        new_section->next = old_next;
        *old_at = new_section;
        *new_at = old_section;
}

/* Brokers whose section is gone or changed leave; the others keep their connection. */
static void drop_changed(struct manager *m, struct config *config)
{
        for (struct broker **at = &m->brokers; *at;) {
                struct broker *broker = *at;
                struct config_mqtt **section = find_section(config, broker->config);

                if (*section) {
                        if (*section != broker->config)
                                exchange_sections(find_section(m->config, broker->config), section);
                        at = &broker->next;
                } else {
                        *at = broker->next;
                        list_sinks(m);
                        broker_free(broker);
                }
        }
}

static bool has_broker(const struct manager *m, const struct config_mqtt *section)
{
        const struct broker *broker = m->brokers;

        while (broker && broker->config != section)
                broker = broker->next;
        return broker;
}

static void add_broker(struct manager *m, const struct config_mqtt *section)
{
        struct broker **at = &m->brokers;
        int r;

        while (*at)
                at = &(*at)->next;
        r = broker_new(m, section, at);
        if (r < 0) {
                const struct log_about about = { .sink = section->name, .error = -r };

                log_about(LOG_ERR, &about, "[mqtt \"%s\"] cannot be started: %s", section->name,
                          strerror(-r));
                return;
        }
        list_sinks(m);
        r = bus_mqtt_added(m->bus, &(*at)->view);
        (*at)->exported = r >= 0;
        if (r < 0)
                log_error("[mqtt \"%s\"] cannot be shown on the bus: %s", section->name,
                          strerror(-r));
        meters_announce(m->meters, (*at)->sink);
}

/* The name that a spool's file has in it, as mqtt-spool.c calls it; false for other files. */
static bool spool_name(const char *file, char *ret, size_t size)
{
        static const char before[] = "mqtt-", after[] = ".spool";
        size_t n = strlen(file), around = sizeof(before) - 1 + sizeof(after) - 1;

        if (n <= around || n - around >= size || strncmp(file, before, sizeof(before) - 1) != 0 ||
            strcmp(file + n - (sizeof(after) - 1), after) != 0)
                return false;
        (void)snprintf(ret, size, "%.*s", (int)(n - around), file + sizeof(before) - 1);
        return true;
}

static bool has_spool(const struct config *config, const char *name)
{
        char identifier[FORMAT_SEGMENT_MAX];

        for (const struct config_mqtt *s = config->mqtts; s; s = s->next)
                if (strcmp(format_identifier(s->name, identifier, sizeof(identifier)), name) == 0)
                        return true;
        return false;
}

/* What a section kept on disk that is there no longer nobody sends, and nobody deletes. */
static void tell_left_spools(const struct manager *m, const struct config *config)
{
        const char *directory = m->options.state_directory;
        OWNED(dir) DIR *dir = directory ? opendir(directory) : NULL;
        const struct dirent *entry;

        while (dir && (entry = readdir(dir))) {
                char name[FORMAT_SEGMENT_MAX];
                struct stat st;

                if (!spool_name(entry->d_name, name, sizeof(name)) || has_spool(config, name) ||
                    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                        continue;
                log_notice("readings wait in %s/%s (%llu kB) for a section [mqtt \"%s\"], which is "
                           "not there: name a section so again, or delete the file",
                           directory, entry->d_name, ((unsigned long long)st.st_size + 1023) / 1024,
                           name);
        }
}

void sinks_configure(struct manager *m, struct config *config)
{
        drop_changed(m, config);
        list_sinks(m);
        /* A person who reloads may have mended something: the broker, its access control list. */
        for (struct broker *broker = m->brokers; broker; broker = broker->next)
                sink_mqtt_retry(broker->sink);
        for (const struct config_mqtt *s = config->mqtts; s; s = s->next)
                if (!has_broker(m, s))
                        add_broker(m, s);
        tell_left_spools(m, config);
}

void sinks_free(struct manager *m)
{
        m->sinks = NULL;
        while (m->brokers) {
                struct broker *broker = m->brokers;

                m->brokers = broker->next;
                broker_free(broker);
        }
}
