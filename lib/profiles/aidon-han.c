/* SPDX-License-Identifier: MIT */
/*
 * Aidon 6515, 6525, 6534 of Norway and Sweden, HAN at 2400 8E1: OBIS/value/scaler lists under the
 * id AIDON_V0001. PROTOCOL §5.6.
 */
#include "lib/profiles/profile-list.h"
#include "profiles.h"

static unsigned int claims(const struct telegram *t)
{
        return profile_list_version(t, "AIDON_") ? 50 : 0;
}

const struct meter_profile profile_aidon_han = {
        .name = "aidon-han",
        .model = "Aidon 6000 series",
        .manufacturer = "AID",
        .medium = "electricity",
        .line = { .baud = 2400, .bits = 8, .parity = PARITY_EVEN, .stop = 1 },
        .max_power_w = 80000,
        .interval_s = 10,
        .claims = claims,
};
