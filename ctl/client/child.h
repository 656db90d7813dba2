/* SPDX-License-Identifier: MIT */
/*
 * Running another program and waiting for it.
 */
#pragma once

/*
 * Runs argv (searched in PATH unless it has a slash) and waits; Ctrl-C goes to it, not to us.
 * Returns its exit status as a shell does (128 + signal), or -errno when it cannot be started.
 */
int child_run(char *const argv[]);

/*
 * The same, silently: what it writes to its standard output is returned, up to CHILD_OUTPUT_MAX
 * bytes; its errors go nowhere. *ret is owned by the caller.
 */
#define CHILD_OUTPUT_MAX (64U * 1024U)
int child_capture(char *const argv[], char **ret);
