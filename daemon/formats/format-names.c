/* SPDX-License-Identifier: MIT */
/*
 * Names of meters and their values for people, in English and in French. The words hang on what the
 * meter measures: the same code is a volume of gas behind one meter and of water behind another.
 */
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "format.h"

/* A name in each language: [0] French, [1] English. */
static const struct medium_words {
        const char *medium;
        const char *meter[2];
        const char *counted[2];
} media[] = {
        { "gas", { "Compteur de gaz", "Gas meter" }, { "Consommation de gaz", "Gas consumption" } },
        { "water",
          { "Compteur d'eau", "Water meter" },
          { "Consommation d'eau", "Water consumption" } },
        { "heat",
          { "Compteur de chaleur", "Heat meter" },
          { "Consommation de chaleur", "Heat consumption" } },
        { "cooling",
          { "Compteur de froid", "Cooling meter" },
          { "Consommation de froid", "Cooling consumption" } },
        { "heat-cost",
          { "Répartiteur de chauffage", "Heat cost allocator" },
          { "Unités de chauffage", "Heat cost units" } },
        { "electricity",
          { "Sous-compteur électrique", "Electricity sub-meter" },
          { "Consommation électrique", "Electricity consumption" } },
        { "",
          { "Sous-compteur", "Sub-meter" },
          { "Consommation", "Consumption" } }, /* the last: of an unknown medium */
};

static const struct medium_words *words_of(const struct meter *meter)
{
        const struct medium_words *words = media;

        while (*words->medium && strcmp(words->medium, meter->medium) != 0)
                words++;
        return words;
}

const char *format_meter_name(const struct format_context *context, const struct meter *meter,
                              bool english)
{
        bool electric = strcmp(meter->medium, "electricity") == 0;

        if (*context->meter_name)
                return context->meter_name;
        if (electric && *meter->model)
                return meter->model;
        if (electric && !*meter->parent_id)
                return english ? "Electricity meter" : "Compteur électrique";
        if (!*words_of(meter)->medium && !*meter->parent_id)
                return english ? "Meter" : "Compteur";
        return words_of(meter)->meter[english];
}

/* The water that went through a heat meter is not the heat. */
static bool is_carrier(const struct meter *meter, const struct reading *reading)
{
        return (reading->unit == UNIT_M3 || reading->unit == UNIT_LITRE) &&
               (strcmp(meter->medium, "heat") == 0 || strcmp(meter->medium, "cooling") == 0);
}

/* The name of the one counter of a sub-meter; "" where the quantity is another. */
static void print_counted(const struct meter *meter, const struct reading *reading, bool english,
                          char buf[static FORMAT_LABEL_MAX])
{
        const char *name = reading->quantity->name;
        const char *more = "";

        *buf = '\0';
        if (strncmp(name, "submeter_volume", strlen("submeter_volume")) != 0 &&
            strcmp(name, "gas_volume_hourly") != 0)
                return;
        if (strstr(name, "_hourly"))
                more = english ? ", hourly value" : ", à l'heure";
        if (strstr(name, "_uncorrected"))
                more = english ? ", not corrected for temperature" : ", brut";
        (void)snprintf(buf, FORMAT_LABEL_MAX, "%s%s",
                       is_carrier(meter, reading) ? "Volume" : words_of(meter)->counted[english],
                       more);
}

/* "*96", "1-1:1.8.0": distinguishes a value from the one that has the quantity's name. */
static const char *distinction(const struct meter_value *value)
{
        const char *period = strchr(value->key, '*');

        return period ? period : value->key;
}

const char *format_value_name(const struct meter *meter, const struct meter_value *value,
                              bool english, char buf[static FORMAT_LABEL_MAX])
{
        const struct reading *reading = &value->reading;
        size_t n;

        if (!reading->quantity) {
                (void)snprintf(buf, FORMAT_LABEL_MAX, "%s", value->key);
                return buf;
        }
        print_counted(meter, reading, english, buf);
        if (!*buf && english)
                (void)snprintf(buf, FORMAT_LABEL_MAX, "%s", reading->quantity->label);
        else if (!*buf)
                (void)format_label_french(reading->quantity, buf);
        n = strlen(buf);
        if (strcmp(reading->quantity->name, value->key) != 0)
                (void)snprintf(buf + n, FORMAT_LABEL_MAX - n, " %s", distinction(value));
        return buf;
}
