/* SPDX-License-Identifier: MIT */
/*
 * Landis+Gyr E570, transformer-operated: the E450's lists with registers of 64 bits, and currents
 * in whole amperes. PROTOCOL §5.2.
 */
#include "lib/profiles/profile-list.h"
#include "profiles.h"

static const struct profile_scale scales[] = {
        { 12, 7, 0, -1, NULL },
        { 11, 7, 0, 0, NULL },
        { 13, 7, -3, -3, NULL },
};

static unsigned int claims(const struct telegram *t)
{
        return profile_made_by(t, "LGZ") && t->hints.wide ? 40 : 0;
}

const struct meter_profile profile_lgz_e570 = {
        .name = "lgz-e570",
        .model = "Landis+Gyr E570",
        .manufacturer = "LGZ",
        .medium = "electricity",
        .line = { .baud = 2400, .bits = 8, .parity = PARITY_EVEN, .stop = 1 },
        .max_power_w = 10000000, /* behind current transformers */
        .interval_s = 5,
        PROFILE_SCALES(scales),
        .claims = claims,
};
