/* SPDX-License-Identifier: MIT */
/*
 * What meters have been, of this run and of earlier ones: kept in step with those that are heard,
 * written when one would be described otherwise, within the hour for the rest, and at the end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/store/store.h"
#include "memory.h"
#include "meters-private.h"

#define WRITE_USEC (3600 * UINT64_C(1000000))
/* Rows that were read at the start are final no more, and written so when the start is over. */
#define LOADED_USEC (UINT64_C(100000))
#define WRITE_LATE  (60 * UINT64_C(1000000))

/* All of this run is in the meter itself. A meter of an earlier run has a second struct meter, with
 * values that were not sent in this run yet, until all are sent again; so has one with tariffs. */
static void catch_up(struct remembered *r, bool *ret_changed)
{
        *ret_changed = false;
        if (!r->meter || !r->behind)
                return;
        if (memory_refresh(r->meter, r->live->meter, ret_changed) < 0)
                return; /* no memory: the next look may do better */
        r->behind = false;
        if (memory_is_in(r->meter, r->live->meter))
                r->meter = meter_free(r->meter);
}

const struct meter *meters_memory_look(struct remembered *r)
{
        bool changed; /* that was seen with its telegram */

        catch_up(r, &changed);
        return r->meter ? r->meter : r->live->meter;
}

static const struct meter *on_look(struct meter_memory *memory)
{
        return meters_memory_look((struct remembered *)memory);
}

static const char *id_of(const struct remembered *r)
{
        return r->meter ? r->meter->id : r->live->meter->id;
}

struct remembered *meters_memory_find(const struct meters *ms, const char *id)
{
        struct remembered *r = ms->remembered;

        while (r && strcmp(id_of(r), id) != 0)
                r = r->next;
        return r;
}

static void configure(struct meters *ms, struct remembered *r)
{
        const struct config_meter *config =
                ms->config ? config_find_meter(ms->config, id_of(r)) : NULL;

        r->settings = config ? config->settings : (struct meter_settings){ 0 };
        if (!r->settings.tariff && ms->config)
                r->settings.tariff = &ms->config->tariff->settings;
        if (r->meter)
                meter_configure(r->meter, &r->settings);
}

void meters_memory_configure(struct meters *ms)
{
        for (struct remembered *r = ms->remembered; r; r = r->next)
                configure(ms, r);
}

/* Sinks that keep names learn what it has been. */
static void announce(struct meters *ms, struct remembered *r)
{
        for (struct sink *sink = *ms->options.sinks; sink; sink = sink->next)
                SINK_NOTIFY(sink, meter_known, &r->memory, r->exact);
}

/* Takes `meter` over, also when it fails; NULL: it is all in `live`. */
static struct remembered *add(struct meters *ms, struct meter *meter, struct entry *live,
                              bool exact)
{
        struct remembered *r = calloc(1, sizeof(*r));

        if (!r) {
                (void)meter_free(meter); /* NULL, by the rule of _free */
                return NULL;
        }
        r->memory.look = on_look;
        r->meter = meter;
        r->live = live;
        r->exact = exact;
        r->next = ms->remembered;
        ms->remembered = r;
        ms->n_remembered++;
        configure(ms, r);
        return r;
}

static void drop(struct meters *ms, struct remembered *gone)
{
        struct remembered **at = &ms->remembered;

        while (*at != gone)
                at = &(*at)->next;
        *at = gone->next;
        ms->n_remembered--;
        if (gone->live)
                gone->live->memory = NULL;
        (void)meter_free(gone->meter); /* NULL, by the rule of _free */
        free(gone);
}

static void write_one(struct meters *ms, struct remembered *r, bool final)
{
        char *text = memory_print(meters_memory_look(r), final);

        if (text && store_put_meter(ms->options.store, id_of(r), text, false) >= 0)
                r->dirty = false;
        free(text); /* no memory: it stays dirty, and the next telegram tries again */
}

static int on_write(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct meters *ms = userdata;

        ms->memory_usec = 0;
        for (struct remembered *r = ms->remembered; r; r = r->next)
                if (r->dirty)
                        write_one(ms, r, false);
        return 0;
}

static void arm(struct meters *ms, uint64_t after_usec)
{
        uint64_t at = 0;

        (void)sd_event_now(ms->options.event, CLOCK_MONOTONIC, &at); /* fails only after a fork */
        at += after_usec;
        if (ms->memory_usec != 0 && ms->memory_usec <= at)
                return;
        ms->memory_usec = at;
        (void)sd_event_source_set_time(ms->memory_timer, at);
        (void)sd_event_source_set_time_accuracy(ms->memory_timer,
                                                MIN(after_usec, (uint64_t)WRITE_LATE));
        (void)sd_event_source_set_enabled(ms->memory_timer, SD_EVENT_ONESHOT);
}

/* One more than there may be: the one that was not heard for the longest time goes. */
static void make_room(struct meters *ms)
{
        struct remembered *oldest = NULL;

        if (ms->n_remembered < METERS_MAX)
                return;
        for (struct remembered *r = ms->remembered; r; r = r->next)
                if (!r->live &&
                    (!oldest || r->meter->last_host_usec < oldest->meter->last_host_usec))
                        oldest = r;
        if (oldest) {
                char id[METER_ID_MAX];

                memcpy(id, oldest->meter->id, sizeof(id));
                (void)meters_memory_forget(ms, id);
        }
}

/* False: it is remembered from now on. */
static bool find_or_begin(struct meters *ms, struct entry *e)
{
        struct remembered *r = meters_memory_find(ms, e->meter->id);
        bool found = r;

        if (!found) {
                make_room(ms);
                r = add(ms, NULL, e, true);
        }
        if (r)
                r->live = e;
        e->memory = r;
        return found;
}

/* A tariff that was known is remembered where none counts for a while (a schedule with a gap). */
static void part_from_live(struct meters *ms, struct remembered *r)
{
        struct meter *meter;

        if (r->meter || r->live->meter->tariff.active == 0 || meter_new(id_of(r), &meter) < 0)
                return;
        r->meter = meter;
        configure(ms, r);
}

void meters_remember(struct meters *ms, struct entry *e, bool anew)
{
        bool begins = !e->memory, is_new;

        if (e->unnamed)
                return;
        is_new = begins && !find_or_begin(ms, e);
        if (!e->memory)
                return; /* no memory: the next telegram may do better */
        part_from_live(ms, e->memory);
        e->memory->behind = e->memory->dirty = true;
        if (e->memory->meter && (begins || anew)) /* it may have been so in an earlier run */
                catch_up(e->memory, &anew);
        if (is_new)
                announce(ms, e->memory);
        if (anew || is_new)
                write_one(ms, e->memory, false);
        else if (ms->memory_usec == 0)
                arm(ms, WRITE_USEC);
}

void meters_memory_leave(struct entry *e)
{
        struct remembered *r = e->memory;

        if (!r)
                return;
        (void)meters_memory_look(r);
        if (!r->meter) {
                r->meter = TAKE(e->meter);
                meter_configure(r->meter, &r->settings);
        }
        r->behind = false;
        r->live = NULL;
        e->memory = NULL;
}

/* From now on more is announced than the row says: one that was final is not any more. */
static void load(struct meters *ms, const char *id, const char *text, bool with_sinks)
{
        struct remembered *r;
        struct meter *meter;
        bool final;
        int code = memory_parse(id, text, &meter, &final);

        if (code < 0) {
                log_about(LOG_WARNING, LOG_SUBJECT(.meter = id, .error = -code),
                          "what it was cannot be read, and is learned anew");
                return;
        }
        r = meters_memory_find(ms, meter->id);
        if (r) { /* heard while the disk did not answer */
                bool changed;

                (void)memory_refresh(meter, meters_memory_look(r), &changed);
                (void)meter_free(r->meter); /* NULL, by the rule of _free */
                r->meter = meter;
                configure(ms, r);
                r->dirty = true;
                arm(ms, WRITE_USEC);
                if (r->live && with_sinks)
                        EACH_SINK(ms, r->live, meter_changed, r->live->meter);
                return;
        }
        r = add(ms, meter, NULL, final);
        if (!r)
                return;
        r->dirty = final;
        if (with_sinks)
                announce(ms, r);
}

void meters_memory_load(struct meters *ms, bool with_sinks)
{
        char id[METER_ID_MAX];
        const char *text;

        for (size_t i = 0; (text = store_meter_at(ms->options.store, i, id)); i++)
                load(ms, id, text, with_sinks);
        for (struct remembered *r = ms->remembered; r; r = r->next)
                if (r->dirty)
                        arm(ms, LOADED_USEC);
}

int meters_memory_new(struct meters *ms)
{
        int r = sd_event_add_time_relative(ms->options.event, &ms->memory_timer, CLOCK_MONOTONIC, 0,
                                           WRITE_LATE, on_write, ms);

        if (r < 0)
                return r;
        (void)sd_event_source_set_description(ms->memory_timer, "meters-memory");
        r = sd_event_source_set_enabled(ms->memory_timer, SD_EVENT_OFF);
        if (r >= 0)
                meters_memory_load(ms, false);
        return r;
}

void meters_memory_free(struct meters *ms)
{
        ms->memory_timer = sd_event_source_disable_unref(ms->memory_timer);
        while (ms->remembered) {
                write_one(ms, ms->remembered, true);
                drop(ms, ms->remembered);
        }
}

void meters_memory_announce(const struct meters *ms, struct sink *sink)
{
        for (struct remembered *r = ms->remembered; r; r = r->next)
                SINK_NOTIFY(sink, meter_known, &r->memory, r->exact);
}

bool meters_memory_forget(struct meters *ms, const char *id)
{
        struct remembered *r = meters_memory_find(ms, id);

        if (!r)
                return false;
        for (struct sink *sink = *ms->options.sinks; sink; sink = sink->next)
                SINK_NOTIFY(sink, meter_forgotten, id);
        (void)store_forget_meter(ms->options.store, id); /* no memory: it comes back at a start */
        (void)store_put_scales(ms->options.store, id, "");
        drop(ms, r);
        return true;
}

const struct meter *meters_remembered_at(const struct meters *ms, size_t i)
{
        struct remembered *r = ms->remembered;

        while (r && i-- > 0)
                r = r->next;
        return r ? meters_memory_look(r) : NULL;
}
