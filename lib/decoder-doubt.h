/* SPDX-License-Identifier: MIT */
/*
 * Compares the values of a telegram that no check sum bears out with those that its sender sent
 * before, and with what a meter can measure: damage seldom makes a value that fits.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/value/telegram.h"

/* Meters on one line: two at most in the field. */
#define DOUBT_METERS 4
/* Energies of one meter that are compared with those before: its totals and tariffs. */
#define DOUBT_REGISTERS 8

/* Why a telegram that no check sum bears out is held back. */
enum doubt {
        DOUBT_RANGE = 1,     /* a value beyond what the meter can measure */
        DOUBT_POWER = 2,     /* more power than voltages and currents carry */
        DOUBT_BOTH_WAYS = 4, /* import and export at once, of a meter that balances */
        DOUBT_REGISTER = 8,  /* energy that fell, or rose too fast */
        DOUBT_VOLTAGE = 16,  /* a step, between two telegrams in a row */
        DOUBT_CLOCK = 32,    /* the meter's clock went back */
        DOUBT_SUM = 64,      /* the phases make another power than that of all */
};

/* The last telegram of one sender that was believed. */
struct doubt_past {
        uint64_t sender; /* 0: unused */
        int64_t time_s;  /* by the meter's clock; 0: it has none */
        double power[2]; /* in and out; negative: it did not say */
        double voltage[3];
        struct doubt_register {
                struct obis obis;
                struct decimal value;
        } registers[DOUBT_REGISTERS];
        size_t n_registers;
        bool both_ways;         /* it imported and exported at once */
        bool unlikely;          /* much less power than voltages and currents carry */
        bool sums_up;           /* its phases made the power of all */
        unsigned int doubts;    /* DOUBT_…: these came lately */
        unsigned int n_without; /* telegrams since */
};

/* Zeroed: no telegram came yet. */
struct doubt_pasts {
        struct doubt_past list[DOUBT_METERS];
        size_t next; /* the one that makes room for another sender */
};

/*
 * True when the values fit those of this sender (never 0), or each doubt came lately too. Then the
 * telegram is the one that the next is compared with.
 */
bool doubt_is_none(struct doubt_pasts *pasts, const struct telegram *t, uint64_t sender);
