/* SPDX-License-Identifier: MIT */
/*
 * smartmeterd --print-keys: all keys of the configuration and of what is remembered, for `smctl` of
 * a user who may read both files: encryption key, authentication key and whose they are, a line
 * each, "-" for none. Never to a terminal.
 */
#pragma once

#include <stdbool.h>

/* The exit status: EX_OK, EX_NOPERM when there may be more that this user cannot read. */
int print_keys(const char *config_path, const char *state_directory, bool for_another);
