/* SPDX-License-Identifier: MIT */
#include "outputs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "daemon/history/output-history.h"
#include "daemon/metrics/output-metrics.h"
#include "daemon/mqtt/sink-mqtt.h"
#include "manager-private.h"

static const struct output *const kinds[] = {
        &output_mqtt,
        &output_metrics,
        &output_history,
};

static const struct config_section *const own_sections[] = {
        &config_section_daemon,
        &config_section_converter,
        &config_section_meter,
        &config_section_tariff,
};

const struct config_section *outputs_section_at(size_t i)
{
        if (i < ELEMENTSOF(own_sections))
                return own_sections[i];
        i -= ELEMENTSOF(own_sections);
        return i < ELEMENTSOF(kinds) ? kinds[i]->section : NULL;
}

static const char *meter_name(void *userdata, const char *meter_id)
{
        const struct managed_output *output = userdata;

        return meters_name(output->manager->meters, meter_id);
}

/* Its state is what the other outputs show of it. */
static void on_status(const struct output_view *status, void *userdata)
{
        struct managed_output *output = userdata;

        output->view = *status;
        if (output->exported)
                SINK_NOTIFY_ALL(output->manager->sinks, output_changed, &output->view);
}

/* Other outputs hold back this telegram until it is safe. */
static uint64_t on_keep(void *userdata)
{
        struct managed_output *output = userdata;
        struct manager *m = output->manager;

        if (output->kept == UINT64_MAX)
                output->kept = m->ticket;
        m->held = true;
        m->ticket++;
        SINK_NOTIFY_ALL(m->sinks, hold, m->ticket);
        return m->ticket;
}

static void on_kept(uint64_t through, void *userdata)
{
        struct managed_output *output = userdata;
        struct manager *m = output->manager;

        output->kept = through;
        if (!m->held)
                return;
        for (const struct managed_output *other = m->outputs; other; other = other->next)
                through = MIN(through, other->kept);
        for (const struct managed_output *other = m->leaving; other; other = other->next)
                through = MIN(through, other->kept);
        m->held = through < m->ticket;
        SINK_NOTIFY_ALL(m->sinks, release, through);
}

static void add_bus(struct bus *bus, void *userdata)
{
        struct sink ***at = userdata;

        **at = bus_sink_get(bus);
        *at = &(**at)->next;
}

static void add_outputs(struct manager *m, bool keeps, struct sink ***at)
{
        for (struct managed_output *output = m->outputs; output; output = output->next) {
                if (output->sink->keeps != keeps)
                        continue;
                **at = output->sink;
                *at = &(**at)->next;
        }
}

void outputs_list_sinks(struct manager *m)
{
        struct sink **at = &m->sinks; /* each sink carries the link to the next */

        add_outputs(m, true, &at);
        if (m->bus)
                add_bus(m->bus, &at);
        peers_each(m->peers, add_bus, &at);
        add_outputs(m, false, &at);
        *at = NULL;
}

static void stop(struct managed_output *output)
{
        if (output->sink->ops->stop)
                output->sink->ops->stop(output->sink);
}

static void hide(struct managed_output *output)
{
        if (output->exported)
                SINK_NOTIFY_ALL(output->manager->sinks, output_removed, &output->view);
        output->exported = false; /* its last words go nowhere */
}

static struct managed_output *output_free(struct managed_output *output)
{
        hide(output);
        if (output->sink)
                (void)output->sink->ops->free(output->sink); /* NULL, by the rule of _free */
        (void)config_item_free(output->config);              /* likewise */
        free(output);
        return NULL;
}
DEFINE_OWNED(output, struct managed_output *, output_free);

/* A name for what has none of its own. */
static const char *name_of(const struct config_item *config)
{
        return *config->name ? config->name : config->section->name;
}

/* Is one of this kind and name (NULL: any) still leaving, in the list before `until`? */
static bool is_leaving(const struct manager *m, const struct config_item *item, const char *name,
                       const struct managed_output *until)
{
        const struct managed_output *o = m->leaving;

        while (o && o != until &&
               (o->config->section != item->section ||
                (name && strcmp(o->config->name, name) != 0)))
                o = o->next;
        return o && o != until;
}

/* Those that have left are freed: messages that one could not send go to the next of its name, so
 * that they leave in the order in which they came. */
static void free_left(struct manager *m)
{
        for (struct managed_output **at = &m->leaving; *at;) {
                struct managed_output *output = *at;

                if (!output->left || is_leaving(m, output->config, output->config->name, output)) {
                        at = &output->next;
                        continue;
                }
                *at = output->next;
                (void)output_free(output); /* NULL, by the rule of _free */
        }
}

static void report_no_start(const struct config_item *item, int error)
{
        log_about(LOG_ERR, LOG_SUBJECT(.sink = name_of(item), .error = error),
                  "[%s]: %s cannot be started: %s", item->section->name, name_of(item),
                  strerror(error));
}

static void call_settled(void)
{
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                if (kinds[i]->settled)
                        kinds[i]->settled();
}

/* Two connections at once would contradict each other at one broker, and share a file here. */
static void begin_waiting(struct manager *m)
{
        for (struct managed_output **at = &m->outputs; *at;) {
                struct managed_output *output = *at;
                int r = 0;

                if (output->waits && !is_leaving(m, output->config, NULL, NULL)) {
                        output->waits = false;
                        r = output->sink->ops->begin(output->sink);
                }
                if (r >= 0) {
                        at = &output->next;
                        continue;
                }
                report_no_start(output->config, -r);
                *at = output->next;
                if (m->sinks) /* else we are ending, and sinks are not called any more */
                        outputs_list_sinks(m);
                (void)output_free(output); /* NULL, by the rule of _free */
        }
}

/* The last of the old configuration has left: its remains are not waited for any more. */
static void settle(struct manager *m, const struct config *config)
{
        if (m->leaving)
                return;
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                if (kinds[i]->report_left && m->options.state_directory)
                        kinds[i]->report_left(config, m->options.state_directory, m->store);
        call_settled();
}

static void on_left(void *userdata)
{
        struct managed_output *output = userdata;
        struct manager *m = output->manager;

        output->left = true;
        free_left(m);
        begin_waiting(m);
        settle(m, m->config);
}

static int output_new(struct manager *m, const struct output *kind,
                      const struct config_item *config, struct managed_output **ret)
{
        OWNED(output) struct managed_output *output = calloc(1, sizeof(*output));
        int r;

        if (!output)
                return -ENOMEM;
        output->manager = m;
        output->kept = UINT64_MAX;
        output->config = config_item_copy(config);
        if (!output->config)
                return -ENOMEM;
        output->waits = is_leaving(m, config, NULL, NULL);
        output->view = (struct output_view){ .name = name_of(output->config),
                                             .kind = kind->section->name,
                                             .error_code = "" };
        r = kind->new (
                &(struct output_options){
                        .event = m->options.event,
                        .config = output->config,
                        .state_directory = m->options.state_directory,
                        .store = m->store,
                        .version = m->options.version,
                        .on_status = on_status,
                        .on_keep = on_keep,
                        .on_kept = on_kept,
                        .on_left = on_left,
                        .wait = output->waits,
                        .meter_name = meter_name,
                        .userdata = output,
                },
                &output->sink);
        if (r < 0)
                return r;
        *ret = TAKE(output);
        return 0;
}

static const struct output *kind_of(const struct config_item *item)
{
        size_t i = 0;

        while (kinds[i]->section != item->section)
                i++;
        return kinds[i];
}

static inline void config_item_done(struct config_item *item)
{
        (void)config_item_free(item); /* NULL, by the rule of _free */
}
DEFINE_OWNED(config_item, struct config_item *, config_item_done);

/* The defaults of a kind that is always there, without its section. NULL: no memory. */
static struct config_item *standard_item(const struct output *kind)
{
        return config_item_new(kind->section, "");
}

/* Is it the one that is there without a section? */
static bool is_standard(const struct config *config, const struct managed_output *output)
{
        const struct output *kind = kind_of(output->config);
        OWNED(config_item) struct config_item *standard = NULL;

        if (!kind->always || config_first(config, kind->section))
                return false;
        standard = standard_item(kind);
        return standard && config_item_equal(standard, output->config);
}

static bool is_wanted(const struct config *config, const struct managed_output *output)
{
        const struct config_item *item = config_first(config, output->config->section);

        while (item && !config_item_equal(item, output->config))
                item = config_next(item);
        return item || is_standard(config, output);
}

/* Does a section of this name stand for the same place? */
static bool has_successor(const struct config *config, const struct managed_output *output)
{
        const struct output *kind = kind_of(output->config);
        const struct config_item *item = config_first(config, kind->section);

        while (item && strcmp(item->name, output->config->name) != 0)
                item = config_next(item);
        return item && (!kind->is_same_place || kind->is_same_place(item, output->config));
}

/* The end of the list of those that leave. */
static struct managed_output **last_leaving(struct manager *m)
{
        struct managed_output **at = &m->leaving;

        while (*at)
                at = &(*at)->next;
        return at;
}

/* Those whose section is gone or changed leave, side by side, and are not waited for; the others
 * keep their connection. */
static void drop_changed(struct manager *m, const struct config *config)
{
        struct managed_output **last = last_leaving(m), *first;

        for (struct managed_output **at = &m->outputs; *at;) {
                struct managed_output *output = *at;

                if (is_wanted(config, output)) {
                        at = &output->next;
                        continue;
                }
                *at = output->next;
                output->next = NULL;
                *last_leaving(m) = output;
                if (output->sink->ops->withdraw && !has_successor(config, output))
                        output->sink->ops->withdraw(output->sink);
                stop(output);
        }
        outputs_list_sinks(m);
        first = *last;
        for (struct managed_output *output = first; output; output = output->next) {
                hide(output);
                output->left = !output->sink->ops->leave || output->sink->ops->leave(output->sink);
        }
        free_left(m);
}

static bool has_output(const struct manager *m, const struct config_item *item)
{
        const struct managed_output *output = m->outputs;

        while (output && !config_item_equal(output->config, item))
                output = output->next;
        return output;
}

void outputs_announce(struct manager *m, struct sink *sink)
{
        if (m->held)
                SINK_NOTIFY(sink, hold, m->ticket);
        for (const struct managed_output *output = m->outputs; output; output = output->next)
                if (output->exported)
                        SINK_NOTIFY(sink, output_added, &output->view);
        for (const struct managed_converter *mc = m->converters; mc; mc = mc->next)
                if (mc->exported)
                        SINK_NOTIFY(sink, converter_added, converter_view_get(mc->converter));
        meters_announce(m->meters, sink);
}

/* Announces the new one to all, and all to the new one. */
static void announce_all(struct manager *m, struct managed_output *added)
{
        outputs_announce(m, added->sink);
        added->exported = !kind_of(added->config)->always;
        if (added->exported)
                SINK_NOTIFY_ALL(m->sinks, output_added, &added->view);
}

static void add_output(struct manager *m, const struct output *kind, const struct config_item *item)
{
        struct managed_output **at = &m->outputs;
        int r;

        while (*at)
                at = &(*at)->next;
        r = output_new(m, kind, item, at);
        if (r < 0) {
                report_no_start(item, -r);
                return;
        }
        outputs_list_sinks(m);
        announce_all(m, *at);
}

static void add_standard(struct manager *m, const struct config *config, const struct output *kind)
{
        OWNED(config_item) struct config_item *standard = NULL;

        if (!kind->always || config_first(config, kind->section))
                return;
        standard = standard_item(kind);
        if (standard && !has_output(m, standard))
                add_output(m, kind, standard);
}

void outputs_configure(struct manager *m, const struct config *config)
{
        drop_changed(m, config);
        /* Before a reload something may have been repaired: the broker, its access control list. */
        for (struct managed_output *output = m->outputs; output; output = output->next)
                if (output->sink->ops->retry)
                        output->sink->ops->retry(output->sink);
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                CONFIG_EACH(struct config_item, item, config, kinds[i]->section)
                if (!has_output(m, item))
                        add_output(m, kinds[i], item);
                add_standard(m, config, kinds[i]);
        }
        settle(m, config);
}

struct sink *outputs_find(const struct manager *m, const struct output *kind)
{
        struct managed_output *output = m->outputs;

        while (output && output->config->section != kind->section)
                output = output->next;
        return output ? output->sink : NULL;
}

int outputs_reconnect(struct manager *m, const char *name)
{
        struct managed_output *output = m->outputs;

        while (output && strcmp(output->view.name, name) != 0)
                output = output->next;
        if (!output)
                return -ENOENT;
        if (output->sink->ops->reconnect)
                output->sink->ops->reconnect(output->sink);
        return 0;
}

static void stop_all(struct manager *m)
{
        for (struct managed_output *output = m->outputs; output; output = output->next)
                stop(output);
}

static void free_all(struct managed_output **list)
{
        while (*list) {
                struct managed_output *output = *list;

                *list = output->next;
                (void)output_free(output); /* NULL, by the rule of _free */
        }
}

void outputs_free(struct manager *m)
{
        stop_all(m);
        m->sinks = NULL;
        free_all(&m->leaving);
        begin_waiting(m); /* only to put on disk what they were handed */
        stop_all(m);
        free_all(&m->outputs);
        call_settled();
}
