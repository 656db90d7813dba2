/* SPDX-License-Identifier: MIT */
/*
 * How the words behind `Key=` are read: durations, sizes, booleans, patterns, secrets. Each parser
 * writes its field only on success, and gives a correct example on failure.
 */
#pragma once

#include <stdbool.h>

#include "config-item.h"

config_value_parser config_value_boolean;       /* bool */
config_value_parser config_value_duration;      /* uint64_t µs: "5min", "1h 30min", "90" (s) */
config_value_parser config_value_duration_some; /* the same, not 0 */
config_value_parser config_value_bytes;         /* uint64_t: "64M", "1 GiB", "65536" */
config_value_parser config_value_string;        /* char *, owned; "" leaves NULL */
config_value_parser config_value_word;          /* the same without blanks, '/', '+', '#' */
config_value_parser config_value_topic;         /* the same, '/' allowed inside */
config_value_parser config_value_path;          /* the same, absolute */
config_value_parser config_value_file;          /* the same, of a file that can be read */
config_value_parser config_value_device;        /* a path, or tcp:// or rfc2217://host:port */
config_value_parser config_value_usb_id;    /* char *: four hex digits or a pattern, lower case */
config_value_parser config_value_interface; /* char *: "00" or a pattern */
config_value_parser config_value_group;     /* char *: a group; unknown ones are warned of */
config_value_parser config_value_timezone;  /* char *: a name of the tz database */
config_value_parser config_value_hex;       /* char *: a PSK */
config_value_parser config_value_enum;      /* unsigned: the number of the word in key->choice */
config_value_parser config_value_set;       /* unsigned: a bit for each word; at least one */
config_value_parser config_value_level;     /* int: LOG_ERR … LOG_DEBUG */
config_value_parser config_value_port;      /* uint16_t */
config_value_parser config_value_percent;   /* struct decimal: "0.5", "0.5%" */
config_value_parser config_value_power;     /* int64_t W: "25kW"; 0 needs no unit */
config_value_parser config_value_key;       /* struct cipher_keys: key */
config_value_parser config_value_auth_key;  /* struct cipher_keys: auth_key */
config_value_parser config_value_title;     /* struct cipher_keys: title */

/* Values read from files: `value` is a path, or the name of a systemd credential. */
config_value_parser config_value_key_file;      /* struct cipher_keys: key */
config_value_parser config_value_auth_key_file; /* struct cipher_keys: auth_key */
config_value_parser config_value_secret_file;   /* char *, owned: the first line */

/* Frees a string after overwriting it; NULL is fine. Returns NULL. */
char *config_value_wipe(char *secret);

/* The kinds of fields. */
extern const struct config_kind config_string; /* char *, owned, or NULL */
extern const struct config_kind config_secret; /* the same, overwritten before it is freed */
extern const struct config_kind config_boolean, config_usec, config_bytes; /* bool, uint64_t ×2 */
extern const struct config_kind config_enum, config_set; /* unsigned int, with key->choice */
extern const struct config_kind config_port;             /* uint16_t; 0: not set */
extern const struct config_kind config_percent;          /* struct decimal */
extern const struct config_kind config_keys;             /* struct cipher_keys */
