/* SPDX-License-Identifier: MIT */
#include "telegram-json.h"

#include <string.h>

#include "base/hex.h"
#include "base/json.h"
#include "lib/profile/profile.h"

/* "" is what lib/ writes where the telegram says nothing: null in JSON. Each key is a literal, and
 * written once. */
static void add_text(struct json_object **object, const char *key, const char *text)
{
        if (text && *text)
                json_add_new(object, key, json_object_new_string(text));
        else
                json_add_new_null(object, key);
}

static void add_title(struct json_object **object, const struct telegram *telegram)
{
        const size_t n = telegram->has_system_title ? sizeof(telegram->system_title) : 0;
        char hex[2 * sizeof(telegram->system_title) + 1];

        (void)hex_print_upper(telegram->system_title, n, hex, sizeof(hex));
        add_text(object, "system_title", hex);
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
        /* Of a code with F, which is of a past period, the name would be that of the present. */
        bool named = reading->quantity && !reading_is_past(reading);
        struct json_object *object = json_object_new_object();
        struct datetime captured = reading->captured;
        char code[OBIS_TEXT_MAX], text[DATETIME_TEXT_MAX];

        add_text(&object, "obis", obis_print(reading->obis, code));
        add_text(&object, "name", named ? reading->quantity->name : NULL);
        json_add_new(&object, "value", telegram_decimal_to_json(reading->value));
        add_text(&object, "unit", unit_name(reading->unit));
        if (reading_is_unscaled(reading))
                json_add_new(&object, "unscaled", json_object_new_boolean(1));
        /* W and S of P1 mean the zone of a country, which nobody has named. */
        captured.has_offset = captured.has_offset && !captured.offset_of_mark;
        if (datetime_print(&captured, text) > 0)
                json_add_new(&object, "captured", json_object_new_string(text));
        return object;
}

/* A text that the meter names itself (TIC) has that label in place of a code. */
static struct json_object *text_to_json(const struct text *text)
{
        struct json_object *object = json_object_new_object();
        char code[OBIS_TEXT_MAX];

        add_text(&object, "obis", *text->label ? NULL : obis_print(text->obis, code));
        if (*text->label)
                add_text(&object, "label", text->label);
        json_add_new(
                &object, "value",
                json_object_new_string_len((const char *)text->value.data, (int)text->value.len));
        return object;
}

static struct json_object *readings_to_json(const struct telegram *telegram)
{
        struct json_object *array = json_object_new_array();

        for (size_t i = 0; i < telegram->n_readings; i++)
                json_append(&array, telegram_reading_to_json(&telegram->readings[i]));
        return array;
}

static struct json_object *texts_to_json(const struct telegram *telegram)
{
        struct json_object *array = json_object_new_array();

        for (size_t i = 0; i < telegram->n_texts; i++)
                json_append(&array, text_to_json(&telegram->texts[i]));
        return array;
}

struct json_object *telegram_to_json(const struct telegram *telegram)
{
        struct json_object *object = json_object_new_object();
        char time[DATETIME_TEXT_MAX];

        datetime_print(&telegram->time, time);
        add_text(&object, "meter", telegram->meter_id);
        add_text(&object, "manufacturer", telegram->manufacturer);
        add_text(&object, "model", telegram->model);
        add_text(&object, "profile", telegram->profile ? telegram->profile->name : NULL);
        add_text(&object, "framing", telegram->framing);
        json_add_new(&object, "encrypted", json_object_new_boolean(telegram->encrypted));
        add_title(&object, telegram);
        if (telegram->replayed)
                json_add_new(&object, "replayed", json_object_new_boolean(1));
        add_text(&object, "time", time);
        json_add_new(&object, "readings", readings_to_json(telegram));
        json_add_new(&object, "texts", texts_to_json(telegram));
        add_text(&object, "error", telegram->error);
        return object;
}
