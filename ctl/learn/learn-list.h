/* SPDX-License-Identifier: MIT */
/*
 * Lists of values without codes, as a capture has them: telegrams of one shape side by side, and
 * what each place does over them. People look at them, and learn-fit.c reckons with them. Values
 * that have codes but no scale are such a list, too: of each only the scale is to be found.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/decoder.h"
#include "lib/profile/profile.h"

#define LEARN_LISTS_MAX     8
#define LEARN_TELEGRAMS_MAX 512 /* of one list; later ones are not needed */
#define LEARN_TEXT_MAX      64

enum learn_kind {
        LEARN_ABSENT, /* null in every telegram */
        LEARN_NUMBER,
        LEARN_TEXT,
        LEARN_OTHER, /* nested, or a type that is no place of a list */
        /* Known at the end: strings that mean a time in every telegram. */
        LEARN_TIME,
        LEARN_DATE,  /* its date part */
        LEARN_CLOCK, /* its time part */
};

/* The values of one place in all telegrams of a list. */
struct learn_place {
        enum learn_kind kind;
        uint8_t tag; /* PROFILE_NUMBER when the width of integers changes, else the type */
        bool no_time, no_date, no_clock;     /* a string that cannot be one was there */
        bool known[LEARN_TELEGRAMS_MAX];     /* false: null in this telegram */
        int64_t number[LEARN_TELEGRAMS_MAX]; /* in the order of the capture */
        int64_t least, most;
        bool falls;                   /* once at least */
        bool changes;                 /* of texts too */
        uint8_t text[LEARN_TEXT_MAX]; /* the first one */
        size_t text_len;
        bool printable;
};

struct learn_list {
        size_t n_places, n_telegrams;
        bool coded; /* values that come with their codes, and without a scale */
        struct obis code[PROFILE_ITEMS_MAX];
        struct learn_place places[PROFILE_ITEMS_MAX];
        int64_t time[LEARN_TELEGRAMS_MAX]; /* seconds; 0: not said */
        char maker[4];                     /* of the system title, or "" */
};

struct learn_capture {
        struct learn_list *lists[LEARN_LISTS_MAX]; /* owned; most telegrams first */
        size_t n_lists;
        size_t n_telegrams, n_understood, n_locked; /* locked: no key, or a wrong one */
        char error[TELEGRAM_ERROR_MAX];             /* of the first locked one */
};

/* Adds one event of a decoder that may know some lists; what it understands is only counted.
 * -ENOMEM. `userdata` is a struct learn_capture, zeroed at first. */
int learn_capture_add(void *userdata, const struct decoder_event *event);
/* When all were added: orders the lists and says of each place what it is. */
void learn_capture_end(struct learn_capture *capture);
void learn_capture_done(struct learn_capture *capture);
