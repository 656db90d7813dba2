/* SPDX-License-Identifier: MIT */
#include "metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "base/util.h"
#include "lib/value/quantity.h"

#define NAME_MAX_   112 /* of a family */
#define HELP_MAX_   112
#define LABELS_MAX_ 512 /* of all labels of a sample, escaped */

struct sample {
        char family[NAME_MAX_], help[HELP_MAX_];
        char labels[LABELS_MAX_];
        struct decimal value;
        size_t number; /* in order of appearance */
};

struct metrics {
        struct sample *samples;
        size_t n, room;
        bool out_of_memory;
};

struct metrics *metrics_new(void)
{
        return calloc(1, sizeof(struct metrics));
}

struct metrics *metrics_free(struct metrics *m)
{
        if (m)
                free(m->samples);
        free(m);
        return NULL;
}

/* Appends a label's value with \, " and newline escaped; a long one is cut between letters. */
static size_t put_escaped(char *buf, size_t n, const char *value)
{
        while (*value) {
                size_t letter = text_letter(value);
                bool escape = *value == '\\' || *value == '"' || *value == '\n';
                size_t length = letter ? letter : 1;

                if (n + length + 4 >= LABELS_MAX_) /* the closing quote, brace and NUL */
                        break;
                if (escape)
                        buf[n++] = '\\';
                if (letter)
                        memcpy(buf + n, *value == '\n' ? "n" : value, length);
                else
                        buf[n] = '?'; /* no UTF-8 */
                n += length;
                value += length;
        }
        return n;
}

static void put_labels(char *buf, const struct metrics_label *labels)
{
        size_t n = 0;

        for (size_t i = 0; i < METRICS_LABELS_MAX && labels[i].name; i++) {
                size_t length = strlen(labels[i].name);

                if (!labels[i].value || !*labels[i].value || n + length + 8 >= LABELS_MAX_)
                        continue;
                buf[n] = n ? ',' : '{';
                memcpy(buf + n + 1, labels[i].name, length);
                memcpy(buf + n + 1 + length, "=\"", 2);
                n = put_escaped(buf, n + length + 3, labels[i].value);
                buf[n++] = '"';
        }
        if (n)
                buf[n++] = '}';
        buf[n] = '\0';
}

static struct sample *need_sample(struct metrics *m)
{
        if (!ARRAY_GROW(m->samples, m->n, m->room)) {
                m->out_of_memory = true;
                return NULL;
        }
        m->samples[m->n].number = m->n;
        return &m->samples[m->n++];
}

static struct decimal metrics_number(uint64_t value)
{
        return (struct decimal){ value > INT64_MAX ? INT64_MAX : (int64_t)value, 0 };
}

/*
 * One sample of the family "smartmeter_<name>"; counters end in "_total" of their own. `labels`
 * ends with an empty one. When memory is short metrics_text() says so.
 */
static void metrics_add(struct metrics *m, const char *name, const char *help, struct decimal value,
                        const struct metrics_label *labels)
{
        struct sample *s = need_sample(m);

        if (!s)
                return;
        (void)snprintf(s->family, sizeof(s->family), "smartmeter_%s", name);
        (void)snprintf(s->help, sizeof(s->help), "%s", help);
        put_labels(s->labels, labels);
        decimal_trim(&value); /* 4.00 from a meter and 4 from D-Bus are one number */
        s->value = value;
}

/* The end of a name by its unit, and the factor of its number: base units alone (10^n). */
static const struct {
        const char *unit, *suffix;
        int8_t exponent;
} units[] = {
        { "W", "_watts", 0 },         { "var", "_vars", 0 },
        { "VA", "_voltamperes", 0 },  { "Wh", "_watthours", 0 },
        { "varh", "_varhours", 0 },   { "VAh", "_voltamperehours", 0 },
        { "V", "_volts", 0 },         { "A", "_amperes", 0 },
        { "Hz", "_hertz", 0 },        { "°", "_degrees", 0 },
        { "m³", "_cubic_meters", 0 }, { "m³/h", "_cubic_meters_per_hour", 0 },
        { "GJ", "_joules", 9 },       { "°C", "_celsius", 0 },
        { "s", "_seconds", 0 },
};

/* Takes "_l1", "_l1_l2" or "_t3" from the end of `name`; the rest of it is the family's. */
static void split_name(char *name, char phase[static 16], char tariff[static 4])
{
        size_t n = strlen(name);

        phase[0] = tariff[0] = '\0';
        if (n > 3 && name[n - 3] == '_' && name[n - 2] == 't' && name[n - 1] >= '1' &&
            name[n - 1] <= '9') {
                (void)snprintf(tariff, 4, "%c", name[n - 1]);
                n -= 3;
        }
        name[n] = '\0';
        while (n > 3 && name[n - 3] == '_' && name[n - 2] == 'l' && name[n - 1] >= '1' &&
               name[n - 1] <= '3' && strlen(phase) < 9) {
                char after[16];

                (void)snprintf(after, sizeof(after), "%s", phase);
                (void)snprintf(phase, 16, "L%c%s%.10s", name[n - 1], *after ? "-" : "", after);
                n -= 3;
                name[n] = '\0';
        }
}

/* "active_power_import" → "Active power import". */
static void help_of(const char *name, char help[static HELP_MAX_])
{
        (void)snprintf(help, HELP_MAX_, "%s", name);
        for (char *c = help; *c; c++)
                if (*c == '_')
                        *c = ' ';
        if (*help >= 'a' && *help <= 'z')
                *help = (char)(*help - 'a' + 'A');
}

/* Values that the table does not know are one family, with the code as a label. */
static void add_unknown(struct metrics *m, const char *meter, const char *meter_name,
                        const char *code, const char *unit, struct decimal value)
{
        metrics_add(m, "other", "A value whose code has no name", value,
                    (struct metrics_label[]){ { "meter", meter },
                                              { "name", meter_name },
                                              { "obis", code },
                                              { "unit", unit },
                                              { 0 } });
}

void metrics_add_reading(struct metrics *m, const char *meter, const char *meter_name,
                         const char *key, const char *unit, struct decimal value)
{
        const struct quantity *quantity = quantity_find_name(key);
        char name[64], family[NAME_MAX_], help[HELP_MAX_], phase[16], tariff[4];
        const char *suffix = "";

        if (!quantity) {
                add_unknown(m, meter, meter_name, key, unit, value);
                return;
        }
        for (size_t i = 0; unit && i < ELEMENTSOF(units); i++)
                if (strcmp(units[i].unit, unit) == 0) {
                        suffix = units[i].suffix;
                        (void)decimal_shift(value, units[i].exponent,
                                            &value); /* else it is as sent */
                }
        (void)snprintf(name, sizeof(name), "%s", key);
        split_name(name, phase, tariff);
        help_of(name, help);
        (void)snprintf(family, sizeof(family), "%s%s%s", name, suffix,
                       quantity_is_counter(quantity) ? "_total" : "");
        metrics_add(m, family, help, value,
                    (struct metrics_label[]){ { "meter", meter },
                                              { "name", meter_name },
                                              { "phase", phase },
                                              { "tariff", tariff },
                                              { 0 } });
}

#define LABELS(...) ((struct metrics_label[]){ __VA_ARGS__, { 0 } })

void metrics_add_service(struct metrics *m, const char *version)
{
        metrics_add(m, "service_info", "The service that reads the meters", metrics_number(1),
                    LABELS({ "version", version }));
}

void metrics_add_meter(struct metrics *m, const struct metrics_meter *meter)
{
        const struct metrics_label *labels =
                LABELS({ "meter", meter->id }, { "name", meter->name });

        metrics_add(m, "meter_info", "What a meter is", metrics_number(1),
                    LABELS({ "meter", meter->id }, { "name", meter->name },
                           { "manufacturer", meter->manufacturer }, { "model", meter->model },
                           { "medium", meter->medium }));
        metrics_add(m, "meter_online", "Whether telegrams of the meter come",
                    metrics_number(meter->online), labels);
        if (meter->last_telegram_usec)
                metrics_add(m, "meter_last_telegram_timestamp_seconds",
                            "When the last telegram came",
                            (struct decimal){ (int64_t)(meter->last_telegram_usec / 1000), -3 },
                            labels);
        metrics_add(m, "meter_telegrams_total", "Telegrams that were accepted",
                    metrics_number(meter->telegrams), labels);
        metrics_add(m, "meter_suspect_readings_total", "Readings held back as implausible",
                    metrics_number(meter->suspects), labels);
        metrics_add(m, "meter_key_failures_total", "Telegrams that no key could decrypt",
                    metrics_number(meter->key_failures), labels);
        metrics_add(m, "meter_replays_total", "Telegrams whose counter did not grow",
                    metrics_number(meter->replays), labels);
        if (meter->tariff)
                metrics_add(m, "meter_tariff", "The active tariff", metrics_number(meter->tariff),
                            LABELS({ "meter", meter->id }, { "name", meter->name },
                                   { "label", meter->tariff_label }));
}

void metrics_add_converter(struct metrics *m, const struct converter_view *view)
{
        const struct metrics_label *labels =
                LABELS({ "converter", view->id }, { "device", view->device });
        char name[NAME_MAX_], help[HELP_MAX_];

        metrics_add(
                m, "converter_state", "1 for the state that a converter is in", metrics_number(1),
                LABELS({ "converter", view->id }, { "device", view->device },
                       { "state", view->state }, { "code", view->code }, { "line", view->line }));
        metrics_add(m, "converter_receiving", "Whether telegrams come through the converter",
                    metrics_number(strcmp(view->state, "receiving") == 0), labels);
        for (size_t i = 0; i < view->n_statistics; i++) {
                (void)snprintf(name, sizeof(name), "converter_%.48s_total",
                               view->statistics[i].name);
                for (char *c = name; *c; c++)
                        if (*c == '-')
                                *c = '_';
                (void)snprintf(help, sizeof(help), "Counted at a converter: %.48s",
                               view->statistics[i].name);
                metrics_add(m, name, help, metrics_number(view->statistics[i].value), labels);
        }
}

void metrics_add_output(struct metrics *m, const struct output_view *view)
{
        const struct metrics_label *labels =
                LABELS({ "output", view->name }, { "kind", view->kind });

        metrics_add(m, "output_connected", "Whether an output reaches what it writes to",
                    metrics_number(view->connected), labels);
        metrics_add(m, "output_failing", "Whether an output has something to complain of",
                    metrics_number(view->last_error[0] != '\0'),
                    LABELS({ "output", view->name }, { "kind", view->kind },
                           { "code", view->error_code }));
        metrics_add(m, "output_queued_messages", "Messages that wait in memory",
                    metrics_number(view->queued), labels);
        metrics_add(m, "output_spooled_messages", "Messages that wait on disk",
                    metrics_number(view->spooled), labels);
        metrics_add(m, "output_published_total", "Messages that were delivered",
                    metrics_number(view->published), labels);
        metrics_add(m, "output_dropped_total", "Messages that were given up",
                    metrics_number(view->dropped), labels);
}

static int by_family(const void *a, const void *b)
{
        const struct sample *sample_a = a, *sample_b = b;
        int order = strcmp(sample_a->family, sample_b->family);

        return order ? order : sample_a->number < sample_b->number ? -1 : 1;
}

#define LINE_MAX_ (2 * (NAME_MAX_ + HELP_MAX_) + NAME_MAX_ + LABELS_MAX_ + DECIMAL_TEXT_MAX + 64)

static size_t print_sample(const struct sample *s, bool first, char *buf)
{
        size_t n = strlen(s->family);
        bool is_counter = n > 6 && strcmp(s->family + n - 6, "_total") == 0;
        char number[DECIMAL_TEXT_MAX];
        int length = 0;

        decimal_print(s->value, number);
        if (first)
                length = snprintf(buf, LINE_MAX_, "# HELP %s %s\n# TYPE %s %s\n", s->family,
                                  s->help, s->family, is_counter ? "counter" : "gauge");
        return (size_t)length + (size_t)snprintf(buf + length, LINE_MAX_ - (size_t)length,
                                                 "%s%s %s\n", s->family, s->labels, number);
}

char *metrics_text(struct metrics *m)
{
        char *text = m->out_of_memory ? NULL : malloc(m->n * LINE_MAX_ + 1), *shorter;
        size_t n = 0;

        if (!text)
                return NULL;
        if (m->n > 1)
                qsort(m->samples, m->n, sizeof(m->samples[0]), by_family);
        for (size_t i = 0; i < m->n; i++)
                n += print_sample(
                        &m->samples[i],
                        i == 0 || strcmp(m->samples[i - 1].family, m->samples[i].family) != 0,
                        text + n);
        text[n] = '\0';
        shorter = realloc(text, n + 1);
        return shorter ? shorter : text;
}
