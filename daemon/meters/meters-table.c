/* SPDX-License-Identifier: MIT */
/* The table of meters: found, configured, bound to converters, forgotten. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/hex.h"
#include "base/log.h"
#include "daemon/store/store.h"
#include "meters-private.h"

/* Going offline is announced half a second late at most, and wakes up with other timers. */
#define TIMER_ACCURACY_USEC (500 * 1000)

char *meters_title_text(const uint8_t *title, char buf[static TITLE_TEXT_MAX])
{
        return hex_print(title, CIPHER_TITLE_BYTES, buf, TITLE_TEXT_MAX);
}

void meters_line_init(struct meters_line *line, struct meters *ms)
{
        *line = (struct meters_line){ .meters = ms, .next = ms->lines };
        ms->lines = line;
}

void meters_show_line(struct meters_line *line)
{
        size_t n = 0;

        for (struct entry *e = line->meters->entries; e && n < METERS_PER_CONVERTER_MAX;
             e = e->next)
                if (e->owner == line)
                        line->ids[n++] = e->meter->id;
        line->ids[n] = NULL;
        converter_set_meters(line->converter, line->ids);
}

static const struct config_meter *config_of(const struct meters *ms, const struct entry *e)
{
        const struct config_meter *config;

        if (!ms->config)
                return NULL;
        config = config_find_meter(ms->config, e->meter->id);
        return config || !*e->title ? config : config_find_meter(ms->config, e->title);
}

void meters_configure_entry(struct meters *ms, struct entry *e)
{
        const struct config_meter *config = config_of(ms, e);

        e->settings = config ? config->settings : (struct meter_settings){ 0 };
        if (!e->settings.tariff && ms->config)
                e->settings.tariff = &ms->config->tariff->settings;
        meter_configure(e->meter, &e->settings);
        if (e->memory)
                e->memory->behind = true;
}

struct entry *meters_find_id(const struct meters *ms, const char *id)
{
        struct entry *e = ms->entries;

        while (e && strcmp(e->meter->id, id) != 0)
                e = e->next;
        return e;
}

struct entry *meters_find_title(const struct meters *ms, const char *title)
{
        struct entry *e = ms->entries;

        while (e && (*title == '\0' || strcmp(e->title, title) != 0 || *e->meter->parent_id))
                e = e->next;
        return e;
}

void meters_remove(struct meters *ms, struct entry *gone, bool forgotten)
{
        struct entry **at = &ms->entries;
        struct meters_line *owner = gone->owner;

        while (*at != gone)
                at = &(*at)->next;
        *at = gone->next;
        ms->n--;
        for (struct meters_line *line = ms->lines; line; line = line->next)
                if (line->latest == gone)
                        line->latest = NULL;
        if (owner) /* before its id goes, which the old list borrows */
                meters_show_line(owner);
        EACH_SINK(ms, gone, meter_removed, gone->meter);
        if (forgotten && !meters_memory_forget(ms, gone->meter->id))
                EACH_SINK(ms, gone, meter_forgotten, gone->meter->id);
        meters_memory_leave(gone);
        meter_free(gone->meter);
        free(gone);
}

/* Named by one telegram alone, and by no configuration: it may be an invention. */
static bool is_unconfirmed(const struct entry *e)
{
        return e->meter->sequence < 2 && !*e->meter->parent_id && !e->settings.name;
}

/* The oldest unconfirmed one, of that line or of any (NULL); NULL when there is none. */
static struct entry *find_unconfirmed(const struct meters *ms, const struct meters_line *line)
{
        struct entry *e = ms->entries;

        while (e && ((line && e->owner != line) || !is_unconfirmed(e)))
                e = e->next;
        return e;
}

static size_t count_of(const struct meters *ms, const struct meters_line *line)
{
        size_t n = 0;

        for (const struct entry *e = ms->entries; e; e = e->next)
                n += e->owner == line;
        return n;
}

static bool has_room(const struct meters *ms, const struct meters_line *line)
{
        return ms->n < METERS_MAX && count_of(ms, line) < METERS_PER_CONVERTER_MAX;
}

static void log_full(struct meters_line *line, bool share_is_used)
{
        if (line->said_full)
                return;
        line->said_full = true;
        log_about(LOG_WARNING, LOG_SUBJECT(.converter = converter_id(line->converter)),
                  "names more meters than can be: %s; those of a single telegram are given up, and "
                  "then further ones are ignored",
                  share_is_used ? "its share of 48 is used" : "the table of 512 is full");
}

bool meters_make_room(struct meters_line *line)
{
        struct meters *ms = line->meters;
        bool share_is_used = count_of(ms, line) >= METERS_PER_CONVERTER_MAX;
        struct entry *victim;

        if (has_room(ms, line))
                return true;
        log_full(line, share_is_used);
        victim = find_unconfirmed(ms, share_is_used ? line : NULL);
        if (!victim)
                return false;
        meters_remove(ms, victim, true);
        return true;
}

void meters_recall(struct meters *ms, struct entry *e)
{
        char text[SCALE_MEMORY_TEXT_MAX];

        if (store_find_scales(ms->options.store, e->meter->id, text) > 0 &&
            scale_memory_parse(text, &e->meter->scales.memory) < 0)
                log_about(LOG_WARNING, LOG_METER(e, NULL),
                          "its remembered scales cannot be read; they are found anew");
}

/* Takes the meter over, also when it fails. */
static struct entry *append(struct meters *ms, struct meter *meter)
{
        struct entry **at = &ms->entries, *e;

        e = ms->n < METERS_MAX ? calloc(1, sizeof(*e)) : NULL;
        if (!e) {
                meter_free(meter);
                return NULL;
        }
        e->meter = meter;
        while (*at)
                at = &(*at)->next;
        *at = e;
        ms->n++;
        meters_configure_entry(ms, e);
        return e;
}

struct entry *meters_add(struct meters *ms, const char *id)
{
        struct meter *meter;

        return meter_new(id, &meter) < 0 ? NULL : append(ms, meter);
}

static struct entry *find_submeter(const struct meters *ms, const char *parent, uint8_t channel)
{
        struct entry *e = ms->entries;

        while (e && (e->meter->channel != channel || strcmp(e->meter->parent_id, parent) != 0))
                e = e->next;
        return e;
}

/* By its parent's channel: short lists carry values without the number of the sub-meter. */
struct entry *meters_obtain_submeter(struct meters *ms, const struct entry *parent,
                                     const struct submeter *submeter, bool *ret_new)
{
        struct entry *e = find_submeter(ms, parent->meter->id, submeter->channel);
        struct meter *meter;

        *ret_new = !e;
        if (e)
                return e;
        if (meter_new_submeter(parent->meter, submeter, &meter) < 0)
                return NULL;
        if (!meters_find_id(ms, meter->id) && has_room(ms, parent->owner))
                return append(ms, meter);
        meter_free(meter); /* another parent has it: it would be announced twice */
        return NULL;
}

void meters_bind(struct meters_line *line, struct entry *e)
{
        struct meters_line *before = e->owner;

        if (before == line)
                return;
        e->owner = line;
        e->conflict_logged = false;
        if (before)
                meters_show_line(before);
        meters_show_line(line);
}

int meters_new(const struct meters_options *options, struct meters **ret)
{
        OWNED(meters) struct meters *ms = calloc(1, sizeof(*ms));
        int r;

        if (!ms)
                return -ENOMEM;
        ms->options = *options;
        r = sd_event_add_time(options->event, &ms->timer, CLOCK_MONOTONIC, 0, TIMER_ACCURACY_USEC,
                              meters_on_timer, ms);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(ms->timer, SD_EVENT_OFF);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(ms->timer, "meters"); /* for debugging only */
        r = meters_memory_new(ms);
        if (r < 0)
                return r;

        *ret = TAKE(ms);
        return 0;
}

struct meters *meters_free(struct meters *ms)
{
        if (!ms)
                return NULL;
        sd_event_source_disable_unref(ms->timer);
        meters_memory_free(ms);
        while (ms->entries) {
                struct entry *e = ms->entries;

                ms->entries = e->next;
                meter_free(e->meter);
                free(e);
        }
        cipher_keys_wipe(&ms->keys);
        cipher_keys_wipe(&ms->trial_keys);
        free(ms);
        return NULL;
}

void meters_configure(struct meters *ms, const struct config *config)
{
        ms->config = config;
        meters_keys_changed(ms);
        meters_memory_configure(ms);
        for (struct entry *e = ms->entries; e; e = e->next) {
                uint8_t tariff = e->meter->tariff.active;

                meters_configure_entry(ms, e);
                meters_remember(ms, e, e->meter->tariff.active != tariff);
                EACH_SINK(ms, e, meter_changed, e->meter);
        }
}

void meters_line_lost(struct meters_line *line)
{
        struct meters *ms = line->meters;

        for (struct entry *e = ms->entries; e; e = e->next)
                if (e->owner == line && meter_expire(e->meter, 0, true)) {
                        log_about(LOG_NOTICE, LOG_METER(e, line, .message_id = &LOG_ID_METER_STATE),
                                  "is offline: its converter is away");
                        meters_remember(ms, e, false);
                        EACH_SINK(ms, e, meter_changed, e->meter);
                }
}

void meters_line_done(struct meters_line *line)
{
        struct meters *ms = line->meters;
        struct meters_line **at = &ms->lines;

        if (ms->keys_line == line)
                meters_keys_changed(ms);
        for (struct entry *e = ms->entries; e; e = e->next)
                if (e->owner == line)
                        e->owner = NULL;
        while (*at != line)
                at = &(*at)->next;
        *at = line->next;
}

size_t meters_count(const struct meters *ms)
{
        return ms->n;
}

const struct meter *meters_find(const struct meters *ms, const char *key)
{
        const struct entry *e = meters_find_id(ms, key);

        for (e = e ? e : ms->entries; e; e = e->next)
                if (strcmp(e->meter->id, key) == 0 ||
                    (e->settings.name && *e->settings.name && strcmp(e->settings.name, key) == 0))
                        return e->meter;
        return NULL;
}

/* One of an earlier run, and those that were read with it. */
static int forget_remembered(struct meters *ms, const char *key)
{
        struct remembered *r = ms->remembered;
        char id[METER_ID_MAX];
        int code;

        while (r && strcmp(meters_memory_look(r)->id, key) != 0 &&
               !(r->settings.name && *r->settings.name && strcmp(r->settings.name, key) == 0))
                r = r->next;
        if (!r)
                return -ENOENT;
        memcpy(id, meters_memory_look(r)->id, sizeof(id));
        for (r = ms->remembered; r;) {
                const struct meter *meter = meters_memory_look(r);
                bool is_part = strcmp(meter->parent_id, id) == 0;
                char part[METER_ID_MAX];

                memcpy(part, meter->id, sizeof(part));
                if (is_part)
                        (void)meters_memory_forget(ms, part); /* it was just found */
                r = is_part ? ms->remembered : r->next;
        }
        code = meters_forget_keys(ms, id);
        (void)meters_memory_forget(ms, id);
        return MIN(code, 0);
}

int meters_forget(struct meters *ms, const char *id)
{
        struct entry *e = meters_find_id(ms, id);
        int r;

        if (!e)
                return forget_remembered(ms, id);
        for (struct entry *sub = ms->entries, *next; sub; sub = next) {
                next = sub->next;
                if (strcmp(sub->meter->parent_id, id) == 0)
                        meters_remove(ms, sub, true);
        }
        r = meters_forget_keys(ms, id);
        (void)store_put_scales(ms->options.store, id, ""); /* or it is chosen anew, and kept */
        meters_forget_titles(ms, id);
        if (*e->title)
                meters_forget_titles(ms, e->title);
        if (e->owner)
                converter_forget_titles(e->owner->converter);
        meters_remove(ms, e, true);
        return MIN(r, 0);
}

void meters_announce(const struct meters *ms, struct sink *sink)
{
        meters_memory_announce(ms, sink);
        for (struct entry *e = ms->entries; e; e = e->next)
                if (!(sink->ops->named_only && e->unnamed))
                        SINK_NOTIFY(sink, meter_added, e->meter);
}

const char *meters_name(const struct meters *ms, const char *id)
{
        const struct entry *e = meters_find_id(ms, id);
        const struct remembered *r;

        if (e)
                return e->settings.name ? e->settings.name : "";
        r = meters_memory_find(ms, id);
        return r && r->settings.name ? r->settings.name : "";
}

void meters_recall_all(struct meters *ms)
{
        meters_keys_changed(ms);
        meters_memory_load(ms, true);
}
