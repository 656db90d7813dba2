/* SPDX-License-Identifier: MIT */
/*
 * Siemens IM350 (Upper Austria, Wels) and the AM550 of Kärnten Netz: one family of positional
 * lists, the push object's name first, time and date as octets; P1 port at 115200 8N1.
 */
#include "lib/profiles/profile-list.h"
#include "profiles.h"

static const struct profile_item upper_austria[] = {
        PROFILE_SKIP(AXDR_OCTET_STRING, 6),
        PROFILE_TEXT(0, 0, 0, 96, 1, 0),
        PROFILE_SKIP(AXDR_OCTET_STRING, 4),
        PROFILE_SKIP(AXDR_OCTET_STRING, 5),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 1, 8, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 2, 8, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 3, 8, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 4, 8, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 1, 7, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 2, 7, 0, 0),
        PROFILE_SKIP(AXDR_OCTET_STRING, 0),
        PROFILE_SKIP(AXDR_OCTET_STRING, 0),
};

static const struct profile_item wels[] = {
        PROFILE_SKIP(AXDR_OCTET_STRING, 6),
        PROFILE_TEXT(0, 0, 0, 96, 1, 0),
        PROFILE_SKIP(AXDR_OCTET_STRING, 4),
        PROFILE_SKIP(AXDR_OCTET_STRING, 5),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 1, 8, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 2, 8, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 3, 8, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 4, 8, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 1, 7, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 2, 7, 0, 0),
};

static const struct profile_list lists[] = {
        PROFILE_LIST("IM350, 12 values", NULL, upper_austria),
        PROFILE_LIST("IM350, 10 values", NULL, wels),
};

static unsigned int claims(const struct telegram *t)
{
        return profile_made_by(t, "SMS") ? 20 : 0;
}

const struct meter_profile profile_siemens_im350 = {
        .name = "siemens-im350",
        .model = "Siemens IM350",
        .manufacturer = "SMS",
        .medium = "electricity",
        .line = { .baud = 115200, .bits = 8, .parity = PARITY_NONE, .stop = 1 },
        .max_power_w = 80000,
        .interval_s = 5,
        PROFILE_LISTS(lists),
        .claims = claims,
};
