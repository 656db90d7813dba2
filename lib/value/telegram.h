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

enum telegram_status {
        TELEGRAM_OK,
        TELEGRAM_KEY_MISSING,
        TELEGRAM_WRONG_ENCRYPTION_KEY,
        TELEGRAM_WRONG_AUTHENTICATION_KEY,
        TELEGRAM_SYSTEM_TITLE_MISSING, /* ciphered without one; it must be configured */
        TELEGRAM_SUITE_UNSUPPORTED,    /* security suite 2, or compression */
        TELEGRAM_LAYOUT_UNKNOWN,       /* deciphered or plain, but not understood */
        TELEGRAM_DAMAGED,              /* not readable, and no check sum explains why */
        TELEGRAM_UNAUTHENTICATED,      /* no tag, where its meter must send one */
        TELEGRAM_REPLAYED,             /* authenticated, but its frame counter did not grow */
};

struct meter_profile;
struct profile_list;

/* Signs of the meter's family that are neither readings nor texts. */
struct telegram_hints {
        const char *layout;              /* "push", "pairs", "list", "untagged"; NULL: no DLMS */
        bool has_push;                   /* a push list was in the telegram (layout A) */
        uint8_t push_channel;            /* group B of its push object 0-B:25.9.0 */
        bool wide;                       /* energy registers of 64 bits */
        bool blocks;                     /* came by general block transfer */
        bool weak;                       /* a text that no 16-bit check bears out */
        char list_id[24];                /* "Kamstrup_V0001", or "" */
        char ident[48];                  /* of a text telegram: "ISK5\\2M550T-1013", or "" */
        const struct profile_list *list; /* the positional list that fitted, or NULL */
};

struct telegram_memo;

struct telegram {
        const char *framing; /* "hdlc", "p1" …: the name of its link; static storage */
        bool text_ids; /* its framing sends ids as text: zeros are digits, not an empty place */
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
        bool keys_exchanged; /* TELEGRAM_WRONG_ENCRYPTION_KEY, and each key is the other */
        bool replayed; /* its frame counter did not grow since the last telegram of this meter */

        struct telegram_hints hints; /* what the layout showed, for choosing a profile */

        struct telegram_memo *memo; /* NULL: none */
        struct reading readings[TELEGRAM_READINGS_MAX];
        size_t n_readings;
        struct text texts[TELEGRAM_TEXTS_MAX];
        size_t n_texts;

        /* The data of a notification whose list of values is not known, as long as the input. */
        struct slice unknown;

        size_t n_dropped; /* objects beyond the limits above: counted, never silently gone */
        size_t n_unread;  /* values that cannot be shown: don't-care, compact arrays … */

        uint8_t arena[TELEGRAM_ARENA_BYTES];
        size_t arena_used;
};

/* Makes it empty. Costs nothing per array element. `framing` is borrowed for good. */
void telegram_reset(struct telegram *t, const char *framing);

/*
 * The first readings of the last telegram of a line: a meter sends the same codes in the same
 * order, so that they need not be looked up. Zeroed at first; `memo` is borrowed until the next
 * reset.
 */
#define TELEGRAM_MEMO_MAX 24 /* as many as most meters send; each line has its own */
struct telegram_memo {
        struct {
                struct obis obis;
                const struct quantity *quantity; /* of this code, or NULL as the table has it */
        } readings[TELEGRAM_MEMO_MAX];
};
void telegram_remind(struct telegram *t, struct telegram_memo *memo);

/*
 * Adds a value in base units; the quantity is looked up. `scale` says how the scale of the number
 * is known: SCALE_NONE adds it as sent, to be scaled by reading_set_scale() or to stay without
 * unit. `unit` is the one sent: UNIT_UNSAID is replaced by the unit of the quantity or the code
 * once the scale is known, never before; UNIT_UNKNOWN stays. A code and value seen before in this
 * telegram is added once.
 */
void telegram_add_reading(struct telegram *t, struct obis obis, struct decimal value,
                          enum unit unit, enum scale_source scale);

/*
 * The same, with the time at which a sub-meter captured it, or NULL. Of several with one code and
 * such times the newest stays. `point` is the exponent that the number was sent with, as in struct
 * reading.
 */
void telegram_add_captured(struct telegram *t, struct obis obis, struct decimal value,
                           enum unit unit, enum scale_source scale, int point,
                           const struct datetime *captured);

/* Adds a text, in hex unless it is UTF-8; `value` lives as long as the telegram. */
void telegram_add_text(struct telegram *t, struct obis obis, struct slice value);

/* The same for a value without OBIS code that the meter names itself (TIC "ADCO"). */
void telegram_add_labelled(struct telegram *t, const char *label, struct slice value);

/* Room for n bytes that live as long as the telegram; NULL when the arena is full. */
uint8_t *telegram_alloc(struct telegram *t, size_t n);

/* Copies bytes as printable text: as they are when printable, else as lower-case hex. */
struct slice telegram_printable(struct telegram *t, struct slice bytes);

/* The first text with this code; NULL when there is none. */
const struct text *telegram_find_text(const struct telegram *t, struct obis obis);

/*
 * Chooses meter_id from the texts, where the layout walker has not: 0-0:42.0.0, then 0-0:96.1.0..9,
 * 1-x:0.0.0..9, 1-x:96.1.0..9, 0-0:0.0.0..9. Identifiers of zeros alone are none.
 */
void telegram_identify(struct telegram *t);

/* Sets meter_id, cleaned by id_clean(); "" for one of zeros alone. */
void telegram_set_meter_id(struct telegram *t, struct slice value);

/* Sets status and the sentence that explains it; drops all readings and texts. */
void telegram_fail(struct telegram *t, enum telegram_status status, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
