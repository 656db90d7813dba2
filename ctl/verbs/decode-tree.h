/* SPDX-License-Identifier: MIT */
/*
 * The view of `smctl decode` of a telegram whose list of values is not known: each value with its
 * place, so that a person can see what it is.
 */
#pragma once

#include "lib/value/reader.h"

struct json_object;

/* An array, each of place, type, length, and number, text, hex or date. Owned by the caller. */
struct json_object *decode_tree_to_json(struct slice data);
/* One line per value. */
void decode_tree_print(struct slice data);
