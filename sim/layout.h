/* SPDX-License-Identifier: MIT */
/*
 * The shapes in which meters put their objects into a data-notification (docs/protocol.md §4.1).
 * All walk a list of sim_item, so that a virtual meter is a list and a shape.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sim.h"

enum sim_item_kind {
        SIM_ITEM_NUMBER,         /* from the household */
        SIM_ITEM_FIXED,          /* a number of no known meaning: `fixed`, not noted */
        SIM_ITEM_NAME,           /* the meter's id as octet string */
        SIM_ITEM_SERIAL,         /* the digits of it */
        SIM_ITEM_VISIBLE_SERIAL, /* the same as visible string */
        SIM_ITEM_BARE_SERIAL,    /* the same without a code of its own, at the end of layout C */
        SIM_ITEM_LABEL,          /* `text` as visible string */
        SIM_ITEM_OCTETS,         /* `text` as octet string */
        SIM_ITEM_CLOCK,          /* date-time as octet string */
        SIM_ITEM_PUSH, /* layout A: the push object; attribute 1 has its own code as value */
};

struct sim_item {
        uint8_t obis[6];
        enum sim_item_kind kind;
        enum sim_number type;
        int exponent; /* weight of the integer on the wire */
        uint8_t unit; /* COSEM unit, where the layout carries one */
        uint8_t class_id, attribute;
        const char *text;
        int fixed;
};

/* How the APDU header gives its time (docs/protocol.md §4). */
enum sim_header_time {
        SIM_HEADER_NONE,  /* 00 */
        SIM_HEADER_PLAIN, /* 0C and 12 bytes */
        SIM_HEADER_OCTET, /* 09 0C and 12 bytes: Kaifa, Kamstrup of 2017 */
};

/* 0F | long-invoke-id | date-time: what the layouts follow. */
void sim_layout_header(struct sim_out *apdu, struct sim_meter *meter, struct sim_telegram *t,
                       enum sim_header_time how, enum sim_zone zone);

/* A: an array of {class, OBIS, attribute, index}, then the values in the same order. */
void sim_layout_push(struct sim_out *apdu, struct sim_meter *meter, struct sim_telegram *t,
                     const struct sim_item *items, size_t n);
/* B: {OBIS, value, {scaler, unit}} each, in an array or a structure. */
void sim_layout_objects(struct sim_out *apdu, struct sim_meter *meter, struct sim_telegram *t,
                        const struct sim_item *items, size_t n, bool in_array);
/* C: one flat structure: clock, then OBIS, value, {scaler, unit} …, last a bare string. */
void sim_layout_flat(struct sim_out *apdu, struct sim_meter *meter, struct sim_telegram *t,
                     const struct sim_item *items, size_t n);
/* D: one flat structure: [list id,] OBIS, value, OBIS, value … */
void sim_layout_pairs(struct sim_out *apdu, struct sim_meter *meter, struct sim_telegram *t,
                      const struct sim_item *items, size_t n);
/* E: values only. */
void sim_layout_positional(struct sim_out *apdu, struct sim_meter *meter, struct sim_telegram *t,
                           const struct sim_item *items, size_t n);
/* F: {enum, array of untagged class, OBIS, attribute and a tagged value}. */
void sim_layout_untagged(struct sim_out *apdu, struct sim_meter *meter, struct sim_telegram *t,
                         const struct sim_item *items, size_t n);

/* The content of frames: the APDU as it is, or ciphered when this meter does that. */
int sim_layout_secure(struct sim_out *out, const struct sim_meter *meter,
                      const struct sim_out *apdu);
