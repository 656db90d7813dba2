/* SPDX-License-Identifier: MIT */
#include "crc.h"

static uint16_t crc_reflected(uint16_t polynomial, uint16_t crc, const uint8_t *data, size_t len)
{
        for (size_t i = 0; i < len; i++) {
                crc = (uint16_t)(crc ^ data[i]);
                for (int bit = 0; bit < 8; bit++)
                        crc = (uint16_t)((crc & 1) ? (crc >> 1) ^ polynomial : crc >> 1);
        }
        return crc;
}

uint16_t sim_crc_x25(const void *data, size_t len)
{
        return (uint16_t)~crc_reflected(0x8408, 0xffff, data, len);
}

uint16_t sim_crc_arc(const void *data, size_t len)
{
        return crc_reflected(0xa001, 0, data, len);
}
