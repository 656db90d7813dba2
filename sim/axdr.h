/* SPDX-License-Identifier: MIT */
/*
 * A-XDR values as bytes (IEC 61334-6; tags of IEC 62056-5-3). The writing half of lib/value/axdr.h,
 * and on purpose without its tables.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "out.h"

/* Tags of numbers, and how many bytes they take. */
enum sim_number {
        SIM_I32 = 0x05,
        SIM_U32 = 0x06,
        SIM_I8 = 0x0f,
        SIM_I16 = 0x10,
        SIM_U8 = 0x11,
        SIM_U16 = 0x12,
        SIM_I64 = 0x14,
        SIM_U64 = 0x15,
        SIM_ENUM = 0x16,
};

void sim_axdr_array(struct sim_out *out, size_t n);
void sim_axdr_structure(struct sim_out *out, size_t n);

/* The value is cut to the width of its type. */
void sim_axdr_number(struct sim_out *out, enum sim_number type, int64_t value);
void sim_axdr_octets(struct sim_out *out, const void *data, size_t len);
void sim_axdr_octet_text(struct sim_out *out, const char *text);
void sim_axdr_visible(struct sim_out *out, const char *text);

/* structure { integer, enum }: scaler and COSEM unit (IEC 62056-6-2, Register). */
void sim_axdr_scaler(struct sim_out *out, int exponent, uint8_t unit);

/* Six bytes of a logical name as an octet string. */
void sim_axdr_obis(struct sim_out *out, const uint8_t obis[static 6]);

/* How the time of a telegram gives (or hides) its offset to UTC (IEC 62056-6-2 §4.1.6.1). */
enum sim_zone {
        SIM_ZONE_NONE,    /* deviation 8000, no DST bit */
        SIM_ZONE_DST_BIT, /* deviation 8000, status has summer time */
        SIM_ZONE_OFFSET,  /* deviation and status */
};

/* The 12 bytes of a date-time, without tag and length. */
void sim_axdr_date_time(struct sim_out *out, const struct sim_clock *clock, enum sim_zone zone);
