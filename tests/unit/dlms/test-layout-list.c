/* SPDX-License-Identifier: MIT */
/*
 * Lists of values alone. Each list of each profile is built from its own table with a possible
 * value in each place, and must be recognised by what it holds: the AM550 alone has three of 12
 * values and three of 9 are about. Then each place in turn is made another type: it is that list no
 * more. Then each is null: an absent reading.
 */
#include <errno.h>

#include "layout-fixture.h"
#include "sim/axdr.h"
#include "tests/unit/find-reading.h"

#define NO_PLACE SIZE_MAX

struct list_case {
        const char *name;
        const struct meter_profile *profile;
        const struct profile_list *list;
};

/* What the place can hold: a device name of the maker, a date, a number within its range. */
static void put_string(struct sim_out *out, const struct list_case *c, size_t i)
{
        static const char text[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        const struct profile_item *item = &c->list->items[i];
        static const uint8_t clock[] = { 12, 34, 56, 0 };
        uint8_t time[12];
        char name[24];

        (void)fixture_bytes(HEX_TIME, time, sizeof(time));
        (void)snprintf(name, sizeof(name), "%s1030700000001", c->profile->manufacturer);
        if (item->kind == ITEM_LIST_ID)
                sim_axdr_octets(out, c->list->id, strlen(c->list->id));
        else if (item->kind == ITEM_TIME || item->kind == ITEM_DATE)
                sim_axdr_octets(out, time, item->len);
        else if (item->kind == ITEM_CLOCK)
                sim_axdr_octets(out, clock, sizeof(clock));
        else if (item->kind == ITEM_TEXT && item->obis.c == 42)
                sim_axdr_octets(out, name, strlen(name));
        else
                sim_axdr_octets(out, text + i % 4, item->len ? item->len : 8);
}

/* Volts and amperes that fit each other and 100-odd watts. */
static int64_t number_of(const struct profile_item *item, size_t i)
{
        double size = 100 + (double)i;

        if (item->kind != ITEM_READING)
                return item->tag == AXDR_ENUM ? 1 : 100 + (int64_t)i;
        if (profile_kind_of(item->obis) == 'U')
                size = 230;
        else if (profile_kind_of(item->obis) == 'F')
                size = 50;
        else if (profile_kind_of(item->obis) == 'I')
                size = 1;
        else if (profile_kind_of(item->obis) == 'A')
                size = 1;
        for (int e = item->exponent; e < 0; e++)
                size *= 10;
        return (int64_t)size;
}

enum place {
        PLACE_OTHER,
        PLACE_NULL
};

/* Place `other` holds a value of a type that is in no list, or none. */
static void put_list(struct sim_out *out, const struct list_case *c, size_t other, enum place place)
{
        const struct profile_list *list = c->list;

        sim_axdr_structure(out, list->n_items);
        for (size_t i = 0; i < list->n_items; i++) {
                const struct profile_item *item = &list->items[i];
                uint8_t tag = item->tag;

                if (i == other)
                        sim_out_bytes(out, place == PLACE_NULL ? "\x00" : "\x04\x08\xaa",
                                      place == PLACE_NULL ? 1 : 3);
                else if (tag == AXDR_OCTET_STRING)
                        put_string(out, c, i);
                else if (tag == AXDR_ARRAY)
                        sim_axdr_array(out, 0);
                else if (tag == AXDR_BOOLEAN)
                        sim_out_be16(out, AXDR_BOOLEAN << 8 | 1);
                else
                        sim_axdr_number(out, tag == PROFILE_NUMBER ? SIM_I32 : (enum sim_number)tag,
                                        number_of(item, i));
        }
}

static int decode(const struct sim_out *out, struct telegram *t)
{
        struct reader r = reader_over((struct slice){ out->data, out->len });

        telegram_reset(t, "hdlc");
        return fixture_decode(&r, t);
}

static void check_item(const struct telegram *t, const struct profile_list *list, size_t i)
{
        const struct profile_item *item = &list->items[i];
        const struct reading *reading;

        switch (item->kind) {
        case ITEM_READING:
                reading = find_reading(t, item->obis);
                assert_non_null(reading);
                assert_int_equal(reading->value.mantissa, number_of(item, i));
                assert_int_equal(reading->value.exponent, item->exponent);
                assert_non_null(unit_name(reading->unit));
                assert_int_equal(reading->scale, SCALE_PROFILE);
                break;
        case ITEM_TEXT:
                assert_non_null(telegram_find_text(t, item->obis));
                if (item->tag == AXDR_ENUM)
                        assert_memory_equal(telegram_find_text(t, item->obis)->value.data, "1", 1);
                break;
        case ITEM_TIME:
        case ITEM_DATE:
        case ITEM_CLOCK:
                assert_true(t->time.valid && t->time.year == 2026 && t->time.hour == 12);
                break;
        case ITEM_LIST_ID:
                assert_string_equal(t->hints.list_id, list->id);
                break;
        case ITEM_SKIP:
                break;
        }
}

static void is_known_by_what_it_holds(void **state)
{
        const struct list_case *c = *state;
        static struct telegram t;
        static struct sim_out out;
        size_t n = 0;

        out.len = 0;
        put_list(&out, c, NO_PLACE, PLACE_OTHER);
        assert_int_equal(decode(&out, &t), 0);
        assert_string_equal(t.hints.list->name, c->list->name);
        for (size_t i = 0; i < c->list->n_items; i++) {
                check_item(&t, c->list, i);
                n += c->list->items[i].kind == ITEM_READING;
        }
        assert_int_equal(t.n_readings, n);
        assert_true(profile_points(c->profile, &t) > 0);
}

static void is_another_by_another_type(void **state)
{
        const struct list_case *c = *state;
        static struct telegram t;
        static struct sim_out out;

        for (size_t i = 0; i < c->list->n_items; i++) {
                if (c->list->items[i].tag == PROFILE_ANY)
                        continue;
                out.len = 0;
                put_list(&out, c, i, PLACE_OTHER);
                assert_int_equal(decode(&out, &t), -ENOMSG);
                assert_int_equal(t.n_readings + t.n_texts, 0);
                assert_null(t.hints.list);
        }
}

/* Null where a reading was: all others are there. Never where the list is known by it alone. */
static void loses_one_reading_by_null(void **state)
{
        const struct list_case *c = *state;
        static struct telegram t;
        static struct sim_out out;
        size_t n = 0;

        for (size_t i = 0; i < c->list->n_items; i++)
                n += c->list->items[i].kind == ITEM_READING;
        for (size_t i = 0; n > 1 && i < c->list->n_items; i++) {
                if (c->list->items[i].kind != ITEM_READING)
                        continue;
                out.len = 0;
                put_list(&out, c, i, PLACE_NULL);
                assert_int_equal(decode(&out, &t), 0);
                assert_string_equal(t.hints.list->name, c->list->name);
                assert_int_equal(t.n_readings, n - 1);
                assert_null(find_reading(&t, c->list->items[i].obis));
        }
}

#define KAIFA_NUMBERS "0907 41424344454647 0907 41424344454647 06 00000001 0600000002 0600000003"

#define NAME_ID  "0910 49534B303030303030303030303031 31"
#define LGZ_NAME "0910 4C475A31303330373030303030303031"
#define U32(n)   "06 000000" n

static struct layout_case cases[] = {
        { "a device name of another maker decides",
          "0209" LGZ_NAME U32("05") U32("00") U32("00") U32("02") U32("63") U32("00") U32("07")
                  U32("08"),
          "1-0:1.7.0=5W; 1-0:2.7.0=0W; 1-0:3.7.0=0var; 1-0:4.7.0=2var; 1-0:1.8.0=99Wh; "
          "1-0:2.8.0=0Wh; 1-0:3.8.0=7varh; 1-0:4.8.0=8varh; 0-0:42.0.0='LGZ1030700000001'; "
          "shape=E450 Slovenia, 9 values; id=LGZ1030700000001" },
        { "twelve bytes that are no date are no date",
          "0209 090C 58595A313030303030303031" U32("05") U32("00") U32("00") U32("02") U32("63")
                  U32("00") U32("07") U32("08"),
          "", -ENOMSG },
        { "more power than any meter of the family measures",
          "0209" NAME_ID "06 00BC614E" U32("00") U32("00") U32("02") U32("63") U32("00") U32("07")
                  U32("08"),
          "", -ENOMSG },
        { "a boolean where an enum is known",
          "020C" NAME_ID "0900 0301 0902 0002 0600000001 0600000002 0600000003 0600000004"
          "0600000005 0600000006 0600000007 0600000008",
          "1-0:1.8.0=1Wh; 1-0:1.8.1=2Wh; 1-0:1.8.2=3Wh; 1-0:2.8.0=4Wh; 1-0:2.8.1=5Wh; "
          "1-0:2.8.2=6Wh; 1-0:3.8.0=7varh; 1-0:4.8.0=8varh; 0-0:42.0.0='ISK0000000000011'; "
          "0-0:96.3.10='1'; 0-0:96.14.0='0002'; shape=AM550 Slovenia, 15 minutes; "
          "id=ISK0000000000011" },
        { "a state that does not exist",
          "020C" NAME_ID "0900 1607 0902 0002 0600000001 0600000002 0600000003 0600000004"
          "0600000005 0600000006 0600000007 0600000008",
          "", -ENOMSG },
        { "one value", "0201 06 0000007B", "1-0:1.7.0=123W; shape=Kaifa list 1" },
        { "one value of another type", "0201 12 007B", "", -ENOMSG },
        { "two values", "0202 06 0000007B 06 0000007C", "", -ENOMSG },
        { "an array is no list", "0101 06 0000007B", "", -ENOMSG },
        { "an empty structure", "0200", "", -ENOMSG },
        { "a value that is cut", "0201 06 0000", "input ends too early", -EBADMSG },
        { "another list id",
          "0209 0907 58595A5F303031" KAIFA_NUMBERS "0600000004 0600000005 0600000006", "",
          -ENOMSG },
        { "a list id as visible text",
          "0209 0A07 4B464D5F303031" KAIFA_NUMBERS "0600000004 0600000005 0600000906",
          "1-0:1.7.0=1W; 1-0:2.7.0=2W; 1-0:3.7.0=3var; 1-0:4.7.0=4var; 1-0:31.7.0=0.005A; "
          "1-0:32.7.0=231.0V; 0-0:96.1.0='ABCDEFG'; 0-0:96.1.7='ABCDEFG'; list=KFM_001; "
          "shape=Kaifa list 2, one phase; id=ABCDEFG" },
        { "registers of other widths, as firmware has them",
          "0209 0907 4B464D5F303031 0903 414243 0902 4445 1101 120002 0F03 100004 0500000005"
          "15 0000000000000906",
          "1-0:1.7.0=1W; 1-0:2.7.0=2W; 1-0:3.7.0=3var; 1-0:4.7.0=4var; 1-0:31.7.0=0.005A; "
          "1-0:32.7.0=231.0V; 0-0:96.1.0='ABC'; 0-0:96.1.7='DE'; list=KFM_001; "
          "shape=Kaifa list 2, one phase; id=ABC" },
        { "an empty number of the meter is none", "0204 0900 1105 06 00000001 06 00000002",
          "1-0:1.8.0=1Wh; 1-0:2.8.0=2Wh; shape=AM550 Slovenia, 4 values" },
        { "a state is a text",
          "020C" NAME_ID "0903 313233 1601 0902 3031 0600000001 0600000002 0600000003 0600000004"
          "0600000005 0600000006 0600000007 0600000008",
          "1-0:1.8.0=1Wh; 1-0:1.8.1=2Wh; 1-0:1.8.2=3Wh; 1-0:2.8.0=4Wh; 1-0:2.8.1=5Wh; "
          "1-0:2.8.2=6Wh; 1-0:3.8.0=7varh; 1-0:4.8.0=8varh; 0-0:42.0.0='ISK0000000000011'; "
          "0-0:96.1.0='123'; 0-0:96.3.10='1'; 0-0:96.14.0='01'; "
          "shape=AM550 Slovenia, 15 minutes; id=ISK0000000000011" },
};

int main(void)
{
        static struct list_case rows[64];
        static struct CMUnitTest tests[3 * ELEMENTSOF(rows)];
        const struct meter_profile *profile;
        size_t n = 0, n_tests;

        for (size_t i = 0; (profile = profile_set_at(known_profiles(), i)); i++)
                for (size_t j = 0; j < profile->n_lists && n < ELEMENTSOF(rows); j++)
                        rows[n++] = (struct list_case){ profile->lists[j].name, profile,
                                                        &profile->lists[j] };
        n_tests = test_add_rows(tests, 0, rows, n, sizeof(rows[0]), is_known_by_what_it_holds);
        n_tests =
                test_add_rows(tests, n_tests, rows, n, sizeof(rows[0]), is_another_by_another_type);
        n_tests =
                test_add_rows(tests, n_tests, rows, n, sizeof(rows[0]), loses_one_reading_by_null);
        return test_run_rows_and("layout-list", cases, ELEMENTSOF(cases), sizeof(cases[0]),
                                 run_layout_case, tests, n_tests);
}
