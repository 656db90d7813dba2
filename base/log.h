/* SPDX-License-Identifier: MIT */
/*
 * Structured log: to the journal with fields when the service runs under systemd, else to stderr.
 * Repeating trouble is the caller's to count: one line per change of state. Keys never come here.
 */
#pragma once

#include <stdarg.h>
#include <syslog.h>

#include <systemd/sd-id128.h>

/* Operators search for these: journalctl -u smartmeterd MESSAGE_ID=… */
#define LOG_ID_CONVERTER_STATE \
        SD_ID128_MAKE(5c, 1d, 9a, 0b, 7e, 61, 4a, 27, 9f, 0c, 31, d2, 6e, 84, b5, 01)
#define LOG_ID_METER_STATE \
        SD_ID128_MAKE(5c, 1d, 9a, 0b, 7e, 61, 4a, 27, 9f, 0c, 31, d2, 6e, 84, b5, 02)
#define LOG_ID_KEY_TROUBLE \
        SD_ID128_MAKE(5c, 1d, 9a, 0b, 7e, 61, 4a, 27, 9f, 0c, 31, d2, 6e, 84, b5, 03)
#define LOG_ID_SUSPECT SD_ID128_MAKE(5c, 1d, 9a, 0b, 7e, 61, 4a, 27, 9f, 0c, 31, d2, 6e, 84, b5, 04)
#define LOG_ID_SINK_STATE \
        SD_ID128_MAKE(5c, 1d, 9a, 0b, 7e, 61, 4a, 27, 9f, 0c, 31, d2, 6e, 84, b5, 05)
#define LOG_ID_CONFIGURATION \
        SD_ID128_MAKE(5c, 1d, 9a, 0b, 7e, 61, 4a, 27, 9f, 0c, 31, d2, 6e, 84, b5, 06)

/* Who the line is about; each may be NULL. Becomes SMARTMETER_PORT=, SMARTMETER_CONVERTER= … */
struct log_about {
        const char *port;
        const char *converter;
        const char *meter;
        const char *sink;
        int error; /* positive errno, 0: none; becomes ERRNO= */
        const sd_id128_t *message_id;
};

void log_init(void); /* finds out whether the journal listens (JOURNAL_STREAM) */

/* LOG_ERR … LOG_DEBUG; lines above are not written. Default LOG_INFO. */
void log_set_level(int priority);
int log_level_get(void);
/* "err" "warning" "notice" "info" "debug"; -EINVAL for anything else. */
int log_level_parse(const char *text);
const char *log_level_name(int priority);

/* "journal", "console": where lines go now; setting answers -EINVAL for another (LogControl1). */
const char *log_target_get(void);
int log_target_set(const char *target);

void log_write(int priority, const struct log_about *about, const char *file, int line,
               const char *format, ...) __attribute__((cold, format(printf, 5, 6)));

/* log_info("…", …), log_warning(…): without a subject; log_about(LOG_INFO, &about, "…"): with. */
#define log_about(priority, about, ...) log_write(priority, about, __FILE__, __LINE__, __VA_ARGS__)
/* The subject, in the call itself: log_about(LOG_INFO, LOG_SUBJECT(.sink = name), "…"). */
#define LOG_SUBJECT(...) (&(const struct log_about){ __VA_ARGS__ })
#define log_error(...)   log_about(LOG_ERR, NULL, __VA_ARGS__)
#define log_warning(...) log_about(LOG_WARNING, NULL, __VA_ARGS__)
#define log_notice(...)  log_about(LOG_NOTICE, NULL, __VA_ARGS__)
#define log_info(...)    log_about(LOG_INFO, NULL, __VA_ARGS__)
#define log_debug(...)   log_about(LOG_DEBUG, NULL, __VA_ARGS__)
