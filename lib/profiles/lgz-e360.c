/* SPDX-License-Identifier: MIT */
/*
 * Landis+Gyr E360, P1 port: DLMS push list at 9600 8N1 (Switzerland), or P1 text at 115200 8N1
 * (Sweden, Denmark). Tenths of volts, currents in 0.01 A. Its push object is 0-6:25.9.0, the
 * E450's 0-8:25.9.0. PROTOCOL §5.3.
 */
#include "lib/profiles/profile-list.h"
#include "profiles.h"

static const struct profile_scale scales[] = {
        { 12, 7, -1, 0, NULL },
        { 11, 7, -2, -2, NULL },
        { 13, 7, -3, -3, NULL },
};

static unsigned int claims(const struct telegram *t)
{
        if (t->framing == LINK_P1)
                return profile_made_by(t, "LGF") && strstr(t->model, "E360") ? 40 : 0;
        if (!profile_made_by(t, "LGZ") || t->hints.wide)
                return 0;
        return t->hints.has_push && t->hints.push_channel == 6 ? 30 : 0;
}

const struct meter_profile profile_lgz_e360 = {
        .name = "lgz-e360",
        .model = "Landis+Gyr E360",
        .manufacturer = "LGZ",
        .medium = "electricity",
        .line = { .baud = 9600, .bits = 8, .parity = PARITY_NONE, .stop = 1 },
        .max_power_w = 80000,
        .interval_s = 5,
        PROFILE_SCALES(scales),
        .claims = claims,
};
