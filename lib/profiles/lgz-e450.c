/* SPDX-License-Identifier: MIT */
/*
 * Landis+Gyr E450, customer interface on M-Bus (2400 8E1) or infrared (9600 8N1). Push lists with
 * objects in block transfer (Swiss, Cypriot, Carinthian utilities), OBIS/value pairs (Styria), and
 * a positional list (Netz Burgenland). PROTOCOL §5.1; volts whole, currents in 0.01 A.
 */
#include "lib/profiles/profile-list.h"
#include "profiles.h"

static const struct profile_scale scales[] = {
        { 12, 7, 0, -1, NULL },
        { 11, 7, -2, -2, NULL },
        { 13, 7, -3, -3, NULL },
};

/* Netz Burgenland "Kundenschnittstelle": three places at the end have no published meaning. */
static const struct profile_item burgenland[] = {
        PROFILE_READING(AXDR_LONG_UNSIGNED, 1, 0, 32, 7, 0, 0),
        PROFILE_READING(AXDR_LONG_UNSIGNED, 1, 0, 52, 7, 0, 0),
        PROFILE_READING(AXDR_LONG_UNSIGNED, 1, 0, 72, 7, 0, 0),
        PROFILE_READING(AXDR_LONG_UNSIGNED, 1, 0, 31, 7, 0, -2),
        PROFILE_READING(AXDR_LONG_UNSIGNED, 1, 0, 51, 7, 0, -2),
        PROFILE_READING(AXDR_LONG_UNSIGNED, 1, 0, 71, 7, 0, -2),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 1, 7, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 2, 7, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 1, 8, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 2, 8, 0, 0),
        PROFILE_SKIP(PROFILE_NUMBER, 0),
        PROFILE_SKIP(PROFILE_NUMBER, 0),
        PROFILE_SKIP(PROFILE_NUMBER, 0),
        PROFILE_TEXT(0, 0, 0, 96, 1, 0),
};

static const struct profile_list lists[] = {
        PROFILE_LIST("E450 Burgenland", NULL, burgenland),
};

static unsigned int claims(const struct telegram *t)
{
        bool ours = profile_made_by(t, "LGZ");
        /* Several pushes of one meter: 0-8, 0-9, 0-11:25.9.0. The P1 ports of others use 0-6. */
        bool m_bus_port = t->hints.has_push && t->hints.push_channel >= 8;

        if (t->hints.wide || (t->manufacturer[0] && !ours))
                return 0;
        return (ours ? 10u : 0u) + (m_bus_port ? 10u : 0u);
}

const struct meter_profile profile_lgz_e450 = {
        .name = "lgz-e450",
        .model = "Landis+Gyr E450",
        .manufacturer = "LGZ",
        .medium = "electricity",
        .line = { .baud = 2400, .bits = 8, .parity = PARITY_EVEN, .stop = 1 },
        .max_power_w = 80000, /* 3 × 230 V × 100 A, and some */
        .interval_s = 5,
        PROFILE_SCALES(scales),
        PROFILE_LISTS(lists),
        .claims = claims,
};
