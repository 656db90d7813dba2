/* SPDX-License-Identifier: MIT */
/*
 * The table of sections and keys: what may stand where, and who reads it. A new key is a row here,
 * a field in config.h, a line in smartmeterd.conf(5) and in the shipped file.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "config-value.h"

enum config_section {
        CONFIG_DAEMON,
        CONFIG_CONVERTER,
        CONFIG_METER,
        CONFIG_TARIFF,
        CONFIG_MQTT,
        CONFIG_SECTIONS,
};

struct config_section_info {
        const char *name;
        const char *example; /* of its name: [converter "roof"]; NULL: it has none */
};

extern const struct config_section_info config_sections[CONFIG_SECTIONS];

struct config_key {
        enum config_section section;
        const char *name; /* ends with '.': a suffix follows (Label.1) */
        config_value_parser *parse;
        size_t offset;  /* of the field in the section's struct */
        bool secret;    /* the file it stands in must not be readable by everyone */
        bool repeated;  /* may stand more than once; an empty value empties the list */
        bool clearable; /* an empty value means: as if it were not there */
};

extern const struct config_key config_keys[];
extern const size_t config_keys_n;

/* The row of a key, and what follows a key with a suffix (else ""). NULL: unknown. */
const struct config_key *config_key_find(enum config_section section, const char *name,
                                         const char **ret_suffix);

/* What was probably meant: "did you mean VendorId?", "write Line=2400 8E1", or "". */
void config_key_suggest(enum config_section section, const char *name, char *buf, size_t size);

/* The candidate nearest to `word`, or else the only one that contains it, regardless of case; NULL
 * when there is none. */
const char *config_nearest(const char *word, const char *(*candidate)(size_t i));
