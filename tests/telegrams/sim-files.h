/* SPDX-License-Identifier: MIT */
/*
 * Telegrams of ours: profiles/<maker>-<model>/<case>.hex, and here those of meters that need no
 * profile, are what a meter sent (hex text, keys as comments), .expect beside it what it meant, a
 * line per fact: meter, time, encrypted, then values and texts, in any order.
 */
#pragma once

#include <stdio.h>

#include "lib/value/datetime.h"
#include "lib/value/decimal.h"
#include "lib/value/obis.h"
#include "lib/value/reader.h"
#include "sim/sim.h"

struct sim_file {
        const char *name; /* path below the root, without ending */
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
        (void)fprintf(out, "value %s %s %s\n", obis_print(obis, code), number,
                      unit && *unit ? unit : "-");
}

static inline void sim_files_print_text(FILE *out, struct obis obis, const char *label,
                                        struct slice value)
{
        char code[OBIS_TEXT_MAX];

        (void)fprintf(out, "text %s %.*s\n", label && *label ? label : obis_print(obis, code),
                      (int)value.len, (const char *)value.data);
}
