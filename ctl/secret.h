/* SPDX-License-Identifier: MIT */
/*
 * Keys from people: asked on the terminal without echo, or read from a file or pipe, never from the
 * command line, where every user of the machine could see them.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

#define SECRET_LINE_MAX 256

/*
 * Asks on the terminal and reads a line without echo; the terminal is restored even when Ctrl-C
 * ends us. -ENOTTY when there is no terminal, -ECANCELED at Ctrl-D.
 */
int secret_ask(const char *prompt, char ret[static SECRET_LINE_MAX]);

/* The next line of a stream that is no comment and not empty; -ENODATA at its end. */
int secret_read(FILE *stream, char ret[static SECRET_LINE_MAX]);
