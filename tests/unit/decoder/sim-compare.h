/* SPDX-License-Identifier: MIT */
/*
 * What was sent against what was decoded: every number and its unit exactly, no number more, every
 * text, the time and the id.
 */
#pragma once

#include "lib/decoder.h"
#include "sim/sim.h"
#include "tests/unit/find-reading.h"
#include "tests/unit/known-profiles.h"
#include "tests/unit/test.h"

/* 2026-06-30 11:59:52 in Central Europe: the sun shines, the hour turns within two telegrams. */
#define SIM_TEST_EPOCH_S 1782813592

static inline struct sim_clock sim_test_clock(int64_t after_s)
{
        return sim_clock_central_europe(SIM_TEST_EPOCH_S + after_s);
}

static inline const struct cipher_keys *sim_test_find_keys(void *userdata, const uint8_t *title)
{
        const struct cipher_keys *keys = userdata;

        return keys->has_key ? keys : NULL;
}

/* The keys of a meter, as a user would give them to the decoder. */
static inline struct cipher_keys sim_test_keys(const struct sim_meter *meter)
{
        struct cipher_keys keys = { .has_key = true, .has_auth_key = meter->cipher.control & 0x10 };

        memcpy(keys.key, meter->cipher.key, sizeof(keys.key));
        memcpy(keys.auth_key, meter->cipher.auth_key, sizeof(keys.auth_key));
        return keys;
}

static inline struct decoder *sim_test_decoder(struct cipher_keys *keys, enum scanner_input input)
{
        struct decoder_options options = { .profiles = known_profiles_and_pairs(),
                                           .keyring = { .find = sim_test_find_keys,
                                                        .userdata = keys },
                                           .input = input };
        struct decoder *d = NULL;

        assert_int_equal(decoder_new(&options, &d), 0);
        return d;
}

static inline void sim_compare_values(const struct sim_telegram *sent, const struct telegram *got)
{
        char code[OBIS_TEXT_MAX];

        for (size_t i = 0; i < sent->n_values; i++) {
                const struct sim_value *want = &sent->values[i];
                struct obis obis = obis_of_bytes(want->obis);
                const struct reading *reading = find_reading(got, obis);
                struct decimal value = { want->mantissa, (int8_t)want->exponent };

                if (!reading)
                        fail_msg("%s is missing", obis_print(obis, code));
                if (decimal_compare(reading->value, value) != 0)
                        fail_msg("%s is %lld e%d, sent was %lld e%d", obis_print(obis, code),
                                 (long long)reading->value.mantissa, reading->value.exponent,
                                 (long long)want->mantissa, want->exponent);
                if (!unit_name(reading->unit))
                        fail_msg("%s has no unit", obis_print(obis, code));
                assert_string_equal(unit_name(reading->unit), want->unit);
        }
}

static inline const struct text *sim_compare_find_text(const struct telegram *got,
                                                       const struct sim_text *want)
{
        for (size_t i = 0; i < got->n_texts; i++)
                if (want->label ? strcmp(got->texts[i].label, want->label) == 0
                                : obis_equal(got->texts[i].obis, obis_of_bytes(want->obis)))
                        return &got->texts[i];
        return NULL;
}

static inline void sim_compare_texts(const struct sim_telegram *sent, const struct telegram *got)
{
        char code[OBIS_TEXT_MAX];

        for (size_t i = 0; i < sent->n_texts; i++) {
                const struct sim_text *want = &sent->texts[i];
                const struct text *text = sim_compare_find_text(got, want);

                if (!text)
                        fail_msg("the text %s is missing",
                                 want->label ? want->label
                                             : obis_print(obis_of_bytes(want->obis), code));
                assert_int_equal(text->value.len, strlen(want->text));
                assert_memory_equal(text->value.data, want->text, text->value.len);
        }
}

static inline void sim_compare_time(const struct sim_telegram *sent, const struct telegram *got)
{
        const struct sim_clock *c = &sent->clock;

        assert_int_equal(got->time.valid, sent->has_time);
        if (!sent->has_time)
                return;
        assert_int_equal(got->time.year, c->year);
        assert_int_equal(got->time.month, c->month);
        assert_int_equal(got->time.day, c->day);
        assert_int_equal(got->time.hour, c->hour);
        assert_int_equal(got->time.minute, c->minute);
        assert_int_equal(got->time.second, c->second);
        assert_int_equal(got->time.has_offset, sent->zone == SIM_ZONE_OFFSET);
        if (got->time.has_offset)
                assert_int_equal(got->time.offset_min, c->offset_min);
        if (sent->zone == SIM_ZONE_DST_BIT)
                assert_int_equal(got->time.dst, c->dst ? DATETIME_DST_SUMMER : DATETIME_DST_WINTER);
}

static inline void sim_compare(const struct sim_telegram *sent, const struct telegram *got)
{
        if (got->status != TELEGRAM_OK)
                fail_msg("%s", got->error);
        sim_compare_values(sent, got);
        assert_int_equal(got->n_readings, sent->n_values);
        sim_compare_texts(sent, got);
        sim_compare_time(sent, got);
        assert_int_equal(got->encrypted, sent->encrypted);
        if (sent->meter_id[0])
                assert_string_equal(got->meter_id, sent->meter_id);
}
