/* SPDX-License-Identifier: MIT */
/*
 * Names that identify a meter (ids, serial numbers, system titles, signatures, messages), and their
 * replacements: as long, of the same kind of characters, with the maker kept, and the same
 * everywhere. A number inside another is replaced as it is there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/value/reader.h"

struct report_name {
        uint8_t *text, *substitute; /* owned, n bytes each */
        size_t n;
        bool secret;   /* a key: is only looked for */
        bool reading;  /* a reading is the same number: as a number it is not replaced */
        bool harmless; /* a version or type: stays as it is */
};

struct report_names {
        struct report_name *items; /* owned */
        size_t n, room;
};

void report_names_done(struct report_names *names);

/* Adds names that are not there yet; those with too few letters and digits are skipped. -ENOMEM. */
int report_names_add(struct report_names *names, struct slice text);
/* The same of bytes, which count as the text that they are, else as their hex digits. */
int report_names_add_bytes(struct report_names *names, struct slice bytes);
/* Names that need not be replaced, and a key, which must not be found. */
int report_names_add_harmless(struct report_names *names, struct slice text);
int report_names_add_secret(struct report_names *names, struct slice bytes);

/* A reading is this number: see report_name.reading. */
void report_names_spare(struct report_names *names, int64_t number);

/* Makes substitutes, new ones each time. -ENOMEM, -EIO without random numbers. */
int report_names_choose(struct report_names *names);

/* Replaces them in every spelling. */
void report_names_replace(const struct report_names *names, uint8_t *bytes, size_t n);

/* The replacement of this name, of the same length; NULL where there is none. Borrowed. */
const uint8_t *report_names_substitute(const struct report_names *names, struct slice text);

/* The spelling of a name that is still there; NULL when there is none. Static storage. */
const char *report_names_find(const struct report_names *names, struct slice bytes);
