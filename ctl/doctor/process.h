/* SPDX-License-Identifier: MIT */
/*
 * The processes of the machine, as far as /proc shows them to whoever asks.
 */
#pragma once

#include <stdbool.h>

/* A process as ps(1) shows it; any part may be empty. */
struct process {
        char pid[16];
        char name[32];
        char unit[80];     /* "jeedom.service": the last part of its cgroup that is a unit */
        char command[256]; /* its arguments, blanks between */
};

/* Calls `run` with each process; pid and name are filled in. Returns false when not all of them are
 * shown (hidepid=, or no /proc). */
bool process_each(void (*run)(const struct process *process, void *userdata), void *userdata);

/* Fills in the rest. */
void process_describe(struct process *process);

/* 1 one of this name runs, 0 none does, -1 not all processes can be seen. */
int process_runs(const char *name);
