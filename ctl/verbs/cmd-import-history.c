/* SPDX-License-Identifier: MIT */
/*
 * smctl import-history: from a table that another program wrote to the history of a meter. The
 * service cuts it into quarter hours, and keeps what it has measured itself.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "ctl/client/client.h"
#include "ctl/csv/csv-series.h"
#include "ctl/i18n.h"
#include "ctl/options.h"
#include "ctl/view/output.h"
#include "dbus/names.h"
#include "lib/model/tariff.h"
#include "verb.h"

#define USEC_PER_SEC UINT64_C(1000000)
/* Of a call: two months of quarter hours, so that the service answers others in between. */
#define PART_MAX 5000
#define QUARTER  900

_Static_assert(CSV_TARIFFS_MAX == TARIFF_MAX, "a table has the tariffs that a meter has");

struct import {
        struct csv_wish wish;
        bool replace;
        struct csv_series series;
        uint32_t written, measured, left_out;
};

static struct json_object *find_meter(struct json_object *all, const char *word)
{
        struct json_object *meters = json_member(all, "meters");

        if (word)
                return client_find_meter(all, word);
        if (json_count(meters) == 1)
                return json_object_array_get_idx(meters, 0);
        if (json_count(meters) == 0)
                (void)output_fail(_("no meter has been heard yet: the history is one of a meter"));
        else
                (void)output_fail(_(
                        "there are several meters: say which one: smctl import-history FILE METER"));
        return NULL;
}

static int append_samples(sd_bus_message *m, const struct csv_sample *samples, size_t n)
{
        int r = sd_bus_message_open_container(m, 'a', "(tddub)");

        for (size_t i = 0; r >= 0 && i < n; i++)
                r = sd_bus_message_append(m, "(tddub)", (uint64_t)samples[i].time * USEC_PER_SEC,
                                          samples[i].counters[0], samples[i].counters[1],
                                          (uint32_t)samples[i].tariff, samples[i].begins);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int send_part(sd_bus *bus, const char *path, struct import *import, size_t from, size_t n)
{
        OWNED(message) sd_bus_message *call = NULL;
        OWNED(message) sd_bus_message *reply = NULL;
        sd_bus_error error = SD_BUS_ERROR_NULL;
        uint32_t written, measured, left_out;
        int r = sd_bus_message_new_method_call(bus, &call, BUS_NAME, path, BUS_INTERFACE_HISTORY,
                                               "ImportHistory");

        if (r >= 0)
                r = append_samples(call, import->series.list + from, n);
        if (r >= 0)
                r = sd_bus_message_append(call, "a{sv}", 2, "interval", "u",
                                          import->series.interval ? import->series.interval
                                                                  : QUARTER,
                                          "replace", "b", import->replace);
        if (r >= 0)
                r = sd_bus_call(bus, call, 0, &error, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "uuu", &written, &measured, &left_out);
        if (r >= 0) {
                import->written += written;
                import->measured += measured;
                import->left_out += left_out;
        } else {
                (void)client_explain(&error, r); /* EXIT_FAILED, as the caller ends */
        }
        sd_bus_error_free(&error);
        return r;
}

/*
 * Where a part ends that begins at `from`, and with which sample the next one goes on: with the
 * same one, when it stands at the end of a quarter, so that no quarter is cut in two. Where none
 * does, the last one before the quarter in which the part ends is sent again.
 */
static size_t part_end(const struct csv_series *s, size_t from, size_t *ret_next)
{
        size_t end = MIN(from + PART_MAX, s->n), at = end;

        *ret_next = end;
        if (end == s->n)
                return end;
        for (; at > from + 1; at--) {
                bool begins = s->list[at].begins;

                if (begins || s->list[at - 1].time % QUARTER == 0) {
                        *ret_next = begins ? at : at - 1;
                        return at;
                }
        }
        for (at = end - 1;
             at > from + 1 && s->list[at].time > s->list[end - 1].time / QUARTER * QUARTER;)
                at--;
        *ret_next = at;
        return end;
}

static int send_all(sd_bus *bus, const char *path, struct import *import)
{
        const struct csv_series *s = &import->series;
        size_t next;

        for (size_t from = 0; from < s->n; from = next) {
                size_t end = part_end(s, from, &next);
                int r = send_part(bus, path, import, from, end - from);

                if (r < 0)
                        return r;
        }
        return 0;
}

static void print_result(const struct import *import, const char *meter)
{
        if (ctl_settings.json) {
                OWNED(json) struct json_object *object = json_new_object();

                json_set_text(object, "meter", meter);
                json_set_number(object, "rows", (int64_t)import->series.n_rows);
                json_set_number(object, "written", import->written);
                json_set_number(object, "measured", import->measured);
                json_set_number(object, "left_out", import->left_out);
                json_print(object);
                return;
        }
        printf(P_("%u quarter hour of the file is in the history.\n",
                  "%u quarter hours of the file are in the history.\n", import->written),
               import->written);
        if (import->measured > 0)
                printf(P_("%u was measured by the service and stays as it is (--replace).\n",
                          "%u were measured by the service and stay as they are (--replace).\n",
                          import->measured),
                       import->measured);
        if (import->left_out > 0)
                printf(P_("%u is older than what is kept ([history] Keep=), or not over yet.\n",
                          "%u are older than what is kept ([history] Keep=), or not over yet.\n",
                          import->left_out),
                       import->left_out);
}

/* The whole table is read before anything is sent: a line that is wrong changes nothing. */
static int read_file(const char *path, struct import *import)
{
        FILE *stream = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
        struct csv csv;
        int r;

        if (!stream)
                return output_fail("%s: %s", path, strerror(errno));
        r = csv_init(&csv, stream, path);
        if (r == 0)
                r = csv_series_read(&csv, &import->wish, &import->series);
        csv_done(&csv);
        if (stream != stdin)
                (void)fclose(stream); /* it was but read */
        if (r == -ENOMEM)
                (void)output_fail("%s: %s", path, strerror(ENOMEM));
        if (r == 0 && import->series.n == 0)
                return output_fail(_("%s has no line with a value"), path);
        return r < 0 ? EXIT_FAILED : EXIT_DONE;
}

static int import_into(sd_bus *bus, struct json_object *meter, const char *path,
                       struct import *import)
{
        int r;

        import->wish.counter_unit = json_text(meter, "counter_unit");
        if (!*import->wish.counter_unit)
                import->wish.counter_unit = "Wh";
        r = read_file(path, import);
        if (r == EXIT_DONE && send_all(bus, json_text(meter, "object"), import) < 0)
                r = EXIT_FAILED;
        if (r == EXIT_DONE)
                print_result(import, json_text(meter, "id"));
        csv_series_done(&import->series);
        return r;
}

int cmd_import_history(int argc, char **argv)
{
        struct import import = { 0 };
        const char *zone = NULL;
        const struct option_row rows[] = {
                { "time", 0, OPTION_STRING, N_("NAME"), N_("the column of the time"),
                  &import.wish.time },
                { "import", 0, OPTION_STRING, N_("NAME"),
                  N_("the column or entity of the energy drawn"), &import.wish.import },
                { "export", 0, OPTION_STRING, N_("NAME"),
                  N_("the column or entity of the energy fed in"), &import.wish.export },
                { "import-t1", 0, OPTION_STRING, N_("NAME"), N_("the energy drawn in tariff 1"),
                  &import.wish.tariffs[CSV_DRAWN][0] },
                { "import-t2", 0, OPTION_STRING, N_("NAME"), N_("the energy drawn in tariff 2"),
                  &import.wish.tariffs[CSV_DRAWN][1] },
                { "export-t1", 0, OPTION_STRING, N_("NAME"), N_("the energy fed in in tariff 1"),
                  &import.wish.tariffs[CSV_FED_IN][0] },
                { "export-t2", 0, OPTION_STRING, N_("NAME"), N_("the energy fed in in tariff 2"),
                  &import.wish.tariffs[CSV_FED_IN][1] },
                { "unit", 0, OPTION_STRING, N_("UNIT"),
                  N_("the unit of values that do not tell theirs: kWh"), &import.wish.unit },
                { "energy", 0, OPTION_FLAG, NULL,
                  N_("values are what was counted since the time of their line"),
                  &import.wish.energy },
                { "timezone", 0, OPTION_STRING, N_("ZONE"),
                  N_("of times without one: Europe/Zurich (default: the service's)"), &zone },
                { "replace", 0, OPTION_FLAG, NULL, N_("replace what was measured, too"),
                  &import.replace },
        };
        const struct options options = {
                .rows = rows,
                .n_rows = ELEMENTSOF(rows),
                .about = N_("Reads comma-separated values: what the counters showed at a time, or "
                            "what was\ncounted from a time on. See smctl(1) for the columns."),
                .min_arguments = 1,
                .max_arguments = 2,
        };
        OWNED(json) struct json_object *all = NULL;
        OWNED(bus) sd_bus *bus = NULL;
        struct json_object *meter;
        int first = options_parse(&options, argc, argv);

        if (first <= 0)
                return options_exit(first);
        if (client_open(&bus) < 0 || client_fetch(bus, &all) < 0)
                return EXIT_FAILED;
        client_use_zone(all);
        if (zone && !client_set_zone(zone))
                return options_misuse(argv[0],
                                      _("there is no time zone '%s'; `timedatectl list-timezones` "
                                        "lists them"),
                                      zone);
        meter = find_meter(all, argc > first + 1 ? argv[first + 1] : NULL);
        return meter ? import_into(bus, meter, argv[first], &import) : EXIT_FAILED;
}
