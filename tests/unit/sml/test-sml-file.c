/* SPDX-License-Identifier: MIT */
/* Whole SML files: several messages, both list responses, and everything that is damaged. */
#include "sml-fixture.h"

#include <errno.h>

#include "lib/sml/sml.h"

static struct telegram telegram;

static const struct slice iskra = BYTES(0x0a, 0x01, 'I', 'S', 'K', 0, 4, 1, 2, 3);
static const struct slice emh = BYTES(0x0a, 0x01, 'E', 'M', 'H', 0, 4, 1, 2, 3);
static const struct slice no_time = BYTES(0x01);
static const struct slice import =
        BYTES(0x77, 0x07, 1, 0, 1, 8, 0, 0xff, 1, 1, 0x62, 0x1e, 0x52, 0xff, 0x63, 0x10, 0x00, 1);
static const struct slice export =
        BYTES(0x77, 0x07, 1, 0, 2, 8, 0, 0xff, 1, 1, 0x62, 0x1e, 0x52, 0xff, 0x63, 0x20, 0x00, 1);
static const struct slice open_content = BYTES(0x76, 0x01, 0x01, 0x02, 0x07, 0x0b, 0x0a, 0x01, 'I',
                                               'S', 'K', 0, 4, 1, 2, 3, 0x01, 0x01);
static const struct slice close_content = BYTES(0x71, 0x01);

static int decode(const struct sml_buffer *file)
{
        telegram_reset(&telegram, "sml");
        return sml_file_decode(sml_slice(file), &telegram);
}

static void test_open_list_close(void **state)
{
        struct sml_buffer file = { .len = 0 };

        sml_put_message(&file, 0x0101, open_content, SUM_X25);
        sml_put_list(&file, iskra, no_time, 1, import);
        sml_put_message(&file, 0x0201, close_content, SUM_X25);
        SML_PUT(&file, 0, 0); /* fill that was not counted */
        assert_int_equal(decode(&file), 0);
        assert_int_equal(telegram.status, TELEGRAM_OK);
        assert_int_equal(telegram.n_readings, 1);
        assert_int_equal(telegram.n_dropped, 0);
        assert_false(telegram.time.valid);
}

static void test_two_lists_of_one_meter(void **state)
{
        struct sml_buffer file = { .len = 0 };

        sml_put_list(&file, iskra, no_time, 1, import);
        sml_put_list(&file, iskra, no_time, 1, export);
        assert_int_equal(decode(&file), 0);
        assert_int_equal(telegram.n_readings, 2);
        assert_int_equal(telegram.n_dropped, 0);
}

static void test_a_second_meter_is_not_mixed_in(void **state)
{
        struct sml_buffer file = { .len = 0 };

        sml_put_list(&file, iskra, no_time, 1, import);
        sml_put_list(&file, emh, no_time, 1, export);
        assert_int_equal(decode(&file), 0);
        assert_int_equal(telegram.n_readings, 1);
        assert_int_equal(telegram.n_dropped, 1);
        assert_string_equal(telegram.meter_id, "0a0149534b0004010203");
        assert_string_equal(telegram.manufacturer, "ISK");
}

static void test_more_than_fifteen_values(void **state)
{
        struct sml_buffer file = { .len = 0 }, entries = { .len = 0 };

        for (uint8_t i = 0; i < 40; i++)
                SML_PUT(&entries, 0x77, 0x07, 1, 0, (uint8_t)(21 + i), 7, 0, 0xff, 1, 1, 0x62, 0x1b,
                        0x52, 0, 0x62, i, 1);
        sml_put_list(&file, iskra, no_time, 40, sml_slice(&entries));
        assert_int_equal(decode(&file), 0);
        assert_int_equal(telegram.n_readings, 40);
        assert_int_equal(telegram.readings[39].value.mantissa, 39);
}

/* GetProfileList.Res, the other response that carries a list of values. */
static void test_profile_list(void **state)
{
        struct slice content =
                BYTES(0x79, 0x0b, 0x0a, 0x01, 'I', 'S', 'K', 0, 4, 1, 2, 3, 0x01, 0x63, 0x03, 0x84,
                      0x71, 0x07, 0x81, 0x81, 0xc7, 0x86, 0x11, 0xff, 0x72, 0x62, 2, 0x65, 0x5c,
                      0x7f, 0xcb, 0x19, 0x62, 0x00, 0x71, 0x75, 0x07, 1, 0, 1, 8, 0, 0xff, 0x62,
                      0x1e, 0x52, 0xff, 0x63, 0x10, 0x00, 0x01, 0x01, 0x01);
        struct sml_buffer file = { .len = 0 };

        sml_put_message(&file, 0x0401, content, SUM_X25);
        assert_int_equal(decode(&file), 0);
        assert_int_equal(telegram.n_readings, 1);
        assert_int_equal(telegram.readings[0].value.mantissa, 4096);
        assert_int_equal(datetime_to_epoch(&telegram.time), 0x5c7fcb19);
        assert_string_equal(telegram.manufacturer, "ISK");
}

static void test_a_file_without_values_is_an_unknown_layout(void **state)
{
        struct sml_buffer file = { .len = 0 };

        sml_put_message(&file, 0x0101, open_content, SUM_X25);
        assert_int_equal(decode(&file), 0);
        assert_int_equal(telegram.status, TELEGRAM_LAYOUT_UNKNOWN);
        assert_non_null(strstr(telegram.error, "SML"));
}

static void test_kermit_in_messages(void **state)
{
        struct slice content = BYTES(0x77, 0x01, 0x02, 0x05, 0x01, 0x01, 0x70, 0x01, 0x01);
        struct sml_buffer file = { .len = 0 };

        sml_put_message(&file, 0x0701, content, SUM_KERMIT);
        assert_int_equal(decode(&file), 0);
        assert_string_equal(telegram.meter_id, "05");
}

/* Some message has a check sum with a zero in front: 256 tries find one. */
static void test_check_sums_of_one_byte(void **state)
{
        unsigned int n_short = 0;

        for (unsigned int i = 0; i < 2048; i++) {
                struct slice content = BYTES(0x77, 0x01, 0x03, (uint8_t)i, (uint8_t)(i >> 8), 0x01,
                                             0x01, 0x70, 0x01, 0x01);
                struct sml_buffer file = { .len = 0 };

                sml_put_message(&file, 0x0701, content, SUM_X25);
                n_short += file.data[file.len - 3] == 0x62;
                assert_int_equal(decode(&file), 0);
        }
        assert_true(n_short > 0);
}

static struct fault_case {
        const char *name;
        struct slice content; /* of a GetList.Res */
        enum sml_sum kind;
} fault_cases[] = {
        { "check sum", BYTES(0x77, 0x01, 0x02, 5, 1, 1, 0x70, 1, 1), SUM_WRONG },
        { "a response of six", BYTES(0x76, 0x01, 0x02, 5, 1, 1, 0x70, 1), SUM_X25 },
        { "values that are no list", BYTES(0x77, 0x01, 0x02, 5, 1, 1, 0x62, 0x07, 1, 1), SUM_X25 },
        { "a server that is a number", BYTES(0x77, 0x01, 0x62, 5, 1, 1, 0x70, 1, 1), SUM_X25 },
        { "a list longer than the message",
          BYTES(0x77, 0x01, 0x02, 5, 1, 1, 0xff, 0x8f, 0x0f, 1, 1), SUM_X25 },
        { "a length shorter than itself", BYTES(0x77, 0x00, 0x02, 5, 1, 1, 0x70, 1, 1), SUM_X25 },
        { "a length of five bytes",
          BYTES(0x77, 0x80, 0x80, 0x80, 0x80, 0x06, 0x02, 5, 1, 1, 0x70, 1, 1), SUM_X25 },
        { "octets longer than the file", BYTES(0x77, 0x01, 0x8f, 0x0f, 5, 1, 1, 0x70, 1, 1),
          SUM_X25 },
        { "too few entries", BYTES(0x77, 0x01, 0x02, 5, 1, 1, 0x75, 1, 1), SUM_X25 },
        { "too many elements", BYTES(0x77, 0x01, 0x02, 5, 1, 1, 0x70, 1, 1, 1, 1), SUM_X25 },
        { "a code that is a number",
          BYTES(0x77, 0x01, 0x02, 5, 1, 1, 0x71, 0x77, 0x62, 1, 1, 1, 1, 1, 1, 1, 1, 1), SUM_X25 },
};

static void run_fault_case(void **state)
{
        const struct fault_case *c = *state;
        struct sml_buffer file = { .len = 0 };

        sml_put_message(&file, 0x0701, c->content, c->kind);
        assert_int_equal(decode(&file), -EBADMSG);
}

static void expect_fault_after(const struct sml_buffer *good, size_t at, uint8_t byte)
{
        struct sml_buffer file = *good;

        assert_int_not_equal(file.data[at], byte);
        file.data[at] = byte;
        assert_int_equal(decode(&file), -EBADMSG);
}

static void test_faults_around_the_body(void **state)
{
        struct sml_buffer file = { .len = 0 };

        sml_put_list(&file, iskra, no_time, 1, import);
        expect_fault_after(&file, 0, 0x75);            /* a message of five */
        expect_fault_after(&file, 0, 0x06);            /* a message that is no list */
        expect_fault_after(&file, file.len - 1, 0x01); /* no end of message */
        expect_fault_after(&file, file.len - 2, 0x55); /* check sum */
}

static void test_a_body_without_tag(void **state)
{
        /* The message is whole, its body is not a choice of tag and content. */
        const struct slice bodies[] = { BYTES(0x73, 0x62, 1, 1, 1), BYTES(0x72, 0x02, 7, 1) };

        for (size_t i = 0; i < ELEMENTSOF(bodies); i++) {
                struct sml_buffer file = { .len = 0 };
                uint16_t sum;

                SML_PUT(&file, 0x76, 0x02, 0x01, 0x62, 0x00, 0x62, 0x00);
                sml_put(&file, bodies[i]);
                sum = sml_sum(sml_slice(&file), SUM_X25);
                SML_PUT(&file, 0x63, (uint8_t)sum, (uint8_t)(sum >> 8), 0x00);
                assert_int_equal(decode(&file), -EBADMSG);
        }
}

static void test_every_cut_ends_well(void **state)
{
        struct sml_buffer file = { .len = 0 };

        sml_put_message(&file, 0x0101, open_content, SUM_X25);
        sml_put_list(&file, iskra, no_time, 1, import);
        for (size_t n = 1; n < file.len; n++) {
                /* Of the exact length, so that a sanitizer sees a read past the end. */
                uint8_t *copy = malloc(n);
                int r;

                assert_non_null(copy);
                memcpy(copy, file.data, n);
                telegram_reset(&telegram, "sml");
                r = sml_file_decode((struct slice){ copy, n }, &telegram);
                if (r == 0)
                        assert_int_equal(telegram.status, TELEGRAM_LAYOUT_UNKNOWN);
                else
                        assert_int_equal(r, -EBADMSG);
                free(copy);
        }
}

int main(void)
{
        const struct CMUnitTest more[] = {
                cmocka_unit_test(test_open_list_close),
                cmocka_unit_test(test_two_lists_of_one_meter),
                cmocka_unit_test(test_a_second_meter_is_not_mixed_in),
                cmocka_unit_test(test_more_than_fifteen_values),
                cmocka_unit_test(test_profile_list),
                cmocka_unit_test(test_a_file_without_values_is_an_unknown_layout),
                cmocka_unit_test(test_kermit_in_messages),
                cmocka_unit_test(test_check_sums_of_one_byte),
                cmocka_unit_test(test_faults_around_the_body),
                cmocka_unit_test(test_a_body_without_tag),
                cmocka_unit_test(test_every_cut_ends_well),
        };

        return test_run_rows_and("sml-file", fault_cases, ELEMENTSOF(fault_cases),
                                 sizeof(fault_cases[0]), run_fault_case, more, ELEMENTSOF(more));
}
