/* SPDX-License-Identifier: MIT */
/*
 * Captured telegrams for tests and benchmarks: the files of ../shared/telegrams, which are not part
 * of the project. Where they are missing there are none, and tests say so.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/dlms/cipher.h"
#include "lib/value/reader.h"

struct capture {
        char name[64];
        struct slice bytes; /* owned by the list */
        struct cipher_keys keys;
        bool has_check_sum; /* false: a P1 telegram without one */
        bool expect_decode; /* at least one telegram with readings */
};

struct captures {
        struct capture *list;
        size_t n;
};

/* Reads all captures; n is 0 when there are none. Free with captures_free(). */
struct captures captures_load(void);
void captures_free(struct captures *captures);
