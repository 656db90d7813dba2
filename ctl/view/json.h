/* SPDX-License-Identifier: MIT */
/*
 * Small helpers over json-c. smctl keeps what it fetched as JSON, in the shape that --json prints,
 * so there is one model of everything and nothing to keep in step. Whatever is made is made and
 * added by these functions, which check it: without memory for it smctl ends with a message.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

#include "base/util.h"

static inline void json_put(struct json_object *object)
{
        (void)json_object_put(object);
}
DEFINE_OWNED(json, struct json_object *, json_put);

/* The member as text, "" when it is missing or null. Borrowed from the object. */
const char *json_text(struct json_object *object, const char *key);
/* The member as a number, 0 when it is missing. */
int64_t json_number(struct json_object *object, const char *key);
/* The member as a double, NaN when it is missing or null. */
double json_double(struct json_object *object, const char *key);
bool json_flag(struct json_object *object, const char *key);
/* The member, an array or object; NULL when it is missing. Borrowed. */
struct json_object *json_member(struct json_object *object, const char *key);
/* Elements of an array; 0 for NULL. */
size_t json_count(struct json_object *array);

/* Hands on what json-c has made; NULL ends smctl: there is no memory. */
struct json_object *json_made(struct json_object *made);
struct json_object *json_new_object(void);
struct json_object *json_new_array(void);
/* Takes `value`; NULL is JSON's null. */
void json_set(struct json_object *object, const char *key, struct json_object *value);
void json_push(struct json_object *array, struct json_object *value);
void json_push_text(struct json_object *array, const char *value);
/* A value that is not NULL as text, a string without quotes. Borrowed from it. */
const char *json_string(struct json_object *value);

/* A double as the shortest number that reads back the same: 230.1; null for NaN. */
struct json_object *json_of_double(double value);
#define JSON_DOUBLE_MAX 32
char *json_double_print(double value, char buf[static JSON_DOUBLE_MAX]);

void json_set_text(struct json_object *object, const char *key, const char *value);
void json_set_number(struct json_object *object, const char *key, int64_t value);
void json_set_flag(struct json_object *object, const char *key, bool value);

/* The element of an array of objects whose member `key` is `value`; NULL when there is none. */
struct json_object *json_find(struct json_object *array, const char *key, const char *value);
/* The list `key` of an object has this word: a flag of a reading. */
bool json_has_word(struct json_object *object, const char *key, const char *word);

/* Writes it to stdout and ends the line: readable on a terminal, in one line elsewhere. */
void json_print(struct json_object *object);
/* The same, always in one line, at once: for streams. */
void json_print_line(struct json_object *object);
