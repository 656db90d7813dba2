/* SPDX-License-Identifier: MIT */
/*
 * Layouts: how the data of a notification says what its values are (docs/protocol.md §4.1).
 *
 *      push      an array of {class, OBIS, attribute, index} first, then the values in that order
 *      pairs     OBIS, value [, {scaler, unit}], flat or nested, in any mixture seen in the field
 *      list      values alone: a list of a profile, known by its id or by its shape
 *      untagged  Sagemcom XT211: descriptors without A-XDR tags
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/profile/profile.h"
#include "lib/value/axdr.h"
#include "lib/value/telegram.h"

/* Scalers that a push list carries apart from the values (attribute 3 of a register). */
#define LAYOUT_SCALERS_MAX 32

/* The known meter families. */
struct layout_options {
        const struct profile_set *profiles;  /* NULL: nothing */
        const struct meter_profile *profile; /* the only one whose lists count; NULL: all of them */
};

/* Two lists that explain the values equally well and mean different things; empty: no doubt. */
struct layout_doubt {
        const struct meter_profile *profiles[2];
        const struct profile_list *lists[2];
};

struct layout {
        struct telegram *telegram;
        const struct layout_options *options;
        struct {
                struct obis obis;
                struct scaler scaler;
        } scalers[LAYOUT_SCALERS_MAX];
        size_t n_scalers;
        struct slice bare_id; /* a string without a code: an identifier of last resort */
        struct layout_doubt doubt;
        uint8_t parts[12]; /* a date-time that comes in two places */
};

/*
 * Reads the data at which the reader stands into `telegram`, up to its last byte; the bytes behind
 * are left in the reader. 0, -EBADMSG when it is damaged (the reader's fault says how), -ENOMSG
 * when it is well formed but of no layout known; the telegram then holds nothing of it. *ret_doubt
 * (may be NULL) says whether that is because two lists fit.
 */
int layout_decode(struct reader *r, struct telegram *telegram, const struct layout_options *options,
                  struct layout_doubt *ret_doubt);

/*
 * After identification: gives unscaled values the scales of the profile. With NULL, or without a
 * row in the profile, they stay as sent.
 */
void layout_scale(struct telegram *telegram, const struct meter_profile *profile);

/* The walkers: 0, -ENOMSG when the data is not of their layout (the reader is then spoilt), or a
 * fault in the reader. */
int layout_push_decode(struct reader *r, struct layout *l);
int layout_pairs_decode(struct reader *r, struct layout *l);
int layout_list_decode(struct reader *r, struct layout *l);
int layout_untagged_decode(struct reader *r, struct layout *l);
/* 0 when untagged data stands there and was passed over; else -EBADMSG. */
int layout_untagged_skip(struct reader *r);

/* An attribute descriptor; class_id 0 where the layout gives none. */
struct layout_object {
        uint16_t class_id;
        struct obis obis;
        uint8_t attribute;
};

/* Counts a value that cannot be shown. */
void layout_pass_over(struct layout *l);

/* The code that the value of this attribute is delivered under. */
struct obis layout_code_of(const struct layout_object *object);

/* Delivers a value that is a text whatever its type. */
void layout_deliver_text(struct layout *l, const struct layout_object *object,
                         const struct axdr_value *value);

/* Delivers one value; `scaler` NULL when none came with it. Arrays and structures are skipped by
 * the caller, not handed in. */
void layout_deliver(struct layout *l, const struct layout_object *object,
                    const struct axdr_value *value, const struct scaler *scaler);
