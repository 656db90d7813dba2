/* SPDX-License-Identifier: MIT */
#include "json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "ctl/verb.h"
#include "output.h"

__attribute__((noreturn)) static void end_without_memory(void)
{
        fprintf(stderr, "smctl: %s\n", strerror(ENOMEM));
        exit(EXIT_FAILED);
}

struct json_object *json_made(struct json_object *made)
{
        if (!made)
                end_without_memory();
        return made;
}

struct json_object *json_new_object(void)
{
        return json_made(json_object_new_object());
}

struct json_object *json_new_array(void)
{
        return json_made(json_object_new_array());
}

void json_set(struct json_object *object, const char *key, struct json_object *value)
{
        if (json_object_object_add(object, key, value) < 0)
                end_without_memory();
}

void json_push(struct json_object *array, struct json_object *value)
{
        if (json_object_array_add(array, value) < 0)
                end_without_memory();
}

void json_push_text(struct json_object *array, const char *value)
{
        json_push(array, json_made(json_object_new_string(value)));
}

static const char *made_text(const char *text)
{
        if (!text)
                end_without_memory();
        return text;
}

const char *json_string(struct json_object *value)
{
        return made_text(json_object_get_string(value));
}

struct json_object *json_member(struct json_object *object, const char *key)
{
        struct json_object *member = NULL;

        if (object && json_object_is_type(object, json_type_object))
                (void)json_object_object_get_ex(object, key, &member); /* NULL says it all */
        return member;
}

const char *json_text(struct json_object *object, const char *key)
{
        struct json_object *member = json_member(object, key);

        return member ? json_string(member) : "";
}

int64_t json_number(struct json_object *object, const char *key)
{
        return json_object_get_int64(json_member(object, key));
}

double json_double(struct json_object *object, const char *key)
{
        struct json_object *member = json_member(object, key);

        return member ? json_object_get_double(member) : (double)NAN;
}

bool json_flag(struct json_object *object, const char *key)
{
        return json_object_get_boolean(json_member(object, key));
}

size_t json_count(struct json_object *array)
{
        return array && json_object_is_type(array, json_type_array)
                       ? json_object_array_length(array)
                       : 0;
}

char *json_double_print(double value, char buf[static JSON_DOUBLE_MAX])
{
        /* 15 digits give back every decimal a meter sends; 17 every double there is. */
        for (int digits = 15; digits <= 17; digits++) {
                (void)snprintf(buf, JSON_DOUBLE_MAX, "%.*g", digits, value);
                if (strtod(buf, NULL) == value)
                        break;
        }
        /* "1e+06" is a number to JSON, but not to people: counters are below 10^15. */
        if (strchr(buf, 'e') && fabs(value) < 1e15 && fabs(value) >= 1)
                (void)snprintf(buf, JSON_DOUBLE_MAX, "%.0f", value);
        return buf;
}

struct json_object *json_of_double(double value)
{
        char text[JSON_DOUBLE_MAX];

        if (!isfinite(value))
                return NULL;
        return json_made(json_object_new_double_s(value, json_double_print(value, text)));
}

void json_set_text(struct json_object *object, const char *key, const char *value)
{
        json_set(object, key, value ? json_made(json_object_new_string(value)) : NULL);
}

void json_set_number(struct json_object *object, const char *key, int64_t value)
{
        json_set(object, key, json_made(json_object_new_int64(value)));
}

void json_set_flag(struct json_object *object, const char *key, bool value)
{
        json_set(object, key, json_made(json_object_new_boolean(value)));
}

struct json_object *json_find(struct json_object *array, const char *key, const char *value)
{
        for (size_t i = 0; i < json_count(array); i++) {
                struct json_object *element = json_object_array_get_idx(array, i);

                if (strcmp(json_text(element, key), value) == 0)
                        return element;
        }
        return NULL;
}

bool json_has_word(struct json_object *object, const char *key, const char *word)
{
        struct json_object *list = json_member(object, key);

        for (size_t i = 0; i < json_count(list); i++)
                if (strcmp(json_object_get_string(json_object_array_get_idx(list, i)), word) == 0)
                        return true;
        return false;
}

void json_print(struct json_object *object)
{
        int flags = JSON_C_TO_STRING_NOSLASHESCAPE;

        if (output_is_terminal())
                flags |= JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED;
        puts(made_text(json_to_text(object, flags)));
}

void json_print_line(struct json_object *object)
{
        puts(made_text(
                json_to_text(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)));
        (void)fflush(stdout); /* whether it worked is asked at the end, by ferror() */
}
