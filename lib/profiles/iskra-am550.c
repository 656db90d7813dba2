/* SPDX-License-Identifier: MIT */
/*
 * Iskraemeco AM550, P1 port at 115200 8N1 (38400 8N1 in parts of Slovenia) or infrared at 9600 8N1.
 * Push lists with objects, OBIS/value/scaler lists, and, in Austria and Slovenia, positional ones.
 * Tenths of volts, currents in 0.01 A. PROTOCOL §5.4.
 */
#include "lib/profiles/profile-list.h"
#include "profiles.h"

static const struct profile_scale scales[] = {
        { 12, 7, -1, 0, NULL },
        { 11, 7, -2, -2, NULL },
        { 13, 7, -3, -3, NULL },
};

/* Wiener Netze, infrared. */
static const struct profile_item vienna[] = {
        PROFILE_TIME,
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 1, 8, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 2, 8, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 3, 8, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 4, 8, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 1, 7, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 2, 7, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 3, 7, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 4, 7, 0, 0),
};

/* Slovenia, every 1 to 5 s, three phases. */
static const struct profile_item slovenia_18[] = {
        PROFILE_TEXT(16, 0, 0, 42, 0, 0),
        PROFILE_TEXT(0, 0, 0, 96, 1, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 1, 7, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 2, 7, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 3, 7, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 4, 7, 0, 0),
        PROFILE_READING(AXDR_LONG_UNSIGNED, 1, 0, 32, 7, 0, -1),
        PROFILE_READING(AXDR_LONG_UNSIGNED, 1, 0, 52, 7, 0, -1),
        PROFILE_READING(AXDR_LONG_UNSIGNED, 1, 0, 72, 7, 0, -1),
        PROFILE_READING(AXDR_LONG_UNSIGNED, 1, 0, 31, 7, 0, -2),
        PROFILE_READING(AXDR_LONG_UNSIGNED, 1, 0, 51, 7, 0, -2),
        PROFILE_READING(AXDR_LONG_UNSIGNED, 1, 0, 71, 7, 0, -2),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 21, 7, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 41, 7, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 61, 7, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 22, 7, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 42, 7, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 62, 7, 0, 0),
};

/* Slovenia, every 15 minutes: disconnector, tariff, energies. */
static const struct profile_item slovenia_energies[] = {
        PROFILE_TEXT(16, 0, 0, 42, 0, 0),
        PROFILE_TEXT(0, 0, 0, 96, 1, 0),
        PROFILE_STATE(AXDR_ENUM, 0, 0, 96, 3, 10),
        PROFILE_TEXT(2, 0, 0, 96, 14, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 1, 8, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 1, 8, 1, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 1, 8, 2, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 2, 8, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 2, 8, 1, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 2, 8, 2, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 3, 8, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 4, 8, 0, 0),
};

/* Elektro Celje: "UP_3f", the last two places are reactive powers of unknown order. */
static const struct profile_item celje[] = {
        PROFILE_TEXT(16, 0, 0, 42, 0, 0),
        PROFILE_SKIP(AXDR_OCTET_STRING, 5),
        PROFILE_READING(AXDR_LONG_UNSIGNED, 1, 0, 32, 7, 0, -1),
        PROFILE_READING(AXDR_LONG_UNSIGNED, 1, 0, 52, 7, 0, -1),
        PROFILE_READING(AXDR_LONG_UNSIGNED, 1, 0, 72, 7, 0, -1),
        PROFILE_READING(AXDR_LONG_UNSIGNED, 1, 0, 31, 7, 0, -2),
        PROFILE_READING(AXDR_LONG_UNSIGNED, 1, 0, 51, 7, 0, -2),
        PROFILE_READING(AXDR_LONG_UNSIGNED, 1, 0, 71, 7, 0, -2),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 1, 7, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 2, 7, 0, 0),
        PROFILE_SKIP(AXDR_DOUBLE_LONG_UNSIGNED, 0),
        PROFILE_SKIP(AXDR_DOUBLE_LONG_UNSIGNED, 0),
};

/* Slovenia, one phase (ED1.21): four places are not documented. */
static const struct profile_item slovenia_single[] = {
        PROFILE_TEXT(16, 0, 0, 42, 0, 0),
        PROFILE_TEXT(0, 0, 0, 96, 1, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 1, 7, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 2, 7, 0, 0),
        PROFILE_SKIP(AXDR_DOUBLE_LONG_UNSIGNED, 0),
        PROFILE_SKIP(AXDR_DOUBLE_LONG_UNSIGNED, 0),
        PROFILE_READING(AXDR_LONG_UNSIGNED, 1, 0, 32, 7, 0, -1),
        PROFILE_SKIP(PROFILE_NUMBER, 0),
        PROFILE_SKIP(PROFILE_NUMBER, 0),
};

/* Slovenia: powers and energies by tariff, no number of the meter. */
static const struct profile_item slovenia_9[] = {
        PROFILE_TEXT(16, 0, 0, 42, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 1, 7, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 2, 7, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 1, 8, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 1, 8, 1, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 1, 8, 2, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 2, 8, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 2, 8, 1, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 2, 8, 2, 0),
};

/* Slovenia, one phase with reactive power. */
static const struct profile_item slovenia_10[] = {
        PROFILE_TEXT(16, 0, 0, 42, 0, 0),
        PROFILE_TEXT(0, 0, 0, 96, 1, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 1, 7, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 2, 7, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 3, 7, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 4, 7, 0, 0),
        PROFILE_READING(AXDR_LONG_UNSIGNED, 1, 0, 32, 7, 0, -1),
        PROFILE_READING(AXDR_LONG_UNSIGNED, 1, 0, 31, 7, 0, -2),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 21, 7, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 22, 7, 0, 0),
};

/* Slovenia, every 15 minutes, one phase. */
static const struct profile_item slovenia_4[] = {
        PROFILE_TEXT(0, 0, 0, 96, 1, 0),
        PROFILE_SKIP(AXDR_UNSIGNED, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 1, 8, 0, 0),
        PROFILE_READING(AXDR_DOUBLE_LONG_UNSIGNED, 1, 0, 2, 8, 0, 0),
};

static const struct profile_list lists[] = {
        PROFILE_LIST("AM550 Wiener Netze", NULL, vienna),
        PROFILE_LIST("AM550 Slovenia, 18 values", NULL, slovenia_18),
        PROFILE_LIST("AM550 Slovenia, 15 minutes", NULL, slovenia_energies),
        PROFILE_LIST("AM550 Celje", NULL, celje),
        PROFILE_LIST("AM550 Slovenia, one phase", NULL, slovenia_single),
        PROFILE_LIST("AM550 Slovenia, 9 values", NULL, slovenia_9),
        PROFILE_LIST("AM550 Slovenia, one phase, 10 values", NULL, slovenia_10),
        PROFILE_LIST("AM550 Slovenia, 4 values", NULL, slovenia_4),
};

static unsigned int claims(const struct telegram *t)
{
        if (!profile_made_by(t, "ISK"))
                return 0;
        if (t->framing == LINK_P1)
                return strstr(t->model, "AM550") ? 40 : 0;
        return t->framing == LINK_HDLC || t->framing == LINK_RAW ? 20 : 0;
}

const struct meter_profile profile_iskra_am550 = {
        .name = "iskra-am550",
        .model = "Iskraemeco AM550",
        .manufacturer = "ISK",
        .medium = "electricity",
        .line = { .baud = 115200, .bits = 8, .parity = PARITY_NONE, .stop = 1 },
        .max_power_w = 80000,
        .interval_s = 5,
        PROFILE_SCALES(scales),
        PROFILE_LISTS(lists),
        .claims = claims,
};
