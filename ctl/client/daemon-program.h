/* SPDX-License-Identifier: MIT */
/*
 * The service's own program: its parser judges configurations, so there is only one.
 */
#pragma once

#include <limits.h>

/* $SMARTMETERD, the build tree beside us, where it is installed. Returns buf or static storage. */
const char *daemon_program(char buf[static PATH_MAX]);
