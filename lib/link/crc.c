/* SPDX-License-Identifier: MIT */
/*
 * Check sums, a byte per table look-up. A CRC is linear over XOR: the entry of a byte is the XOR of
 * the entries of its bits. So each table is told by the eight entries of its powers of two, which
 * can be checked by hand: entry 0x80 is the polynomial, each one before it is the next shifted on.
 */
#include "crc.h"

#define BIT(i, n, entry) ((i) >> (n)&1 ? (entry) : 0)

/* x16 + x12 + x5 + 1, bits reversed: 0x8408. */
#define CCITT(i)                                                                        \
        BIT(i, 0, 0x1189) ^ BIT(i, 1, 0x2312) ^ BIT(i, 2, 0x4624) ^ BIT(i, 3, 0x8c48) ^ \
                BIT(i, 4, 0x1081) ^ BIT(i, 5, 0x2102) ^ BIT(i, 6, 0x4204) ^ BIT(i, 7, 0x8408)

/* x16 + x15 + x2 + 1, bits reversed: 0xa001. */
#define ARC(i)                                                                          \
        BIT(i, 0, 0xc0c1) ^ BIT(i, 1, 0xc181) ^ BIT(i, 2, 0xc301) ^ BIT(i, 3, 0xc601) ^ \
                BIT(i, 4, 0xcc01) ^ BIT(i, 5, 0xd801) ^ BIT(i, 6, 0xf001) ^ BIT(i, 7, 0xa001)

#define ROW4(entry, i)  entry(i), entry(i + 1), entry(i + 2), entry(i + 3)
#define ROW16(entry, i) ROW4(entry, i), ROW4(entry, i + 4), ROW4(entry, i + 8), ROW4(entry, i + 12)
#define ROW64(entry, i) \
        ROW16(entry, i), ROW16(entry, i + 16), ROW16(entry, i + 32), ROW16(entry, i + 48)
#define TABLE(entry)                                                                    \
        {                                                                               \
                ROW64(entry, 0), ROW64(entry, 64), ROW64(entry, 128), ROW64(entry, 192) \
        }

static const uint16_t ccitt_table[256] = TABLE(CCITT);
static const uint16_t arc_table[256] = TABLE(ARC);

static inline uint16_t update(const uint16_t table[static 256], uint16_t crc, struct slice bytes)
{
        unsigned int c = crc;

        for (size_t i = 0; i < bytes.len; i++)
                c = c >> 8 ^ table[(c ^ bytes.data[i]) & 0xff];
        return (uint16_t)c;
}

uint16_t crc16_x25(struct slice bytes)
{
        return (uint16_t)~update(ccitt_table, 0xffff, bytes);
}

uint16_t crc16_kermit(struct slice bytes)
{
        return update(ccitt_table, 0, bytes);
}

uint16_t crc16_arc_update(uint16_t crc, struct slice bytes)
{
        return update(arc_table, crc, bytes);
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
