/* SPDX-License-Identifier: MIT */
/*
 * Formats: pure functions from a meter and what a telegram changed to MQTT messages. No broker, no
 * clock, no state: what goes in decides what comes out. One file per format, one row in format.c.
 */
#pragma once

#include "config.h"
#include "lib/meter.h"
#include "message.h"

#define FORMAT_TOPIC_MAX   384 /* prefix 64 + instance 64 + id 72 + key 48, and fixed words */
#define FORMAT_SEGMENT_MAX 65  /* of the configured words of a topic, with NUL */

struct format_context {
        unsigned int formats; /* enum config_mqtt_format, or-ed */
        char instance[FORMAT_SEGMENT_MAX];
        char group[FORMAT_SEGMENT_MAX];
        char discovery_prefix[FORMAT_SEGMENT_MAX];
        char jeedom_root[FORMAT_SEGMENT_MAX];
        const char *version;    /* of this service */
        const char *meter_name; /* of the meter at hand, "" when it has none */
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
        const char *name;
        unsigned int bits; /* enum config_mqtt_format: any of these asks for it */
        /* The messages of an accepted telegram. */
        void (*telegram)(const struct format_context *context, const struct meter *meter,
                         const struct meter_update *update, const struct format_values *values,
                         struct message_list *ret);
        /* What describes the meter: discovery. Sent on connecting and when it changed. */
        void (*describe)(const struct format_context *context, const struct meter *meter,
                         struct message_list *ret);
        /* How it is now: availability, tariff. */
        void (*state)(const struct format_context *context, const struct meter *meter,
                      struct message_list *ret);
        /* Empty retained messages in place of all that was retained. `meter` may be NULL. */
        void (*forget)(const struct format_context *context, const char *meter_id,
                       const struct meter *meter, struct message_list *ret);
};

extern const struct format format_native, format_values_plain, format_homeassistant,
        format_datacollector, format_rl_dsp, format_jeedom;
extern const struct format *const format_table[]; /* ends with NULL */

/* "native" → MQTT_FORMAT_NATIVE; 0 when there is none of that name. */
unsigned int format_find(const char *name);

/* All formats of context->formats. */
void format_telegram(const struct format_context *context, const struct meter *meter,
                     const struct meter_update *update, const struct format_values *values,
                     struct message_list *ret);
void format_describe(const struct format_context *context, const struct meter *meter,
                     struct message_list *ret);
void format_state(const struct format_context *context, const struct meter *meter,
                  struct message_list *ret);
void format_forget(const struct format_context *context, const char *meter_id,
                   const struct meter *meter, struct message_list *ret);

/* Changes whenever format_describe() would say something else. */
uint64_t format_signature(const struct format_context *context, const struct meter *meter);

/*
 * One level of a topic: "+", "#", "/" and control characters become "_" (MQTT 5 §4.7.1), so does a
 * first "$". Cut to `size`; never empty: "_" then. Returns `buf`.
 */
char *format_segment(const char *text, char *buf, size_t size);
/* The same for names that may have [A-Za-z0-9_-] alone (Home Assistant's discovery topics). */
char *format_identifier(const char *text, char *buf, size_t size);

/* "smartmeterd/<instance>/meter/<id>/": returns its length. */
size_t format_meter_prefix(const struct format_context *context, const char *meter_id,
                           char buf[static FORMAT_TOPIC_MAX]);
/* The broker-wide availability: "smartmeterd/<instance>/state". */
void format_state_topic(const struct format_context *context, char buf[static FORMAT_TOPIC_MAX]);

/* Makes a message of a string and adds it; when memory is short it is left out. */
void format_add(struct message_list *list, const struct message_attributes *attributes,
                const char *topic, const char *payload);

/* Seconds after which a value has gone stale, in coarse steps; 0 while its interval is not known.
 */
uint32_t format_expiry_s(const struct format_context *context, const struct meter_value *value);

/* What a broken-down "YYYY-MM-DDTHH:MM:SS[.mmm]+00:00" of µs since 1970 looks like. */
#define FORMAT_TIME_MAX 40
void format_time(int64_t usec, bool milliseconds, char buf[static FORMAT_TIME_MAX]);

/* The class of a value: what must not be lost, and what may. */
enum message_class format_class(const struct meter_value *value);
