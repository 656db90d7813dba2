/* SPDX-License-Identifier: MIT */
/*
 * Check sums, a byte per table look-up, two bytes per step. A CRC is linear over XOR: the entry of
 * a byte is the XOR of the entries of its bits. So each table follows from the eight entries of its
 * powers of two, which can be checked by hand: entry 0x80 is the polynomial, each one before it is
 * the next shifted on. The second table of each, of a byte that another one follows, goes on from
 * there: its entry 0x80 is entry 1 of the first, shifted on.
 */
#include "crc.h"

#include <endian.h>
#include <string.h>

#define BIT(i, n, entry) ((i) >> (n)&1 ? (entry) : 0)

/* x16 + x12 + x5 + 1, bits reversed: 0x8408. */
#define CCITT(i)                                                                        \
        BIT(i, 0, 0x1189) ^ BIT(i, 1, 0x2312) ^ BIT(i, 2, 0x4624) ^ BIT(i, 3, 0x8c48) ^ \
                BIT(i, 4, 0x1081) ^ BIT(i, 5, 0x2102) ^ BIT(i, 6, 0x4204) ^ BIT(i, 7, 0x8408)

#define CCITT_FOLLOWED(i)                                                               \
        BIT(i, 0, 0x19d8) ^ BIT(i, 1, 0x33b0) ^ BIT(i, 2, 0x6760) ^ BIT(i, 3, 0xcec0) ^ \
                BIT(i, 4, 0x9591) ^ BIT(i, 5, 0x2333) ^ BIT(i, 6, 0x4666) ^ BIT(i, 7, 0x8ccc)

/* x16 + x15 + x2 + 1, bits reversed: 0xa001. */
#define ARC(i)                                                                          \
        BIT(i, 0, 0xc0c1) ^ BIT(i, 1, 0xc181) ^ BIT(i, 2, 0xc301) ^ BIT(i, 3, 0xc601) ^ \
                BIT(i, 4, 0xcc01) ^ BIT(i, 5, 0xd801) ^ BIT(i, 6, 0xf001) ^ BIT(i, 7, 0xa001)

#define ARC_FOLLOWED(i)                                                                 \
        BIT(i, 0, 0x9001) ^ BIT(i, 1, 0x6001) ^ BIT(i, 2, 0xc002) ^ BIT(i, 3, 0xc007) ^ \
                BIT(i, 4, 0xc00d) ^ BIT(i, 5, 0xc019) ^ BIT(i, 6, 0xc031) ^ BIT(i, 7, 0xc061)

#define ROW4(entry, i)  entry(i), entry(i + 1), entry(i + 2), entry(i + 3)
#define ROW16(entry, i) ROW4(entry, i), ROW4(entry, i + 4), ROW4(entry, i + 8), ROW4(entry, i + 12)
#define ROW64(entry, i) \
        ROW16(entry, i), ROW16(entry, i + 16), ROW16(entry, i + 32), ROW16(entry, i + 48)
#define TABLE(entry)                                                                    \
        {                                                                               \
                ROW64(entry, 0), ROW64(entry, 64), ROW64(entry, 128), ROW64(entry, 192) \
        }

struct tables {
        uint16_t of[256], followed[256];
};

static const struct tables ccitt = { TABLE(CCITT), TABLE(CCITT_FOLLOWED) };
static const struct tables arc = { TABLE(ARC), TABLE(ARC_FOLLOWED) };

/* Each step waits for the one before it: with two bytes there are half as many. */
static inline uint16_t update(const struct tables *table, uint16_t crc, struct slice bytes)
{
        unsigned int c = crc;
        uint16_t pair;
        size_t i = 0;

        for (; bytes.len - i >= sizeof(pair); i += sizeof(pair)) {
                memcpy(&pair, bytes.data + i, sizeof(pair));
                c ^= le16toh(pair);
                c = table->followed[c & 0xff] ^ table->of[c >> 8];
        }
        if (i < bytes.len)
                c = c >> 8 ^ table->of[(c ^ bytes.data[i]) & 0xff];
        return (uint16_t)c;
}

uint16_t crc16_x25(struct slice bytes)
{
        return (uint16_t)~update(&ccitt, 0xffff, bytes);
}

uint16_t crc16_kermit(struct slice bytes)
{
        return update(&ccitt, 0, bytes);
}

uint16_t crc16_arc_update(uint16_t crc, struct slice bytes)
{
        return update(&arc, crc, bytes);
}

uint16_t crc16_arc(struct slice bytes)
{
        return crc16_arc_update(CRC16_ARC_INIT, bytes);
}

uint8_t crc_mbus_sum(struct slice bytes)
{
        unsigned int sum = 0;

        for (size_t i = 0; i < bytes.len; i++)
                sum += bytes.data[i];
        return (uint8_t)sum;
}
