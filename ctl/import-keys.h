/* SPDX-License-Identifier: MIT */
/*
 * The inside of import: the sections of theirs, one translator each, and what they share.
 */
#pragma once

#include "import.h"

void import_reader(struct import *import, const char *section, FILE *out);
void import_sink(struct import *import, const char *section, FILE *out);

struct import_line *import_find(struct import *import, const char *section, const char *key);
/* The value, "" when the key is missing. */
const char *import_value(struct import *import, const char *section, const char *key);
bool import_is_true(const char *value);

/* Says what became of a line; nothing for NULL. */
void import_note(struct import *import, struct import_line *line, enum import_status status,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));
