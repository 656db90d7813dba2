/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/util.h"
#include "lib/value/obis.h"

/* ---- taking in ---- */

static size_t find(const struct meter *m, const char *key, size_t hint)
{
        if (hint < m->n_values && strcmp(m->values[hint].key, key) == 0)
                return hint;
        for (size_t i = 0; i < m->n_values; i++)
                if (strcmp(m->values[i].key, key) == 0)
                        return i;
        return m->n_values;
}

/* NULL: no memory, or more values than a meter has. */
static struct meter_value *append(struct meter *m)
{
        if (m->n_values == METER_VALUES_MAX)
                return NULL;
        if (m->n_values == m->n_values_room) {
                /* in small steps: a meter says what it has with its first telegram */
                size_t room = MIN(m->n_values_room + 4, (size_t)METER_VALUES_MAX);
                struct meter_value *grown = reallocarray(m->values, room, sizeof(*grown));

                if (!grown)
                        return NULL;
                m->values = grown;
                m->n_values_room = room;
        }
        m->values[m->n_values] = (struct meter_value){ 0 };
        return &m->values[m->n_values++];
}

/* An interval that was learned before is known until this run has learned it. */
static void take_value(struct meter_value *to, const struct meter_value *from)
{
        struct interval recent = to->recent;
        uint64_t interval_usec = to->interval_usec;

        *to = *from;
        if (to->recent.n < 3 && recent.n > to->recent.n)
                to->recent = recent;
        if (to->interval_usec == 0)
                to->interval_usec = interval_usec;
}

static bool take_text(char *to, const char *from, size_t size)
{
        if (!*from || strncmp(to, from, size) == 0)
                return false;
        (void)snprintf(to, size, "%s", from);
        return true;
}

static bool take_identity(struct meter *to, const struct meter *from)
{
        bool changed = take_text(to->manufacturer, from->manufacturer, sizeof(to->manufacturer));

        changed |= take_text(to->model, from->model, sizeof(to->model));
        changed |= take_text(to->parent_id, from->parent_id, sizeof(to->parent_id));
        changed |= strcmp(to->medium, from->medium) != 0;
        to->medium = from->medium;
        to->channel = from->channel;
        to->profile = from->profile;
        to->encrypted = from->encrypted;
        to->online = from->online;
        to->last_host_usec = from->last_host_usec;
        if (from->tariff.active || to->tariff.settings != from->tariff.settings) {
                uint8_t active = from->tariff.active ? from->tariff.active : to->tariff.active;

                changed |= active != to->tariff.active;
                to->tariff = from->tariff;
                to->tariff.active = active;
        }
        return changed;
}

int memory_refresh(struct meter *memory, const struct meter *live, bool *ret_changed)
{
        bool changed = take_identity(memory, live);
        size_t at = 0;
        int r = 0;

        for (size_t i = 0; i < live->n_values; i++, at++) {
                const struct meter_value *from = &live->values[i];
                struct meter_value *to;

                at = find(memory, from->key, at);
                if (at == memory->n_values) {
                        to = append(memory);
                        changed = true;
                } else {
                        to = &memory->values[at];
                        changed |= to->reading.unit != from->reading.unit ||
                                   to->reading.scale != from->reading.scale;
                }
                if (to)
                        take_value(to, from);
                else
                        r = -ENOMEM;
        }
        *ret_changed = changed;
        return r;
}

static bool interval_is_in(const struct meter_value *memory, const struct meter_value *live)
{
        return memory->interval_usec == live->interval_usec && memory->recent.n == live->recent.n;
}

bool memory_is_in(const struct meter *memory, const struct meter *live)
{
        size_t at = 0;

        if (memory->n_values != live->n_values || memory->tariff.active || live->tariff.active ||
            strcmp(memory->manufacturer, live->manufacturer) != 0 ||
            strcmp(memory->model, live->model) != 0 ||
            strcmp(memory->parent_id, live->parent_id) != 0)
                return false;
        for (size_t i = 0; i < live->n_values; i++, at++) {
                at = find(memory, live->values[i].key, at);
                if (at == memory->n_values ||
                    !interval_is_in(&memory->values[at], &live->values[i]))
                        return false;
        }
        return true;
}

/* ---- as text ---- */

static void add_text(struct json_object **o, const char *key, const char *text)
{
        if (text && *text)
                json_add_text(o, key, text);
}

static void add_number(struct json_object **o, const char *key, uint64_t number)
{
        if (number != 0)
                json_add(o, key, json_object_new_int64((int64_t)number));
}

static struct json_object *value_to_json(const struct meter_value *value)
{
        struct json_object *o = json_object_new_object(), *recent;
        char obis[OBIS_TEXT_MAX], number[DECIMAL_TEXT_MAX];

        add_text(&o, "key", value->key);
        add_text(&o, "obis", obis_print(value->reading.obis, obis));
        add_text(&o, "unit", unit_name(value->reading.unit));
        decimal_print(value->reading.value, number);
        add_text(&o, "value", number);
        add_number(&o, "scale", value->reading.scale);
        add_number(&o, "flags", value->flags & METER_VALUE_DERIVED);
        add_number(&o, "received", value->host_usec);
        add_number(&o, "interval", value->interval_usec);
        if (value->recent.n > 0) {
                recent = json_object_new_array();
                for (uint8_t i = 0; i < value->recent.n; i++)
                        json_append(&recent, json_object_new_int64(value->recent.ms[i]));
                json_add(&o, "recent", recent);
        }
        return o;
}

char *memory_print(const struct meter *memory, bool final)
{
        struct json_object *o = json_object_new_object(), *values = json_object_new_array();
        const char *text;
        char *copy;

        add_text(&o, "manufacturer", memory->manufacturer);
        add_text(&o, "model", memory->model);
        add_text(&o, "medium", memory->medium);
        add_text(&o, "parent", memory->parent_id);
        add_number(&o, "channel", memory->channel);
        add_number(&o, "encrypted", memory->encrypted);
        add_number(&o, "tariff", memory->tariff.active);
        add_number(&o, "heard", memory->last_host_usec);
        add_number(&o, "final", final);
        for (size_t i = 0; i < memory->n_values; i++)
                json_append(&values, value_to_json(&memory->values[i]));
        json_add(&o, "values", values);
        text = json_to_text(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
        copy = text ? strdup(text) : NULL;
        json_object_put(o);
        return copy;
}

static const char *text_of(struct json_object *o, const char *key)
{
        struct json_object *value;

        return json_object_object_get_ex(o, key, &value) &&
                               json_object_is_type(value, json_type_string)
                       ? json_object_get_string(value)
                       : "";
}

static uint64_t number_of(struct json_object *o, const char *key)
{
        struct json_object *value;
        int64_t n;

        if (!json_object_object_get_ex(o, key, &value) ||
            !json_object_is_type(value, json_type_int))
                return 0;
        n = json_object_get_int64(value);
        return n > 0 ? (uint64_t)n : 0;
}

static struct slice slice_of(const char *text)
{
        return (struct slice){ (const uint8_t *)text, strlen(text) };
}

static bool parse_reading(struct json_object *o, struct reading *ret)
{
        const char *unit = text_of(o, "unit");
        uint64_t scale = number_of(o, "scale");
        int8_t exponent = 0;

        *ret = (struct reading){ .unit = *unit ? UNIT_NONE : UNIT_UNKNOWN,
                                 .scale = scale <= SCALE_CONFIGURED ? (enum scale_source)scale
                                                                    : SCALE_NONE };
        if (obis_parse(slice_of(text_of(o, "obis")), &ret->obis) < 0 ||
            decimal_parse(slice_of(text_of(o, "value")), &ret->value) < 0)
                return false;
        if (*unit && (!unit_parse(unit, strlen(unit), &ret->unit, &exponent) || exponent != 0))
                return false;
        ret->quantity = quantity_find(ret->obis);
        return true;
}

/* A value that this version would call otherwise, or cannot read, is not taken up again. */
static int parse_value(struct json_object *o, struct meter *m)
{
        const char *key = text_of(o, "key");
        struct meter_value value = { 0 }, *to;
        struct json_object *recent;

        if (!*key || strlen(key) >= sizeof(value.key) || !parse_reading(o, &value.reading) ||
            find(m, key, 0) < m->n_values)
                return 0;
        if (strspn(key, "0123456789-:.*") != strlen(key) &&
            !(value.reading.quantity && strcmp(value.reading.quantity->name, key) == 0))
                return 0;
        memcpy(value.key, key, strlen(key));
        value.host_usec = number_of(o, "received");
        value.interval_usec = number_of(o, "interval");
        value.flags = (uint32_t)number_of(o, "flags") & METER_VALUE_DERIVED;
        if (json_object_object_get_ex(o, "recent", &recent) &&
            json_object_is_type(recent, json_type_array))
                for (size_t i = 0;
                     i < MIN(json_object_array_length(recent), (size_t)INTERVAL_SAMPLES); i++)
                        value.recent.ms[value.recent.n++] = (uint32_t)json_object_get_int64(
                                json_object_array_get_idx(recent, i));
        to = append(m);
        if (!to)
                return -ENOMEM;
        *to = value;
        return 0;
}

/* Its own words, which live as long as the program. */
static const char *medium_of(const char *text)
{
        static const char *const others[] = { "heat-cost", "other" };

        for (uint8_t a = 0; a < 16; a++)
                if (obis_medium(a) && strcmp(obis_medium(a), text) == 0)
                        return obis_medium(a);
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                if (strcmp(others[i], text) == 0)
                        return others[i];
        return "electricity";
}

static int fill(struct meter *m, struct json_object *o)
{
        struct json_object *values;
        uint64_t tariff = number_of(o, "tariff");
        int r = 0;

        (void)take_text(m->manufacturer, text_of(o, "manufacturer"), sizeof(m->manufacturer));
        (void)take_text(m->model, text_of(o, "model"), sizeof(m->model));
        (void)take_text(m->parent_id, text_of(o, "parent"), sizeof(m->parent_id));
        m->medium = medium_of(text_of(o, "medium"));
        m->channel = (uint8_t)number_of(o, "channel");
        m->encrypted = number_of(o, "encrypted") != 0;
        m->tariff.active = tariff <= TARIFF_MAX ? (uint8_t)tariff : 0;
        m->last_host_usec = number_of(o, "heard");
        if (!json_object_object_get_ex(o, "values", &values) ||
            !json_object_is_type(values, json_type_array))
                return -EBADMSG;
        for (size_t i = 0; i < json_object_array_length(values) && r >= 0; i++)
                r = parse_value(json_object_array_get_idx(values, i), m);
        return r;
}

int memory_parse(const char *id, const char *text, struct meter **ret, bool *ret_final)
{
        struct json_object *o = json_tokener_parse(text);
        struct meter *m = NULL;
        int r;

        if (!json_object_is_type(o, json_type_object)) {
                json_object_put(o);
                return -EBADMSG;
        }
        r = meter_new(id, &m);
        if (r >= 0)
                r = fill(m, o);
        if (r >= 0) {
                *ret_final = number_of(o, "final") != 0;
                *ret = TAKE(m);
        }
        (void)meter_free(m); /* NULL, by the rule of _free */
        json_object_put(o);
        return r;
}
