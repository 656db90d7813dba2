/* SPDX-License-Identifier: MIT */
/*
 * A serial port of the machine itself, such as /dev/ttyAMA0 of a Raspberry Pi: what it is, and what
 * stands in the way of a service that is to listen there.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "ctl/doctor/process.h"

struct board_port {
        char device[PATH_MAX]; /* as it was named, and Device= will have it: "/dev/serial0" */
        char node[PATH_MAX];   /* where it leads to, with the root of the tests before it */
        char name[64];         /* "serial0" */
        char tty[64];          /* "ttyAMA0": the kernel's name */
        bool pseudo;           /* a pseudo-terminal, whose number is another with each start */
        struct stat file;
};

/*
 * Finds the port of `word`, a name below /dev or a path. 1: such a port. 0: none of the machine's
 * own, such as a USB converter. -errno with the reason on standard error: a port of the machine
 * that is none.
 */
int board_port_find(const char *word, struct board_port *ret);

/* Another program has it open. False when none has, or may be seen. */
bool board_port_holder(const struct board_port *port, struct process *ret);

/* It is the login prompt's, which systemd runs on consoles. */
bool board_is_login(const struct process *holder);
