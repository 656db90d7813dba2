/* SPDX-License-Identifier: MIT */
/*
 * smctl history: what a meter counted, by hour, day or month, as bars. The calendar is the
 * service's: it knows the zone of the meters.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/util.h"
#include "ctl/client/client.h"
#include "ctl/i18n.h"
#include "ctl/options.h"
#include "ctl/view/output.h"
#include "dbus/names.h"
#include "verb.h"

#define USEC_PER_SEC UINT64_C(1000000)
#define STEPS_MAX    1500 /* the minutes of a day */
#define BAR_MAX      30

/* A span of time, and what it is cut into. */
struct span {
        const char *name;     /* the option */
        const char *calendar; /* of the steps; "": seconds */
        uint32_t seconds;
        int days, months;   /* how far back it begins: days before the day, or months before its */
        const char *format; /* of a step's begin: strftime() */
};

enum {
        SPAN_DAY,
        SPAN_WEEK,
        SPAN_MONTH,
        SPAN_YEAR,
        SPAN_POWER,
        N_SPANS
};

static const struct span spans[N_SPANS] = {
        [SPAN_DAY] = { "day", "", 3600, 0, -1, "%H:%M" },
        [SPAN_WEEK] = { "week", "day", 0, 6, -1, "%a %x" },
        [SPAN_MONTH] = { "month", "day", 0, -1, 0, "%a %x" },
        [SPAN_YEAR] = { "year", "month", 0, -1, 11, "%Y-%m" },
        [SPAN_POWER] = { "power", "", 60, 1, -1, "%H:%M" }, /* 24 hours, whatever the day */
};

struct step {
        uint64_t from;
        double imported, exported, least, greatest;
        double cost, unpriced; /* NaN, and energy whose tariff has no price */
};

struct history {
        const struct span *span;
        const char *unit;
        uint64_t from, to;
        uint32_t step_seconds;
        struct step steps[STEPS_MAX];
        size_t n;
        bool has_exported;
        bool has_cost; /* prices are configured */
        char currency[8];
};

struct method {
        const char *name;
        int (*read)(sd_bus_message *reply, struct history *h);
};

static uint64_t midnight_of(struct tm tm)
{
        tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
        tm.tm_isdst = -1;
        return (uint64_t)mktime(&tm) * USEC_PER_SEC;
}

/* Local midnight of the first day, or the first of the first month. */
static uint64_t begin_of(const struct span *span, struct tm day)
{
        if (span->months >= 0) {
                day.tm_mday = 1;
                day.tm_mon -= span->months;
        } else {
                day.tm_mday -= span->days;
        }
        return midnight_of(day);
}

/* The midnight after the day, or after its month. */
static uint64_t end_of(const struct span *span, struct tm day)
{
        if (span->months >= 0) {
                day.tm_mday = 1;
                day.tm_mon++;
        } else {
                day.tm_mday++;
        }
        return midnight_of(day);
}

/* "2026-03-29" as a day that the calendar has, of the years that people have meters in. */
static bool parse_day(const char *text, struct tm *ret)
{
        struct tm tm = { .tm_isdst = -1, .tm_hour = 12 }, same;
        const char *rest = strptime(text, "%Y-%m-%d", &tm);

        if (!rest || *rest || tm.tm_year < 70 || tm.tm_year > 1000)
                return false;
        same = tm;
        if (mktime(&same) == -1 || same.tm_mday != tm.tm_mday)
                return false; /* the 30th of February */
        *ret = tm;
        return true;
}

/* Which time is asked about. False: it is yet to come. */
static bool take_span(struct history *h, const struct tm *day)
{
        uint64_t now = output_now_usec();
        time_t seconds = (time_t)(now / USEC_PER_SEC);
        struct tm today;

        (void)localtime_r(&seconds, &today); /* fails for years of ten digits alone */
        h->to = now;
        if (h->span == &spans[SPAN_POWER]) {
                h->from = (uint64_t)(seconds / 900 - 95) * 900 * USEC_PER_SEC;
                return true;
        }
        h->from = begin_of(h->span, day ? *day : today);
        if (day && end_of(h->span, *day) < now)
                h->to = end_of(h->span, *day);
        return h->from < now;
}

static int append_question(sd_bus_message *m, const struct history *h, uint32_t tariff)
{
        int r = sd_bus_message_append(m, "ttu", h->from, h->to, h->step_seconds);

        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0 && *h->span->calendar)
                r = sd_bus_message_append(m, "{sv}", "calendar", "s", h->span->calendar);
        if (r >= 0 && tariff)
                r = sd_bus_message_append(m, "{sv}", "tariff", "u", tariff);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int read_steps(sd_bus_message *reply, struct history *h)
{
        struct step s = { .cost = NAN };
        int r = sd_bus_message_enter_container(reply, 'a', "(tdddd)");

        while (r >= 0 && h->n < STEPS_MAX &&
               (r = sd_bus_message_read(reply, "(tdddd)", &s.from, &s.imported, &s.exported,
                                        &s.least, &s.greatest)) > 0) {
                h->steps[h->n++] = s;
                h->has_exported = h->has_exported || s.exported > 0;
        }
        return r;
}

/* Of the same steps: the calendar is the service's both times. */
static int read_costs(sd_bus_message *reply, struct history *h)
{
        const char *currency = "";
        uint64_t from;
        double cost, unpriced;
        size_t i = 0;
        int r = sd_bus_message_enter_container(reply, 'a', "(tdd)");

        while (r >= 0 && (r = sd_bus_message_read(reply, "(tdd)", &from, &cost, &unpriced)) > 0) {
                h->has_cost = true;
                while (i < h->n && h->steps[i].from < from)
                        i++;
                if (i < h->n && h->steps[i].from == from) {
                        h->steps[i].cost = cost;
                        h->steps[i].unpriced = unpriced;
                }
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &currency);
        (void)snprintf(h->currency, sizeof(h->currency), "%s", currency);
        return r;
}

static const struct method get_history = { "GetHistory", read_steps };
static const struct method get_costs = { "GetCosts", read_costs };

static int fetch(sd_bus *bus, const char *path, const struct method *method, uint32_t tariff,
                 struct history *h)
{
        OWNED(message) sd_bus_message *call = NULL;
        OWNED(message) sd_bus_message *reply = NULL;
        sd_bus_error error = SD_BUS_ERROR_NULL;
        int r = sd_bus_message_new_method_call(bus, &call, BUS_NAME, path, BUS_INTERFACE_HISTORY,
                                               method->name);

        if (r >= 0)
                r = append_question(call, h, tariff);
        if (r >= 0)
                r = sd_bus_call(bus, call, 0, &error, &reply);
        if (r >= 0)
                r = method->read(reply, h);
        if (r < 0)
                (void)client_explain(&error, r); /* EXIT_FAILED, as the caller ends */
        sd_bus_error_free(&error);
        return r;
}

/* Minutes are kept in memory: of the time before the service began there are quarter hours. */
static int fetch_power(sd_bus *bus, const char *path, struct history *h)
{
        static struct history quarters;
        int r;

        quarters = (struct history){
                .span = h->span, .from = h->from, .to = h->to, .step_seconds = 900
        };
        r = fetch(bus, path, &get_history, 0, &quarters);
        if (r >= 0)
                r = fetch(bus, path, &get_history, 0, h);
        for (size_t i = 0; r >= 0 && i < h->n; i++) {
                const struct step *quarter = &quarters.steps[i / 15];

                if (i / 15 >= quarters.n || !isnan(h->steps[i].greatest))
                        continue;
                h->steps[i].least = quarter->least;
                h->steps[i].greatest = quarter->greatest;
        }
        return r;
}

/* Costs are those of counted energy, and of electricity. */
static int fetch_energy(sd_bus *bus, const char *path, uint32_t tariff, struct history *h)
{
        int r = fetch(bus, path, &get_history, tariff, h);

        if (r >= 0 && h->span != &spans[SPAN_POWER] && strcmp(h->unit, "Wh") == 0)
                r = fetch(bus, path, &get_costs, tariff, h);
        return r;
}

static void time_of(const struct step *s, const char *format, char buf[static OUTPUT_TEXT_MAX])
{
        time_t t = (time_t)(s->from / USEC_PER_SEC);
        struct tm tm;

        (void)localtime_r(&t, &tm);
        if (strftime(buf, OUTPUT_TEXT_MAX, format, &tm) == 0)
                buf[0] = '\0';
}

/* ---- for people ---- */

static void print_bar(double value, double most)
{
        const char *block = output_is_utf8() ? "█" : "#";
        int n = value > 0 && most > 0 ? (int)lround(value / most * BAR_MAX) : 0;

        for (int i = 0; i < n; i++)
                fputs(block, stdout);
}

static void print_line(const struct history *h, const char *label, const struct step *s,
                       double most)
{
        char text[OUTPUT_TEXT_MAX];

        output_padded(label, 16);
        printf(" %16s", output_value(s->imported, h->unit, text));
        if (h->has_exported)
                printf(" %16s", output_value(s->exported, h->unit, text));
        if (h->has_cost)
                printf(" %14s", output_money(s->cost, h->currency, text));
        fputs("  ", stdout);
        print_bar(s->imported, most);
        putchar('\n');
}

/* The sum of the known ones; NaN when neither is. */
static double add_known(double sum, double value)
{
        return isnan(value) ? sum : isnan(sum) ? value : sum + value;
}

static void print_head_of(const char *title, int columns)
{
        printf(" %*s%s", columns - (int)output_columns(title, strlen(title)), "", title);
}

static void print_head(const struct history *h)
{
        output_padded("", 16);
        print_head_of(_("drawn"), 16);
        if (h->has_exported)
                print_head_of(_("fed in"), 16);
        if (h->has_cost)
                print_head_of(_("cost"), 14);
        putchar('\n');
}

static void print_bars(const struct history *h)
{
        struct step together = { .imported = NAN, .exported = NAN, .cost = NAN };
        double most = 0;
        char text[OUTPUT_TEXT_MAX];

        for (size_t i = 0; i < h->n; i++)
                most = fmax(most, h->steps[i].imported); /* of a number and NaN the number */
        if (h->has_exported || h->has_cost)
                print_head(h);
        for (size_t i = 0; i < h->n; i++) {
                char label[OUTPUT_TEXT_MAX];

                time_of(&h->steps[i], h->span->format, label);
                print_line(h, label, &h->steps[i], most);
                together.imported = add_known(together.imported, h->steps[i].imported);
                together.exported = add_known(together.exported, h->steps[i].exported);
                together.cost = add_known(together.cost, h->steps[i].cost);
                together.unpriced += h->steps[i].unpriced;
        }
        fputs(output_style(STYLE_BOLD), stdout);
        print_line(h, _("together"), &together, 0);
        fputs(output_plain(), stdout);
        if (together.unpriced > 0)
                printf(_("without a price, and not in the cost: %s\n"),
                       output_value(together.unpriced, h->unit, text));
}

/* By quarter hour: the least power as a bar, up to the greatest as a lighter one. */
static void print_power(const struct history *h)
{
        double most = 0;

        for (size_t i = 0; i < h->n; i++)
                most = fmax(most, h->steps[i].greatest);
        printf("%-6s %12s %12s\n", "", _("least"), _("greatest"));
        for (size_t i = 0; i < h->n; i++) {
                const struct step *s = &h->steps[i];
                char label[OUTPUT_TEXT_MAX], least[OUTPUT_TEXT_MAX], greatest[OUTPUT_TEXT_MAX];

                time_of(s, h->span->format, label);
                output_padded(label, 6);
                printf(" %12s", output_value(s->least, "W", least));
                printf(" %12s  ", output_value(s->greatest, "W", greatest));
                print_bar(s->greatest, most);
                putchar('\n');
        }
}

/* ---- for programs ---- */

static void set_known(struct json_object *object, const char *key, double value)
{
        struct json_object *number = isnan(value) ? NULL : json_made(json_object_new_double(value));

        json_set(object, key, number);
}

static void print_json(const struct history *h, const char *meter)
{
        OWNED(json) struct json_object *object = json_new_object();
        struct json_object *steps = json_new_array();

        json_set_text(object, "meter", meter);
        json_set_text(object, "unit", h->unit);
        if (h->has_cost)
                json_set_text(object, "currency", h->currency);
        for (size_t i = 0; i < h->n; i++) {
                struct json_object *step = json_new_object();
                char text[OUTPUT_TEXT_MAX];

                json_set_text(step, "from", output_time_iso(h->steps[i].from, text));
                set_known(step, "import", h->steps[i].imported);
                set_known(step, "export", h->steps[i].exported);
                set_known(step, "power_least", h->steps[i].least);
                set_known(step, "power_greatest", h->steps[i].greatest);
                if (h->has_cost) {
                        set_known(step, "cost", h->steps[i].cost);
                        set_known(step, "unpriced", h->steps[i].unpriced);
                }
                json_push(steps, step);
        }
        json_set(object, "steps", steps);
        json_print(object);
}

static void print_csv_number(double value)
{
        char text[OUTPUT_TEXT_MAX] = "";

        /* A point, whatever the locale: it is for programs. */
        if (!isnan(value)) {
                OWNED(json) struct json_object *number = json_made(json_object_new_double(value));

                (void)snprintf(text, sizeof(text), "%s", json_string(number));
        }
        printf(",%s", text);
}

static void print_csv(const struct history *h)
{
        printf("from,to,import_%s,export_%s,power_least_W,power_greatest_W", h->unit, h->unit);
        if (h->has_cost)
                printf(",cost%s%s", *h->currency ? "_" : "", h->currency);
        putchar('\n');
        for (size_t i = 0; i < h->n; i++) {
                uint64_t end = i + 1 < h->n ? h->steps[i + 1].from : h->to;
                char text[OUTPUT_TEXT_MAX];

                printf("%s,", output_time_iso(h->steps[i].from, text));
                fputs(output_time_iso(end, text), stdout);
                print_csv_number(h->steps[i].imported);
                print_csv_number(h->steps[i].exported);
                print_csv_number(h->steps[i].least);
                print_csv_number(h->steps[i].greatest);
                if (h->has_cost)
                        print_csv_number(h->steps[i].cost);
                putchar('\n');
        }
}

static const struct span *span_of(const bool wanted[static ELEMENTSOF(spans)])
{
        const struct span *span = NULL;

        for (size_t i = 0; i < ELEMENTSOF(spans); i++) {
                if (wanted[i] && span)
                        return NULL;
                if (wanted[i])
                        span = &spans[i];
        }
        return span ? span : &spans[0];
}

int cmd_history(int argc, char **argv)
{
        bool wanted[ELEMENTSOF(spans)] = { false }, csv = false;
        const char *date = NULL;
        unsigned int tariff = 0;
        const struct option_row rows[] = {
                { "day", 0, OPTION_FLAG, NULL, N_("today, by hour (default)"), &wanted[SPAN_DAY] },
                { "week", 0, OPTION_FLAG, NULL, N_("seven days, by day"), &wanted[SPAN_WEEK] },
                { "month", 0, OPTION_FLAG, NULL, N_("this month, by day"), &wanted[SPAN_MONTH] },
                { "year", 0, OPTION_FLAG, NULL, N_("twelve months, by month"), &wanted[SPAN_YEAR] },
                { "power", 0, OPTION_FLAG, NULL, N_("power of the last 24 hours"),
                  &wanted[SPAN_POWER] },
                { "date", 0, OPTION_STRING, N_("DATE"),
                  N_("the day, week, month or year that ends with this day: 2026-03-29"), &date },
                { "tariff", 0, OPTION_NUMBER, N_("N"), N_("only what this tariff counted"),
                  &tariff },
                { "csv", 0, OPTION_FLAG, NULL, N_("comma-separated values"), &csv },
        };
        const struct options options = {
                .rows = rows, .n_rows = ELEMENTSOF(rows), .min_arguments = 1, .max_arguments = 1
        };
        OWNED(json) struct json_object *all = NULL;
        OWNED(bus) sd_bus *bus = NULL;
        static struct history h;
        struct json_object *meter;
        struct tm day;
        int first = options_parse(&options, argc, argv);

        if (first <= 0)
                return options_exit(first);
        h.span = span_of(wanted);
        if (!h.span)
                return options_misuse(argv[0],
                                      _("one of --day, --week, --month, --year and --power"));
        if (date && (h.span == &spans[SPAN_POWER] || !parse_day(date, &day)))
                return options_misuse(
                        argv[0], _("--date is a day such as 2026-03-29, and not with --power"));
        /* People are shown the day on a screen or two. */
        h.step_seconds = wanted[SPAN_POWER] && !csv && !ctl_settings.json ? 900 : h.span->seconds;
        if (client_open(&bus) < 0 || client_fetch(bus, &all) < 0)
                return EXIT_FAILED;
        client_use_zone(all);
        if (!take_span(&h, date ? &day : NULL))
                return options_misuse(argv[0], _("%s is yet to come"), date);
        meter = client_find_meter(all, argv[first]);
        if (!meter)
                return EXIT_FAILED;
        h.unit = json_text(meter, "counter_unit");
        if ((h.step_seconds == 60 ? fetch_power(bus, json_text(meter, "object"), &h)
                                  : fetch_energy(bus, json_text(meter, "object"), tariff, &h)) < 0)
                return EXIT_FAILED;
        if (ctl_settings.json)
                print_json(&h, json_text(meter, "id"));
        else if (csv)
                print_csv(&h);
        else if (wanted[SPAN_POWER])
                print_power(&h);
        else
                print_bars(&h);
        return EXIT_DONE;
}
