/* SPDX-License-Identifier: MIT */
/*
 * The tables that several verbs print, over the JSON of client_fetch().
 */
#pragma once

#include <stddef.h>

struct json_object;

/* Each prints nothing for an empty list. */
void tables_converters(struct json_object *converters);
void tables_meters(struct json_object *meters);
void tables_sinks(struct json_object *sinks);
void tables_readings(struct json_object *readings);

/* "HP (1)", "2", "-". Borrowed from a static buffer until the next call. */
const char *tables_tariff(struct json_object *meter);
