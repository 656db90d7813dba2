/* SPDX-License-Identifier: MIT */
/* Tables that people have: their times, their shapes, and where they are wrong. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl/csv/csv-series.h"
#include "ctl/csv/csv-time.h"
#include "tests/unit/test.h"

#define NOTHING INT64_MIN

static void set_zone(const char *zone)
{
        assert_int_equal(setenv("TZ", zone, 1), 0);
        tzset();
}

static struct time_case {
        const char *name, *zone, *text;
        int64_t previous, want; /* want < 0: the error */
} times[] = {
        { "with an offset", ":Europe/Zurich", "2026-03-29T14:00:00+02:00", NOTHING, 1774785600 },
        { "with an offset as strftime writes it", ":UTC", "2026-03-29T14:00:00+0200", NOTHING,
          1774785600 },
        { "west of Greenwich", ":UTC", "2026-03-29T08:00:00-04", NOTHING, 1774785600 },
        { "UTC, with a fraction", ":Europe/Zurich", "2026-03-29T12:00:00.250Z", NOTHING,
          1774785600 },
        { "a blank, and no seconds", ":Europe/Zurich", "2026-03-29 14:00", NOTHING, 1774785600 },
        { "a blank before the offset", ":UTC", "2026-03-29 14:00:00 +02:00", NOTHING, 1774785600 },
        { "a day alone", ":Europe/Zurich", "2026-03-29", NOTHING, 1774738800 },
        { "as people of Europe write", ":Europe/Zurich", "29.03.2026 14:00", NOTHING, 1774785600 },
        { "seconds since 1970", ":Europe/Zurich", "1774785600", NOTHING, 1774785600 },
        { "seconds with a fraction", ":Europe/Zurich", "1774785600.75", NOTHING, 1774785600 },
        { "half an hour from the others", ":Asia/Kolkata", "2026-03-29 17:30", NOTHING,
          1774785600 },
        { "a zone of quarters", ":Asia/Kathmandu", "2026-03-29 17:45", NOTHING, 1774785600 },
        { "the hour that never was", ":Europe/Zurich", "2026-03-29 02:30", NOTHING, -ENOENT },
        { "the hour that comes twice, the first time", ":Europe/Zurich", "2026-10-25 02:30",
          NOTHING, 1792888200 },
        { "the first time too, behind 01:30", ":Europe/Zurich", "2026-10-25 02:30", 1792884600,
          1792888200 },
        { "the second time, behind 02:30", ":Europe/Zurich", "2026-10-25 02:30", 1792888200,
          1792891800 },
        { "half an hour that comes twice", ":Australia/Lord_Howe", "2026-04-05 01:45", 1775313900,
          1775315700 },
        { "the 30th of February", ":UTC", "2026-02-30", NOTHING, -EINVAL },
        { "25 o'clock", ":UTC", "2026-02-20 25:00", NOTHING, -EINVAL },
        { "months first, as nobody can tell", ":UTC", "03/29/2026 14:00", NOTHING, -EINVAL },
        { "something behind it", ":UTC", "2026-03-29 14:00 Uhr", NOTHING, -EINVAL },
        { "an offset of a day", ":UTC", "2026-03-29T14:00+24:00", NOTHING, -EINVAL },
        { "before there was time", ":UTC", "1969-12-31", NOTHING, -EINVAL },
        { "nothing", ":UTC", "", NOTHING, -EINVAL },
};

static void run_time(void **state)
{
        const struct time_case *c = *state;
        int64_t got = 0;
        int r;

        set_zone(c->zone);
        r = csv_time_parse(c->text, c->previous, &got);
        if (c->want < 0) {
                assert_int_equal(r, c->want);
                return;
        }
        assert_int_equal(r, 0);
        assert_int_equal(got, c->want);
}

/* Samples as text: "time:drawn,fed in", with "*" before one that begins and "/2" behind one of a
 * tariff; and "interval" at the end. */
static void describe(const struct csv_series *s, char buf[static 1024])
{
        size_t used = 0;

        for (size_t i = 0; i < s->n; i++) {
                char tariff[8] = "";

                if (s->list[i].tariff)
                        (void)snprintf(tariff, sizeof(tariff), "/%u", s->list[i].tariff);
                used += (size_t)snprintf(buf + used, 1024 - used, "%s%" PRId64 ":%g,%g%s ",
                                         s->list[i].begins ? "*" : "", s->list[i].time,
                                         s->list[i].counters[0], s->list[i].counters[1], tariff);
        }
        (void)snprintf(buf + used, 1024 - used, "%u", s->interval);
}

static struct series_case {
        const char *name, *table;
        struct csv_wish wish; /* counter_unit: Wh, when there is none */
        const char *want;     /* the samples; or the error from its line on */
} series[] = {
        { "counters",
          "time,import_kWh,export_kWh\n3600000000,1,0.5\n3600003600,2,0.5\n",
          { 0 },
          "3600000000:1000,500 3600003600:2000,500 3600" },
        { "counters by their codes, semicolons, commas in numbers, quotes",
          "\xef\xbb\xbf\"Time\";\"1.8.0 [kWh]\"\r\n\"3600000000\";\"1,25\"\r\n\r\n3600000900;1,5\r\n",
          { 0 },
          "3600000000:1250,nan 3600000900:1500,nan 900" },
        { "what is fed in stands first",
          "time,export_kWh,import_kWh\n3600000000,1,0.5\n3600003600,2,0.5\n",
          { 0 },
          "3600000000:500,1000 3600003600:500,2000 3600" },
        { "counters of two tariffs: the one that rose is the tariff",
          "time,1.8.1 [kWh],1.8.2 [kWh]\n3600000000,10,20\n3600000900,10,21\n3600001800,12,21\n"
          "3600002700,12,21\n",
          { 0 },
          "3600000000:30000,nan 3600000900:31000,nan/2 3600001800:33000,nan/1 3600002700:33000,nan "
          "900" },
        { "both rose within an hour: each has a part of it",
          "time,import_t1_Wh,import_t2_Wh\n3600000000,0,0\n3600003600,30,70\n3600007200,30,80\n",
          { 0 },
          "3600000000:0,nan 3600001800:30,nan/1 3600003600:100,nan/2 3600007200:110,nan/2 3600" },
        { "both rose within a quarter hour: it is of the one that rose more",
          "time,import_t1_Wh,import_t2_Wh\n3600000000,0,0\n3600000900,30,70\n3600001800,90,80\n",
          { 0 },
          "3600000000:0,nan 3600000900:100,nan/2 3600001800:170,nan/1 900" },
        { "days by tariff, drawn and fed in, and the sum that another column has",
          "time,1.8.0,1.8.1,1.8.2,2.8.1,2.8.2\n3600000000,9,4,5,1,0\n3600086400,19,10,9,1,3\n",
          { .unit = "Wh" },
          "3600000000:9,1 3600043200:15,1/1 3600086400:19,4/2 86400" },
        { "a counter of a tariff that is not told: the sum is not known",
          "time,1.8.1_kWh,1.8.2_kWh\n3600000000,1,2\n3600000900,1,\n3600001800,1,3\n",
          { 0 },
          "3600000000:3000,nan 3600001800:4000,nan/2 900" },
        { "energy by tariff, and what does not run is empty",
          "from;1-0:1.8.1*255 (kWh);1-0:1.8.2*255 (kWh)\n3600000000;0,5;\n3600000900;;0,25\n"
          "3600001800;0;0\n",
          { 0 },
          "*3600000000:0,nan 3600000900:500,nan/1 3600001800:750,nan/2 3600002700:750,nan 900" },
        { "columns of tariffs that are named, and the tariff that the table tells",
          "from,HT (kWh),NT (kWh),tariff\n3600000000,1,,\n3600000900,,2,3\n",
          { .tariffs = { { "HT", "NT (kWh)" } } },
          "*3600000000:0,nan 3600000900:1000,nan/1 3600001800:3000,nan/3 900" },
        { "a tariff each has an entity of Home Assistant's",
          "statistic_id,unit,start,sum\nsensor.t1,kWh,3600000000,1\nsensor.t2,kWh,3600000000,5\n"
          "sensor.out,kWh,3600000000,7\nsensor.t1,kWh,3600003600,1\nsensor.t2,kWh,3600003600,6\n"
          "sensor.out,kWh,3600003600,8\n",
          { .export = "sensor.out", .tariffs = { { "sensor.t1", "sensor.t2" } } },
          "3600003600:6000,7000 3600007200:7000,8000/2 3600" },
        { "the energy dashboard by tariff",
          "entity_id,type,unit,2026-03-29T12:00:00.000Z,2026-03-29T13:00:00.000Z\n"
          "sensor.day,grid_consumption,kWh,1,2\nsensor.night,grid_consumption,kWh,0.5,\n",
          { .tariffs = { { "sensor.day", "sensor.night" } } },
          "*1774785600:0,nan 1774787400:1000,nan/1 1774789200:1500,nan/2 1774792800:3500,nan/1 3600" },
        { "counters in a column that is named, tabs",
          "Wann\tStand\n3600000000\t7\n3600000900\t8\n",
          { .time = "Wann", .import = "stand", .unit = "kWh" },
          "3600000000:7000,nan 3600000900:8000,nan 900" },
        { "newest first",
          "time,import_Wh\n3600000900,8\n3600000000,7\n",
          { 0 },
          "3600000000:7,nan 3600000900:8,nan 900" },
        { "the same line twice is one, a line without a value none",
          "time,import_Wh\n3600000000,7\n3600000000,7\n3600000900,\n3600001800,9\n",
          { 0 },
          "3600000000:7,nan 3600001800:9,nan 900" },
        { "energy, as smctl history writes it",
          "from,to,import_Wh,export_Wh,power_least_W,power_greatest_W\n"
          "3600000000,3600003600,10,1,5,7\n3600003600,3600007200,20,0,5,7\n"
          "3600007200,3600008000,5,2,5,7\n",
          { 0 },
          "*3600000000:0,0 3600003600:10,1 3600007200:30,1 3600008000:35,3 3600" },
        { "behind a hole it counts anew, and so where another counter is known",
          "from,to,import_Wh,export_Wh\n3600000000,3600000900,10,\n3600001800,3600002700,20,\n"
          "3600002700,3600003600,20,1\n3600003600,3600004500,,\n",
          { 0 },
          "*3600000000:0,nan 3600000900:10,nan *3600001800:0,nan 3600002700:20,nan "
          "*3600002700:0,0 3600003600:20,1 900" },
        { "energy without ends: the usual time, also of the last, and behind a hole",
          "from,import_Wh\n3600000000,1\n3600000900,2\n3600003600,4\n3600004500,4\n",
          { 0 },
          "*3600000000:0,nan 3600000900:1,nan 3600001800:3,nan *3600003600:0,nan 3600004500:4,nan "
          "3600005400:8,nan 900" },
        { "days end with the next one, and the last is of a length that nobody knows",
          "from,import_kWh\n3600000000,1\n3600082800,2\n3600169200,4\n",
          { 0 },
          "*3600000000:0,nan 3600082800:1000,nan 3600169200:3000,nan 86400" },
        { "energy since the time of a column that is no begin",
          "timestamp,import_Wh\n3600000000,1\n3600000900,2\n",
          { .energy = true },
          "*3600000000:0,nan 3600000900:1,nan 3600001800:3,nan 900" },
        { "Home Assistant's statistics: what was shown at the end of the hour",
          "statistic_id,unit,start,state,sum\nsensor.a,kWh,3600000000,99,1\n"
          "sensor.a,kWh,3600003600,1,2\n",
          { 0 },
          "3600003600:1000,nan 3600007200:2000,nan 3600" },
        { "the short ones: of five minutes",
          "statistic_id,unit,start_ts,sum\nsensor.a,kWh,3600000000.0,1\n"
          "sensor.a,kWh,3600000300.0,2\n",
          { 0 },
          "3600000300:1000,nan 3600000600:2000,nan 300" },
        { "two entities, one behind the other, and a third that is not asked for",
          "entity_id,state,last_changed\nsensor.in,1,2026-03-29T12:00:00.000Z\n"
          "sensor.in,unavailable,2026-03-29T12:10:00.000Z\nsensor.in,2,2026-03-29T12:15:00.000Z\n"
          "sensor.out,7,2026-03-29T12:00:00.000Z\nsensor.other,x,y\n",
          { .import = "sensor.in", .export = "sensor.out", .unit = "kWh" },
          "1774785600:1000,7000 1774786500:2000,nan 600" },
        { "the energy dashboard: day and night together",
          "entity_id,type,unit,2026-03-29T12:00:00.000Z,2026-03-29T13:00:00.000Z\n"
          "sensor.day,grid_consumption,kWh,1,2\nsensor.night,grid_consumption,kWh,0.5,\n"
          "sensor.sun,solar_production,kWh,7,7\nsensor.out,grid_return,kWh,0,3\n",
          { 0 },
          "*1774785600:0,0 1774789200:1500,0 1774792800:3500,3000 3600" },
        { "gas in litres",
          "time,import_L\n3600000000,1500\n3600003600,2500\n",
          { .counter_unit = "m³" },
          "3600000000:1.5,nan 3600003600:2.5,nan 3600" },
        { "numbers of a program that knows no zeros",
          "time,import_Wh\n3600000000,1e3\n3600003600,1.5E+03\n3600007200,123456789.125\n",
          { 0 },
          "3600000000:1000,nan 3600003600:1500,nan 3600007200:1.23457e+08,nan 3600" },

        { "an empty file", "", { 0 }, "1:1: there is nothing in this file" },
        { "no number", "time,import_Wh\n3600000000, 12x\n", { 0 }, "2:13: '12x' is no number" },
        { "a number with two points",
          "time,import_Wh\n3600000000,1.2.3\n",
          { 0 },
          "2:12: '1.2.3' is no number" },
        { "less than nothing",
          "time,import_Wh\n3600000000,-1\n",
          { 0 },
          "2:12: -1 is less than nothing" },
        { "no time",
          "import_Wh,time\n1,yesterday\n",
          { 0 },
          "2:3: 'yesterday' is no time such as" },
        { "an hour that never was",
          "time,import_Wh\n2026-03-29 02:30,1\n",
          { 0 },
          "2:1: no clock showed '2026-03-29 02:30'" },
        { "no column of a time", "when,import_Wh\n1,2\n", { 0 }, "1:1: the first line must name" },
        { "no column of energy", "time,power\n1,2\n", { 0 }, "1:1: no column is the energy" },
        { "no column of a name that is wished",
          "time,import_Wh,HT_Wh\n1,2,3\n",
          { .tariffs = { { "HT", "NT" } } },
          "1:1: there is no column 'NT'" },
        { "no unit", "time,import\n3600000000,2\n", { 0 }, "2:12: in which unit?" },
        { "a unit of another meter",
          "time,import_kWh\n3600000000,2\n",
          { .counter_unit = "m³" },
          "2:12: kWh: this meter counts in m³" },
        { "a unit of its own",
          "time,import\n3600000000,2\n",
          { .unit = "PS" },
          "2:12: 'PS' is no unit that is known here" },
        { "a line that is too short",
          "time,import_Wh,export_Wh\n3600000000,2\n",
          { 0 },
          "2:12: the line ends before column 3" },
        { "two values of one time",
          "time,import_Wh\n3600000000,2\n3600000000,3\n",
          { 0 },
          "3:1: line 2 has another value of the same time" },
        { "a tariff too many",
          "time,import_Wh,tariff\n3600000000,2,9\n",
          { 0 },
          "2:14: '9' is no tariff" },
        { "steps over each other",
          "from,to,import_Wh\n3600000000,3600003600,2\n3600001800,3600005400,2\n",
          { 0 },
          "3:1: it begins before line 2 ends" },
        { "a step that ends first",
          "from,to,import_Wh\n3600000000,3500003600,2\n",
          { 0 },
          "2:1: it ends before it begins" },
        { "two entities, and which is which?",
          "entity_id,state,last_changed\na,1,3600000000\nb,1,3600000000\n",
          { .unit = "kWh" },
          "3:1: 'a' and 'b' are two entities" },
        { "a quote without an end",
          "time,import_Wh\n\"3600000000,2\n",
          { 0 },
          "2:1: a quoted field does not end" },
        { "text behind a quote",
          "time,import_Wh\n\"3600000000\"x,2\n",
          { 0 },
          "2:1: text follows a quoted field" },
        { "letters before it are counted, not bytes",
          "time,tariff ä,import_Wh\n3600000000,ä,x\n",
          { 0 },
          "2:14: 'x' is no number" },
        { "control characters of a hostile file are not shown",
          "time,import_Wh\n3600000000,\x1b[31m\n",
          { 0 },
          "2:12: '?[31m' is no number" },
};

/* What is said on stderr while `run` runs, behind the name of the file. */
static int read_table(const struct series_case *c, struct csv_series *ret, char said[static 1024])
{
        FILE *stream = fmemopen((void *)(uintptr_t)(*c->table ? c->table : "\n"),
                                *c->table ? strlen(c->table) : 1, "r");
        FILE *caught = tmpfile();
        int stderr_was = dup(STDERR_FILENO), r;
        struct csv_wish wish = c->wish;
        struct csv csv;
        size_t n;

        assert_non_null(stream);
        assert_non_null(caught);
        assert_true(dup2(fileno(caught), STDERR_FILENO) >= 0);
        wish.counter_unit = wish.counter_unit ? wish.counter_unit : "Wh";
        assert_int_equal(csv_init(&csv, stream, "F"), 0);
        r = csv_series_read(&csv, &wish, ret);
        csv_done(&csv);
        assert_true(dup2(stderr_was, STDERR_FILENO) >= 0);
        (void)close(stderr_was);
        rewind(caught);
        n = fread(said, 1, 1023, caught);
        said[n] = '\0';
        (void)fclose(caught);
        (void)fclose(stream);
        return r;
}

static void run_series(void **state)
{
        const struct series_case *c = *state;
        struct csv_series got;
        char said[1024], text[1024];
        bool good = !strchr("0123456789", c->want[0]) || !strstr(c->want, ": ");
        int r;

        set_zone(":Europe/Zurich");
        r = read_table(c, &got, said);
        if (!good) {
                assert_int_equal(r, -EBADMSG);
                assert_true(strncmp(said, "F:", 2) == 0);
                if (strncmp(said + 2, c->want, strlen(c->want)) != 0)
                        assert_string_equal(said + 2, c->want);
                return;
        }
        assert_string_equal(said, "");
        assert_int_equal(r, 0);
        describe(&got, text);
        assert_string_equal(text, c->want);
        csv_series_done(&got);
}

/* A line that never ends is refused before it is held whole. */
static void test_long_line_is_refused(void **state)
{
        char said[1024];
        struct series_case c = { .table = NULL };
        struct csv_series got;
        char *table = malloc(3 * CSV_LINE_MAX);

        assert_non_null(table);
        memset(table, 'a', 3 * CSV_LINE_MAX - 1);
        table[3 * CSV_LINE_MAX - 1] = '\0';
        c.table = table;
        assert_int_equal(read_table(&c, &got, said), -EBADMSG);
        assert_non_null(strstr(said, "F:1:1: a line of more than"));
        memset(table, ',', 3 * CSV_LINE_MAX - 1);
        table[CSV_FIELDS_MAX + 5] = '\0';
        assert_int_equal(read_table(&c, &got, said), -EBADMSG);
        assert_non_null(strstr(said, "fields"));
        free(table);
}

static void test_zeros_are_no_text(void **state)
{
        static const char table[] = "t\0i\0m\0e\0\n\0";
        FILE *stream = fmemopen((void *)(uintptr_t)table, sizeof(table) - 1, "r");
        struct csv csv;

        assert_non_null(stream);
        assert_int_equal(csv_init(&csv, stream, "F"), 0);
        assert_int_equal(csv_next(&csv), -EBADMSG);
        csv_done(&csv);
        (void)fclose(stream);
}

int main(void)
{
        static struct CMUnitTest more[64] = {
                cmocka_unit_test(test_long_line_is_refused),
                cmocka_unit_test(test_zeros_are_no_text),
        };
        size_t n = 2;

        n = test_add_rows(more, n, times, ELEMENTSOF(times), sizeof(times[0]), run_time);
        return test_run_rows_and("csv", series, ELEMENTSOF(series), sizeof(series[0]), run_series,
                                 more, n);
}
