/* SPDX-License-Identifier: MIT */
/*
 * What is kept of system titles over a restart: counters that must go on growing, and meters that
 * have authenticated, of which nothing without a tag is believed from then on.
 */
#include "meters-place.h"

#define METER "LGZ1030655933512"
#define OTHER "LGZ1030655933599"

static const uint8_t title[CIPHER_TITLE_BYTES] = { 'L', 'G', 'Z', 0x67, 0x74, 0x20, 0x62, 0x95 };
static const uint8_t other_title[CIPHER_TITLE_BYTES] = { 'I', 'S', 'K', 1, 2, 3, 4, 5 };
static const struct cipher_keys keys = { .has_key = true, .key = { 1, 2, 3 } };
static const struct cipher_keys with_auth_key = {
        .has_key = true, .key = { 1, 2, 3 }, .has_auth_key = true, .auth_key = { 4 }
};

/* The line that a telegram comes through: its section, and the meter it is known to carry. */
static struct config_converter section;
static const struct config_converter *configured;
static const char *learned_meter = "";
static char wire; /* its address stands for the converter */

const struct config_converter *__wrap_converter_config(const struct converter *c);
const char *__wrap_converter_learned_meter(const struct converter *c);

const struct config_converter *__wrap_converter_config(const struct converter *c)
{
        assert_ptr_equal(c, &wire);
        return configured;
}

const char *__wrap_converter_learned_meter(const struct converter *c)
{
        assert_ptr_equal(c, &wire);
        return learned_meter;
}

static int make_lines(void **state)
{
        *state = make_place(NULL);
        configured = NULL;
        learned_meter = "";
        return 0;
}

static void remember(struct place *place, const uint8_t *of, const struct cipher_keys *by,
                     const char *meter, uint32_t counter, bool authenticated)
{
        meters_remember_title(place->meters, of, by, meter,
                              &(struct decoder_title){ counter, authenticated });
}

/* The counter that is remembered, 0: nothing is. */
static uint32_t recall(struct place *place, const struct cipher_keys *by)
{
        struct decoder_title got = { 0 };

        return meters_recall_title(place->meters, title, by, &got) ? got.counter : 0;
}

static bool must_authenticate(struct place *place, const char *meter)
{
        struct meters_line line = { .meters = place->meters,
                                    .converter = (struct converter *)(void *)&wire };

        return meters_must_authenticate(&line, meter);
}

static void counter_is_recalled_for_the_same_keys_alone(void **state)
{
        struct place *place = *state;
        struct cipher_keys changed = with_auth_key;

        assert_int_equal(recall(place, &with_auth_key), 0);
        remember(place, title, &with_auth_key, METER, 41, true);
        remember(place, title, &with_auth_key, METER, 42, true);
        for (int i = 0; i < 2; i++) {
                assert_int_equal(recall(place, &with_auth_key), 42);
                changed.auth_key[15] ^= 1;
                assert_int_equal(recall(place, &changed), 0);
                changed.auth_key[15] ^= 1;
                changed.key[0] ^= 1;
                assert_int_equal(recall(place, &changed), 0);
                changed.key[0] ^= 1;
                assert_int_equal(recall(place, &keys), 0);
                end(place);
                begin(place);
        }
}

/* A fingerprint of one title does not serve for the next. */
static void titles_in_turn_are_kept_apart(void **state)
{
        struct place *place = *state;

        for (uint32_t i = 1; i <= 3; i++) {
                remember(place, title, &keys, METER, i, false);
                remember(place, other_title, &keys, OTHER, 100 + i, false);
        }
        assert_int_equal(recall(place, &keys), 3);
}

static void keys_are_not_readable_in_what_is_kept(void **state)
{
        struct place *place = *state;
        struct store_title got;

        remember(place, title, &with_auth_key, METER, 1, true);
        assert_int_equal(store_find_title(place->store, "4c475a6774206295", &got) +
                                 store_find_title(place->store, "4C475A6774206295", &got),
                         1);
        assert_int_equal(strlen(got.keys), 16);
        assert_null(strstr(got.keys, "010203"));
}

static void meter_that_authenticated_must_go_on(void **state)
{
        struct place *place = *state;

        assert_false(must_authenticate(place, METER));
        remember(place, title, &keys, METER, 1, false);
        assert_false(must_authenticate(place, METER));
        remember(place, title, &keys, METER, 2, true);
        remember(place, title, &keys, "", 3, true); /* a short list says no name: it stays */
        assert_true(must_authenticate(place, METER));
        assert_false(must_authenticate(place, OTHER));
        end(place);
        begin(place);
        assert_true(must_authenticate(place, METER));
        meters_forget_titles(place->meters, METER);
        assert_false(must_authenticate(place, METER));
        assert_int_equal(recall(place, &keys), 0);
}

static void telegram_without_an_id_is_of_the_meter_of_its_line(void **state)
{
        struct place *place = *state;

        remember(place, title, &keys, METER, 1, true);
        assert_false(must_authenticate(place, ""));
        learned_meter = METER;
        assert_true(must_authenticate(place, ""));
        assert_false(must_authenticate(place, OTHER));
}

static void authentication_key_asks_for_tags(void **state)
{
        struct place *place = *state;

        assert_return_code(meters_set_keys(place->meters, METER, &keys), 0);
        assert_false(must_authenticate(place, METER));
        assert_return_code(meters_set_keys(place->meters, METER, &with_auth_key), 0);
        assert_true(must_authenticate(place, METER));
        assert_false(must_authenticate(place, OTHER));
        section.keys.has_auth_key = false;
        configured = &section;
        assert_false(must_authenticate(place, OTHER));
        section.keys.has_auth_key = true; /* of all that comes through this converter */
        assert_true(must_authenticate(place, OTHER));
}

/* The key is set for the title; the plain telegram says the id. */
static void authentication_key_of_a_title_holds_for_its_meter(void **state)
{
        struct place *place = *state;
        char name[TITLE_TEXT_MAX];

        remember(place, title, &keys, METER, 1, false);
        assert_false(must_authenticate(place, METER));
        assert_return_code(
                meters_set_keys(place->meters, meters_title_text(title, name), &with_auth_key), 0);
        assert_true(must_authenticate(place, METER));
}

static void titles_are_forgotten_by_title_too(void **state)
{
        struct place *place = *state;

        remember(place, title, &keys, METER, 5, true);
        remember(place, other_title, &keys, OTHER, 6, true);
        meters_forget_titles(place->meters, "4C475a6774206295");
        assert_int_equal(recall(place, &keys), 0);
        assert_false(must_authenticate(place, METER));
        assert_true(must_authenticate(place, OTHER));
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, make_lines, remove_place)

int main(void)
{
        static const struct CMUnitTest tests[] = {
                ROW(counter_is_recalled_for_the_same_keys_alone),
                ROW(titles_in_turn_are_kept_apart),
                ROW(keys_are_not_readable_in_what_is_kept),
                ROW(meter_that_authenticated_must_go_on),
                ROW(telegram_without_an_id_is_of_the_meter_of_its_line),
                ROW(authentication_key_asks_for_tags),
                ROW(authentication_key_of_a_title_holds_for_its_meter),
                ROW(titles_are_forgotten_by_title_too),
        };

        return cmocka_run_group_tests_name("meters-trust", tests, NULL, NULL);
}
