/* SPDX-License-Identifier: MIT */
/*
 * Formats: pure functions from a meter and the changes of a telegram to MQTT messages. No broker,
 * no clock, no state: the same input gives the same output. One file per format, one row in the
 * table.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/model/meter.h"
#include "message.h"

#define FORMAT_TOPIC_MAX   384 /* prefix 64 + instance 64 + id 72 + key 48, and fixed words */
#define FORMAT_PART_MAX    80  /* platform and key */
#define FORMAT_SEGMENT_MAX 65  /* of the configured words of a topic, with NUL */

struct json_object;

struct format_context {
        unsigned int formats; /* a bit for each chosen row of FORMAT_TABLE */
        char instance[FORMAT_SEGMENT_MAX];
        char group[FORMAT_SEGMENT_MAX];
        char discovery_prefix[FORMAT_SEGMENT_MAX];
        char jeedom_root[FORMAT_SEGMENT_MAX];
        bool discovery_entity;  /* homeassistant: a message per entity, not per device */
        bool english;           /* jeedom: names in English, not in French */
        const char *version;    /* of this service */
        const char *meter_name; /* of the meter at hand, "" when it has none */
        /* … and of it: its retained_is_part() that the broker has, and its damaged frames. */
        char *const *parts;
        size_t n_parts;
        uint64_t damaged_frames; /* of the last hour */
        uint64_t
                resend_usec; /* Interval= or Deadband= let a value rest this long; 0: they do not */
};

/* The values of a telegram that Interval= and Deadband= let through, in telegram order. */
struct format_values {
        const struct meter_value *values[METER_VALUES_MAX];
        size_t n;
        bool telegram; /* also the messages that carry the telegram as a whole */
};

struct format {
        const char *name;  /* as Formats= has it */
        bool plain_values; /* the values of format-values.c belong to it */
        /* The begin of its topics: two sections with the same text send the same. */
        void (*root)(const struct format_context *context, char buf[static FORMAT_TOPIC_MAX]);
        /* The topic that says "online" when its reader was started; NULL: there is none. */
        void (*birth)(const struct format_context *context, char buf[static FORMAT_TOPIC_MAX]);
        /* The messages of an accepted telegram. */
        void (*telegram)(const struct format_context *context, const struct meter *meter,
                         const struct meter_update *update, const struct format_values *values,
                         struct message_list *ret);
        /* Descriptions of the meter: discovery. Sent on connecting and when it changed. */
        void (*describe)(const struct format_context *context, const struct meter *meter,
                         struct message_list *ret);
        /* How it is now: availability, tariff. */
        void (*state)(const struct format_context *context, const struct meter *meter,
                      struct message_list *ret);
        /* How well it is heard: at most once a minute. */
        void (*health)(const struct format_context *context, const struct meter *meter,
                       struct message_list *ret);
        /* Each thing that describe() names within a message: "#sensor voltage_l1". One that was
         * named and is not any more describe() has to take back by name. */
        void (*parts)(const struct format_context *context, const struct meter *meter,
                      void (*each)(const char *part, void *userdata), void *userdata);
        /* The retained counters, of those values that came in [from, before), by their mono_usec:
         * it is 0 in those of an earlier run. */
        void (*counters)(const struct format_context *context, const struct meter *meter,
                         uint64_t from_usec, uint64_t before_usec, struct message_list *ret);
};

/* All formats, in the order in which they speak. A new one is a file that defines `format_<name>`,
 * and a row. */
#define FORMAT_TABLE(ROW)  \
        ROW(native)        \
        ROW(homeassistant) \
        ROW(datacollector) \
        ROW(rl_dsp)        \
        ROW(jeedom)

#define FORMAT_DECLARE(name) extern const struct format format_##name;
FORMAT_TABLE(FORMAT_DECLARE)

/* Plain values, whichever of the formats asks for them; nameless, in no table. */
extern const struct format format_values_plain;

/* The name of a row, for Formats=; NULL behind the last. */
const char *format_name_at(size_t i);
/* A format of both whose topics are the same; NULL: none. */
const struct format *format_common(const struct format_context *a, const struct format_context *b);
/* The birth topic of the index-th of the chosen formats that have one. False: there are fewer. */
bool format_birth_topic(const struct format_context *context, size_t index,
                        char buf[static FORMAT_TOPIC_MAX]);

/* All formats of context->formats. */
void format_telegram(const struct format_context *context, const struct meter *meter,
                     const struct meter_update *update, const struct format_values *values,
                     struct message_list *ret);
void format_describe(const struct format_context *context, const struct meter *meter,
                     struct message_list *ret);
void format_state(const struct format_context *context, const struct meter *meter,
                  struct message_list *ret);
void format_health(const struct format_context *context, const struct meter *meter,
                   struct message_list *ret);
void format_parts(const struct format_context *context, const struct meter *meter,
                  void (*each)(const char *part, void *userdata), void *userdata);
void format_counters(const struct format_context *context, const struct meter *meter,
                     uint64_t from_usec, uint64_t before_usec, struct message_list *ret);
/* An empty retained message, which removes the one retained there. It survives a broker that is
 * away. */
void format_clear(const char *topic, struct message_list *ret);

/* Changes whenever format_describe() would say something else. */
uint64_t format_signature(const struct format_context *context, const struct meter *meter);

/*
 * One level of a topic: "+", "#", "/" and control characters become "_" (MQTT 5 §4.7.1), so does a
 * first "$". Cut to `size`; never empty: "_" then. Returns `buf`.
 */
char *format_segment(const char *text, char *buf, size_t size);
/*
 * The same for names that may have [A-Za-z0-9_-] alone: Home Assistant's discovery topics, Jeedom's
 * commands, files. id_clean() is no substitute: it keeps "." and ":" (codes: "1-0:1.7.0"), drops
 * blanks around a name and makes one "_" of a whole UTF-8 letter, so other names would go out.
 */
char *format_identifier(const char *text, char *buf, size_t size);

/* "smartmeterd/<instance>/meter/<id>/": returns its length. */
size_t format_meter_prefix(const struct format_context *context, const char *meter_id,
                           char buf[static FORMAT_TOPIC_MAX]);
/* The broker-wide availability: "smartmeterd/<instance>/state". */
void format_state_topic(const struct format_context *context, char buf[static FORMAT_TOPIC_MAX]);

/* Makes a message of a string and adds it; when memory is short it is left out. */
void format_add(struct message_list *list, const struct message_attributes *attributes,
                const char *topic, const char *payload);
/* The same of an object, which stays the caller's; NULL: there was no memory for it. */
void format_add_json(struct message_list *list, const struct message_attributes *attributes,
                     const char *topic, struct json_object *object);

/* The French name of a quantity: "Énergie active soutirée, tarif 1". Returns `buf`. */
#define FORMAT_LABEL_MAX 96
const char *format_label_french(const struct quantity *quantity, char buf[static FORMAT_LABEL_MAX]);

/* The name of the meter for people: its Name=, its model, or what it measures; never its number. */
const char *format_meter_name(const struct format_context *context, const struct meter *meter,
                              bool english);
/* The same for one of its values, unlike every other of the same meter. Returns `buf`. */
const char *format_value_name(const struct meter *meter, const struct meter_value *value,
                              bool english, char buf[static FORMAT_LABEL_MAX]);

/* Seconds until a value is stale, in coarse steps; 0 while its interval is not known. */
uint32_t format_expiry_s(const struct format_context *context, const struct meter_value *value);

/* "YYYY-MM-DDTHH:MM:SS[.mmm]+00:00" of µs since 1970. */
#define FORMAT_TIME_MAX 40
void format_time(int64_t usec, bool milliseconds, char buf[static FORMAT_TIME_MAX]);

/* The class of a value: may it be lost? */
enum message_class format_class(const struct meter_value *value);
