/* SPDX-License-Identifier: MIT */
/*
 * Kaifa MA110, MA309 of Austria (Lower Austria, Tyrol, Salzburg, Vorarlberg): M-Bus segments at
 * 2400 8E1, ciphered, every scale on the wire. PROTOCOL §5.6.
 */
#include "lib/profiles/profile-list.h"
#include "profiles.h"

static unsigned int claims(const struct telegram *t)
{
        return profile_made_by(t, "KFM") && t->framing != LINK_P1 ? 20 : 0;
}

const struct meter_profile profile_kaifa_ma309 = {
        .name = "kaifa-ma309",
        .model = "Kaifa MA309",
        .manufacturer = "KFM",
        .medium = "electricity",
        .line = { .baud = 2400, .bits = 8, .parity = PARITY_EVEN, .stop = 1 },
        .max_power_w = 80000,
        .interval_s = 5,
        .claims = claims,
};
