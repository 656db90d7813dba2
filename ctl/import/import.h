/* SPDX-License-Identifier: MIT */
/*
 * From the datacollector.ini of smartmeter-datacollector, or the config.ini of the Jeedom plugin,
 * to our configuration. Every line is accounted for: what it became, or why it became nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/util.h"
#include "ctl/doctor/sysroot.h"

/* A file of theirs has about 30 lines; some have a reader for each of many meters. */
#define IMPORT_LINES_MAX 512
#define IMPORT_NAME_MAX  64
#define IMPORT_VALUE_MAX 256
#define IMPORT_NOTE_MAX  256

enum import_status {
        IMPORT_UNKNOWN, /* no key of theirs: they ignore it silently, and so do we, aloud */
        IMPORT_MAPPED,
        IMPORT_DROPPED, /* not needed here */
        IMPORT_MANUAL,  /* something is left to do by hand */
        IMPORT_ERROR,   /* cannot be translated */
};

struct import_line {
        unsigned int number;
        char section[IMPORT_NAME_MAX], key[IMPORT_NAME_MAX];
        char value[IMPORT_VALUE_MAX];
        bool secret; /* the value is never printed */
        enum import_status status;
        char note[IMPORT_NOTE_MAX]; /* what it became, or why it did not */
};

/* A password goes into a file of its own: our configuration holds none. */
struct import_password {
        char section[IMPORT_NAME_MAX]; /* of ours */
        char value[IMPORT_VALUE_MAX];
};
#define IMPORT_PASSWORDS_MAX 16

struct import {
        struct import_line lines[IMPORT_LINES_MAX];
        size_t n_lines;
        struct import_password passwords[IMPORT_PASSWORDS_MAX];
        size_t n_passwords;
        size_t n_errors, n_manual;
        const char *directory; /* where password files will stand; borrowed */
        bool has_keys;
        bool has_local; /* a sink has taken the place of the shipped [mqtt "local"] */
};

/*
 * Opens the one file of theirs that stands where their programs keep it. -ENOENT: there is none;
 * -ENOTUNIQ: there are several, import_place() gives the places; -EPERM: it, or a folder on the way
 * where all may write, is a link, no plain file or nobody's whom Jeedom or the caller is; -EACCES.
 * The stream is the caller's. The path is set unless it is -ENOENT.
 */
int import_find_file(char ret_path[static SYSROOT_PATH_MAX], FILE **ret);
/* The i-th place that is looked at, written into `buf`; NULL behind the last. */
const char *import_place(size_t i, char buf[static SYSROOT_PATH_MAX]);

/* Reads their file. -EBADMSG with *ret_line where it is no INI file, -E2BIG when it is too long. */
int import_read(struct import *import, FILE *stream, unsigned int *ret_line);

/* Is there a section of theirs in it? Many a file reads as INI. */
bool import_is_theirs(const struct import *import);

/* Writes our configuration to `out`, and into each line what became of it. */
void import_translate(struct import *import, FILE *out);

/* Is it the file that Jeedom's plugin SmartMeterUSB writes? */
bool import_is_jeedom(struct import *import);

void import_wipe(struct import *import);

/* "mapped" "dropped" "manual" "error" "unknown". */
const char *import_status_name(enum import_status status);
