/* SPDX-License-Identifier: MIT */
/*
 * The verbs of smctl. A verb gets its own argv (argv[0] is its name) and answers an exit code; the
 * table of all is verbs/verb.h.
 */
#pragma once

enum exit_code {
        EXIT_DONE = 0,
        EXIT_FAILED = 1,
        EXIT_MISUSED = 2,
};

struct verb {
        const char *name;
        const char *synopsis; /* behind the name, without options: "ID -- COMMAND…" */
        const char *summary;  /* one line, marked for translation */
        int (*run)(int argc, char **argv);
};
