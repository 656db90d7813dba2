/* SPDX-License-Identifier: MIT */
/*
 * The data of a notification value by value, for telegrams of unknown layout: where each value
 * stands, its type, and what it could mean.
 */
#pragma once

#include <stddef.h>

#include "lib/value/axdr.h"
#include "lib/value/datetime.h"

#define LAYOUT_TREE_DEPTH 12

struct layout_node {
        size_t place[LAYOUT_TREE_DEPTH]; /* counted from 1 in each array or structure around it */
        size_t depth;
        struct axdr_value value;
        struct datetime date; /* valid when its bytes are a date-time that can be */
};

/*
 * Calls `each` for every value in order, arrays and structures before their elements. Stops where
 * the structure is broken.
 */
void layout_tree_walk(struct slice data,
                      void (*each)(void *userdata, const struct layout_node *node), void *userdata);

/* "u32", "string", "structure" …; the words of a profile. Static storage. */
const char *layout_type_name(uint8_t tag);
