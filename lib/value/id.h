/* SPDX-License-Identifier: MIT */
/*
 * Names and texts from outside, made safe once and for every output. An identifier keeps letters,
 * digits and ". _ : -" of ASCII (no '-' first); every other letter becomes '_', so that it is the
 * same word on D-Bus, in a topic, in a file and on a command line. A text is UTF-8 without control
 * characters.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "reader.h"

/*
 * Writes the identifier for `from` into `to`, at most size - 1 bytes and always with its NUL:
 * blanks around it are dropped, each letter that an identifier cannot have (one '_' for the bytes
 * of one UTF-8 letter) becomes '_'. Returns the length, 0 for an empty one.
 */
size_t id_clean(char *to, size_t size, struct slice from);

/* True for an identifier that says nothing: empty, or zeros and blanks alone (an empty slot). */
bool id_is_empty(struct slice id);

/* True when these bytes are UTF-8 (RFC 3629) without control characters (U+0000-1F, 7F-9F). */
bool utf8_is_text(struct slice bytes);

/* The most bytes of a valid text, up to `max`, that end at the end of a letter. */
size_t utf8_cut(struct slice text, size_t max);
