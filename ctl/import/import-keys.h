/* SPDX-License-Identifier: MIT */
/*
 * The inside of import: the sections of theirs, one translator each, and what they share.
 */
#pragma once

#include "import.h"

/* How sure it is which converter a reader's port means. */
enum import_port {
        IMPORT_PORT_EXACT,
        IMPORT_PORT_GUESS, /* it takes more converters than one */
        IMPORT_PORT_OPEN,  /* someone must say it: no section can be in force */
};

void import_reader(struct import *import, const char *section, FILE *out);
/* Is the i-th line the first one of a reader whose meter can be read? */
bool import_is_reader(struct import *import, size_t i);
/* Writes the keys of [converter] that name the converter. */
enum import_port import_port(struct import *import, const char *section, FILE *out);
void import_sink(struct import *import, const char *section, FILE *out);

/* Does a section of theirs begin with this line? */
bool import_section_begins(const struct import *import, size_t i);
struct import_line *import_find(struct import *import, const char *section, const char *key);
/* The value, "" when the key is missing. */
const char *import_value(struct import *import, const char *section, const char *key);
bool import_is_true(const char *value);

/* Says what became of a line; nothing for NULL. */
void import_note(struct import *import, struct import_line *line, enum import_status status,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));
