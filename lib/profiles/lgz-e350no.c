/* SPDX-License-Identifier: MIT */
/*
 * Landis+Gyr E350 with the Norwegian HAN module (EMBRIQ_V1_1): Aidon's layout, 2400 8E1.
 */
#include "lib/profiles/profile-list.h"
#include "profiles.h"

static unsigned int claims(const struct telegram *t)
{
        return profile_list_version(t, "EMBRIQ_") ? 50 : 0;
}

const struct meter_profile profile_lgz_e350no = {
        .name = "lgz-e350no",
        .model = "Landis+Gyr E350",
        .manufacturer = "LGZ",
        .medium = "electricity",
        .line = { .baud = 2400, .bits = 8, .parity = PARITY_EVEN, .stop = 1 },
        .max_power_w = 80000,
        .interval_s = 10,
        .claims = claims,
};
