/* SPDX-License-Identifier: MIT */
/*
 * Kaifa MA105, MA304 of Norway and Sweden, HAN at 2400 8E1: positional lists under the id KFM_001,
 * of 1, 9 or 13, 14 or 18 values, and OBIS/value pairs in parts of Sweden. Milliamperes, tenths of
 * volts. PROTOCOL §5.6.
 */
#include "lib/profiles/profile-list.h"
#include "profiles.h"

static const struct profile_scale scales[] = {
        { 12, 7, -1, 0, NULL },
        { 11, 7, -3, -3, NULL },
        { 13, 7, -3, -3, NULL },
};

/* List 1, every 2.5 s: the power alone. */
static const struct profile_item power[] = {
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 1, 7, 0, 0),
};

/* List 2, one phase. */
static const struct profile_item one_phase[] = {
        PROFILE_LIST_ID,
        PROFILE_TEXT(0, 0, 0, 96, 1, 0),
        PROFILE_TEXT(0, 0, 0, 96, 1, 7),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 1, 7, 0, 0),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 2, 7, 0, 0),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 3, 7, 0, 0),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 4, 7, 0, 0),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 31, 7, 0, -3),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 32, 7, 0, -1),
};

/* List 2, three phases. */
static const struct profile_item three_phases[] = {
        PROFILE_LIST_ID,
        PROFILE_TEXT(0, 0, 0, 96, 1, 0),
        PROFILE_TEXT(0, 0, 0, 96, 1, 7),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 1, 7, 0, 0),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 2, 7, 0, 0),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 3, 7, 0, 0),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 4, 7, 0, 0),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 31, 7, 0, -3),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 51, 7, 0, -3),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 71, 7, 0, -3),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 32, 7, 0, -1),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 52, 7, 0, -1),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 72, 7, 0, -1),
};

/* List 3, hourly, one phase. */
static const struct profile_item one_phase_hourly[] = {
        PROFILE_LIST_ID,
        PROFILE_TEXT(0, 0, 0, 96, 1, 0),
        PROFILE_TEXT(0, 0, 0, 96, 1, 7),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 1, 7, 0, 0),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 2, 7, 0, 0),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 3, 7, 0, 0),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 4, 7, 0, 0),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 31, 7, 0, -3),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 32, 7, 0, -1),
        PROFILE_TIME,
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 1, 8, 0, 0),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 2, 8, 0, 0),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 3, 8, 0, 0),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 4, 8, 0, 0),
};

/* List 3, hourly, three phases. */
static const struct profile_item three_phases_hourly[] = {
        PROFILE_LIST_ID,
        PROFILE_TEXT(0, 0, 0, 96, 1, 0),
        PROFILE_TEXT(0, 0, 0, 96, 1, 7),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 1, 7, 0, 0),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 2, 7, 0, 0),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 3, 7, 0, 0),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 4, 7, 0, 0),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 31, 7, 0, -3),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 51, 7, 0, -3),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 71, 7, 0, -3),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 32, 7, 0, -1),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 52, 7, 0, -1),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 72, 7, 0, -1),
        PROFILE_TIME,
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 1, 8, 0, 0),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 2, 8, 0, 0),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 3, 8, 0, 0),
        PROFILE_READING(PROFILE_NUMBER, 1, 0, 4, 8, 0, 0),
};

static const struct profile_list lists[] = {
        PROFILE_LIST("Kaifa list 1", NULL, power),
        PROFILE_LIST("Kaifa list 2, one phase", "KFM_001", one_phase),
        PROFILE_LIST("Kaifa list 2, three phases", "KFM_001", three_phases),
        PROFILE_LIST("Kaifa list 3, one phase", "KFM_001", one_phase_hourly),
        PROFILE_LIST("Kaifa list 3, three phases", "KFM_001", three_phases_hourly),
};

static unsigned int claims(const struct telegram *t)
{
        return strncmp(t->hints.list_id, "KFM_", 4) == 0 || profile_list_version(t, "KFM_") ? 50
                                                                                            : 0;
}

const struct meter_profile profile_kaifa_ma304 = {
        .name = "kaifa-ma304",
        .model = "Kaifa MA304",
        .manufacturer = "KFM",
        .medium = "electricity",
        .line = { .baud = 2400, .bits = 8, .parity = PARITY_EVEN, .stop = 1 },
        .max_power_w = 80000,
        .interval_s = 10,
        PROFILE_SCALES(scales),
        PROFILE_LISTS(lists),
        .claims = claims,
};
