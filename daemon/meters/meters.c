/* SPDX-License-Identifier: MIT */
/* The table of meters, and what one telegram does to it. */
#include "meters.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "daemon/store/store.h"
#include "lib/value/id.h"
#include "meters-private.h"
#include "zone.h"

/* The rarest list that carries a name comes once an hour. */
#define NAME_WAIT_USEC (3600 * 1000000ull)
/* The least pause between two log lines about another sender that uses a meter's name. */
#define FORGED_USEC (3600 * 1000000ull)
/* Less is a clock that is put right, and not one that was never set. */
#define CLOCK_SET_USEC (60 * INT64_C(1000000))

static void copy_id(char to[static METER_ID_MAX], const char *from)
{
        (void)id_clean(to, METER_ID_MAX, slice_of_string(from));
}

/* FNV-1a, never 0. Two ids of one hash cost nothing: one of them is believed a telegram early. */
static uint32_t hash_of_id(const char *id)
{
        uint32_t hash = UINT32_C(2166136261);

        for (; *id; id++)
                hash = (hash ^ (unsigned char)*id) * UINT32_C(16777619);
        return hash ? hash : 1;
}

/* True when an earlier telegram named it; from now on one did. */
static bool was_named(struct meters_line *line, const char *id)
{
        uint32_t hash = hash_of_id(id);

        for (size_t i = 0; i < ELEMENTSOF(line->pending); i++)
                if (line->pending[i] == hash) {
                        line->pending[i] = 0;
                        return true;
                }
        line->pending[line->next_pending] = hash;
        line->next_pending = (line->next_pending + 1) % ELEMENTSOF(line->pending);
        return false;
}

/* True when a telegram names a meter that was never heard, on a line whose meter is known: one
 * damaged telegram must not make a meter. The second that says the same is believed. */
static bool is_first_sight(struct meters_line *line, const char *id)
{
        const char *learned = converter_learned_meter(line->converter);
        bool known = *learned || (line->latest && !line->latest->provisional);

        if (!known || meters_find_id(line->meters, id) || strcmp(learned, id) == 0)
                return false;
        return !was_named(line, id);
}

/*
 * Which meter a telegram is of (docs/design.md §2, Identity): its own id; else the meter of its
 * system title; else the meter last heard through this converter, now or before the restart; else
 * it is named after the title or the converter until it says its name.
 */
static bool choose_id(const struct meters_line *line, const struct telegram *t, const char *title,
                      char ret_id[static METER_ID_MAX])
{
        const char *learned = converter_learned_meter(line->converter);
        struct entry *by_title = meters_find_title(line->meters, title);
        bool named = *t->meter_id && strcasecmp(t->meter_id, title) != 0;

        if (by_title && (!named || !by_title->provisional)) {
                copy_id(ret_id, by_title->meter->id);
                return by_title->provisional;
        }
        if (named) {
                copy_id(ret_id, t->meter_id);
                return false;
        }
        if (!*title && line->latest) {
                copy_id(ret_id, line->latest->meter->id);
                return line->latest->provisional;
        }
        if (*learned) {
                copy_id(ret_id, learned);
                return false;
        }
        copy_id(ret_id, *title ? title : converter_id(line->converter));
        return true;
}

int meters_assess(const struct meters *ms, const struct telegram *t, const char *id,
                  char ret_id[static METER_ID_MAX])
{
        char title[TITLE_TEXT_MAX] = "";
        const struct entry *by_title;

        if (t->has_system_title)
                (void)meters_title_text(t->system_title, title);
        by_title = meters_find_title(ms, title);
        if (by_title)
                copy_id(ret_id, by_title->meter->id);
        else if (*t->meter_id && t->status == TELEGRAM_OK)
                copy_id(ret_id, t->meter_id);
        else
                return 0;
        return strcmp(ret_id, id) == 0 ? 1 : -1;
}

/*
 * What is read with it comes anew, with the parent's name. One that has an id of its own keeps its
 * memory.
 */
static void drop_submeters(struct meters *ms, const struct meter *parent)
{
        for (struct entry *e = ms->entries, *next; e; e = next) {
                next = e->next;
                if (strcmp(e->meter->parent_id, parent->id) == 0)
                        meters_remove(ms, e, e->provisional);
        }
}

static struct entry *find_provisional(const struct meters_line *line, const char *title)
{
        struct entry *e = line->meters->entries;

        while (e && (!e->provisional || *e->meter->parent_id || e->owner != line ||
                     strcmp(e->title, title) != 0))
                e = e->next;
        return e;
}

/* The one that had to do without a name on this converter is this meter. */
static void drop_provisional(struct meters_line *line, const char *title)
{
        struct entry *e;

        while ((e = find_provisional(line, title))) {
                drop_submeters(line->meters, e->meter);
                meters_remove(line->meters, e, true);
        }
}

/*
 * May telegrams of this converter speak for the meter? One meter on two converters is read through
 * the first, so that a line cannot take a meter away from another by naming it; the second one is
 * reported once, and takes over when the first falls silent or is unplugged.
 */
static bool may_speak(const struct meters_line *line, struct entry *e)
{
        if (e->owner == line || !e->owner || !e->meter->online)
                return true;
        if (!e->conflict_logged) {
                e->conflict_logged = true;
                log_about(LOG_WARNING, LOG_METER(e, line, .message_id = &LOG_ID_METER_STATE),
                          "is seen through %s and %s: the first is used as long as it is heard",
                          converter_id(e->owner->converter), converter_id(line->converter));
        }
        return false;
}

static struct entry *obtain(struct meters_line *line, const struct telegram *t, bool *ret_new)
{
        struct meters *ms = line->meters;
        char title[TITLE_TEXT_MAX] = "", id[METER_ID_MAX];
        struct entry *e;
        bool provisional, conflict_logged;

        if (t->has_system_title)
                (void)meters_title_text(t->system_title, title);
        provisional = choose_id(line, t, title, id);
        e = line->latest; /* telegrams of one meter come in a row */
        if (!e || strcmp(e->meter->id, id) != 0)
                e = meters_find_id(ms, id);
        *ret_new = !e;
        if (!e && !provisional && is_first_sight(line, id))
                return NULL;
        if (!e) {
                if (!provisional)
                        drop_provisional(line, title);
                e = meters_make_room(line) ? meters_add(ms, id) : NULL;
                if (!e)
                        return NULL;
                e->provisional = provisional;
                meters_recall(ms, e);
        } else if (!may_speak(line, e)) {
                return NULL;
        }
        if (*title && strcmp(e->title, title) != 0) {
                (void)snprintf(e->title, sizeof(e->title), "%s", title);
                meters_configure_entry(ms, e); /* the section may be named after the title */
                if (!*ret_new)
                        EACH_SINK(ms, e, meter_changed, e->meter);
                if (t->status == TELEGRAM_OK)
                        meters_title_learned(ms, e);
        }
        conflict_logged = e->conflict_logged;
        meters_bind(line, e);
        e->conflict_logged = conflict_logged;
        line->latest = e;
        if (!e->provisional)
                converter_learn_meter(line->converter, e->meter->id);
        return e;
}

static uint64_t clock_usec(const struct meters *ms, clockid_t clock)
{
        uint64_t now = 0;

        (void)sd_event_now(ms->options.event, clock, &now); /* fails only after a fork */
        return now;
}

/*
 * A machine without a battery begins in 1970, or at the time at which it was stopped, and has its
 * clock set by years when the network comes: what has been received since then moves along.
 * Settings are found by comparison with the clock that also runs while the machine sleeps.
 */
static void look_at_clock(struct meters *ms)
{
        uint64_t now = clock_usec(ms, CLOCK_REALTIME), up = clock_usec(ms, CLOCK_BOOTTIME);
        struct clock_setting setting = { .from_usec = ms->clock_usec,
                                         .to_usec = ms->clock_usec + (up - ms->clock_up_usec) };

        setting.by_usec = (int64_t)(now - setting.to_usec);
        if (ms->clock_usec != 0 && setting.by_usec <= CLOCK_SET_USEC &&
            setting.by_usec >= -CLOCK_SET_USEC)
                return;
        if (ms->clock_usec != 0) {
                log_info("the clock was set by %" PRId64 " s", setting.by_usec / 1000000);
                for (struct entry *e = ms->entries; e; e = e->next)
                        meter_clock_set(e->meter, &setting);
        }
        /* Since the service began, as this clock would have said it. */
        ms->clock_usec = ms->clock_usec != 0 ? ms->clock_usec + (uint64_t)setting.by_usec : now;
        ms->clock_up_usec = ms->clock_usec == now ? up : ms->clock_up_usec;
}

/* The next moment at which a meter goes offline or a schedule switches; monotonic µs. */
static uint64_t next_deadline(const struct meters *ms)
{
        uint64_t at = UINT64_MAX, wall = clock_usec(ms, CLOCK_REALTIME);
        uint64_t mono = clock_usec(ms, CLOCK_MONOTONIC);

        for (struct entry *e = ms->entries; e; e = e->next) {
                uint64_t next = e->meter->tariff.next_usec;

                if (e->meter->online)
                        at = MIN(at, meter_deadline(e->meter));
                if (next > wall && e->meter->tariff.source == TARIFF_SOURCE_SCHEDULE)
                        at = MIN(at, mono + (next - wall));
        }
        return at;
}

/* Lazily: telegrams only move deadlines further, and the timer looks again when it fires. */
static void arm(struct meters *ms)
{
        uint64_t at;

        if (ms->armed_usec != 0)
                return;
        at = next_deadline(ms);
        if (at == UINT64_MAX || sd_event_source_set_time(ms->timer, at) < 0 ||
            sd_event_source_set_enabled(ms->timer, SD_EVENT_ONESHOT) < 0)
                return;
        ms->armed_usec = at;
}

int meters_on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct meters *ms = userdata;
        uint64_t wall = clock_usec(ms, CLOCK_REALTIME), mono = clock_usec(ms, CLOCK_MONOTONIC);

        look_at_clock(ms);
        ms->armed_usec = 0;
        for (struct entry *e = ms->entries; e; e = e->next) {
                bool offline = meter_expire(e->meter, mono, false);
                bool tariff = tariff_tick(&e->meter->tariff, wall, zone_get());

                if (offline)
                        log_about(LOG_NOTICE,
                                  LOG_METER(e, e->owner, .message_id = &LOG_ID_METER_STATE),
                                  e->meter->interval_usec
                                          ? "is offline: nothing came for three intervals"
                                          : "is offline: nothing came for five minutes");
                if (offline || tariff) {
                        meters_remember(ms, e, tariff);
                        EACH_SINK(ms, e, meter_changed, e->meter);
                }
        }
        arm(ms);
        return 0;
}

/* A meter without a name, of a family that sends names, gets one with its long list: a minute or an
 * hour later. Until then it is not announced to outputs that would keep the other name. */
static bool waits_for_name(const struct meters *ms, const struct entry *e, uint64_t mono_usec)
{
        const struct entry *parent;

        /* One that is read with it belongs to it by that name. */
        if (*e->meter->parent_id) {
                parent = e->unnamed || e->meter->sequence == 1
                                 ? meters_find_id(ms, e->meter->parent_id)
                                 : NULL;
                return parent && parent->unnamed;
        }
        return e->provisional && e->meter->profile && mono_usec - e->since_usec < NAME_WAIT_USEC;
}

/* Those that had to wait learn of the meter now, by the name that it has. */
static void update_unnamed(struct meters *ms, struct entry *e, const struct meter_update *update,
                           uint64_t mono_usec)
{
        bool waited = e->unnamed;

        e->unnamed = waits_for_name(ms, e, mono_usec);
        meters_remember(ms, e, update->described_anew);
        if (!waited || e->unnamed)
                return;
        for (struct sink *sink = *ms->options.sinks; sink; sink = sink->next)
                if (sink->ops->named_only)
                        SINK_NOTIFY(sink, meter_added, e->meter);
}

static void announce_new(struct meters_line *line, struct entry *e)
{
        log_about(LOG_INFO, LOG_METER(e, line, .message_id = &LOG_ID_METER_STATE),
                  "%s%sis behind %s", e->meter->model, *e->meter->model ? " " : "",
                  converter_id(line->converter));
        meters_show_line(line);
        EACH_SINK(line->meters, e, meter_added, e->meter);
}

static void log_update(const struct entry *e, const struct meter_update *update)
{
        if (update->key_state_changed && e->meter->key_state == METER_KEY_OK)
                log_about(LOG_INFO, LOG_METER(e, e->owner, .message_id = &LOG_ID_KEY_TROUBLE),
                          "is deciphered: its key is right");
        if (update->came_online && update->sequence > 1)
                log_about(LOG_INFO, LOG_METER(e, e->owner, .message_id = &LOG_ID_METER_STATE),
                          "is online again");
        for (size_t i = 0; i < update->n_suspects; i++)
                if (update->suspects[i]->n_suspect == 1) /* once per change of state */
                        log_about(LOG_NOTICE, LOG_METER(e, NULL, .message_id = &LOG_ID_SUSPECT),
                                  "%s is implausible and kept back", update->suspects[i]->key);
}

/* Stores and logs a scale that was chosen or measured: what is shown from now on is different. */
static void keep_scales(struct meters *ms, const struct entry *e)
{
        char text[SCALE_MEMORY_TEXT_MAX];
        int r;

        scale_memory_print(&e->meter->scales.memory, text);
        r = store_put_scales(ms->options.store, e->meter->id, text);
        log_about(LOG_NOTICE, LOG_METER(e, NULL),
                  "values without a scale of their own are now read by these powers of ten: %s%s",
                  text, r < 0 ? " (and cannot be remembered)" : "");
}

/* The telegram's time on the host's time line, by the clock that the meter's family keeps. */
static int64_t resolve_time(const struct telegram *t, uint64_t wall_usec)
{
        struct datetime time = t->time;

        switch (t->profile ? t->profile->clock : PROFILE_CLOCK_WIRE) {
        case PROFILE_CLOCK_STANDARD:
                return zone_resolve_standard(&time);
        case PROFILE_CLOCK_UTC:
                return time.valid ? datetime_to_epoch(&time) * 1000000 : 0;
        case PROFILE_CLOCK_LOCAL:
                time.has_offset = false;
                break;
        case PROFILE_CLOCK_WIRE:
                break;
        }
        return zone_resolve(&time, wall_usec);
}

/* Fills the model and notifies the sinks, of a new meter first. False: it is no more. */
static bool update_entry(struct meters_line *line, struct entry *e, const struct telegram *t,
                         bool is_new)
{
        struct meters *ms = line->meters;
        uint64_t wall = clock_usec(ms, CLOCK_REALTIME), mono = clock_usec(ms, CLOCK_MONOTONIC);
        struct meter_update update;
        int r = meter_update(e->meter, t, wall, mono, resolve_time(t, wall), zone_get(), &update);

        if (r < 0) {
                log_about(LOG_ERR, LOG_METER(e, line, .error = -r), "telegram lost: %s",
                          strerror(-r));
                if (is_new)
                        meters_remove(ms, e, false);
                return !is_new;
        }
        if (is_new)
                e->since_usec = mono;
        update_unnamed(ms, e, &update, mono);
        EACH_SINK(ms, e, telegram_coming, e->meter);
        if (is_new)
                announce_new(line, e);
        log_update(e, &update);
        if (update.scales_changed)
                keep_scales(ms, e);
        EACH_SINK(ms, e, telegram, e->meter, &update);
        return true;
}

static bool is_named_after(const struct entry *e, const struct entry *parent,
                           const struct submeter *submeter)
{
        char id[METER_ID_MAX];

        submeter_name(parent->meter->id, submeter, id);
        return strcasecmp(e->meter->id, id) == 0;
}

/* Gas, water, heat on the same telegram (docs/design.md §4): meters with a parent. */
static void take_submeters(struct meters_line *line, const struct telegram *t,
                           const struct entry *parent)
{
        struct submeter subs[SUBMETERS_MAX];
        size_t n = submeter_list(t, subs);

        for (size_t i = 0; i < n; i++) {
                bool is_new;
                struct entry *e = meters_obtain_submeter(line->meters, parent, &subs[i], &is_new);

                if (!e)
                        continue;
                if (is_new)
                        e->provisional = parent->provisional && is_named_after(e, parent, &subs[i]);
                meters_bind(line, e);
                (void)update_entry(line, e, t, is_new); /* the next one may do better */
        }
}

static bool is_key_failure(enum telegram_status status)
{
        return status == TELEGRAM_WRONG_ENCRYPTION_KEY ||
               status == TELEGRAM_WRONG_AUTHENTICATION_KEY;
}

/* Between telegrams that are authentic, and not once for each. */
static bool is_forgery_news(struct entry *e, enum telegram_status status, uint64_t mono_usec)
{
        uint64_t *logged_usec = status == TELEGRAM_REPLAYED ? &e->replayed_usec : &e->forged_usec;

        if (status != TELEGRAM_UNAUTHENTICATED && status != TELEGRAM_REPLAYED)
                return false;
        if (*logged_usec != 0 && mono_usec - *logged_usec < FORGED_USEC)
                return false;
        *logged_usec = mono_usec;
        return true;
}

static void take_unreadable(struct meters_line *line, struct entry *e, const struct telegram *t,
                            bool is_new)
{
        struct meters *ms = line->meters;
        uint64_t mono = clock_usec(ms, CLOCK_MONOTONIC);
        bool changed = meter_refuse(e->meter, t, clock_usec(ms, CLOCK_REALTIME), mono);
        bool forged = is_forgery_news(e, t->status, mono);

        if (changed || is_new)
                meters_remember(ms, e, false);
        if (is_new)
                announce_new(line, e);
        EACH_SINK(ms, e, telegram_refused, e->meter);
        if (!changed && !is_new && !forged)
                return;
        /* A key is not called wrong for one telegram. */
        if (!is_key_failure(t->status) || meter_key_is_wrong(e->meter))
                log_about(LOG_WARNING, LOG_METER(e, line, .message_id = &LOG_ID_KEY_TROUBLE), "%s",
                          t->error);
        EACH_SINK(ms, e, meter_changed, e->meter);
}

void meters_take(struct meters_line *line, const struct telegram *telegram)
{
        bool is_new;
        struct entry *e;

        look_at_clock(line->meters);
        e = obtain(line, telegram, &is_new);
        if (!e)
                return; /* another converter speaks for it, or there are too many */
        if (telegram->status != TELEGRAM_OK) {
                take_unreadable(line, e, telegram, is_new);
        } else if (update_entry(line, e, telegram, is_new)) {
                take_submeters(line, telegram, e);
        }
        arm(line->meters);
}
