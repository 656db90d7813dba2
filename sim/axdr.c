/* SPDX-License-Identifier: MIT */
#include "axdr.h"

#include <string.h>

void sim_axdr_array(struct sim_out *out, size_t n)
{
        sim_out_u8(out, 0x01);
        sim_out_length(out, n);
}

void sim_axdr_structure(struct sim_out *out, size_t n)
{
        sim_out_u8(out, 0x02);
        sim_out_length(out, n);
}

void sim_axdr_number(struct sim_out *out, enum sim_number type, int64_t value)
{
        sim_out_u8(out, type);
        switch (type) {
        case SIM_I8:
        case SIM_U8:
        case SIM_ENUM:
                sim_out_u8(out, (uint8_t)value);
                break;
        case SIM_I16:
        case SIM_U16:
                sim_out_be16(out, (uint16_t)value);
                break;
        case SIM_I32:
        case SIM_U32:
                sim_out_be32(out, (uint32_t)value);
                break;
        case SIM_I64:
        case SIM_U64:
                sim_out_be64(out, (uint64_t)value);
                break;
        }
}

void sim_axdr_octets(struct sim_out *out, const void *data, size_t len)
{
        sim_out_u8(out, 0x09);
        sim_out_length(out, len);
        sim_out_bytes(out, data, len);
}

void sim_axdr_octet_text(struct sim_out *out, const char *text)
{
        sim_axdr_octets(out, text, strlen(text));
}

void sim_axdr_visible(struct sim_out *out, const char *text)
{
        sim_out_u8(out, 0x0a);
        sim_out_length(out, strlen(text));
        sim_out_text(out, text);
}

void sim_axdr_scaler(struct sim_out *out, int exponent, uint8_t unit)
{
        sim_axdr_structure(out, 2);
        sim_axdr_number(out, SIM_I8, exponent);
        sim_axdr_number(out, SIM_ENUM, unit);
}

void sim_axdr_obis(struct sim_out *out, const uint8_t obis[static 6])
{
        sim_axdr_octets(out, obis, 6);
}

void sim_axdr_date_time(struct sim_out *out, const struct sim_clock *clock, enum sim_zone zone)
{
        sim_out_be16(out, (unsigned int)clock->year);
        sim_out_u8(out, (unsigned int)clock->month);
        sim_out_u8(out, (unsigned int)clock->day);
        sim_out_u8(out, (unsigned int)clock->weekday);
        sim_out_u8(out, (unsigned int)clock->hour);
        sim_out_u8(out, (unsigned int)clock->minute);
        sim_out_u8(out, (unsigned int)clock->second);
        sim_out_u8(out, zone == SIM_ZONE_OFFSET ? 0x00 : 0xff);
        /* Deviation is what is added to local time to get UTC: CET is -60. */
        sim_out_be16(out,
                     zone == SIM_ZONE_OFFSET ? (unsigned int)-clock->offset_min & 0xffff : 0x8000);
        sim_out_u8(out, zone != SIM_ZONE_NONE && clock->dst ? 0x80 : 0x00);
}
