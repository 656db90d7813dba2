/* SPDX-License-Identifier: MIT */
/*
 * Exact decimals: mantissa × 10^exponent, from the wire to the output, never through a double.
 * 2301 × 10^-1 prints as "230.1", and 5 × 10^3 as "5000".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reader.h"

/*
 * Beyond these exponents a value is a fault of the telegram: -10..10 covers every scaler a meter
 * sends (IEC 62056-6-2 allows -128..127), plus the 3 of a kilo prefix.
 */
#define DECIMAL_EXPONENT_MAX 13
#define DECIMAL_TEXT_MAX     40 /* sign, 19 digits, 13 zeros, point, "0.", NUL */

struct decimal {
        int64_t mantissa;
        int8_t exponent;
};

/*
 * Reads "00123.450", "-0.4", "+7". Returns the number of bytes read (> 0), -EINVAL when the text
 * does not begin with a number, -ERANGE when it does not fit.
 */
int decimal_parse(struct slice text, struct decimal *ret);

/* Prints exactly, keeping trailing zeros of the mantissa. Returns the length without NUL. */
size_t decimal_print(struct decimal value, char buf[static DECIMAL_TEXT_MAX]);

/* Like decimal_print(), and always with a decimal point, as Python prints a float: "28.0". */
size_t decimal_print_float(struct decimal value, char buf[static DECIMAL_TEXT_MAX]);

/* value × 10^by; -ERANGE when the exponent leaves ±DECIMAL_EXPONENT_MAX. */
int decimal_shift(struct decimal value, int by, struct decimal *ret);

/* Takes the zeros that end the mantissa into the exponent: 2300 × 10^-3 is 23 × 10^-1. */
void decimal_trim(struct decimal *value);

/* Negative, 0 or positive as a < b, a == b (by value: 10e-1 equals 1e0), a > b. */
int decimal_compare(struct decimal a, struct decimal b);

/* a + b, a − b, exactly; -ERANGE when the result does not fit 64 bits. */
int decimal_add(struct decimal a, struct decimal b, struct decimal *ret);
int decimal_subtract(struct decimal a, struct decimal b, struct decimal *ret);

/* How many whole 10^exponent are in it, towards zero; -ERANGE when that does not fit 64 bits. */
int decimal_to_whole(struct decimal value, int exponent, int64_t *ret);

/* For the outputs that must print a binary double (D-Bus): nearest to the exact value. */
double decimal_to_double(struct decimal value);
