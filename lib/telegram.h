/* SPDX-License-Identifier: MIT */
/*
 * One decoded telegram: who sent it, when, and its readings. Filled by the layout walkers through
 * telegram_add_*(), which bound everything; read by whoever asked the decoder for events.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reading.h"

/* The longest list seen has 65 objects (Kamstrup DK); SML and Hungarian P1 stay below 80. */
#define TELEGRAM_READINGS_MAX 128
/* e-MUCS telegrams carry up to 25 texts; a P1 failure log is one text. */
#define TELEGRAM_TEXTS_MAX 64
/* Decoded hex strings, re-printed ids: P1 messages of 1 KiB text, twice, and ids. */
#define TELEGRAM_ARENA_BYTES 3072
#define TELEGRAM_ID_MAX      72 /* DSMR identifiers are up to 34 hex-coded characters */
#define TELEGRAM_ERROR_MAX   160

enum link_type {
        LINK_HDLC,
        LINK_MBUS,
        LINK_RAW,
        LINK_P1,
        LINK_IEC62056_21,
        LINK_SML,
        LINK_TIC,
        LINK_N_TYPES,
};

enum telegram_status {
        TELEGRAM_OK,
        TELEGRAM_KEY_MISSING,
        TELEGRAM_WRONG_ENCRYPTION_KEY,
        TELEGRAM_WRONG_AUTHENTICATION_KEY,
        TELEGRAM_SYSTEM_TITLE_MISSING, /* ciphered without one; it must be configured */
        TELEGRAM_SUITE_UNSUPPORTED,    /* security suite 2, or compression */
        TELEGRAM_LAYOUT_UNKNOWN,       /* deciphered or plain, but not understood */
};

struct meter_profile;
struct profile_list;

/* Signs of the meter's family that are neither readings nor texts. */
struct telegram_hints {
        bool has_push;                   /* a push list was in the telegram (layout A) */
        uint8_t push_channel;            /* group B of its push object 0-B:25.9.0 */
        bool wide;                       /* energy registers of 64 bits */
        bool blocks;                     /* came by general block transfer */
        char list_id[24];                /* "Kamstrup_V0001", or "" */
        const struct profile_list *list; /* the positional list that fitted, or NULL */
};

struct telegram {
        enum link_type framing;
        enum telegram_status status;
        char error[TELEGRAM_ERROR_MAX]; /* "" when status is TELEGRAM_OK; else a sentence */

        bool encrypted;
        bool has_system_title;
        uint8_t system_title[8];
        bool has_frame_counter;
        uint32_t frame_counter;
        bool authenticated; /* the tag was there, a key for it too, and they agree */

        const struct meter_profile *profile; /* NULL when no profile claims it */
        char meter_id[TELEGRAM_ID_MAX];      /* "" when the telegram does not say */
        char manufacturer[4];                /* FLAG id "LGZ", or "" */
        char model[48];                      /* "Landis+Gyr E450", or "" */
        struct datetime time;                /* of the APDU header, else of the clock object */
        bool replayed; /* its frame counter did not grow since the last telegram of this meter */

        struct telegram_hints hints; /* what the layout showed, for choosing a profile */

        struct reading readings[TELEGRAM_READINGS_MAX];
        size_t n_readings;
        struct text texts[TELEGRAM_TEXTS_MAX];
        size_t n_texts;

        size_t n_dropped; /* objects beyond the limits above: counted, never silently gone */

        uint8_t arena[TELEGRAM_ARENA_BYTES];
        size_t arena_used;
};

/* Makes it empty. Costs nothing per array element. */
void telegram_reset(struct telegram *t, enum link_type framing);

/*
 * Adds a value that is already in base units. quantity is looked up; `unit` UNIT_UNKNOWN is filled
 * in from the table or the code. A code and value seen before in this telegram is added once.
 */
void telegram_add_reading(struct telegram *t, struct obis obis, struct decimal value,
                          enum unit unit);

/* The same, with the time at which a sub-meter captured it. */
void telegram_add_captured(struct telegram *t, struct obis obis, struct decimal value,
                           enum unit unit, const struct datetime *captured);

/* Adds a text; `value` must live as long as the telegram (input or arena). */
void telegram_add_text(struct telegram *t, struct obis obis, struct slice value);

/* The same for a value without OBIS code that the meter names itself (TIC "ADCO"). */
void telegram_add_labelled(struct telegram *t, const char *label, struct slice value);

/* Room for n bytes that live as long as the telegram; NULL when the arena is full. */
uint8_t *telegram_alloc(struct telegram *t, size_t n);

/* Copies bytes as printable text: as they are when printable, else as lower-case hex. */
struct slice telegram_printable(struct telegram *t, struct slice bytes);

/* The first text or reading with this code; NULL when there is none. */
const struct text *telegram_find_text(const struct telegram *t, struct obis obis);
const struct reading *telegram_find_reading(const struct telegram *t, struct obis obis);

/*
 * Chooses meter_id from the texts, by DESIGN §2: 0-0:42.0.0, 0-0:96.1.0..9, 1-x:0.0.0..9, and what
 * the layout walker set before. Slashes and control characters are replaced.
 */
void telegram_identify(struct telegram *t);

/* Sets status and the sentence that explains it; drops all readings and texts. */
void telegram_fail(struct telegram *t, enum telegram_status status, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* "hdlc", "mbus", "raw", "p1", "iec62056-21", "sml", "tic". Static storage. */
const char *link_type_name(enum link_type type);
