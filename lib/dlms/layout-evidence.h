/* SPDX-License-Identifier: MIT */
/*
 * Whether power, voltage and current of one telegram agree: no meter shows more active power than
 * its voltages and currents explain, nor more apparent power. It may show much less: phases that
 * import and export at once cancel out, and reactive current carries no power.
 */
#pragma once

#include <stdbool.h>

#include "lib/value/decimal.h"
#include "lib/value/obis.h"

struct evidence {
        struct {
                double value[3], step[3]; /* step: what the last digit is worth */
                bool known[3];
        } voltage, current;
        double import[4], export[4]; /* of the phases, and of all */
        bool has_import[4], has_export[4];
        double reactive_import, reactive_export;
        bool has_reactive;
};

enum evidence_result {
        EVIDENCE_SILENT,      /* something is missing, or too small to decide */
        EVIDENCE_CLOSE,       /* within a tenth */
        EVIDENCE_AGREES,      /* neither much less nor more than is possible */
        EVIDENCE_UNLIKELY,    /* less power than half of voltage times current */
        EVIDENCE_CONTRADICTS, /* more power than voltage times current, active and reactive:
                                 impossible */
};

/* Takes note of a value if it is one of those; others are ignored. */
void evidence_add(struct evidence *e, struct obis obis, struct decimal value);
/* The same of a value that is a double already; its last digit is worth 10^exponent. */
void evidence_add_number(struct evidence *e, struct obis obis, double number, int8_t exponent);

enum evidence_result evidence_result_of(const struct evidence *e);

/* The least volt-amperes that flow through the meter, in and out, by its voltages and currents. */
double evidence_least_va(const struct evidence *e);
