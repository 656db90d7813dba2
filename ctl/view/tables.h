/* SPDX-License-Identifier: MIT */
/*
 * The tables that several verbs print, over the JSON of client_fetch().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct json_object;

/* Each prints nothing for an empty list. */
void tables_converters(struct json_object *converters);
void tables_meters(struct json_object *meters);
void tables_outputs(struct json_object *outputs);
void tables_readings(struct json_object *readings);

/* "HP (1)", "2", "-". Borrowed from a static buffer until the next call. */
const char *tables_tariff(struct json_object *meter);

/* True for "electricity" and for "", which is unknown. */
bool tables_is_electricity(const char *medium);
/* The counter of a meter of another medium, as 3555.7 and "m³"; NaN, and no unit, when its readings
 * have none. The unit is borrowed from them. */
double tables_counter(const char *medium, struct json_object *readings, const char **ret_unit);
/* The model, or else the medium in the user's language; "" for electricity. */
const char *tables_model(const char *model, const char *medium);
