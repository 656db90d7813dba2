/* SPDX-License-Identifier: MIT */
/*
 * smctl readings: the latest values of one meter or of all; some of them by name; one alone as a
 * bare number, for shell scripts.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/suggest.h"
#include "ctl/client/client.h"
#include "ctl/i18n.h"
#include "ctl/options.h"
#include "ctl/view/output.h"
#include "ctl/view/reading-label.h"
#include "ctl/view/tables.h"
#include "ctl/view/words.h"
#include "lib/value/quantity.h"
#include "verb.h"

#define NAMES_MAX 256

struct wanted {
        char **names; /* borrowed from argv */
        int n;
        bool unit, csv;
};

static void print_heading(struct json_object *meter, size_t i)
{
        const char *name = json_text(meter, "name");

        printf("%s%s%s%s%s%s%s%s\n", i ? "\n" : "", output_style(STYLE_BOLD),
               json_text(meter, "id"), output_plain(), *name ? "  " : "", name,
               *json_text(meter, "model") ? "  " : "", json_text(meter, "model"));
}

/* The label of a reading in the user's language, for programs that show it to people. */
static void add_labels(struct json_object *readings)
{
        for (size_t i = 0; i < json_count(readings); i++) {
                struct json_object *reading = json_object_array_get_idx(readings, i);
                char label[OUTPUT_TEXT_MAX];

                json_set_text(reading, "label", reading_label(json_text(reading, "name"), label));
        }
}

/* {"meter": id, "name": …, "readings": […]} of each. */
static int collect(sd_bus *bus, struct json_object *meters, struct json_object *into)
{
        for (size_t i = 0; i < json_count(meters); i++) {
                struct json_object *meter = json_object_array_get_idx(meters, i);
                struct json_object *readings = NULL, *element;
                int r;

                r = client_fetch_readings(bus, json_text(meter, "object"), &readings);
                if (r < 0)
                        return r;
                add_labels(readings);
                element = json_new_object();
                json_set_text(element, "meter", json_text(meter, "id"));
                json_set_text(element, "name", json_text(meter, "name"));
                json_set(element, "readings", readings);
                json_push(into, element);
        }
        return 0;
}

static void print_tables(struct json_object *meters, struct json_object *result)
{
        for (size_t i = 0; i < json_count(result); i++) {
                struct json_object *meter = json_object_array_get_idx(meters, i);
                struct json_object *readings =
                        json_member(json_object_array_get_idx(result, i), "readings");

                if (json_count(meters) > 1)
                        print_heading(meter, i);
                if (json_count(readings) > 0)
                        tables_readings(readings);
                else
                        output_say(_("%s has sent no readings yet (key: %s)\n"),
                                   json_text(meter, "id"),
                                   words_state(json_text(meter, "key_state")));
        }
        if (json_count(meters) == 0)
                output_say("%s\n", _("No meter has been heard yet (smctl doctor says why)."));
}

static int explain_missing(struct json_object *element, const char *name)
{
        struct json_object *readings = json_member(element, "readings");
        const char *names[NAMES_MAX], *near;
        size_t n = MIN(json_count(readings), (size_t)NAMES_MAX);

        for (size_t i = 0; i < n; i++)
                names[i] = json_text(json_object_array_get_idx(readings, i), "name");
        near = suggest(name, names, n);
        if (near)
                return output_fail(_("%s has no reading \"%s\"; did you mean \"%s\"?"),
                                   json_text(element, "meter"), name, near);
        return output_fail(_("%s has no reading \"%s\"; \"smctl readings %s\" lists them"),
                           json_text(element, "meter"), name, json_text(element, "meter"));
}

/* By its name, or by the code that stands on the meter's display: 1.8.0. */
static struct json_object *find_reading(struct json_object *element, const char *name)
{
        struct json_object *found = json_find(json_member(element, "readings"), "name", name);
        const struct quantity *quantity;
        struct obis obis;

        if (found)
                return found;
        if (obis_parse((struct slice){ (const uint8_t *)name, strlen(name) }, &obis) !=
            (int)strlen(name))
                return NULL;
        quantity = quantity_find(obis);
        return quantity ? json_find(json_member(element, "readings"), "name", quantity->name)
                        : NULL;
}

/* For scripts: the number as D-Bus has it, with a point, in W, Wh, V …; doubts go to stderr. */
static int print_number(struct json_object *element, struct json_object *reading, bool unit)
{
        double value = json_double(reading, "value");
        const char *name = json_text(reading, "name"), *text = json_text(reading, "unit");
        char number[JSON_DOUBLE_MAX];

        if (isnan(value))
                return output_fail(_("%s has no value of \"%s\" now"), json_text(element, "meter"),
                                   name);
        if (json_has_word(reading, "flags", "stale"))
                output_say(_("smctl: %s is stale: the meter has not sent it for long\n"), name);
        if (json_has_word(reading, "flags", "suspect"))
                output_say(_("smctl: %s is not believed\n"), name);
        printf("%s%s%s\n", json_double_print(value, number), unit && *text ? " " : "",
               unit ? text : "");
        return EXIT_DONE;
}

/* Leaves those that are named. */
static int choose(struct json_object *element, const struct wanted *wanted)
{
        struct json_object *chosen = json_new_array();

        for (int i = 0; i < wanted->n; i++) {
                struct json_object *reading = find_reading(element, wanted->names[i]);

                if (!reading) {
                        json_put(chosen);
                        return explain_missing(element, wanted->names[i]);
                }
                json_push(chosen, json_object_get(reading));
        }
        json_set(element, "readings", chosen);
        return EXIT_DONE;
}

/* A cell: in quotes where it would end otherwise. */
static void print_cell(const char *text, char end)
{
        if (!strpbrk(text, ",\"\r\n")) {
                printf("%s%c", text, end);
                return;
        }
        putchar('"');
        for (; *text; text++) {
                if (*text == '"')
                        putchar('"');
                putchar(*text);
        }
        printf("\"%c", end);
}

/* The flags, with a blank between. */
static const char *words_of(struct json_object *flags, char buf[static OUTPUT_TEXT_MAX])
{
        size_t n = 0;

        *buf = '\0';
        for (size_t i = 0; i < json_count(flags) && n < OUTPUT_TEXT_MAX; i++)
                n += (size_t)snprintf(buf + n, OUTPUT_TEXT_MAX - n, "%s%s", i ? " " : "",
                                      json_object_get_string(json_object_array_get_idx(flags, i)));
        return buf;
}

/* For spreadsheets, and a script that adds lines to a file; numbers as D-Bus has them. */
static void print_csv(struct json_object *result)
{
        char text[OUTPUT_TEXT_MAX], number[JSON_DOUBLE_MAX];

        puts("meter,name,obis,value,unit,received,flags");
        for (size_t i = 0; i < json_count(result); i++) {
                struct json_object *meter = json_object_array_get_idx(result, i);
                struct json_object *readings = json_member(meter, "readings");

                for (size_t j = 0; j < json_count(readings); j++) {
                        struct json_object *reading = json_object_array_get_idx(readings, j);
                        double value = json_double(reading, "value");

                        print_cell(json_text(meter, "meter"), ',');
                        print_cell(json_text(reading, "name"), ',');
                        print_cell(json_text(reading, "obis"), ',');
                        print_cell(isnan(value) ? "" : json_double_print(value, number), ',');
                        print_cell(json_text(reading, "unit"), ',');
                        print_cell(output_time_iso((uint64_t)json_number(reading, "received_usec"),
                                                   text),
                                   ',');
                        print_cell(words_of(json_member(reading, "flags"), text), '\n');
                }
        }
}

static int show(struct json_object *meters, struct json_object *result, const struct wanted *wanted,
                bool one)
{
        struct json_object *first = json_object_array_get_idx(result, 0);

        if (wanted->n > 0 && choose(first, wanted) != EXIT_DONE)
                return EXIT_FAILED;
        if (ctl_settings.json)
                json_print(one ? first : result);
        else if (wanted->csv)
                print_csv(result);
        else if (wanted->n == 1)
                return print_number(first,
                                    json_object_array_get_idx(json_member(first, "readings"), 0),
                                    wanted->unit);
        else
                print_tables(meters, result);
        return EXIT_DONE;
}

int cmd_readings(int argc, char **argv)
{
        struct wanted wanted = { 0 };
        const struct option_row rows[] = {
                { "unit", 'u', OPTION_FLAG, NULL,
                  N_("print the unit behind a number that is alone"), &wanted.unit },
                { "csv", 0, OPTION_FLAG, NULL, N_("comma-separated values"), &wanted.csv },
        };
        const struct options options = {
                .rows = rows,
                .n_rows = ELEMENTSOF(rows),
                .about = N_("With NAMEs (active_power_import, or a code: 1.8.0) only these; one "
                            "alone is printed\nas a bare number, in W, Wh, V or A, for scripts."),
                .max_arguments = OPTIONS_ANY_NUMBER,
        };
        OWNED(json) struct json_object *all = NULL, *chosen = NULL, *result = NULL;
        OWNED(bus) sd_bus *bus = NULL;
        struct json_object *meters;
        int first;

        first = options_parse(&options, argc, argv);
        if (first <= 0)
                return options_exit(first);
        wanted.n = MAX(argc - first - 1, 0);
        wanted.names = argv + first + 1;
        if (wanted.unit && wanted.n != 1)
                return options_misuse("readings", "%s",
                                      _("--unit comes with one METER and one NAME"));
        if (client_open(&bus) < 0 || client_fetch(bus, &all) < 0)
                return EXIT_FAILED;
        meters = json_member(all, "meters");
        if (first < argc) {
                struct json_object *meter = client_find_meter(all, argv[first]);

                if (!meter)
                        return EXIT_FAILED;
                chosen = json_new_array();
                json_push(chosen, json_object_get(meter));
                meters = chosen;
        }
        result = json_new_array();
        if (collect(bus, meters, result) < 0)
                return EXIT_FAILED;
        return show(meters, result, &wanted, first < argc);
}
