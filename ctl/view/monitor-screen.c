/* SPDX-License-Identifier: MIT */
/*
 * The live table: for each meter four lines, or two for gas, water and heat, cut to what the
 * terminal has.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ctl/i18n.h"
#include "json.h"
#include "monitor.h"
#include "output.h"
#include "spark.h"
#include "tables.h"
#include "terminal.h"

#define LINES_PER_METER 5
#define LINES_OF_OTHERS 3 /* gas, water, heat */
#define LABEL_COLUMNS   10
#define POWER_COLUMNS   11
#define SPARK_MIN       10

static const char *bullet(void)
{
        return output_is_utf8() ? "●" : "*";
}

static void draw_heading(const struct monitor_meter *meter, uint64_t now)
{
        bool key_trouble = strncmp(meter->key_state, "wrong", 5) == 0 ||
                           strcmp(meter->key_state, "missing") == 0;
        enum style style = key_trouble || !meter->online ? STYLE_BAD : STYLE_GOOD;
        char age[OUTPUT_TEXT_MAX];

        printf("%s%s%s %s%s%s", output_style(style), bullet(), output_plain(),
               output_style(STYLE_BOLD), meter->id, output_plain());
        if (*meter->name)
                printf("  %s", meter->name);
        if (*meter->model)
                printf("  %s%s%s", output_style(STYLE_DIM), meter->model, output_plain());
        printf("  ");
        if (key_trouble)
                printf("%s%s%s", output_style(STYLE_BAD), _("key?"), output_plain());
        else if (!meter->online)
                printf("%s%s%s", output_style(STYLE_BAD), _("offline"), output_plain());
        printf(" %s", output_age(meter->last_usec, now, age));
        terminal_line_end();
}

static void draw_label(const char *label)
{
        printf("  ");
        output_padded(label, LABEL_COLUMNS);
}

static void draw_power(const struct monitor_meter *meter, size_t columns)
{
        char value[OUTPUT_TEXT_MAX], spark[SPARK_TEXT_MAX];
        size_t used = 2 + LABEL_COLUMNS + POWER_COLUMNS + 2;
        size_t cells = columns > used + SPARK_MIN ? columns - used - 1 : 0;

        draw_label(_("Power"));
        printf("%s%*s%s", output_style(STYLE_BOLD), POWER_COLUMNS,
               output_value(meter->power, "W", value), output_plain());
        if (cells > 0)
                printf("  %s%s%s", output_style(STYLE_GOOD),
                       spark_print(meter->buckets, meter->n_buckets, cells, output_is_utf8(),
                                   spark),
                       output_plain());
        terminal_line_end();
}

static void draw_energy(const struct monitor_meter *meter)
{
        char value[OUTPUT_TEXT_MAX];

        draw_label(_("Energy"));
        printf("%s %s", output_value(meter->energy_import, "Wh", value), _("in"));
        if (isfinite(meter->energy_export))
                printf("   %s %s", output_value(meter->energy_export, "Wh", value), _("out"));
        printf("   %s %s", _("Tariff"), *meter->tariff ? meter->tariff : "-");
        terminal_line_end();
}

static void draw_phases(const struct monitor_meter *meter)
{
        char value[OUTPUT_TEXT_MAX];
        bool any = false;

        draw_label(_("Voltage"));
        for (size_t i = 0; i < ELEMENTSOF(meter->voltage); i++) {
                if (!isfinite(meter->voltage[i]))
                        continue;
                printf("%s%s", any ? "  " : "", output_value(meter->voltage[i], "V", value));
                if (isfinite(meter->current[i]))
                        printf(" %s", output_value(meter->current[i], "A", value));
                any = true;
        }
        if (!any)
                printf("-");
        terminal_line_end();
}

static void draw_counter(const struct monitor_meter *meter)
{
        char value[OUTPUT_TEXT_MAX];

        draw_label(_("Counter"));
        printf("%s%s%s", output_style(STYLE_BOLD),
               output_value(meter->counter, meter->counter_unit, value), output_plain());
        terminal_line_end();
}

static size_t lines_of(const struct monitor_meter *meter)
{
        return tables_is_electricity(meter->medium) ? LINES_PER_METER : LINES_OF_OTHERS;
}

static void draw_meter(const struct monitor_meter *meter, size_t columns, uint64_t now)
{
        draw_heading(meter, now);
        if (tables_is_electricity(meter->medium)) {
                draw_power(meter, columns);
                draw_energy(meter);
                draw_phases(meter);
        } else {
                draw_counter(meter);
        }
        terminal_line_end();
}

void monitor_draw(const struct monitor *monitor)
{
        char time[OUTPUT_TEXT_MAX];
        size_t columns, rows, used = 2;
        uint64_t now = output_now_usec();

        terminal_size(&columns, &rows);
        terminal_begin();
        printf("%ssmctl monitor%s  %s  %s%s%s", output_style(STYLE_BOLD), output_plain(),
               output_time(now, time), output_style(STYLE_DIM), _("q quits"), output_plain());
        terminal_line_end();
        if (monitor->service_away)
                printf("%s%s%s", output_style(STYLE_BAD),
                       _("The service is away; waiting until it is back."), output_plain());
        else if (monitor->n_meters == 0)
                fputs(_("No meter has been heard yet (smctl doctor says why)."), stdout);
        terminal_line_end();
        for (size_t i = 0; i < monitor->n_meters; i++) {
                if (used + lines_of(&monitor->meters[i]) > rows) {
                        printf(_("… and %zu more; make the window taller"), monitor->n_meters - i);
                        break;
                }
                draw_meter(&monitor->meters[i], columns, now);
                used += lines_of(&monitor->meters[i]);
        }
        terminal_end();
}
