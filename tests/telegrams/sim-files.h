/* SPDX-License-Identifier: MIT */
/*
 * The synthetic telegrams beside this file: <vendor>-<model>-<case>.hex is what a virtual meter
 * sent (hex text, keys as comments), .expect what it meant, a line per fact in the order of
 * sim_files_print(): meter, time, encrypted, then values and texts.
 */
#pragma once

#include <stdio.h>

#include "lib/datetime.h"
#include "lib/decimal.h"
#include "lib/obis.h"
#include "lib/reader.h"
#include "sim/sim.h"

struct sim_file {
        const char *name;
        const char *profile;
        uint8_t control; /* 0: plain, unless the meter always ciphers */
        enum sim_cipher_form form;
        int64_t after_s; /* seconds after the base time */
};

/* 2026-06-30 12:00:02 in Central Europe. */
#define SIM_FILES_EPOCH_S 1782813602

static inline void sim_files_print_value(FILE *out, struct obis obis, struct decimal value,
                                         const char *unit)
{
        char code[OBIS_TEXT_MAX], number[DECIMAL_TEXT_MAX];

        (void)decimal_print(value, number);
        (void)fprintf(out, "value %s %s %s\n", obis_print(obis, code), number, unit);
}

static inline void sim_files_print_text(FILE *out, struct obis obis, const char *label,
                                        struct slice value)
{
        char code[OBIS_TEXT_MAX];

        (void)fprintf(out, "text %s %.*s\n", label && *label ? label : obis_print(obis, code),
                      (int)value.len, (const char *)value.data);
}
