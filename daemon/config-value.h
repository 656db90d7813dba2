/* SPDX-License-Identifier: MIT */
/*
 * How the words behind `Key=` are read: durations, sizes, booleans, patterns, secrets. Each parser
 * writes its field only on success, and says on failure what would be right.
 */
#pragma once

#include <stdbool.h>

#include "config.h"

/* What a parser has to say beside its result. */
struct config_answer {
        char text[CONFIG_MESSAGE_MAX / 2]; /* the fault, or with 0 a warning; "" nothing */
        bool hides_value; /* it may be a secret where the name of a file should stand */
        bool for_another; /* asked with: the service is somebody else, who may read other files */
};

void config_answer(struct config_answer *answer, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/*
 * Each reads `value` into `field`, whose type stands behind it; `suffix` is the rest of a key that
 * has one (Label.1), else "". Returns 0, -EINVAL with an answer, or -ENOMEM.
 */
typedef int config_value_parser(const char *value, const char *suffix, void *field,
                                struct config_answer *ret);

config_value_parser config_value_boolean;       /* bool */
config_value_parser config_value_duration;      /* uint64_t µs: "5min", "1h 30min", "90" (s) */
config_value_parser config_value_duration_some; /* the same, not 0 */
config_value_parser config_value_bytes;         /* uint64_t: "64M", "1 GiB", "65536" */
config_value_parser config_value_string;        /* char *, owned; "" leaves NULL */
config_value_parser config_value_word;          /* the same without blanks, '/', '+', '#' */
config_value_parser config_value_topic;         /* the same, '/' allowed inside */
config_value_parser config_value_path;          /* the same, absolute */
config_value_parser config_value_usb_id;    /* char *: four hex digits or a pattern, lower case */
config_value_parser config_value_interface; /* char *: "00" or a pattern */
config_value_parser config_value_group;     /* char *: a group; unknown ones are warned of */
config_value_parser config_value_timezone;  /* char *: a name of the tz database */
config_value_parser config_value_hex;       /* char *: a PSK */
config_value_parser config_value_level;     /* int: LOG_ERR … LOG_DEBUG */
config_value_parser config_value_port;      /* uint16_t */
config_value_parser config_value_percent;   /* struct decimal: "0.5", "0.5%" */
config_value_parser config_value_power;     /* int64_t W: "25kW", "25000" */
config_value_parser config_value_key;       /* struct cipher_keys: key */
config_value_parser config_value_auth_key;  /* struct cipher_keys: auth_key */
config_value_parser config_value_title;     /* struct cipher_keys: title */

/* What is read from files: `value` is a path, or the name of a systemd credential. */
config_value_parser config_value_key_file;      /* struct cipher_keys: key */
config_value_parser config_value_auth_key_file; /* struct cipher_keys: auth_key */
config_value_parser config_value_secret_file;   /* char *, owned: the first line */

/* Frees a string after overwriting it; NULL is fine. Returns NULL. */
char *config_value_wipe(char *secret);
