/* SPDX-License-Identifier: MIT */
/*
 * smctl show: everything about one object. The lines are the members of --json, so whoever reads
 * one knows the other.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/client/client.h"
#include "ctl/i18n.h"
#include "ctl/options.h"
#include "ctl/view/output.h"
#include "ctl/view/tables.h"
#include "ctl/view/words.h"
#include "verb.h"

#define KEY_COLUMNS 24

static bool ends_with(const char *text, const char *end)
{
        size_t len = strlen(text), end_len = strlen(end);

        return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static void print_member(const char *key, const char *value, int indent)
{
        printf("%*s%s%-*s%s %s\n", indent, "", output_style(STYLE_DIM), KEY_COLUMNS - indent, key,
               output_plain(), *value ? value : "-");
}

/* The unit that docs/dbus-api.md gives this property; "" for none. */
static const char *unit_of(const char *key)
{
        static const struct {
                const char *begin, *unit;
        } units[] = {
                { "power_", "W" },   { "energy_", "Wh" },   { "voltage_", "V" },
                { "current_", "A" }, { "frequency", "Hz" },
        };

        for (size_t i = 0; i < ELEMENTSOF(units); i++)
                if (strncmp(key, units[i].begin, strlen(units[i].begin)) == 0)
                        return units[i].unit;
        return "";
}

/* Microseconds that last, and do not say when. */
static bool is_duration(const char *key)
{
        return strcmp(key, "interval_usec") == 0 || strcmp(key, "clock_deviation_usec") == 0;
}

static void print_scalar(const char *key, struct json_object *value, int indent)
{
        char text[OUTPUT_TEXT_MAX];
        const char *s = value ? json_string(value) : "";

        if (is_duration(key) && json_object_get_int64(value) != 0) {
                print_member(key,
                             output_value((double)json_object_get_int64(value) / 1e6, "s", text),
                             indent);
        } else if (ends_with(key, "_usec") && json_object_is_type(value, json_type_int)) {
                print_member(key, output_time((uint64_t)json_object_get_int64(value), text),
                             indent);
        } else if (*unit_of(key) && (json_object_is_type(value, json_type_double) ||
                                     json_object_is_type(value, json_type_int))) {
                print_member(key, output_value(json_object_get_double(value), unit_of(key), text),
                             indent);
        } else if (strcmp(key, "vendor_id") == 0 || strcmp(key, "product_id") == 0) {
                (void)snprintf(text, sizeof(text), "%04x", json_object_get_int(value));
                print_member(key, text, indent);
        } else if (ends_with(key, "state")) {
                printf("%*s%s%-*s%s %s%s%s\n", indent, "", output_style(STYLE_DIM),
                       KEY_COLUMNS - indent, key, output_plain(),
                       output_style(output_state_style(s)), words_state(s), output_plain());
        } else {
                print_member(key, s, indent);
        }
}

static void print_array(const char *key, struct json_object *array, int indent)
{
        if (json_count(array) == 0)
                print_member(key, "", indent);
        for (size_t i = 0; i < json_count(array); i++)
                print_scalar(i ? "" : key, json_object_array_get_idx(array, i), indent);
}

/* Members of one line come first, then those that have members of their own. */
static void print_object(struct json_object *object, int indent)
{
        json_object_object_foreach(object, key, value)
        {
                if (indent == 0 && (strcmp(key, "readings") == 0 || strcmp(key, "object") == 0))
                        continue;
                if (json_object_is_type(value, json_type_array))
                        print_array(key, value, indent);
                else if (!json_object_is_type(value, json_type_object))
                        print_scalar(key, value, indent);
        }
        json_object_object_foreach(object, group, members)
        {
                if (!json_object_is_type(members, json_type_object) ||
                    json_object_object_length(members) == 0)
                        continue;
                printf("%*s%s%s%s\n", indent, "", output_style(STYLE_BOLD), group, output_plain());
                print_object(members, indent + 2);
        }
}

int cmd_show(int argc, char **argv)
{
        const struct options options = { .min_arguments = 1, .max_arguments = 1 };
        OWNED(json) struct json_object *all = NULL;
        OWNED(bus) sd_bus *bus = NULL;
        struct json_object *object;
        const char *kind;
        int first;

        first = options_parse(&options, argc, argv);
        if (first <= 0)
                return options_exit(first);
        if (client_open(&bus) < 0 || client_fetch(bus, &all) < 0)
                return EXIT_FAILED;
        object = client_find_any(all, argv[first], &kind);
        if (!object)
                return EXIT_FAILED;
        if (strcmp(kind, "meters") == 0) {
                struct json_object *readings = NULL;

                if (client_fetch_readings(bus, json_text(object, "object"), &readings) < 0)
                        return EXIT_FAILED;
                json_set(object, "readings", readings);
        }
        if (ctl_settings.json) {
                json_print(object);
                return EXIT_DONE;
        }
        if (*json_text(object, "state_reason"))
                json_set_text(object, "state_reason", words_reason(object));
        if (*json_text(object, "last_error"))
                json_set_text(object, "last_error", words_error(object));
        print_object(object, 0);
        if (json_count(json_member(object, "readings")) > 0) {
                printf("\n");
                tables_readings(json_member(object, "readings"));
        }
        return EXIT_DONE;
}
