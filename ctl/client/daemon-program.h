/* SPDX-License-Identifier: MIT */
/*
 * The service's own program: its parser assesses configurations, so there is only one.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>

/* $SMARTMETERD, the build tree beside us, where it is installed. Returns buf or static storage. */
const char *daemon_program(char buf[static PATH_MAX]);

/* Whether the service would take this configuration; what is wrong with it is printed. True where
 * the program is not there: then the service assesses it when it reads it. */
bool daemon_program_accepts(const char *config);
