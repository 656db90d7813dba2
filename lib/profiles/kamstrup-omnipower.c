/* SPDX-License-Identifier: MIT */
/*
 * Kamstrup OMNIPOWER with HAN-NVE module, M-Bus wires at 2400 8N1: OBIS/value pairs under the id
 * Kamstrup_V0001. Energies count 10 Wh, except in Sweden (type numbers that end in 092), volts are
 * whole, currents 0.01 A, or mA behind current transformers. PROTOCOL §5.5.
 */
#include "lib/profiles/profile-list.h"
#include "profiles.h"

static const struct profile_scale scales[] = {
        { 12, 7, 0, -1, NULL }, { 11, 7, -2, -3, NULL }, { 13, 7, -2, -2, NULL },
        { 0, 8, 0, 0, "092" },  { 0, 8, 1, 1, NULL },
};

static unsigned int claims(const struct telegram *t)
{
        if (strncmp(t->hints.list_id, "Kamstrup_V", 10) == 0)
                return 50;
        return profile_made_by(t, "KAM") && t->framing != LINK_P1 ? 20 : 0;
}

const struct meter_profile profile_kamstrup_omnipower = {
        .name = "kamstrup-omnipower",
        .model = "Kamstrup OMNIPOWER",
        .manufacturer = "KAM",
        .medium = "electricity",
        .line = { .baud = 2400, .bits = 8, .parity = PARITY_NONE, .stop = 1 },
        .max_power_w = 80000,
        .interval_s = 10,
        PROFILE_SCALES(scales),
        .claims = claims,
};
