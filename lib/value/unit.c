/* SPDX-License-Identifier: MIT */
/*
 * Units: of COSEM objects (IEC 62056-6-2 Table 4), of text telegrams, and, where a telegram gives
 * none, of the OBIS code itself (IEC 62056-6-1 §7.5).
 */
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/util.h"

const char *unit_name(enum unit unit)
{
        static const char *const names[] = {
                [UNIT_NONE] = "",
                [UNIT_UNKNOWN] = NULL,
                [UNIT_UNSAID] = NULL,
                [UNIT_LITRE] = "l",
                [UNIT_JOULE] = "J",
                [UNIT_W] = "W",
                [UNIT_VAR] = "var",
                [UNIT_VA] = "VA",
                [UNIT_WH] = "Wh",
                [UNIT_VARH] = "varh",
                [UNIT_VAH] = "VAh",
                [UNIT_V] = "V",
                [UNIT_A] = "A",
                [UNIT_HZ] = "Hz",
                [UNIT_DEGREE] = "°",
                [UNIT_M3] = "m³",
                [UNIT_M3_PER_HOUR] = "m³/h",
                [UNIT_GJ] = "GJ",
                [UNIT_CELSIUS] = "°C",
                [UNIT_SECOND] = "s",
                [UNIT_COUNT] = "",
        };

        return names[unit];
}

enum unit unit_of_cosem(uint8_t unit)
{
        switch (unit) {
        case 0: /* not in the table: a float of a list without units */
                return UNIT_UNSAID;
        case 7:
                return UNIT_SECOND;
        case 8:
                return UNIT_DEGREE;
        case 9:
                return UNIT_CELSIUS;
        case 13: /* m³ */
        case 14: /* m³, corrected */
                return UNIT_M3;
        case 15: /* m³/h */
        case 16: /* m³/h, corrected */
                return UNIT_M3_PER_HOUR;
        case 19:
                return UNIT_LITRE;
        case 25:
                return UNIT_JOULE;
        case 27:
                return UNIT_W;
        case 28:
                return UNIT_VA;
        case 29:
                return UNIT_VAR;
        case 30:
                return UNIT_WH;
        case 31:
                return UNIT_VAH;
        case 32:
                return UNIT_VARH;
        case 33:
                return UNIT_A;
        case 35:
                return UNIT_V;
        case 44:
                return UNIT_HZ;
        case 255: /* no unit: power factor */
                return UNIT_NONE;
        default:
                return UNIT_UNKNOWN;
        }
}

/* 1 Wh is 3600 J: five more digits than the register has, rounded. */
static int joule_to_wh(struct decimal *value)
{
        struct decimal wh = { 0, (int8_t)(value->exponent - 5) };
        int64_t product;

        if (wh.exponent < -DECIMAL_EXPONENT_MAX ||
            __builtin_mul_overflow(value->mantissa, 250, &product))
                return -ERANGE;
        wh.mantissa = (product + (product < 0 ? -4 : 4)) / 9;
        decimal_trim(&wh);
        *value = wh;
        return 0;
}

void unit_settle(struct obis obis, enum unit *unit, struct decimal *value)
{
        int r;

        if (*unit == UNIT_LITRE) {
                r = decimal_shift(*value, -3, value);
                *unit = r < 0 ? UNIT_UNKNOWN : UNIT_M3;
        } else if (*unit == UNIT_JOULE && obis.a == 1) {
                *unit = joule_to_wh(value) < 0 ? UNIT_UNKNOWN : UNIT_WH;
        } else if (*unit == UNIT_JOULE) {
                struct decimal trimmed = *value;

                decimal_trim(&trimmed); /* 777000000 J are 0.777 GJ */
                r = trimmed.mantissa ? decimal_shift(trimmed, -9, &trimmed) : 0;
                *unit = r < 0 ? UNIT_UNKNOWN : UNIT_GJ;
                if (r == 0)
                        *value = trimmed;
        }
}

bool unit_parse(const char *text, size_t len, enum unit *ret_unit, int8_t *ret_exponent)
{
        static const struct {
                const char *text;
                enum unit unit;
                int8_t exponent;
        } units[] = {
                { "kW", UNIT_W, 3 },
                { "W", UNIT_W, 0 },
                { "MW", UNIT_W, 6 },
                { "kWh", UNIT_WH, 3 },
                { "Wh", UNIT_WH, 0 },
                { "MWh", UNIT_WH, 6 },
                { "kvar", UNIT_VAR, 3 },
                { "var", UNIT_VAR, 0 },
                { "kvarh", UNIT_VARH, 3 },
                { "varh", UNIT_VARH, 0 },
                { "kVA", UNIT_VA, 3 },
                { "VA", UNIT_VA, 0 },
                { "kVAh", UNIT_VAH, 3 },
                { "VAh", UNIT_VAH, 0 },
                { "V", UNIT_V, 0 },
                { "kV", UNIT_V, 3 },
                { "A", UNIT_A, 0 },
                { "kA", UNIT_A, 3 },
                { "mA", UNIT_A, -3 },
                { "Hz", UNIT_HZ, 0 },
                { "kHz", UNIT_HZ, 3 },
                { "m3", UNIT_M3, 0 },
                { "m\xc2\xb3", UNIT_M3, 0 },
                { "dm3", UNIT_M3, -3 },
                { "l", UNIT_M3, -3 },
                { "GJ", UNIT_JOULE, 9 },
                { "MJ", UNIT_JOULE, 6 },
                { "kJ", UNIT_JOULE, 3 },
                { "J", UNIT_JOULE, 0 },
                { "deg", UNIT_DEGREE, 0 },
                { "\xc2\xb0", UNIT_DEGREE, 0 },
                { "s", UNIT_SECOND, 0 },
                { "\xc2\xb0"
                  "C",
                  UNIT_CELSIUS, 0 },
        };
        /* M and m differ (MW, mA); the rest is written in every mixture of case in the field. */
        for (size_t i = 0; i < ELEMENTSOF(units); i++) {
                const char *known = units[i].text;

                if (strlen(known) != len || strncasecmp(known, text, len) != 0)
                        continue;
                if ((known[0] == 'M') != (text[0] == 'M') && len > 1 && known[1] != '3' &&
                    (known[0] == 'M' || known[0] == 'm'))
                        continue;
                *ret_unit = units[i].unit;
                *ret_exponent = units[i].exponent;
                return true;
        }
        return false;
}

enum unit unit_of_obis(struct obis obis)
{
        bool energy = obis.d == 8 || obis.d == 9 || obis.d == 29;
        bool instant = obis.d >= 2 && obis.d <= 7;
        uint8_t c = obis_phaseless(obis.c);

        if (obis.a != 1 || (!energy && !instant))
                return UNIT_UNKNOWN;
        if (c == 1 || c == 2 || (c >= 15 && c <= 20))
                return energy ? UNIT_WH : UNIT_W;
        if (c >= 3 && c <= 8)
                return energy ? UNIT_VARH : UNIT_VAR;
        if (c == 9 || c == 10)
                return energy ? UNIT_VAH : UNIT_VA;
        if (!instant)
                return UNIT_UNKNOWN;
        if (c == 11 || c == 90 || c == 91)
                return UNIT_A;
        if (c == 12)
                return UNIT_V;
        if (c == 13)
                return UNIT_NONE;
        if (c == 14)
                return UNIT_HZ;
        return c == 81 ? UNIT_DEGREE : UNIT_UNKNOWN;
}
