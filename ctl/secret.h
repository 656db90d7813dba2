/* SPDX-License-Identifier: MIT */
/*
 * Keys from people: asked on the terminal without echo, or read from a file or pipe, never from the
 * command line, where every user of the machine could see them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define SECRET_LINE_MAX 256

/*
 * Asks on the terminal and reads a line without echo; the terminal is restored even when Ctrl-C
 * ends us. -ENOTTY when there is no terminal, -ECANCELED at Ctrl-D.
 */
int secret_ask(const char *prompt, char ret[static SECRET_LINE_MAX]);

/* Whether a word, or what follows '=' in it, may be a key: enough hex digits and little else. */
bool secret_looks_like_key(const char *word);
/* The word as it may be repeated in a message: terminals and logs remember. */
const char *secret_shown(const char *word);

/* The next line of a stream that is no comment and not empty; -ENODATA at its end. */
int secret_read(FILE *stream, char ret[static SECRET_LINE_MAX]);
