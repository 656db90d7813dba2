/* SPDX-License-Identifier: MIT */
/*
 * Who has a tty open: found in /proc/locks (readable by all) and in /proc/PID/fd (as far as we may
 * look), so that "busy" can name the program to stop.
 */
#pragma once

#include <stdint.h>

struct holder {
        uint32_t pid;  /* 0: not found */
        char name[32]; /* "cat"; "" when /proc does not tell */
};

/* Never fails: what cannot be found stays 0 and "". Our own process is not counted. */
struct holder holder_find(const char *devnode);
