/* SPDX-License-Identifier: MIT */
/*
 * What smctl can be told to do: one function per verb, each in its own cmd-<verb>.c, and the table
 * of them in smctl.c. A verb gets its own argv (argv[0] is its name) and answers an exit code.
 */
#pragma once

#include <stddef.h>

enum exit_code {
        EXIT_DONE = 0,
        EXIT_FAILED = 1,
        EXIT_MISUSED = 2,
};

struct verb {
        const char *name;
        const char *synopsis; /* what follows the name, without options: "ID -- COMMAND…" */
        const char *summary;  /* one line, marked for translation */
        int (*run)(int argc, char **argv);
};

/* The row of this name, or NULL. Static storage. */
const struct verb *verb_find(const char *name);

int cmd_adopt(int argc, char **argv);
int cmd_capture(int argc, char **argv);
int cmd_check_config(int argc, char **argv);
int cmd_decode(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_forget(int argc, char **argv);
int cmd_identify(int argc, char **argv);
int cmd_import_config(int argc, char **argv);
int cmd_inhibit(int argc, char **argv);
int cmd_list_converters(int argc, char **argv);
int cmd_list_meters(int argc, char **argv);
int cmd_monitor(int argc, char **argv);
int cmd_probe(int argc, char **argv);
int cmd_readings(int argc, char **argv);
int cmd_reload(int argc, char **argv);
int cmd_set_key(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_simulate(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_version(int argc, char **argv);
