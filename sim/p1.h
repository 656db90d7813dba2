/* SPDX-License-Identifier: MIT */
/*
 * Lines of a P1 telegram (DSMR 5.0.2 §6) and its end. Numbers are written with a fixed number of
 * digits, as meters do, and noted in base units.
 */
#pragma once

#include "sim.h"

/* How a number is written: digits before and after the point, and its unit. */
struct sim_p1_form {
        int before, after;
        const char *unit; /* as in the text: "kWh" */
        int kilo;         /* power of ten between the text's unit and the base unit */
};

extern const struct sim_p1_form sim_p1_kwh, sim_p1_kvarh, sim_p1_kw, sim_p1_kvar, sim_p1_kva;
extern const struct sim_p1_form sim_p1_volt, sim_p1_ampere, sim_p1_ampere_whole;

/* "1-0:C.D.E(value*unit)" from the household. */
void sim_p1_number(struct sim_out *out, struct sim_meter *meter, struct sim_telegram *t, uint8_t c,
                   uint8_t d, uint8_t e, const struct sim_p1_form *form);

/* "A-B:C.D.E(text)", noted as text. */
void sim_p1_text(struct sim_out *out, struct sim_telegram *t, const uint8_t obis[static 6],
                 const char *text);

/* The same, hex-coded on the line. */
void sim_p1_hex(struct sim_out *out, struct sim_telegram *t, const uint8_t obis[static 6],
                const char *text);

/* "0-0:1.0.0(YYMMDDhhmmssS)" */
void sim_p1_clock(struct sim_out *out, struct sim_telegram *t);

/* "YYMMDDhhmmssS" of an instant, Central European time. */
void sim_p1_print_time(int64_t epoch_s, char buf[static 16]);

/* A gas, heat or water meter on channel `b`: type, id, and "24.2.E(time)(value*m3)". */
void sim_p1_submeter(struct sim_out *out, struct sim_meter *meter, struct sim_telegram *t,
                     uint8_t b, const char *type, uint8_t id_e, const char *id, uint8_t e);

/* "!" and the check sum over all from the first byte of `out`. */
void sim_p1_end(struct sim_out *out);
