/* SPDX-License-Identifier: MIT */
/*
 * How results look: colours (only on a terminal, and not with NO_COLOR), ages, times and numbers
 * with units as people read them.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum style {
        STYLE_NONE,
        STYLE_BOLD,
        STYLE_DIM,
        STYLE_GOOD, /* green */
        STYLE_WARN, /* yellow */
        STYLE_BAD,  /* red */
};

/* True when stdout is a terminal. */
bool output_is_terminal(void);
/* True when stdout takes colours: a terminal, TERM is not dumb, NO_COLOR is not set. */
bool output_has_color(void);
/* True when the user's locale prints UTF-8 (sparklines, check marks). */
bool output_is_utf8(void);
/* Columns of the terminal; 80 when it is none. COLUMNS= wins. */
size_t output_width(void);

/* The escape sequence that begins or ends a style; "" without colours. Static storage. */
const char *output_style(enum style style);
const char *output_plain(void);

/* How a state of a converter, a key or a broker is to be taken. */
enum style output_state_style(const char *state);

#define OUTPUT_TEXT_MAX 64

/* Remembers how the user's locale writes numbers; before LC_NUMERIC is set to "C". */
void output_take_locale(void);

/* "3 s", "5 min", "2 h", "4 d" since then; "–" for 0. Returns buf. */
char *output_age(uint64_t since_usec, uint64_t now_usec, char buf[static OUTPUT_TEXT_MAX]);
/* Local time "2026-03-06 14:33:45"; "–" for 0. */
char *output_time(uint64_t usec, char buf[static OUTPUT_TEXT_MAX]);
/* Of that the time of day, "14:33:45". */
char *output_clock(uint64_t usec, char buf[static OUTPUT_TEXT_MAX]);
/* ISO 8601 with the local offset, for JSON. */
char *output_time_iso(uint64_t usec, char buf[static OUTPUT_TEXT_MAX]);
/* "230.1 V", "12345.678 kWh" for 12345678 Wh, in French "12 345,678 kWh"; "–" for NaN. "m3" where
 * the locale has no "m³". */
char *output_value(double value, const char *unit, char buf[static OUTPUT_TEXT_MAX]);
/* "1234.50 CHF", in French "1 234,50 CHF"; the number alone with no currency (""); "-" for NaN. */
char *output_money(double value, const char *currency, char buf[static OUTPUT_TEXT_MAX]);

/* Columns of UTF-8 text on a terminal, near enough: characters, not bytes. */
size_t output_columns(const char *text, size_t len);
/* Prints text and blanks up to so many columns: printf() counts bytes. */
void output_padded(const char *text, size_t columns);
/* Prints text between `indent` and the right edge of a terminal, breaking at blanks; ends the
 * line. In a pipe it is one line. */
void output_wrapped(const char *text, size_t indent);

/* Wall time, µs since 1970. */
uint64_t output_now_usec(void);
/* Time that only passes, µs, for what lasts. */
uint64_t output_mono_usec(void);

/* One line on stderr, ended here if it is not. File names, words that somebody typed or pasted, and
 * what the service or the bus says may hold anything: control characters are not passed on. */
void output_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void output_say_list(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));
/* "smctl: MESSAGE" on stderr. Returns EXIT_FAILED, so that verbs can end with it. */
int output_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
