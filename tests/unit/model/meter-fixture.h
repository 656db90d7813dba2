/* SPDX-License-Identifier: MIT */
/* What the tests of the meter model share: a telegram made value by value, and time. */
#pragma once

#include "lib/model/meter.h"
#include "tests/unit/test.h"

#define SEC  1000000ull
#define WALL (1750000000ull * SEC) /* some day of 2025 */

static struct telegram telegram;

static inline void begin(void)
{
        telegram_reset(&telegram, "hdlc");
}

static inline void add(const char *code, int64_t mantissa, int exponent)
{
        struct obis obis;

        assert_true(obis_parse(slice_of_string(code), &obis) > 0);
        telegram_add_reading(&telegram, obis, (struct decimal){ mantissa, (int8_t)exponent },
                             UNIT_UNSAID, SCALE_WIRE);
}

static inline void add_text(const char *code, const char *value)
{
        struct obis obis;

        assert_true(obis_parse(slice_of_string(code), &obis) > 0);
        telegram_add_text(&telegram, obis, slice_of_string(value));
}

/* The telegram as it is, `at_s` after the start. */
static inline struct meter_update take(struct meter *m, uint64_t at_s)
{
        struct meter_update update;

        assert_int_equal(meter_update(m, &telegram, WALL + at_s * SEC, (1000 + at_s) * SEC, 0, NULL,
                                      &update),
                         0);
        return update;
}

static inline struct meter *new_meter(void)
{
        struct meter *m;

        assert_int_equal(meter_new("LGZ1", &m), 0);
        return m;
}
