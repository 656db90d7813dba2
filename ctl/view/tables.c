/* SPDX-License-Identifier: MIT */
#include "tables.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ctl/i18n.h"
#include "json.h"
#include "output.h"
#include "reading-label.h"
#include "table.h"
#include "words.h"

/* The present value; the others of these names are of an hour, or not corrected. */
#define VOLUME_NAME "submeter_volume"

static const char *without_folder(const char *device)
{
        return strncmp(device, "/dev/", 5) == 0 ? device + 5 : device;
}

void tables_converters(struct json_object *converters)
{
        static const struct column columns[] = {
                { N_("PORT"), COLUMN_CUT, 0 },
                { N_("STATE"), 0, 0 },
                { N_("LINE"), 0, 0 },
                { N_("METERS"), 0, 0 },
                { N_("PRODUCT"), COLUMN_CUT, 120 },
                { N_("CONVERTER"), COLUMN_CUT, 0 },
        };
        OWNED(table) struct table *table = table_new(columns, ELEMENTSOF(columns));

        for (size_t i = 0; table && i < json_count(converters); i++) {
                struct json_object *converter = json_object_array_get_idx(converters, i);
                struct json_object *meters = json_member(converter, "meters");
                const char *state = json_text(converter, "state");
                char number[OUTPUT_TEXT_MAX];

                (void)snprintf(number, sizeof(number), "%zu", json_count(meters));
                table_line(table);
                table_cell(table, 0, without_folder(json_text(converter, "device")));
                table_cell_styled(table, 1, words_state(state), output_state_style(state));
                table_cell(table, 2, json_text(converter, "line"));
                table_cell(table, 3,
                           json_count(meters) == 1
                                   ? json_object_get_string(json_object_array_get_idx(meters, 0))
                                   : number);
                table_cell(table, 4, json_text(converter, "product"));
                table_cell(table, 5, json_text(converter, "id"));
        }
        if (table)
                table_print(table);
}

const char *tables_tariff(struct json_object *meter)
{
        static char text[OUTPUT_TEXT_MAX];
        struct json_object *tariff = json_member(meter, "tariff");
        int64_t active = json_number(tariff, "active");
        const char *label = json_text(tariff, "label");
        char digit[24];

        if (active == 0)
                return "-";
        (void)snprintf(digit, sizeof(digit), "%d", (int)active);
        if (!*label || strcmp(label, digit) == 0)
                (void)snprintf(text, sizeof(text), "%s", digit);
        else
                (void)snprintf(text, sizeof(text), "%s (%s)", label, digit);
        return text;
}

/* Import minus export, the number people look for; in parentheses where it may have changed: a
 * meter that is offline may draw anything by now. (Counters keep their value.) */
static char *print_power(struct json_object *meter, char buf[static OUTPUT_TEXT_MAX])
{
        double power = json_double(meter, "power_net");
        char value[OUTPUT_TEXT_MAX];

        (void)output_value(power, "W", value);
        if (isnan(power) || json_flag(meter, "online"))
                (void)snprintf(buf, OUTPUT_TEXT_MAX, "%s", value);
        else
                (void)snprintf(buf, OUTPUT_TEXT_MAX, "(%.*s)", OUTPUT_TEXT_MAX - 3, value);
        return buf;
}

bool tables_is_electricity(const char *medium)
{
        return !*medium || strcmp(medium, "electricity") == 0;
}

static struct json_object *find_unit(struct json_object *readings, const char *unit)
{
        return json_find(readings, "unit", unit);
}

double tables_counter(const char *medium, struct json_object *readings, const char **ret_unit)
{
        bool is_heat = strcmp(medium, "heat") == 0 || strcmp(medium, "cooling") == 0;
        /* A heat meter counts its water as well, but is paid by energy. */
        static const char *const units[] = { "GJ", "Wh", "m³", "Wh", "GJ" };
        struct json_object *counter = is_heat ? NULL : json_find(readings, "name", VOLUME_NAME);

        for (size_t i = is_heat ? 0 : 2; !counter && i < ELEMENTSOF(units); i++)
                counter = find_unit(readings, units[i]);
        if (!counter || json_has_word(counter, "flags", "unscaled"))
                return (double)NAN;
        *ret_unit = json_text(counter, "unit");
        return json_double(counter, "value");
}

/* The name of a meter other than for electricity where its model is not known. */
static const char *const media[] = { N_("gas"),     N_("water"),     N_("heat"),
                                     N_("cooling"), N_("heat-cost"), N_("other") };

const char *tables_model(const char *model, const char *medium)
{
        if (*model || tables_is_electricity(medium))
                return model;
        for (size_t i = 0; i < ELEMENTSOF(media); i++)
                if (strcmp(medium, media[i]) == 0)
                        return _(media[i]);
        return medium;
}

static char *print_counter(struct json_object *meter, char buf[static OUTPUT_TEXT_MAX])
{
        const char *medium = json_text(meter, "medium"), *unit = "Wh";
        double value = tables_is_electricity(medium)
                               ? json_double(meter, "energy_import")
                               : tables_counter(medium, json_member(meter, "readings"), &unit);

        return output_value(value, unit, buf);
}

void tables_meters(struct json_object *meters)
{
        static const struct column columns[] = {
                { N_("METER"), COLUMN_CUT, 0 },   { N_("NAME"), COLUMN_CUT, 0 },
                { N_("MODEL"), COLUMN_CUT, 100 }, { N_("STATE"), 0, 0 },
                { N_("POWER"), COLUMN_RIGHT, 0 }, { N_("ENERGY"), COLUMN_RIGHT, 0 },
                { N_("TARIFF"), 0, 0 },           { N_("KEY"), 0, 100 },
                { N_("AGE"), COLUMN_RIGHT, 0 },
        };
        OWNED(table) struct table *table = table_new(columns, ELEMENTSOF(columns));
        uint64_t now = output_now_usec();

        for (size_t i = 0; table && i < json_count(meters); i++) {
                struct json_object *meter = json_object_array_get_idx(meters, i);
                const char *key = json_text(meter, "key_state");
                const char *state = json_flag(meter, "online") ? N_("online") : N_("offline");
                uint64_t last = (uint64_t)json_number(meter, "last_telegram_usec");
                char text[OUTPUT_TEXT_MAX];

                table_line(table);
                table_cell(table, 0, json_text(meter, "id"));
                table_cell(table, 1, json_text(meter, "name"));
                table_cell(table, 2,
                           tables_model(json_text(meter, "model"), json_text(meter, "medium")));
                /* A key that is missing or wrong is the reason for everything else that is not. */
                if (strncmp(key, "wrong", 5) == 0 || strcmp(key, "missing") == 0)
                        table_cell_styled(table, 3, _("key?"), STYLE_BAD);
                else
                        table_cell_styled(table, 3, _(state), output_state_style(state));
                table_cell_styled(table, 4, print_power(meter, text),
                                  json_flag(meter, "online") ? STYLE_NONE : STYLE_DIM);
                table_cell(table, 5, print_counter(meter, text));
                table_cell(table, 6, tables_tariff(meter));
                table_cell_styled(table, 7, words_state(key), output_state_style(key));
                table_cell(table, 8, output_age(last, now, text));
        }
        if (table)
                table_print(table);
}

void tables_outputs(struct json_object *outputs)
{
        static const struct column columns[] = {
                { N_("BROKER"), 0, 0 },          { N_("STATE"), 0, 0 },
                { N_("SENT"), COLUMN_RIGHT, 0 }, { N_("WAITING"), COLUMN_RIGHT, 0 },
                { N_("LOST"), COLUMN_RIGHT, 0 },
        };
        OWNED(table) struct table *table = table_new(columns, ELEMENTSOF(columns));

        for (size_t i = 0; table && i < json_count(outputs); i++) {
                struct json_object *output = json_object_array_get_idx(outputs, i);
                bool connected = json_flag(output, "connected");
                char waiting[OUTPUT_TEXT_MAX];

                (void)snprintf(waiting, sizeof(waiting), "%lld",
                               (long long)(json_number(output, "queued") +
                                           json_number(output, "spooled")));
                table_line(table);
                table_cell(table, 0, json_text(output, "name"));
                table_cell_styled(table, 1, connected ? _("connected") : _("disconnected"),
                                  connected ? STYLE_GOOD : STYLE_BAD);
                table_cell(table, 2, json_text(output, "published"));
                table_cell(table, 3, waiting);
                table_cell(table, 4, json_text(output, "dropped"));
        }
        if (table)
                table_print(table);
        for (size_t i = 0; i < json_count(outputs); i++) {
                struct json_object *output = json_object_array_get_idx(outputs, i);
                const char *name = json_text(output, "name"), *error = words_error(output);

                if (!*error)
                        continue;
                printf("%s%s%s: ", output_style(STYLE_BAD), name, output_plain());
                output_wrapped(error, output_columns(name, strlen(name)) + 2);
        }
}

/* The flags of a reading, for the catalogues: they come over the bus as these words. */
static const char *const flag_names[] = { N_("suspect"), N_("stale"), N_("derived"),
                                          N_("unscaled") };

static const char *translate_flag(const char *flag)
{
        for (size_t i = 0; i < ELEMENTSOF(flag_names); i++)
                if (strcmp(flag, flag_names[i]) == 0)
                        return _(flag_names[i]);
        return flag;
}

static const char *print_flags(struct json_object *reading, char *buf, size_t size)
{
        struct json_object *flags = json_member(reading, "flags");
        size_t n = 0;

        (void)snprintf(buf, size, " "); /* not the dash of something missing */
        for (size_t i = 0; i < json_count(flags) && n < size; i++) {
                const char *flag = json_object_get_string(json_object_array_get_idx(flags, i));

                n += (size_t)snprintf(buf + n, size - n, "%s%s", i ? " " : "",
                                      translate_flag(flag));
        }
        return buf;
}

void tables_readings(struct json_object *readings)
{
        static const struct column columns[] = {
                { N_("READING"), COLUMN_CUT, 0 }, { N_("VALUE"), COLUMN_RIGHT, 0 },
                { N_("AGE"), COLUMN_RIGHT, 0 },   { N_("NOTE"), 0, 0 },
                { N_("NAME"), COLUMN_CUT, 70 },
        };
        OWNED(table) struct table *table = table_new(columns, ELEMENTSOF(columns));
        uint64_t now = output_now_usec();

        for (size_t i = 0; table && i < json_count(readings); i++) {
                struct json_object *reading = json_object_array_get_idx(readings, i);
                const char *name = json_text(reading, "name");
                uint64_t received = (uint64_t)json_number(reading, "received_usec");
                char text[OUTPUT_TEXT_MAX];

                table_line(table);
                table_cell(table, 0, reading_label(name, text));
                table_cell(table, 1,
                           output_value(json_double(reading, "value"), json_text(reading, "unit"),
                                        text));
                table_cell(table, 2, output_age(received, now, text));
                table_cell_styled(table, 3, print_flags(reading, text, sizeof(text)), STYLE_WARN);
                table_cell(table, 4, name);
        }
        if (table)
                table_print(table);
}
