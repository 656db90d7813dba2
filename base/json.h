/* SPDX-License-Identifier: MIT */
/*
 * Making JSON with json-c, which answers NULL or a negative number where there is no memory. The
 * rule: each such answer is checked, and here alone; JSON that is made is whole, or it is NULL. A
 * value that cannot be made or added drops the object that would lack it, and all that is added to
 * that object afterwards. So a writer writes straight down and asks once, at the end. An object is
 * complete before it is added to another one, which owns it from then on. (smctl ends where memory
 * does: ctl/view/json.h.)
 */
#pragma once

#include <errno.h>

#include <json-c/json.h>

/* For a key that is not there yet and outlives the object, such as a literal: json-c need neither
 * look for it nor copy it. */
#define JSON_KEY_IS_NEW (JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_KEY_IS_CONSTANT)

/* Frees it: there is none from now on. */
static inline void json_drop(struct json_object **object)
{
        (void)json_object_put(*object);
        *object = NULL;
}

static inline void json_add_by(struct json_object **object, const char *key,
                               struct json_object *value, unsigned int options)
{
        if (*object && value && json_object_object_add_ex(*object, key, value, options) == 0)
                return;
        (void)json_object_put(value);
        json_drop(object);
}

/* Takes `value`, in place of what the key had; NULL: it could not be made. */
static inline void json_add(struct json_object **object, const char *key, struct json_object *value)
{
        json_add_by(object, key, value, 0);
}

/* The same with a key as JSON_KEY_IS_NEW wants it. */
static inline void json_add_new(struct json_object **object, const char *key,
                                struct json_object *value)
{
        json_add_by(object, key, value, JSON_KEY_IS_NEW);
}

static inline void json_add_text(struct json_object **object, const char *key, const char *text)
{
        json_add(object, key, json_object_new_string(text));
}

static inline void json_add_null_by(struct json_object **object, const char *key,
                                    unsigned int options)
{
        if (*object && json_object_object_add_ex(*object, key, NULL, options) < 0)
                json_drop(object);
}

/* JSON's null. */
static inline void json_add_null(struct json_object **object, const char *key)
{
        json_add_null_by(object, key, 0);
}

static inline void json_add_new_null(struct json_object **object, const char *key)
{
        json_add_null_by(object, key, JSON_KEY_IS_NEW);
}

/* The text of the whole object, which keeps it; NULL: none. Where its buffer cannot grow json-c
 * leaves a piece out and says nothing: realloc() does (POSIX). */
static inline const char *json_to_text(struct json_object *object, int flags)
{
        const int before = errno;
        const char *text = NULL;

        errno = 0;
        if (object)
                text = json_object_to_json_string_ext(object, flags);
        if (errno == ENOMEM)
                text = NULL;
        errno = before;
        return text;
}

/* Takes `value`; NULL: it could not be made. */
static inline void json_append(struct json_object **array, struct json_object *value)
{
        if (*array && value && json_object_array_add(*array, value) == 0)
                return;
        (void)json_object_put(value);
        json_drop(array);
}
