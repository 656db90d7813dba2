/* SPDX-License-Identifier: MIT */
/*
 * Text that came from elsewhere: UTF-8 or not, too long or not, with control characters or not.
 * Pure: no locale is asked.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the letter that begins here (1 to 4), 0: none does (RFC 3629: shortest form, no
 * surrogates, at most U+10FFFF). Reads no further than the NUL. */
size_t text_letter(const char *text);

/* True when all of it is UTF-8. */
bool text_is_utf8(const char *text);

/* How many bytes of `text` fit into `size` with a NUL, whole letters only. */
size_t text_cut(const char *text, size_t size);

/* Copies what text_cut() says; returns `buf`. */
char *text_copy(char *buf, size_t size, const char *text);

/*
 * Makes it safe to show, in place: control characters (C0, DEL, C1) become '?', so do bytes that
 * are no UTF-8; a letter that was cut at the end of the text, or before an ASCII character, goes.
 * Returns `text`.
 */
char *text_clean(char *text);
