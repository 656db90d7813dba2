/* SPDX-License-Identifier: MIT */
/*
 * One configuration being read: the result so far, where its sections began, and the keys of each
 * file. Several files may follow one another; config_read_finish() then checks the whole.
 */
#pragma once

#include <stdio.h>

#include "config.h"

#define CONFIG_LINE_MAX     198       /* inih's line buffer is 200 bytes with newline and NUL */
#define CONFIG_FILE_MAX     (1 << 20) /* more than anyone writes by hand */
#define CONFIG_PROBLEMS_MAX 100       /* a longer list is of no use */

struct config_seen;
struct config_mark;

struct config_reader {
        struct config *config;       /* owned until config_read_finish() */
        config_section_at *sections; /* sections that may stand there */
        struct config_item **last;   /* where the next item is appended */
        struct config_problem **end;
        unsigned int n_problems, n_errors;
        struct config_mark *marks; /* where each section began */
        bool out_of_memory;
        bool for_another; /* checked by a user who is not the service */
        /* Of the file that is being read. */
        const char *file;
        FILE *stream;
        bool world_readable;
        unsigned int line;
        size_t bytes;
        char *raw; /* the line as it stands there */
        size_t raw_size;
        bool expects_key;         /* the line must have a key, or it is a fault */
        struct config_seen *seen; /* keys of this file: none may come twice */
        /* Of the section that is being read. */
        struct config_item *item; /* NULL: none, or one that was refused */
        bool refused;
};

int config_read_begin(struct config_reader *reader, config_section_at *sections);
/* `file` must outlive the reader. Faults become problems; -ENOMEM is returned at the end. */
void config_read_stream(struct config_reader *reader, FILE *stream, const char *file,
                        bool world_readable);
/* A fault of a file as a whole. */
void config_read_problem(struct config_reader *reader, const char *file, unsigned int line,
                         bool warning, const char *format, ...)
        __attribute__((format(printf, 5, 6)));
/* An error of a section as a whole, at the line where it began last; or of the field of a marked
 * key, at its own. */
void config_read_problem_of(struct config_reader *reader, const void *target, const char *format,
                            ...) __attribute__((format(printf, 3, 4)));
/* The same, a warning. */
void config_read_warning_of(struct config_reader *reader, const void *target, const char *format,
                            ...) __attribute__((format(printf, 3, 4)));
/* 0; -EINVAL: *ret holds only problems; -ENOMEM: nothing in *ret. */
int config_read_finish(struct config_reader *reader, struct config **ret);

/* The profiles of DIR/profiles.d/ *.profile, behind the built-in ones. */
void config_profiles_read(struct config_reader *reader, const char *path);
/* Reports a profile that does not exist. */
void config_profiles_check(struct config_reader *reader, const struct config_converter *c);
