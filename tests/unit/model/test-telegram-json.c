/* SPDX-License-Identifier: MIT */
/*
 * The JSON object of docs/design.md §2, to the letter: members and their order, exact numbers, null
 * where nothing is known.
 */
#include <json-c/json.h>

#include "lib/model/telegram-json.h"
#include "lib/profile/profile.h"
#include "tests/unit/known-profiles.h"
#include "tests/unit/test.h"

static struct telegram t;

static int begin(void **state)
{
        telegram_reset(&t, "hdlc");
        return 0;
}

static void assert_json(const char *want)
{
        struct json_object *object = telegram_to_json(&t);

        assert_non_null(object);
        assert_string_equal(
                json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
                                                               JSON_C_TO_STRING_NOSLASHESCAPE),
                want);
        json_object_put(object);
}

static void nothing_known(void **state)
{
        assert_json("{\"meter\":null,\"manufacturer\":null,\"model\":null,\"profile\":null,"
                    "\"framing\":\"hdlc\",\"encrypted\":false,\"system_title\":null,\"time\":null,"
                    "\"readings\":[],\"texts\":[],\"error\":null}");
}

static void everything_known(void **state)
{
        struct obis power = OBIS_OF(1, 0, 1, 7, 0, 255), unknown = OBIS_OF(1, 1, 95, 99, 0, 7);
        struct obis number = OBIS_OF(0, 0, 96, 1, 0, 255);

        t.encrypted = t.has_system_title = true;
        memcpy(t.system_title, "LGZ\x00\x01\xab\xcd\xef", 8);
        t.profile = known_profile("lgz-e450");
        memcpy(t.model, "Landis+Gyr E450", 16);
        memcpy(t.manufacturer, "LGZ", 4);
        t.time = datetime_of_fields(2019, 3, 6, 14, 33, 45);
        t.time.has_offset = true;
        t.time.offset_min = 60;
        telegram_add_reading(&t, power, (struct decimal){ 2301, -1 }, UNIT_UNSAID, SCALE_WIRE);
        telegram_add_reading(&t, unknown, (struct decimal){ -5, 0 }, UNIT_UNSAID, SCALE_WIRE);
        telegram_add_text(&t, number, (struct slice)TEXT("30655933"));
        telegram_add_labelled(&t, "ADCO", (struct slice)TEXT("0123\""));
        telegram_identify(&t);
        assert_json(
                "{\"meter\":\"30655933\",\"manufacturer\":\"LGZ\",\"model\":\"Landis+Gyr E450\","
                "\"profile\":\"lgz-e450\",\"framing\":\"hdlc\",\"encrypted\":true,"
                "\"system_title\":\"4C475A0001ABCDEF\",\"time\":\"2019-03-06T14:33:45+01:00\","
                "\"readings\":[{\"obis\":\"1-0:1.7.0\",\"name\":\"active_power_import\","
                "\"value\":230.1,\"unit\":\"W\"},{\"obis\":\"1-1:95.99.0*7\",\"name\":null,"
                "\"value\":-5,\"unit\":null}],\"texts\":[{\"obis\":\"0-0:96.1.0\","
                "\"value\":\"30655933\"},{\"obis\":null,\"label\":\"ADCO\","
                "\"value\":\"0123\\\"\"}],\"error\":null}");
}

static void a_number_whose_scale_nobody_told(void **state)
{
        telegram_add_reading(&t, (struct obis)OBIS_OF(0, 1, 24, 2, 1, 255),
                             (struct decimal){ 30545, 0 }, UNIT_UNSAID, SCALE_NONE);
        assert_json("{\"meter\":null,\"manufacturer\":null,\"model\":null,\"profile\":null,"
                    "\"framing\":\"hdlc\",\"encrypted\":false,\"system_title\":null,\"time\":null,"
                    "\"readings\":[{\"obis\":\"0-1:24.2.1\",\"name\":\"submeter_volume\","
                    "\"value\":30545,\"unit\":null,\"unscaled\":true}],"
                    "\"texts\":[],\"error\":null}");
}

/* A gas meter is heard once an hour, or not at all any more. W and S of P1 name no offset: winter
 * is another hour in Finland than in Belgium. */
static void a_value_that_was_captured_earlier(void **state)
{
        static const char *const wanted[] = { "2026-01-02T03:00:00+01:00", "2026-01-02T03:00:00" };
        struct datetime captured = datetime_of_fields(2026, 1, 2, 3, 0, 0);
        char json[512];

        captured.has_offset = true;
        captured.offset_min = 60;
        for (size_t i = 0; i < ELEMENTSOF(wanted); i++) {
                (void)begin(state);
                captured.offset_of_mark = i == 1;
                telegram_add_captured(&t, (struct obis)OBIS_OF(0, 1, 24, 2, 1, 255),
                                      (struct decimal){ 30545, -3 }, UNIT_M3, SCALE_WIRE, 0,
                                      &captured);
                (void)snprintf(json, sizeof(json),
                               "{\"meter\":null,\"manufacturer\":null,\"model\":null,"
                               "\"profile\":null,\"framing\":\"hdlc\",\"encrypted\":false,"
                               "\"system_title\":null,\"time\":null,\"readings\":[{"
                               "\"obis\":\"0-1:24.2.1\",\"name\":\"submeter_volume\","
                               "\"value\":30.545,\"unit\":\"m\xc2\xb3\",\"captured\":\"%s\"}],"
                               "\"texts\":[],\"error\":null}",
                               wanted[i]);
                assert_json(json);
        }
}

/* The name is that of the present value: of two with one name the last would count. */
static void a_value_of_a_past_period_has_no_name(void **state)
{
        telegram_add_reading(&t, (struct obis)OBIS_OF(1, 0, 1, 8, 0, 96), (struct decimal){ 5, 0 },
                             UNIT_WH, SCALE_WIRE);
        assert_json("{\"meter\":null,\"manufacturer\":null,\"model\":null,\"profile\":null,"
                    "\"framing\":\"hdlc\",\"encrypted\":false,\"system_title\":null,\"time\":null,"
                    "\"readings\":[{\"obis\":\"1-0:1.8.0*96\",\"name\":null,\"value\":5,"
                    "\"unit\":\"Wh\"}],\"texts\":[],\"error\":null}");
}

static void what_cannot_be_read(void **state)
{
        telegram_add_reading(&t, (struct obis)OBIS_OF(1, 0, 1, 7, 0, 255), (struct decimal){ 1, 0 },
                             UNIT_W, SCALE_WIRE);
        t.encrypted = true;
        telegram_fail(&t, TELEGRAM_KEY_MISSING, "a key of %d bytes is needed", 16);
        assert_json("{\"meter\":null,\"manufacturer\":null,\"model\":null,\"profile\":null,"
                    "\"framing\":\"hdlc\",\"encrypted\":true,\"system_title\":null,\"time\":null,"
                    "\"readings\":[],\"texts\":[],\"error\":\"a key of 16 bytes is needed\"}");
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(nothing_known, begin),
                cmocka_unit_test_setup(everything_known, begin),
                cmocka_unit_test_setup(a_number_whose_scale_nobody_told, begin),
                cmocka_unit_test_setup(a_value_of_a_past_period_has_no_name, begin),
                cmocka_unit_test_setup(a_value_that_was_captured_earlier, begin),
                cmocka_unit_test_setup(what_cannot_be_read, begin),
        };

        return cmocka_run_group_tests_name("telegram-json", tests, NULL, NULL);
}
