/* SPDX-License-Identifier: MIT */
/*
 * Virtual meters. A sim_meter is one meter of a family (its profile) in a household (load.h); it
 * encodes telegram after telegram, and notes the values of each, so that a test can compare the
 * decoded ones. It opens nothing and has no clock of its own: play.h puts it on a line.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "axdr.h"
#include "cipher.h"
#include "gbt.h"
#include "load.h"
#include "out.h"

#define SIM_VALUES_MAX 96
#define SIM_TEXTS_MAX  32
#define SIM_ID_MAX     40
#define SIM_TEXT_MAX   80

/* A number as sent: mantissa × 10^exponent in base units. */
struct sim_value {
        uint8_t obis[6];
        int64_t mantissa;
        int exponent;
        const char *unit; /* "W", "" for a bare number; static storage */
};

struct sim_text {
        uint8_t obis[6];
        const char *label; /* TIC: the name on the wire, and no OBIS; else NULL */
        char text[SIM_TEXT_MAX];
};

/* One telegram: its bytes on the wire, and what they mean. */
struct sim_telegram {
        struct sim_wire wire;
        char meter_id[SIM_ID_MAX]; /* "" when the telegram has none */
        bool encrypted;
        bool has_time;      /* the telegram has its time, */
        enum sim_zone zone; /* with or without its offset */
        struct sim_clock clock;
        struct sim_value values[SIM_VALUES_MAX];
        size_t n_values;
        struct sim_text texts[SIM_TEXTS_MAX];
        size_t n_texts;
};

/* "2400 8E1" */
struct sim_line {
        unsigned int baud;
        unsigned int bits;
        char parity; /* 'N', 'E', 'O' */
        unsigned int stop;
};

struct sim_meter;

/* How a meter that does not send by itself is asked (asked.h). */
enum sim_way {
        SIM_PUSHES,
        SIM_READOUT,      /* IEC 62056-21 mode C */
        SIM_COMMANDS,     /* the same, then reads in programming mode */
        SIM_ACKNOWLEDGED, /* M-Bus frames that want the character E5 */
};

#define SIM_COMMANDS_MAX 4

struct sim_profile {
        const char *name;  /* "lgz-e450" */
        const char *title; /* for people */
        struct sim_line line;
        unsigned int interval_s;
        unsigned int frame_gap_ms; /* pause between the frames of one telegram */
        const char *id_prefix;     /* the default meter id is this and six digits of the seed */
        char flag[4];              /* manufacturer, first in the system title */
        uint8_t control;           /* security control when ciphered; 0: this meter never is */
        bool always_ciphered;
        bool one_cipher; /* OMS mode 5: no choice of control, form or authentication key */
        enum sim_way way;
        const char *ident; /* the first line, by which it offers a speed: "/LGZ5\\2ZMD" */
        const char *commands[SIM_COMMANDS_MAX]; /* SIM_COMMANDS: what can be read */
        int (*encode)(struct sim_meter *meter, struct sim_telegram *t);
};

extern const struct sim_profile *const sim_profiles[]; /* ends with NULL */

/* By name, or NULL. */
const struct sim_profile *sim_profile_find(const char *name);

/* Used by meters that are always ciphered when no key was given: 00 01 02 … 0F. */
extern const uint8_t sim_default_key[SIM_KEY_BYTES];
/* The authentication key that goes with it: the constant of the Luxembourg specification. */
extern const uint8_t sim_default_auth_key[SIM_KEY_BYTES];

/* Zeroed: a plain meter of seed 0. */
struct sim_options {
        uint64_t seed;
        const char *meter_id; /* NULL: made from profile and seed. Borrowed for the call. */
        bool encrypt;
        bool plain; /* no ciphering even where the real meter always does */
        bool has_auth_key;
        uint8_t key[SIM_KEY_BYTES], auth_key[SIM_KEY_BYTES];
        uint8_t control;           /* security control; 0: the profile's */
        enum sim_cipher_form form; /* 0: general-glo-ciphering */
        struct sim_gbt gbt;        /* block_bytes 0: the profile's */
};

struct sim_meter {
        const struct sim_profile *profile;
        struct sim_load load;
        struct sim_cipher cipher;
        bool encrypts;
        struct sim_gbt gbt;
        char id[SIM_ID_MAX];     /* logical device name or what stands for it */
        char serial[SIM_ID_MAX]; /* the digits of it */
        uint64_t sent;           /* telegrams so far */
        unsigned int command;    /* the command that is read: 1 is the profile's first, 0 all */
};

/* -EINVAL when the id is too long. */
int sim_meter_init(struct sim_meter *meter, const struct sim_profile *profile,
                   const struct sim_options *options, struct sim_clock clock);

/* Encodes the telegram of this moment. The frame counter never goes back. -EIO when libcrypto
 * fails. */
int sim_meter_telegram(struct sim_meter *meter, struct sim_clock clock, struct sim_telegram *ret);

/* The time needed for n bytes on this line, in microseconds. */
int64_t sim_line_usec(const struct sim_line *line, size_t n);

/* Start, data, parity and stop bits: 11 for 8E1. */
unsigned int sim_line_bits_per_byte(const struct sim_line *line);

/* Values that an encoder notes beside the bytes it writes. */
void sim_note_value(struct sim_telegram *t, const uint8_t obis[static 6], int64_t mantissa,
                    int exponent, const char *unit);
void sim_note_text(struct sim_telegram *t, const uint8_t obis[static 6], const char *text);
void sim_note_label(struct sim_telegram *t, const char *label, const char *text);
