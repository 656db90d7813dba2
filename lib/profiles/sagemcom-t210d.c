/* SPDX-License-Identifier: MIT */
/*
 * Sagemcom T210-D of Lower Austria: M-Bus segments at 2400 8E1, the length field of early firmware
 * overflown. Its Luxembourg and Styrian brothers write ciphered P1 text. PROTOCOL §2.4, §2.5.
 */
#include "lib/profiles/profile-list.h"
#include "profiles.h"

static unsigned int claims(const struct telegram *t)
{
        return profile_made_by(t, "SAG") && t->has_system_title ? 20 : 0;
}

const struct meter_profile profile_sagemcom_t210d = {
        .name = "sagemcom-t210d",
        .model = "Sagemcom T210-D",
        .manufacturer = "SAG",
        .medium = "electricity",
        .line = { .baud = 2400, .bits = 8, .parity = PARITY_EVEN, .stop = 1 },
        .max_power_w = 80000,
        .interval_s = 5,
        .claims = claims,
};
