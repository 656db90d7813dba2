/* SPDX-License-Identifier: MIT */
/*
 * Lists of values alone. Each list of each profile is built from its own table with a value of its
 * own in each place, and must be known again by its shape: the AM550 alone has three of 12 values
 * and three of 9 are about. Then each place in turn is made another type: it is that list no more.
 */
#include <errno.h>

#include "layout-fixture.h"
#include "sim/axdr.h"

#define NO_PLACE SIZE_MAX

struct list_case {
        const char *name;
        const struct meter_profile *profile;
        const struct profile_list *list;
};

static void put_string(struct sim_out *out, const struct profile_list *list, size_t i)
{
        static const char text[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        const struct profile_item *item = &list->items[i];
        uint8_t time[12];

        (void)fixture_bytes(HEX_TIME, time, sizeof(time));
        if (i == 0 && list->list_id)
                sim_axdr_octets(out, list->list_id, strlen(list->list_id));
        else if (item->kind == ITEM_TIME)
                sim_axdr_octets(out, time, sizeof(time));
        else
                sim_axdr_octets(out, text + i % 4, item->len ? item->len : 8);
}

/* Place `other` holds a value of a type that is in no list. */
static void put_list(struct sim_out *out, const struct profile_list *list, size_t other)
{
        sim_axdr_structure(out, list->n_items);
        for (size_t i = 0; i < list->n_items; i++) {
                uint8_t tag = list->items[i].tag;

                if (i == other)
                        sim_out_bytes(out, "\x04\x08\xaa", 3);
                else if (tag == AXDR_OCTET_STRING)
                        put_string(out, list, i);
                else if (tag == AXDR_ARRAY)
                        sim_axdr_array(out, 0);
                else if (tag == AXDR_BOOLEAN)
                        sim_axdr_boolean(out, 1);
                else
                        sim_axdr_number(out, tag == PROFILE_NUMBER ? SIM_I32 : (enum sim_number)tag,
                                        (int64_t)(100 + i));
        }
}

static int decode(const struct sim_out *out, struct telegram *t)
{
        struct reader r = reader_over((struct slice){ out->data, out->len });

        telegram_reset(t, LINK_HDLC);
        return layout_decode(&r, t);
}

static void check_item(const struct telegram *t, const struct profile_list *list, size_t i)
{
        const struct profile_item *item = &list->items[i];
        const struct reading *reading;
        char text[24];

        switch (item->kind) {
        case ITEM_READING:
                reading = telegram_find_reading(t, item->obis);
                assert_non_null(reading);
                assert_int_equal(reading->value.mantissa, 100 + i);
                assert_int_equal(reading->value.exponent, item->exponent);
                assert_non_null(unit_name(reading->unit));
                assert_true(reading->scaled);
                break;
        case ITEM_TEXT:
                assert_non_null(telegram_find_text(t, item->obis));
                (void)snprintf(text, sizeof(text), "%zu", 100 + i);
                if (item->tag == AXDR_ENUM)
                        assert_memory_equal(telegram_find_text(t, item->obis)->value.data, text, 3);
                break;
        case ITEM_TIME:
                assert_true(t->time.valid && t->time.year == 2026 && t->time.hour == 12);
                break;
        case ITEM_LIST_ID:
                assert_string_equal(t->hints.list_id, list->list_id);
                break;
        case ITEM_SKIP:
                break;
        }
}

static void is_known_by_its_shape(void **state)
{
        const struct list_case *c = *state;
        static struct telegram t;
        static struct sim_out out;
        size_t n = 0;

        out.len = 0;
        put_list(&out, c->list, NO_PLACE);
        assert_int_equal(decode(&out, &t), 0);
        assert_ptr_equal(t.hints.list, c->list);
        for (size_t i = 0; i < c->list->n_items; i++) {
                check_item(&t, c->list, i);
                n += c->list->items[i].kind == ITEM_READING;
        }
        assert_int_equal(t.n_readings, n);
        assert_true(profile_owns_list(c->profile, &t) > 0);
}

static void is_another_by_another_type(void **state)
{
        const struct list_case *c = *state;
        static struct telegram t;
        static struct sim_out out;

        for (size_t i = 0; i < c->list->n_items; i++) {
                out.len = 0;
                put_list(&out, c->list, i);
                assert_int_equal(decode(&out, &t), -ENOMSG);
                assert_int_equal(t.n_readings + t.n_texts, 0);
                assert_null(t.hints.list);
        }
}

#define KAIFA_NUMBERS "0907 41424344454647 0907 41424344454647 0601 0000 00 0600000002 0600000003"
#define NAME_ID       "0910 49534B303030303030303030303031 31"

static struct layout_case cases[] = {
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
          "1-0:1.7.0=16777216W; 1-0:2.7.0=2W; 1-0:3.7.0=3var; 1-0:4.7.0=4var; 1-0:31.7.0=0.005A; "
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
        static struct CMUnitTest tests[2 * ELEMENTSOF(rows)];
        size_t n = 0, n_tests;

        for (size_t i = 0; profile_table[i]; i++)
                for (size_t j = 0; j < profile_table[i]->n_lists && n < ELEMENTSOF(rows); j++) {
                        const struct profile_list *list = &profile_table[i]->lists[j];

                        rows[n++] = (struct list_case){ list->name, profile_table[i], list };
                }
        n_tests = test_add_rows(tests, 0, rows, n, sizeof(rows[0]), is_known_by_its_shape);
        n_tests =
                test_add_rows(tests, n_tests, rows, n, sizeof(rows[0]), is_another_by_another_type);
        return test_run_rows_and("layout-list", cases, ELEMENTSOF(cases), sizeof(cases[0]),
                                 run_layout_case, tests, n_tests);
}
