/* SPDX-License-Identifier: MIT */
/*
 * The model of one meter: identity, latest readings with their own ages, plausibility, interval,
 * online or not. Fed with telegrams and time; answers what changed. Knows no sink and no clock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "interval.h"
#include "lib/profile/profile.h"
#include "lib/value/telegram.h"
#include "meter-scale.h"
#include "tariff.h"

#define METER_VALUES_MAX TELEGRAM_READINGS_MAX
#define METER_TEXTS_MAX  TELEGRAM_TEXTS_MAX
#define METER_KEY_MAX    48 /* the longest quantity name is under 40 characters */
#define METER_TEXT_MAX   128
#define METER_SCALES_MAX 16
#define METER_ID_MAX     TELEGRAM_ID_MAX

/* Flags of Meter1.Readings (docs/design.md §5). */
enum meter_value_flags {
        METER_VALUE_SUSPECT = 1,  /* implausible; the value shown is the last accepted one */
        METER_VALUE_STALE = 2,    /* older than three of its own intervals, at least 30 s */
        METER_VALUE_DERIVED = 4,  /* computed by us, not sent */
        METER_VALUE_UNSCALED = 8, /* its scale is unknown: the number as sent, without unit */
};

struct meter_value {
        char key[METER_KEY_MAX]; /* quantity name, or the OBIS code when unknown or ambiguous */
        struct reading reading;  /* last accepted */
        uint64_t host_usec;      /* when it was received: wall time, µs since 1970 */
        uint64_t mono_usec;      /* the same, monotonic */
        int64_t clock_usec;      /* the same by the meter's clock; 0: none */
        uint64_t interval_usec;  /* observed between telegrams that carry it; 0: seen once */
        uint64_t sequence;       /* of the telegram that carried it last */
        struct interval recent;  /* what interval_usec is the median of */
        uint32_t flags;
        uint8_t n_suspect;        /* consistent implausible values in a row */
        struct decimal candidate; /* the last implausible one */
        uint64_t candidate_usec;  /* when it came, monotonic */
};

struct meter_text {
        char key[METER_KEY_MAX]; /* OBIS code, or the meter's own label */
        char value[METER_TEXT_MAX];
};

enum meter_key_state {
        METER_KEY_NOT_NEEDED,
        METER_KEY_MISSING,
        METER_KEY_UNVERIFIED, /* set, and no telegram has proved or disproved it since */
        METER_KEY_OK,
        METER_KEY_WRONG_ENCRYPTION,
        METER_KEY_WRONG_AUTHENTICATION,
};

struct meter_scale {
        struct obis obis;     /* compared on C.D.E */
        struct decimal scale; /* value = raw number × scale, whatever telegram or profile say */
};

/* The configuration of a meter; borrowed, outlives the meter or is replaced. */
struct meter_settings {
        const char *name;    /* "" or NULL: none */
        int64_t max_power_w; /* 0: the profile's */
        bool use_host_time;  /* TimeSource=host */
        struct meter_scale scales[METER_SCALES_MAX];
        size_t n_scales;
        const struct tariff_settings *tariff; /* NULL: none */
};

struct meter_statistics {
        uint64_t telegrams, readings, suspects, key_failures, replays, unknown_layouts;
};

/* Read freely, write only through the functions below. */
struct meter {
        char id[METER_ID_MAX]; /* never empty, made by id_clean() */
        char manufacturer[4];
        char model[48];
        const char *medium;           /* "electricity", "gas", "water", "heat" …; static */
        char parent_id[METER_ID_MAX]; /* "" or the meter whose telegrams carry this one */
        uint8_t channel;              /* of a sub-meter: OBIS group B, 1..; 0: the meter itself */
        const struct meter_profile *profile;
        const struct meter_settings *settings;
        bool encrypted, online;
        enum meter_key_state key_state;
        enum meter_key_state key_result; /* of the last telegram that depends on the key */
        uint64_t sequence;               /* telegrams accepted */
        uint64_t last_host_usec;         /* wall time of the last telegram */
        uint64_t last_mono_usec;         /* monotonic, for online/offline */
        uint64_t first_mono_usec;        /* of the first telegram of this run */
        int64_t clock_usec;              /* the meter's clock in that telegram, wall µs; 0: none */
        int64_t clock_deviation_usec;    /* meter − host; valid when clock_usec is not 0 */
        uint64_t interval_usec;          /* observed between telegrams; 0: only one yet */
        struct interval recent;          /* what interval_usec is the median of */
        struct meter_value *values;      /* owned, in order of first appearance */
        size_t n_values, n_values_room;
        struct meter_text *texts; /* owned */
        size_t n_texts, n_texts_room;
        struct tariff tariff;
        struct meter_scales scales;
        struct meter_statistics statistics;
};

/* The changes of one telegram. Everything borrowed: read before the next call. */
struct meter_update {
        const struct telegram *telegram;
        uint64_t sequence;
        uint64_t host_usec; /* received: wall time */
        int64_t time_usec;  /* time of the values: the meter's, resolved, or the host's */
        const struct meter_value *values[METER_VALUES_MAX]; /* accepted now, telegram order,
                                                             * then what was computed of it */
        size_t n_values;
        const struct meter_value *suspects[METER_VALUES_MAX]; /* refused now */
        size_t n_suspects;
        bool scales_changed; /* a scale was chosen or replaced: store and log m->scales.memory */
        bool came_online, texts_changed, tariff_changed, key_state_changed, identity_changed;
        bool described_anew; /* by its identity, its tariff, or a value that is new or has another
                              * unit or scale: descriptions of the meter are out of date */
};

/* `id` is copied and cleaned by id_clean(); an empty one becomes "unknown". -ENOMEM. */
int meter_new(const char *id, struct meter **ret);

/* A sub-meter of `parent`, as submeter_list() found it. Strings are copied. -ENOMEM. */
struct submeter;
int meter_new_submeter(const struct meter *parent, const struct submeter *submeter,
                       struct meter **ret);
struct meter *meter_free(struct meter *m);

/* New configuration; borrowed until the next call or meter_free(). NULL: defaults. */
void meter_configure(struct meter *m, const struct meter_settings *settings);

/*
 * Takes the readings of m->channel out of a telegram whose status is TELEGRAM_OK. host_usec is wall
 * time, mono_usec monotonic; clock_usec is the telegram's time resolved to wall µs by the caller
 * (who knows the zone), 0 when it has none. Returns 0, or -ENOMEM with nothing changed.
 *
 * A counter that falls, or rises faster than the power limit allows, is suspect: the value keeps
 * its last accepted reading and is in ret->suspects, until three telegrams in a row agree among
 * themselves (a meter was exchanged); replayed telegrams do not count towards these.
 */
int meter_update(struct meter *m, const struct telegram *telegram, uint64_t host_usec,
                 uint64_t mono_usec, int64_t clock_usec, const struct tariff_zone *zone,
                 struct meter_update *ret);

/*
 * A telegram of this meter that cannot be read. It is heard, so it is online; its key state follows
 * the telegram's status, "wrong" not before two in a row. Returns true when something changed.
 */
bool meter_refuse(struct meter *m, const struct telegram *telegram, uint64_t host_usec,
                  uint64_t mono_usec);

/* The host's clock was set: it moved by `by_usec`; its readings since the first one lie from
 * `from_usec` to `to_usec`. */
struct clock_setting {
        uint64_t from_usec, to_usec;
        int64_t by_usec;
};

/* Times of reception between these two move along, so that ages stay as they are. Those of an
 * earlier run stay. */
void meter_clock_set(struct meter *m, const struct clock_setting *setting);

/*
 * When it is taken for offline if nothing comes: monotonic µs; 3 × interval, at least 30 s, and
 * five minutes until one is observed (more where the profile's is longer). UINT64_MAX while it is
 * offline.
 */
uint64_t meter_deadline(const struct meter *m);

/* Takes it offline when the deadline has passed (or at once with force); true when it went. */
bool meter_expire(struct meter *m, uint64_t mono_usec, bool force);

/*
 * By key or by OBIS code: "1-0:1.7.0" is that code alone, "1.7.0" the first of C.D.E. NULL when
 * there is none.
 */
const struct meter_value *meter_find(const struct meter *m, const char *key);
/* The first value with these A, C, D, E and F, on whichever channel B; NULL when there is none. */
const struct meter_value *meter_find_obis(const struct meter *m, struct obis obis);

/*
 * The power drawn less the power fed in, of L1..L3 (phase 1..3) or of all (0), in W: as sent
 * (16.7.0, 36.7.0, 56.7.0, 76.7.0), else the difference within one telegram, or the one direction
 * that the meter knows; of these the newest. The value that it is of, whose sequence and time are
 * those of *ret; NULL, with *ret untouched, when it is unknown: also where a unit or a scale is.
 */
const struct meter_value *meter_net_power(const struct meter *m, unsigned phase,
                                          struct decimal *ret);

/*
 * The energy register (import or export) that contradicts the power of the same telegrams, and the
 * factor by which its raw number is to be multiplied, as in Scale.<c>.8.0= of the
 * configuration. False when there is none.
 */
struct meter_scale_fault {
        struct obis obis;
        struct decimal factor;
};
bool meter_scale_contradicted(const struct meter *m, struct meter_scale_fault *ret);

/* Flags at this moment: flags, plus METER_VALUE_STALE by age and METER_VALUE_UNSCALED. */
uint32_t meter_value_flags(const struct meter_value *value, uint64_t now_host_usec);

/* True when two telegrams in a row spoke against one of its keys. */
bool meter_key_is_wrong(const struct meter *m);

/* A key was set for it: the state of the one before is void. True when the state changed. */
bool meter_key_given(struct meter *m);

/* "not-needed" "missing" "unverified" "ok" "wrong-encryption-key" "wrong-authentication-key". */
const char *meter_key_state_name(enum meter_key_state state);

/*
 * Sub-meters (gas, water, heat, further electricity meters) that a telegram carries beside its own
 * values. They live on A=0, B=1.. (EN 13757 devices of DSMR and e-MUCS: 0-n:24.x.x, 0-n:96.1.x), on
 * the media A=4..9, and on A=1 where 0-n:24.1.0 says that n is an electricity meter. That a code
 * has a channel is no proof: Swiss lists send 1-1:1.8.0 for the meter itself, Czech ones relays as
 * 0-1:96.3.10.
 */
#define SUBMETERS_MAX 8
struct submeter {
        uint8_t channel;       /* OBIS group B; above 15: its medium has none */
        const char *medium;    /* static: "gas", "water", "heat", "electricity", …, "other" */
        char id[METER_ID_MAX]; /* its own, else the main meter's and its channel: "LGZ1-2"; or "" */
};

/* The name of one without an id of its own: "LGZ1-2", or "LGZ1-gas" without a channel. */
void submeter_name(const char *parent, const struct submeter *submeter,
                   char id[static METER_ID_MAX]);

/* Those with an id or a value in this telegram, empty slots left out; fills at most SUBMETERS_MAX;
 * returns how many. */
size_t submeter_list(const struct telegram *telegram, struct submeter ret[static SUBMETERS_MAX]);

/* The sub-meter channel a reading or text belongs to, 0: the main meter. */
uint8_t submeter_channel(const struct telegram *telegram, struct obis obis);
uint8_t submeter_text_channel(const struct telegram *telegram, const struct text *text);
