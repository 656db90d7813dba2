/* SPDX-License-Identifier: MIT */
#include "telegram-json.h"

#include <string.h>

#include <json-c/json.h>

#include "lib/profile/profile.h"

#define TITLE_HEX_MAX (2 * 8 + 1)

/* Adds and reports: a half-built object must not pass for a whole one. Each key is a literal, and
 * written once: json-c need neither copy it nor look for it. */
static int add(struct json_object *object, const char *key, struct json_object *value, int wanted)
{
        if (wanted && !value)
                return -1;
        return json_object_object_add_ex(
                object, key, value, JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_KEY_IS_CONSTANT);
}

/* "" is what lib/ writes where the telegram says nothing: null in JSON. */
static int add_text(struct json_object *object, const char *key, const char *text)
{
        int wanted = text && *text;

        return add(object, key, wanted ? json_object_new_string(text) : NULL, wanted);
}

static int add_title(struct json_object *object, const struct telegram *telegram)
{
        static const char digits[] = "0123456789ABCDEF";
        char hex[TITLE_HEX_MAX] = "";

        for (size_t i = 0; telegram->has_system_title && i < sizeof(telegram->system_title); i++) {
                hex[2 * i] = digits[telegram->system_title[i] >> 4];
                hex[2 * i + 1] = digits[telegram->system_title[i] & 0x0f];
                hex[2 * i + 2] = '\0';
        }
        return add_text(object, "system_title", hex);
}

/* An exact decimal as a JSON number ("230.1"), owned by the caller. NULL when out of memory. */
static struct json_object *telegram_decimal_to_json(struct decimal value)
{
        char text[DECIMAL_TEXT_MAX];

        decimal_print(value, text);
        return json_object_new_double_s(decimal_to_double(value), text);
}

struct json_object *telegram_reading_to_json(const struct reading *reading)
{
        struct json_object *object = json_object_new_object();
        char code[OBIS_TEXT_MAX];
        int r = 0;

        if (!object)
                return NULL;
        r |= add_text(object, "obis", obis_print(reading->obis, code));
        r |= add_text(object, "name", reading->quantity ? reading->quantity->name : NULL);
        r |= add(object, "value", telegram_decimal_to_json(reading->value), 1);
        r |= add_text(object, "unit", unit_name(reading->unit));
        if (reading_is_unscaled(reading))
                r |= add(object, "unscaled", json_object_new_boolean(1), 1);
        if (r) {
                json_object_put(object);
                return NULL;
        }
        return object;
}

/* A text that the meter names itself (TIC) has that label in place of a code. */
static struct json_object *text_to_json(const struct text *text)
{
        struct json_object *object = json_object_new_object();
        char code[OBIS_TEXT_MAX];
        int r = 0;

        if (!object)
                return NULL;
        r |= add_text(object, "obis", *text->label ? NULL : obis_print(text->obis, code));
        if (*text->label)
                r |= add_text(object, "label", text->label);
        r |= add(object, "value",
                 json_object_new_string_len((const char *)text->value.data, (int)text->value.len),
                 1);
        if (r) {
                json_object_put(object);
                return NULL;
        }
        return object;
}

static int add_readings(struct json_object *object, const struct telegram *telegram)
{
        struct json_object *array = json_object_new_array();

        if (add(object, "readings", array, 1))
                return -1;
        for (size_t i = 0; i < telegram->n_readings; i++) {
                struct json_object *element = telegram_reading_to_json(&telegram->readings[i]);

                if (!element || json_object_array_add(array, element))
                        return -1;
        }
        return 0;
}

static int add_texts(struct json_object *object, const struct telegram *telegram)
{
        struct json_object *array = json_object_new_array();

        if (add(object, "texts", array, 1))
                return -1;
        for (size_t i = 0; i < telegram->n_texts; i++) {
                struct json_object *element = text_to_json(&telegram->texts[i]);

                if (!element || json_object_array_add(array, element))
                        return -1;
        }
        return 0;
}

struct json_object *telegram_to_json(const struct telegram *telegram)
{
        struct json_object *object = json_object_new_object();
        char time[DATETIME_TEXT_MAX];
        int r = 0;

        if (!object)
                return NULL;
        datetime_print(&telegram->time, time);
        r |= add_text(object, "meter", telegram->meter_id);
        r |= add_text(object, "manufacturer", telegram->manufacturer);
        r |= add_text(object, "model", telegram->model);
        r |= add_text(object, "profile", telegram->profile ? telegram->profile->name : NULL);
        r |= add_text(object, "framing", telegram->framing);
        r |= add(object, "encrypted", json_object_new_boolean(telegram->encrypted), 1);
        r |= add_title(object, telegram);
        if (telegram->replayed)
                r |= add(object, "replayed", json_object_new_boolean(1), 1);
        r |= add_text(object, "time", time);
        r |= add_readings(object, telegram);
        r |= add_texts(object, telegram);
        r |= add_text(object, "error", telegram->error);
        if (r) {
                json_object_put(object);
                return NULL;
        }
        return object;
}
