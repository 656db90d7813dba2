/* SPDX-License-Identifier: MIT */
/* What meters.c (telegrams), meters-table.c (the table, its questions), meters-keys.c share. */
#pragma once

#include "daemon/meters.h"

/* Far more than a house or a street has; a stranger on the wire makes no more objects than this. */
#define METERS_MAX               512
#define METERS_PER_CONVERTER_MAX 48
#define TITLE_TEXT_MAX           17

struct entry {
        struct meter *meter;
        struct meter_settings settings;
        struct converter *owner; /* whose telegrams count; NULL while it is away */
        uint64_t owner_generation;
        char title[TITLE_TEXT_MAX]; /* system title in hex, "" */
        bool provisional;           /* named for want of an id: gives way to the meter's own */
        bool conflict_told;
        struct entry *next;
};

/* The meters of one converter, as the bus shows them. */
struct carried {
        struct converter *converter;
        const char *ids[METERS_PER_CONVERTER_MAX + 1];
        struct entry *latest; /* a telegram without id is of this one */
        struct carried *next;
};

struct meters {
        struct meters_options options;
        const struct config *config;
        struct entry *entries; /* in order of appearance */
        struct carried *carried;
        size_t n;
        sd_event_source *timer;
        uint64_t armed_usec;

        /* the keys last looked up: telegrams of one meter come in a row */
        struct cipher_keys keys;
        bool keys_cached, keys_found;
        uint8_t keys_title[CIPHER_TITLE_BYTES];
        const struct converter *keys_converter;
        struct cipher_keys trial_keys; /* the last that was handed out to be tried */
};

#define EACH_SINK(ms_, member_, ...)                                                         \
        do {                                                                                 \
                for (struct sink *sink_ = *(ms_)->options.sinks; sink_; sink_ = sink_->next) \
                        SINK_NOTIFY(sink_, member_, __VA_ARGS__);                            \
        } while (0)

char *meters_title_text(const uint8_t *title, char buf[static TITLE_TEXT_MAX]);
struct carried *meters_carried_of(struct meters *ms, struct converter *c);
/* The list of ids on the converter's object, made anew. */
void meters_show_carried(struct meters *ms, struct converter *c);
void meters_configure_entry(struct meters *ms, struct entry *e);
struct entry *meters_find_id(const struct meters *ms, const char *id);
struct entry *meters_find_title(const struct meters *ms, const char *title);
struct entry *meters_add(struct meters *ms, const char *id);
void meters_remove(struct meters *ms, struct entry *gone, bool forgotten);
struct entry *meters_obtain_submeter(struct meters *ms, const struct entry *parent,
                                     const struct submeter *submeter, bool *ret_new);
/* The meter is now known by its title too, from a telegram that was read: so are its keys. */
void meters_title_learned(struct meters *ms, const struct entry *e);
/* Its telegrams come through `c` from now on. */
void meters_bind(struct meters *ms, struct entry *e, struct converter *c);
int meters_on_timer(sd_event_source *source, uint64_t usec, void *userdata);
