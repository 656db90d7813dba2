/* SPDX-License-Identifier: MIT */
/* Shared by meters.c (telegrams), meters-table.c (the table, its questions), meters-keys.c. */
#pragma once

#include "meters.h"

/* Far more than a house or a street has; forged telegrams make no more objects than this. */
#define METERS_MAX     512
#define TITLE_TEXT_MAX 17

struct entry {
        struct meter *meter;
        struct meter_settings settings;
        struct meters_line *owner;  /* whose telegrams count; NULL while it is away */
        char title[TITLE_TEXT_MAX]; /* system title in hex, "" */
        bool provisional;           /* named for want of an id: gives way to the meter's own */
        bool unnamed;               /* provisional, and its family sends names: it will have one */
        uint64_t since_usec;        /* when it appeared; monotonic */
        bool conflict_logged;
        uint64_t forged_usec, replayed_usec; /* when it was last logged; monotonic, 0: never */
        struct remembered *memory;           /* what it has been; NULL: that is not known yet */
        struct entry *next;
};

/* NULL for NULL. */
static inline const char *meters_line_id(const struct meters_line *line)
{
        return line ? converter_id(line->converter) : NULL;
}

/* The subject of a log line (log_about) about a meter, and the line that it is heard on, or NULL;
 * further fields may follow. */
#define LOG_METER(e, line, ...) \
        LOG_SUBJECT(.meter = (e)->meter->id, .converter = meters_line_id(line), __VA_ARGS__)

/* What a meter has been, whether it was heard in this run or not. */
struct remembered {
        struct meter_memory memory; /* first: sinks hand it back */
        struct meter *meter;        /* owned; as memory.h says. NULL: all of it is in `live` */
        struct entry *live;         /* whose `memory` this is; NULL: it is not heard */
        bool behind;                /* `meter` has not taken in yet what `live` is now */
        struct meter_settings settings;
        bool exact; /* of an earlier run: what was announced last is in it */
        bool dirty; /* the store has it otherwise */
        struct remembered *next;
};

struct meters {
        struct meters_options options;
        const struct config *config;
        struct entry *entries; /* in order of appearance */
        struct meters_line *lines;
        size_t n;
        sd_event_source *timer, *memory_timer;
        uint64_t memory_usec;               /* when the latter is due; 0: it is off */
        uint64_t clock_usec, clock_up_usec; /* wall time, and that since boot, at the first look */
        struct remembered *remembered;
        size_t n_remembered;
        uint64_t armed_usec;

        /* the keys last looked up: telegrams of one meter come in a row */
        struct cipher_keys keys;
        bool keys_cached, keys_found;
        uint8_t keys_title[CIPHER_TITLE_BYTES];
        const struct meters_line *keys_line;
        struct cipher_keys trial_keys; /* the last that was handed out to be tried */
        /* What stands for the keys of the title that was remembered last; "": not known. */
        char fingerprint[17], fingerprint_title[TITLE_TEXT_MAX];
};

/* Sinks that want names do not learn of a meter that is still without one. */
#define EACH_SINK(ms_, e_, member_, ...)                                                     \
        do {                                                                                 \
                for (struct sink *sink_ = *(ms_)->options.sinks; sink_; sink_ = sink_->next) \
                        if (!(sink_->ops->named_only && (e_)->unnamed))                      \
                                SINK_NOTIFY(sink_, member_, __VA_ARGS__);                    \
        } while (0)

/* ---- meters-memory.c ---- */

int meters_memory_new(struct meters *ms);
void meters_memory_free(struct meters *ms);
/* Loads what the store has; `with_sinks`: and announces it to the sinks. */
void meters_memory_load(struct meters *ms, bool with_sinks);
void meters_memory_configure(struct meters *ms);
struct remembered *meters_memory_find(const struct meters *ms, const char *id);
void meters_memory_announce(const struct meters *ms, struct sink *sink);
/* What it has been until now; good until the next telegram. */
const struct meter *meters_memory_look(struct remembered *r);
/* Called before the sinks are notified of what a meter is or says now: what it has been includes
 * that at the next look. `anew`: its description has changed, and is written. */
void meters_remember(struct meters *ms, struct entry *e, bool anew);
/* It is not heard any more: only its memory is left, and takes the meter over if it can. */
void meters_memory_leave(struct entry *e);
/* From everywhere, sinks included. False: it is not remembered. */
bool meters_memory_forget(struct meters *ms, const char *id);

/* ---- meters-table.c ---- */

char *meters_title_text(const uint8_t *title, char buf[static TITLE_TEXT_MAX]);
/* The list of ids on the converter's object, made anew. */
void meters_show_line(struct meters_line *line);
void meters_configure_entry(struct meters *ms, struct entry *e);
struct entry *meters_find_id(const struct meters *ms, const char *id);
struct entry *meters_find_title(const struct meters *ms, const char *title);
struct entry *meters_add(struct meters *ms, const char *id);
void meters_remove(struct meters *ms, struct entry *gone, bool forgotten);
/*
 * Room for one more meter on the line: within the converter's share and the whole table, of which
 * meters that only one telegram ever named are given up first. False, reported once, when there is
 * none.
 */
bool meters_make_room(struct meters_line *line);
/* Takes over what the store remembers of it. */
void meters_recall(struct meters *ms, struct entry *e);
struct entry *meters_obtain_submeter(struct meters *ms, const struct entry *parent,
                                     const struct submeter *submeter, bool *ret_new);
/* The meter is now known by its title too, from a telegram that was read: so are its keys. */
void meters_title_learned(struct meters *ms, const struct entry *e);
/* Forgets what is kept of the titles of a meter, by its id or by a title. */
void meters_forget_titles(struct meters *ms, const char *meter_id);
/* Its telegrams come through `c` from now on. */
void meters_bind(struct meters_line *line, struct entry *e);
int meters_on_timer(sd_event_source *source, uint64_t usec, void *userdata);
