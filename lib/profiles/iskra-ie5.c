/* SPDX-License-Identifier: MIT */
/*
 * Iskraemeco IE.5 of the Croatian utility HEP, P1 port at 115200 8N1: one positional list of 33.
 * The four reactive energies have no published order; the last places are limits and states.
 */
#include "lib/profiles/profile-list.h"
#include "profiles.h"

static const struct profile_item croatia[] = {
        PROFILE_TEXT(0, 0, 0, 96, 1, 0),
        PROFILE_SKIP(AXDR_OCTET_STRING, 4),
        PROFILE_SKIP(AXDR_OCTET_STRING, 5),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 1, 8, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 1, 8, 1, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 1, 8, 2, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 2, 8, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 2, 8, 1, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 2, 8, 2, 0),
        PROFILE_SKIP(AXDR_DOUBLE_LONG_UNSIGNED, 0),
        PROFILE_SKIP(AXDR_DOUBLE_LONG_UNSIGNED, 0),
        PROFILE_SKIP(AXDR_DOUBLE_LONG_UNSIGNED, 0),
        PROFILE_SKIP(AXDR_DOUBLE_LONG_UNSIGNED, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 1, 7, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 2, 7, 0, 0),
        PROFILE_READING(AXDR_LONG_UNSIGNED, 1, 0, 13, 7, 0, -3),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 21, 7, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 41, 7, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 61, 7, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 22, 7, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 42, 7, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 62, 7, 0, 0),
        PROFILE_READING(AXDR_LONG_UNSIGNED, 1, 0, 32, 7, 0, -1),
        PROFILE_READING(AXDR_LONG_UNSIGNED, 1, 0, 52, 7, 0, -1),
        PROFILE_READING(AXDR_LONG_UNSIGNED, 1, 0, 72, 7, 0, -1),
        PROFILE_READING(AXDR_LONG_UNSIGNED, 1, 0, 31, 7, 0, -2),
        PROFILE_READING(AXDR_LONG_UNSIGNED, 1, 0, 51, 7, 0, -2),
        PROFILE_READING(AXDR_LONG_UNSIGNED, 1, 0, 71, 7, 0, -2),
        PROFILE_SKIP(AXDR_DOUBLE_LONG_UNSIGNED, 0),
        PROFILE_SKIP(AXDR_ARRAY, 0),
        PROFILE_SKIP(AXDR_ARRAY, 0),
        PROFILE_SKIP(AXDR_ARRAY, 0),
        PROFILE_SKIP(AXDR_BOOLEAN, 0),
};

static const struct profile_list lists[] = {
        PROFILE_LIST("IE.5 Croatia", NULL, croatia),
};

static unsigned int claims(const struct telegram *t)
{
        return t->hints.list && profile_made_by(t, "ISK") ? 10 : 0;
}

const struct meter_profile profile_iskra_ie5 = {
        .name = "iskra-ie5",
        .model = "Iskraemeco IE.5",
        .manufacturer = "ISK",
        .medium = "electricity",
        .line = { .baud = 115200, .bits = 8, .parity = PARITY_NONE, .stop = 1 },
        .max_power_w = 80000,
        .interval_s = 5,
        PROFILE_LISTS(lists),
        .claims = claims,
};
