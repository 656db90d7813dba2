/* SPDX-License-Identifier: MIT */
/*
 * The files that make the service listen at a port of the machine itself: a [converter] section in
 * a file of smartmeterd.conf.d, and where systemd runs a drop-in that opens the unit's sandbox for
 * that one device. Both are written whole, and can be taken away again.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "board-port.h"

struct board_files {
        char section[PATH_MAX], drop_in[PATH_MAX]; /* "": not needed */
        bool was_section, was_drop_in;             /* it was there before */
};

/* Unknown values are NULL. */
struct board_wish {
        const char *config;         /* the path of smartmeterd.conf */
        const char *line, *profile; /* of the section */
        bool has_section;           /* the user has written one */
};

/* Where a systemd runs the machine. */
bool board_has_systemd(void);

/* Names the files for a port called `name`; false when `config` has no folder. */
bool board_files_name(const char *config, const char *name, struct board_files *ret);

/* Writes them. On failure nothing is left, and the reason is on standard error. */
int board_files_write(const struct board_port *port, const struct board_wish *wish,
                      struct board_files *files);

/* Removes new files. One that was there before keeps its new content, which the user corrects. */
void board_files_undo(const struct board_files *files);

/* Takes them away. Returns how many there were, or -errno after a word to the user. */
int board_files_remove(const struct board_files *files);
