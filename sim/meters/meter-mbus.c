/* SPDX-License-Identifier: MIT */
/*
 * Meters of Lower Austria: M-Bus long frames, always ciphered, layout C with scaler and unit. Kaifa
 * sends frames of 250; old Sagemcom firmware sends 257 and lets the length field overflow.
 */
#include "base/util.h"
#include "sim/frames.h"
#include "sim/layout.h"
#include "sim/profiles.h"

enum {
        UNIT_W = 27,
        UNIT_WH = 30,
        UNIT_A = 33,
        UNIT_V = 35,
        UNIT_NONE = 255
};

#define OBJECT(c, d, type_, exponent_, unit_)                                         \
        {                                                                             \
                .obis = { 1, 0, c, d, 0, 255 }, .type = type_, .exponent = exponent_, \
                .unit = unit_                                                         \
        }

static const struct sim_item items[] = {
        { .kind = SIM_ITEM_CLOCK },         OBJECT(1, 8, SIM_U32, 0, UNIT_WH),
        OBJECT(2, 8, SIM_U32, 0, UNIT_WH),  OBJECT(1, 7, SIM_U32, 0, UNIT_W),
        OBJECT(2, 7, SIM_U32, 0, UNIT_W),   OBJECT(32, 7, SIM_U16, -1, UNIT_V),
        OBJECT(52, 7, SIM_U16, -1, UNIT_V), OBJECT(72, 7, SIM_U16, -1, UNIT_V),
        OBJECT(31, 7, SIM_U16, -2, UNIT_A), OBJECT(51, 7, SIM_U16, -2, UNIT_A),
        OBJECT(71, 7, SIM_U16, -2, UNIT_A), OBJECT(13, 7, SIM_I16, -3, UNIT_NONE),
        { .kind = SIM_ITEM_BARE_SERIAL },
};

static int encode(struct sim_meter *meter, struct sim_telegram *t, const struct sim_mbus *link)
{
        struct sim_out apdu = { 0 };

        sim_layout_header(&apdu, meter, t, SIM_HEADER_PLAIN, SIM_ZONE_OFFSET);
        sim_layout_flat(&apdu, meter, t, items, ELEMENTSOF(items));
        return sim_frames_mbus(meter, t, link, &apdu);
}

static int encode_kaifa(struct sim_meter *meter, struct sim_telegram *t)
{
        return encode(meter, t, &(struct sim_mbus){ .length = 250 });
}

static int encode_sagemcom(struct sim_meter *meter, struct sim_telegram *t)
{
        return encode(meter, t, &(struct sim_mbus){ .length = 257 });
}

const struct sim_profile sim_profile_kaifa_ma309 = {
        .name = "kaifa-ma309",
        .title = "Kaifa MA309M, Lower Austria (M-Bus), always encrypted",
        .line = { .baud = 2400, .bits = 8, .parity = 'E', .stop = 1 },
        .interval_s = 5,
        .frame_gap_ms = 160,
        .id_prefix = "181220",
        .flag = "KFM",
        .control = 0x20,
        .always_ciphered = true,
        .encode = encode_kaifa,
};

const struct sim_profile sim_profile_sagemcom_t210d = {
        .name = "sagemcom-t210d",
        .title = "Sagemcom T210-D, Lower Austria (M-Bus, overflowing length), always encrypted",
        .line = { .baud = 2400, .bits = 8, .parity = 'E', .stop = 1 },
        .interval_s = 5,
        .frame_gap_ms = 160,
        .id_prefix = "180121",
        .flag = "SAG",
        .control = 0x20,
        .always_ciphered = true,
        .encode = encode_sagemcom,
};
