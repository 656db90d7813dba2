/* SPDX-License-Identifier: MIT */
/*
 * The service speaks English, with particulars in its sentences: hosts, paths, counts. smctl knows
 * the sentences (ctl/po/SENTENCES names the sources that have them), finds the one that was said,
 * and says it in the user's language with the same particulars.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define SENTENCE_MAX 1024

/* False where the user's language is English, or has no catalogue. */
bool sentences_are_translated(void);
/* False, and nothing written, when there is no such sentence or no translation of it. */
bool sentences_translate(const char *english, char buf[static SENTENCE_MAX]);
/* The same; the English one where there is none. Borrowed until the next call but one. */
const char *sentences_say(const char *english);
