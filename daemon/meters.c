/* SPDX-License-Identifier: MIT */
/* The table of meters, and what one telegram does to it. */
#include "meters.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/meters-private.h"
#include "daemon/zone.h"

static void about_meter(int priority, const sd_id128_t *id, const struct entry *e, const char *text)
{
        const struct log_about about = { .meter = e->meter->id,
                                         .converter = e->owner ? converter_id(e->owner) : NULL,
                                         .message_id = id };

        log_about(priority, &about, "%s", text);
}

/* Ids become topics and object paths: no slash, nothing that MQTT or a terminal takes for more. */
static void copy_id(char to[static METER_ID_MAX], const char *from)
{
        (void)snprintf(to, METER_ID_MAX, "%s", from);
        for (char *c = to; *c; c++)
                if (*c <= ' ' || *c >= 0x7f || strchr("/+#", *c))
                        *c = '-';
}

/*
 * Which meter a telegram is of (DESIGN §2, Identity): its own id; else whose system title it is;
 * else the meter last heard through this converter, now or before the restart; else it is named
 * after the title or the converter until it says its name.
 */
static bool choose_id(struct meters *ms, struct converter *c, const struct telegram *t,
                      const char *title, char ret_id[static METER_ID_MAX])
{
        struct carried *carried = meters_carried_of(ms, c);
        struct entry *by_title = meters_find_title(ms, title);
        bool named = *t->meter_id && strcasecmp(t->meter_id, title) != 0;

        if (by_title && (!named || !by_title->provisional)) {
                copy_id(ret_id, by_title->meter->id);
                return by_title->provisional;
        }
        if (named) {
                copy_id(ret_id, t->meter_id);
                return false;
        }
        if (!*title && carried && carried->latest) {
                copy_id(ret_id, carried->latest->meter->id);
                return carried->latest->provisional;
        }
        if (*converter_learned_meter(c)) {
                copy_id(ret_id, converter_learned_meter(c));
                return false;
        }
        copy_id(ret_id, *title ? title : converter_id(c));
        return true;
}

/* The one that had to do without a name on this converter is this meter. */
static void drop_provisional(struct meters *ms, struct converter *c, const char *title)
{
        for (struct entry *e = ms->entries, *next; e; e = next) {
                next = e->next;
                if (e->provisional && e->owner == c && strcmp(e->title, title) == 0)
                        meters_remove(ms, e, true);
        }
}

/*
 * May telegrams of this converter speak for the meter? One meter on two converters is read through
 * the newer; the other is told about once, and takes over when the newer falls silent.
 */
static bool may_speak(struct meters *ms, struct entry *e, struct converter *c)
{
        const sd_id128_t id = LOG_ID_METER_STATE;
        const struct log_about about = { .meter = e->meter->id,
                                         .converter = converter_id(c),
                                         .message_id = &id };
        bool newer;

        if (e->owner == c || !e->owner || !e->meter->online)
                return true;
        newer = converter_generation(c) > e->owner_generation;
        if (!e->conflict_told) {
                e->conflict_told = true;
                log_about(LOG_NOTICE, &about,
                          "is seen through %s and %s: the newer one, %s, is used",
                          converter_id(e->owner), converter_id(c),
                          newer ? converter_id(c) : converter_id(e->owner));
        }
        return newer;
}

static struct entry *obtain(struct meters *ms, struct converter *c, const struct telegram *t,
                            bool *ret_new)
{
        char title[TITLE_TEXT_MAX] = "", id[METER_ID_MAX];
        struct carried *carried = meters_carried_of(ms, c);
        struct entry *e;
        bool provisional, told;

        if (t->has_system_title)
                (void)meters_title_text(t->system_title, title);
        provisional = choose_id(ms, c, t, title, id);
        e = meters_find_id(ms, id);
        *ret_new = !e;
        if (!e) {
                if (!provisional)
                        drop_provisional(ms, c, title);
                e = meters_add(ms, id);
                if (!e)
                        return NULL;
                e->provisional = provisional;
        } else if (!may_speak(ms, e, c)) {
                return NULL;
        }
        if (*title && strcmp(e->title, title) != 0) {
                (void)snprintf(e->title, sizeof(e->title), "%s", title);
                meters_configure_entry(ms, e); /* the section may be named after the title */
                if (t->status == TELEGRAM_OK)
                        meters_title_learned(ms, e);
        }
        told = e->conflict_told;
        meters_bind(ms, e, c);
        e->conflict_told = told;
        if (carried)
                carried->latest = e;
        if (!e->provisional)
                converter_learn_meter(c, e->meter->id);
        return e;
}

static uint64_t clock_usec(const struct meters *ms, clockid_t clock)
{
        uint64_t now = 0;

        (void)sd_event_now(ms->options.event, clock, &now); /* fails only after a fork */
        return now;
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
        const sd_id128_t id = LOG_ID_METER_STATE;
        struct meters *ms = userdata;
        uint64_t wall = clock_usec(ms, CLOCK_REALTIME), mono = clock_usec(ms, CLOCK_MONOTONIC);

        ms->armed_usec = 0;
        for (struct entry *e = ms->entries; e; e = e->next) {
                bool offline = meter_expire(e->meter, mono, false);
                bool tariff = tariff_tick(&e->meter->tariff, wall, zone_get());

                if (offline)
                        about_meter(LOG_NOTICE, &id, e,
                                    "is offline: nothing came for three intervals");
                if (offline || tariff)
                        EACH_SINK(ms, meter_changed, e->meter);
        }
        arm(ms);
        return 0;
}

static void announce_new(struct meters *ms, struct entry *e, struct converter *c)
{
        const sd_id128_t id = LOG_ID_METER_STATE;
        const struct log_about about = { .meter = e->meter->id,
                                         .converter = converter_id(c),
                                         .message_id = &id };

        log_about(LOG_INFO, &about, "%s%sis behind %s", e->meter->model,
                  *e->meter->model ? " " : "", converter_id(c));
        meters_show_carried(ms, c);
        EACH_SINK(ms, meter_added, e->meter);
}

static void log_update(const struct entry *e, const struct meter_update *update)
{
        const sd_id128_t state_id = LOG_ID_METER_STATE, suspect_id = LOG_ID_SUSPECT,
                         key_id = LOG_ID_KEY_TROUBLE;

        const struct log_about about = { .meter = e->meter->id, .message_id = &suspect_id };

        if (update->key_state_changed && e->meter->key_state == METER_KEY_OK)
                about_meter(LOG_INFO, &key_id, e, "is deciphered: its key is right");
        if (update->came_online && update->sequence > 1)
                about_meter(LOG_INFO, &state_id, e, "is online again");
        for (size_t i = 0; i < update->n_suspects; i++)
                if (update->suspects[i]->n_suspect == 1) /* once per change of state */
                        log_about(LOG_NOTICE, &about, "%s is implausible and kept back",
                                  update->suspects[i]->key);
}

/* Fills the model and tells the sinks: of the meter first, when it is new. False: it is no more. */
static bool update_entry(struct meters *ms, struct entry *e, struct converter *c,
                         const struct telegram *t, bool is_new)
{
        uint64_t wall = clock_usec(ms, CLOCK_REALTIME), mono = clock_usec(ms, CLOCK_MONOTONIC);
        struct meter_update update;
        int r = meter_update(e->meter, t, wall, mono, zone_resolve(&t->time, wall), zone_get(),
                             &update);

        if (r < 0) {
                log_error("meter %s: telegram lost: %s", e->meter->id, strerror(-r));
                if (is_new)
                        meters_remove(ms, e, false);
                return !is_new;
        }
        if (is_new)
                announce_new(ms, e, c);
        log_update(e, &update);
        EACH_SINK(ms, telegram, e->meter, &update);
        return true;
}

/* Gas, water, heat on the same telegram (DESIGN §4): meters with a parent. */
static void take_submeters(struct meters *ms, struct converter *c, const struct telegram *t,
                           const struct entry *parent)
{
        struct submeter subs[SUBMETERS_MAX];
        size_t n = submeter_list(t, subs);

        for (size_t i = 0; i < n; i++) {
                bool is_new;
                struct entry *e = meters_obtain_submeter(ms, parent, &subs[i], &is_new);

                if (!e)
                        continue;
                meters_bind(ms, e, c);
                (void)update_entry(ms, e, c, t, is_new); /* the next one may do better */
        }
}

static void take_unreadable(struct meters *ms, struct converter *c, struct entry *e,
                            const struct telegram *t, bool is_new)
{
        const sd_id128_t id = LOG_ID_KEY_TROUBLE;
        const struct log_about about = { .meter = e->meter->id,
                                         .converter = converter_id(c),
                                         .message_id = &id };
        bool changed = meter_refuse(e->meter, t, clock_usec(ms, CLOCK_REALTIME),
                                    clock_usec(ms, CLOCK_MONOTONIC));

        if (is_new)
                announce_new(ms, e, c);
        EACH_SINK(ms, telegram_refused, e->meter);
        if (!changed && !is_new)
                return;
        log_about(LOG_WARNING, &about, "%s", t->error);
        EACH_SINK(ms, meter_changed, e->meter);
}

void meters_take(struct meters *ms, struct converter *c, const struct telegram *telegram)
{
        bool is_new;
        struct entry *e = obtain(ms, c, telegram, &is_new);

        if (!e)
                return; /* another converter speaks for it, or there are too many */
        if (telegram->status != TELEGRAM_OK) {
                take_unreadable(ms, c, e, telegram, is_new);
        } else if (update_entry(ms, e, c, telegram, is_new)) {
                take_submeters(ms, c, telegram, e);
        }
        arm(ms);
}
