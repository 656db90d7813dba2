/* SPDX-License-Identifier: MIT */
/*
 * Who has a tty open: found in /proc/locks (readable by all) and in /proc/PID/fd (as far as we may
 * look), so that "busy" can name the program to stop.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct holder {
        uint32_t pid;  /* 0: not found */
        char name[32]; /* "cat"; "" when /proc does not say */
        char unit[64]; /* "jeedom.service"; "" for none, or when /proc does not say */
};

/* Never fails: what cannot be found stays 0 and "". Our own processes are not counted. */
struct holder holder_find(const char *devnode);

/*
 * The same by the helper that may see all processes (smartmeterd-holders.socket), since a program
 * that has a port open without a lock shows nowhere else; by reading /proc ourselves where there is
 * none. `locked`: the caller has locked it, so no other program has. To read /proc/locks holds up
 * all who lock a file on this machine, and takes ten milliseconds.
 */
struct holder holder_ask(const char *devnode, bool locked);

#define HOLDER_SOCKET "/run/smartmeterd-holders"
/* The helper's part: a line "MAJOR:MINOR" becomes "PID<tab>NAME<tab>UNIT", or an empty line. */
struct holder holder_of_number(unsigned int major_number, unsigned int minor_number);
