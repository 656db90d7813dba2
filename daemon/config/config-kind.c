/* SPDX-License-Identifier: MIT */
/* The kinds of fields that sections share. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "config-value.h"
#include "lib/dlms/cipher.h"
#include "lib/value/decimal.h"

static bool string_equal(const void *a, const void *b)
{
        const char *text_a = *(char *const *)a, *text_b = *(char *const *)b;

        return text_a && text_b ? strcmp(text_a, text_b) == 0 : text_a == text_b;
}

static void string_done(void *field)
{
        free(*(char **)field);
        *(char **)field = NULL;
}

static void secret_done(void *field)
{
        *(char **)field = config_value_wipe(*(char **)field);
}

static int string_copy(void *to, const void *from)
{
        const char *text = *(char *const *)from;
        char *copy = text ? strdup(text) : NULL;

        if (text && !copy)
                return -ENOMEM;
        secret_done(to); /* two keys may fill one field: it is copied twice then */
        *(char **)to = copy;
        return 0;
}

const struct config_kind config_string = { sizeof(char *), config_value_string, string_equal,
                                           string_copy, string_done };
const struct config_kind config_secret = { sizeof(char *), config_value_string, string_equal,
                                           string_copy, secret_done };

const struct config_kind config_boolean = { sizeof(bool), config_value_boolean };
const struct config_kind config_usec = { sizeof(uint64_t), config_value_duration };
const struct config_kind config_bytes = { sizeof(uint64_t), config_value_bytes };
const struct config_kind config_enum = { sizeof(unsigned int), config_value_enum };
const struct config_kind config_set = { sizeof(unsigned int), config_value_set };
const struct config_kind config_port = { sizeof(uint16_t), config_value_port };

static bool percent_equal(const void *a, const void *b)
{
        return decimal_compare(*(const struct decimal *)a, *(const struct decimal *)b) == 0;
}

const struct config_kind config_percent = { sizeof(struct decimal), config_value_percent,
                                            percent_equal };

static void keys_done(void *field)
{
        cipher_keys_wipe(field);
}

const struct config_kind config_keys = { sizeof(struct cipher_keys), config_value_key,
                                         .done = keys_done };
