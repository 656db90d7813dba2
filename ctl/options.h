/* SPDX-License-Identifier: MIT */
/*
 * Options of a verb as a table: parsed, explained by --help and checked from one place, so that
 * every verb understands --json, --address and --help in the same way.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum option_kind {
        OPTION_FLAG,   /* bool */
        OPTION_STRING, /* const char *, borrowed from argv */
        OPTION_NUMBER, /* unsigned int */
        OPTION_TIME,   /* uint64_t: µs, given in seconds that may have a fraction */
};

struct option_row {
        const char *name; /* without the dashes */
        char letter;      /* 0: none */
        enum option_kind kind;
        const char *argument; /* "FILE"; NULL for a flag */
        const char *help;     /* one line, marked for translation */
        void *into;
};

#define OPTIONS_ANY_NUMBER (-1)

struct options {
        const struct option_row *rows;
        size_t n_rows;
        const char *about; /* what --help says beyond the summary, or NULL */
        int min_arguments;
        int max_arguments;     /* OPTIONS_ANY_NUMBER: no limit */
        bool stop_at_argument; /* what follows the first argument belongs to another program */
        /* Said to who shortens "--key-file" to "--key", which getopt would take: the value that
         * follows is then a secret, and is not repeated. NULL: the verb has none. */
        const char *no_secrets;
};

struct verb;

/* Options of all verbs. */
struct ctl_settings {
        const struct verb *verb; /* the one that runs: what --help says of it */
        bool json;
        const char *address; /* D-Bus address, NULL: the system bus */
};
extern struct ctl_settings ctl_settings;

/*
 * Reads the options of the verb argv[0]; argv is reordered so that arguments come last. Returns the
 * index of the first argument (1 or more), 0 when --help was asked for and printed, or -EINVAL with
 * a message printed. For both of the latter options_exit() gives the exit code.
 */
int options_parse(const struct options *options, int argc, char **argv);
int options_exit(int r);

/* "smctl VERB: MESSAGE", and where to read on. Returns EXIT_MISUSED. */
int options_misuse(const char *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));
