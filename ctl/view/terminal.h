/* SPDX-License-Identifier: MIT */
/*
 * The terminal as a full screen: entered, left and drawn on. Whatever ends us through the event
 * loop or exit() leaves it as it was.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Alternate screen, no cursor, keys without echo. -errno when stdin or stdout is no terminal. */
int terminal_enter(void);
/* Undoes it; may be called at any time, twice too. */
void terminal_leave(void);

void terminal_size(size_t *ret_columns, size_t *ret_rows);

/* A new picture: begins at the top; each line ends with terminal_line_end(). */
void terminal_begin(void);
void terminal_line_end(void);
void terminal_end(void);
