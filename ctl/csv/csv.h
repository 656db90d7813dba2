/* SPDX-License-Identifier: MIT */
/*
 * Lines of comma-separated values as programs and people write them (RFC 4180): separated by
 * commas, semicolons or tabs, whichever the first line has most of; fields may be quoted, and end
 * with their line. Each field knows where it stands, so that an error can say so.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* The hours of a year beside each other, as Home Assistant writes them, and some. */
#define CSV_FIELDS_MAX 10000
/* Longer is no table. */
#define CSV_LINE_MAX (1024 * 1024)

struct csv_field {
        char *text;    /* without quotes and the blanks around it */
        size_t column; /* of its first letter, from 1 */
};

struct csv {
        FILE *stream;     /* borrowed */
        const char *name; /* for errors; borrowed */
        char separator;
        size_t line;              /* number of the line that was read, from 1 */
        struct csv_field *fields; /* of the line that was read */
        size_t n;
        char *text; /* what the fields point into */
};

/* csv_done() gives back what was taken; the stream stays the caller's. -ENOMEM. */
int csv_init(struct csv *csv, FILE *stream, const char *name);
void csv_done(struct csv *csv);

/* The next line that is not empty: 1, 0 at the end; or -EBADMSG, with where and why on standard
 * error. */
int csv_next(struct csv *csv);

/* Says what is wrong with a field of the line that was read, as compilers do. Returns -EBADMSG. */
int csv_fail(const struct csv *csv, size_t field, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* "1234.5", and "1234,5" where commas separate nothing; false: it is no number. */
bool csv_number(const struct csv *csv, const char *text, double *ret);
