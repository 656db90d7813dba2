/* SPDX-License-Identifier: MIT */
/*
 * OBIS codes: six value groups A-B:C.D.E*F that name what a number means (IEC 62056-6-1).
 * A medium, B channel, C quantity, D processing, E tariff, F billing period (255: not used).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reader.h"

#define OBIS_TEXT_MAX 24 /* "255-255:255.255.255*255" and its NUL */

struct obis {
        uint8_t a, b, c, d, e, f;
};

/* OBIS(1, 0, 1, 7, 0, 255): the value, also in static initialisers. */
#define OBIS_OF(a, b, c, d, e, f) \
        {                         \
                a, b, c, d, e, f  \
        }

static inline bool obis_equal(struct obis x, struct obis y)
{
        return memcmp(&x, &y, sizeof(x)) == 0; /* six bytes, no padding */
}

/* True when C, D and E agree: one quantity, on whichever medium channel (docs/protocol.md §4.2). */
static inline bool obis_same_quantity(struct obis x, struct obis y)
{
        return x.c == y.c && x.d == y.d && x.e == y.e;
}

/* Group C without its phase: 21..40 is L1, 41..60 L2, 61..80 L3 of 1..20 (IEC 62056-6-1 §7.5). */
static inline uint8_t obis_phaseless(uint8_t c)
{
        return c > 20 && c <= 80 ? (uint8_t)((c - 1) % 20 + 1) : c;
}

/*
 * The medium that group A names (IEC 62056-6-1 §5.2): "electricity", "heat-cost", "cooling",
 * "heat", "gas", "water"; NULL for abstract and unknown ones. Static storage.
 */
const char *obis_medium(uint8_t a);

/* The six bytes of a logical name. */
static inline struct obis obis_of_bytes(const uint8_t bytes[6])
{
        return (struct obis){ bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5] };
}

/*
 * Reads "A-B:C.D.E", "A-B:C.D.E*F", "C.D.E", "C.D", "A.B.C.D.E.F", whole or as the head of `text`.
 * Missing groups become A=1, B=0, E=0, F=255 (IEC 62056-21 short form). Returns the number of
 * bytes read (> 0) or -EINVAL.
 */
int obis_parse(struct slice text, struct obis *ret);

/* Prints "A-B:C.D.E", "*F" behind it unless F is 255. `buf`: OBIS_TEXT_MAX. Returns `buf`. */
char *obis_print(struct obis obis, char buf[static OBIS_TEXT_MAX]);

/* Prints "C.D.E" alone, whatever the other groups are. Returns the end, where the NUL is. */
char *obis_print_quantity(struct obis obis, char buf[static OBIS_TEXT_MAX]);
