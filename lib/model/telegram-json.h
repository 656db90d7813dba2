/* SPDX-License-Identifier: MIT */
/*
 * A telegram as the JSON object of docs/design.md §2 (`smctl decode`, MQTT native). The only file
 * of lib/ that uses json-c; everything else stays free of it. Numbers keep their exact decimals.
 */
#pragma once

#include "lib/value/telegram.h"

struct json_object;

/* A new object, owned by the caller (json_object_put). NULL when out of memory. */
struct json_object *telegram_to_json(const struct telegram *telegram);

/* One of its readings, in the same way. */
struct json_object *telegram_reading_to_json(const struct reading *reading);
