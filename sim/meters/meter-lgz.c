/* SPDX-License-Identifier: MIT */
/*
 * Landis+Gyr E450, E570 and E360 with the Swiss (VSE) push list: layout A. E450 and E570 cut it
 * into general-block-transfer blocks, one per HDLC frame; E360 sends one long frame.
 */
#include "base/util.h"
#include "sim/frames.h"
#include "sim/layout.h"
#include "sim/profiles.h"

#define PUSH(b, attribute_)                                                             \
        {                                                                               \
                .obis = { 0, b, 25, 9, 0, 255 }, .kind = SIM_ITEM_PUSH, .class_id = 40, \
                .attribute = attribute_                                                 \
        }
#define NAME()                                                                         \
        {                                                                              \
                .obis = { 0, 0, 42, 0, 0, 255 }, .kind = SIM_ITEM_NAME, .class_id = 1, \
                .attribute = 2                                                         \
        }
#define SERIAL()                                                                         \
        {                                                                                \
                .obis = { 0, 0, 96, 1, 1, 255 }, .kind = SIM_ITEM_SERIAL, .class_id = 1, \
                .attribute = 2                                                           \
        }
#define CLOCK()                                                                        \
        {                                                                              \
                .obis = { 0, 0, 1, 0, 0, 255 }, .kind = SIM_ITEM_CLOCK, .class_id = 8, \
                .attribute = 2                                                         \
        }
#define REGISTER(b, c, d, type_, exponent_)                                           \
        {                                                                             \
                .obis = { 1, b, c, d, 0, 255 }, .type = type_, .exponent = exponent_, \
                .class_id = 3, .attribute = 2                                         \
        }

static const struct sim_item e450_items[] = {
        PUSH(8, 2),
        PUSH(8, 1),
        NAME(),
        SERIAL(),
        CLOCK(),
        REGISTER(1, 1, 8, SIM_U32, 0),
        REGISTER(1, 2, 8, SIM_U32, 0),
        REGISTER(1, 3, 8, SIM_U32, 0),
        REGISTER(1, 4, 8, SIM_U32, 0),
        REGISTER(0, 1, 7, SIM_U32, 0),
        REGISTER(0, 2, 7, SIM_U32, 0),
        REGISTER(0, 32, 7, SIM_U16, 0),
        REGISTER(0, 52, 7, SIM_U16, 0),
        REGISTER(0, 72, 7, SIM_U16, 0),
        REGISTER(0, 31, 7, SIM_U16, -2),
        REGISTER(0, 51, 7, SIM_U16, -2),
        REGISTER(0, 71, 7, SIM_U16, -2),
};

/* 64-bit registers; currents of a transformer meter in whole amperes (docs/protocol.md §9.2). */
static const struct sim_item e570_items[] = {
        PUSH(8, 2),
        NAME(),
        REGISTER(1, 1, 8, SIM_U64, 0),
        REGISTER(1, 2, 8, SIM_U64, 0),
        REGISTER(1, 3, 8, SIM_U64, 0),
        REGISTER(1, 4, 8, SIM_U64, 0),
        REGISTER(0, 1, 7, SIM_I64, 0),
        REGISTER(0, 2, 7, SIM_I64, 0),
        REGISTER(0, 32, 7, SIM_I64, 0),
        REGISTER(0, 52, 7, SIM_I64, 0),
        REGISTER(0, 72, 7, SIM_I64, 0),
        REGISTER(0, 31, 7, SIM_I64, 0),
        REGISTER(0, 51, 7, SIM_I64, 0),
        REGISTER(0, 71, 7, SIM_I64, 0),
};

/* Voltages in the order L1, L3, L2, as the real one sends them. */
static const struct sim_item e360_items[] = {
        PUSH(6, 2),
        NAME(),
        REGISTER(1, 1, 8, SIM_U32, 0),
        REGISTER(1, 2, 8, SIM_U32, 0),
        REGISTER(1, 3, 8, SIM_U32, 0),
        REGISTER(1, 4, 8, SIM_U32, 0),
        REGISTER(0, 1, 7, SIM_U32, 0),
        REGISTER(0, 2, 7, SIM_U32, 0),
        REGISTER(0, 32, 7, SIM_U16, -1),
        REGISTER(0, 72, 7, SIM_U16, -1),
        REGISTER(0, 52, 7, SIM_U16, -1),
        REGISTER(0, 31, 7, SIM_U16, -2),
        REGISTER(0, 51, 7, SIM_U16, -2),
        REGISTER(0, 71, 7, SIM_U16, -2),
};

#define PAIR(c, d, e)                                           \
        {                                                       \
                .obis = { 1, 0, c, d, e, 255 }, .type = SIM_U32 \
        }

/* Styria: layout D behind a clock, no meter id, encrypted in block transfer (docs/protocol.md
 * §9.1). */
static const struct sim_item e450_pairs[] = {
        { .kind = SIM_ITEM_CLOCK },
        PAIR(1, 8, 0),
        PAIR(1, 8, 1),
        PAIR(1, 8, 2),
        PAIR(1, 7, 0),
        PAIR(2, 8, 0),
        PAIR(2, 8, 1),
        PAIR(2, 8, 2),
        PAIR(2, 7, 0),
        PAIR(3, 8, 0),
        PAIR(3, 8, 1),
        PAIR(3, 8, 2),
        PAIR(3, 7, 0),
        PAIR(4, 8, 0),
        PAIR(4, 8, 1),
        PAIR(4, 8, 2),
        PAIR(4, 7, 0),
};

/* Burgenland: layout E in a single frame. */
static const struct sim_item e450_values[] = {
        REGISTER(0, 32, 7, SIM_U16, 0),
        REGISTER(0, 52, 7, SIM_U16, 0),
        REGISTER(0, 72, 7, SIM_U16, 0),
        REGISTER(0, 31, 7, SIM_U16, -2),
        REGISTER(0, 51, 7, SIM_U16, -2),
        REGISTER(0, 71, 7, SIM_U16, -2),
        REGISTER(0, 1, 7, SIM_U32, 0),
        REGISTER(0, 2, 7, SIM_U32, 0),
        REGISTER(0, 1, 8, SIM_U32, 0),
        REGISTER(0, 2, 8, SIM_U32, 0),
        { .kind = SIM_ITEM_FIXED, .type = SIM_U16, .fixed = 1000 },
        { .kind = SIM_ITEM_FIXED, .type = SIM_U16, .fixed = 990 },
        { .kind = SIM_ITEM_FIXED, .type = SIM_U16, .fixed = 1000 },
        { .obis = { 0, 0, 96, 1, 0, 255 }, .kind = SIM_ITEM_SERIAL },
};

static const struct sim_hdlc e450_link = {
        .dst = { 0xce, 0xff },
        .dst_len = 2,
        .src = { 0x03 },
        .src_len = 1,
        .control = 0x13,
};

static const struct sim_hdlc e570_link = {
        .dst = { 0xce, 0xfd },
        .dst_len = 2,
        .src = { 0x03 },
        .src_len = 1,
        .control = 0x13,
};

static const struct sim_hdlc e360_link = {
        .dst = { 0xcf },
        .dst_len = 1,
        .src = { 0x03 },
        .src_len = 1,
        .control = 0x13,
};

static int encode_e450(struct sim_meter *meter, struct sim_telegram *t)
{
        struct sim_out apdu = { 0 };

        sim_layout_header(&apdu, meter, t, SIM_HEADER_PLAIN, SIM_ZONE_DST_BIT);
        sim_layout_push(&apdu, meter, t, e450_items, ELEMENTSOF(e450_items));
        return sim_frames_gbt(meter, t, &e450_link, &apdu);
}

static int encode_e450_pairs(struct sim_meter *meter, struct sim_telegram *t)
{
        struct sim_out apdu = { 0 };

        sim_layout_header(&apdu, meter, t, SIM_HEADER_PLAIN, SIM_ZONE_DST_BIT);
        sim_layout_pairs(&apdu, meter, t, e450_pairs, ELEMENTSOF(e450_pairs));
        return sim_frames_gbt(meter, t, &e450_link, &apdu);
}

static int encode_e450_values(struct sim_meter *meter, struct sim_telegram *t)
{
        struct sim_out apdu = { 0 };

        sim_layout_header(&apdu, meter, t, SIM_HEADER_PLAIN, SIM_ZONE_DST_BIT);
        sim_layout_positional(&apdu, meter, t, e450_values, ELEMENTSOF(e450_values));
        return sim_frames_hdlc(meter, t, &e450_link, &apdu);
}

static int encode_e570(struct sim_meter *meter, struct sim_telegram *t)
{
        struct sim_out apdu = { 0 };

        sim_layout_header(&apdu, meter, t, SIM_HEADER_PLAIN, SIM_ZONE_NONE);
        sim_layout_push(&apdu, meter, t, e570_items, ELEMENTSOF(e570_items));
        return sim_frames_gbt(meter, t, &e570_link, &apdu);
}

static int encode_e360(struct sim_meter *meter, struct sim_telegram *t)
{
        struct sim_out apdu = { 0 };

        sim_layout_header(&apdu, meter, t, SIM_HEADER_PLAIN, SIM_ZONE_OFFSET);
        sim_layout_push(&apdu, meter, t, e360_items, ELEMENTSOF(e360_items));
        return sim_frames_hdlc(meter, t, &e360_link, &apdu);
}

const struct sim_profile sim_profile_lgz_e450 = {
        .name = "lgz-e450",
        .title = "Landis+Gyr E450, Swiss list (HDLC, general block transfer)",
        .line = { .baud = 2400, .bits = 8, .parity = 'E', .stop = 1 },
        .interval_s = 5,
        .id_prefix = "LGZ1030655",
        .flag = "LGZ",
        .control = 0x30,
        .encode = encode_e450,
};

const struct sim_profile sim_profile_lgz_e450_styria = {
        .name = "lgz-e450-styria",
        .title = "Landis+Gyr E450, list of OBIS and value without id, always encrypted",
        .line = { .baud = 2400, .bits = 8, .parity = 'E', .stop = 1 },
        .interval_s = 5,
        .id_prefix = "LGZ1030611",
        .flag = "LGZ",
        .control = 0x30,
        .always_ciphered = true,
        .encode = encode_e450_pairs,
};

const struct sim_profile sim_profile_lgz_e450_values = {
        .name = "lgz-e450-burgenland",
        .title = "Landis+Gyr E450, list of values without OBIS (HDLC, one frame)",
        .line = { .baud = 9600, .bits = 8, .parity = 'N', .stop = 1 },
        .interval_s = 5,
        .id_prefix = "30", /* eight digits: the length is part of the list's shape */
        .flag = "LGZ",
        .control = 0x30,
        .encode = encode_e450_values,
};

const struct sim_profile sim_profile_lgz_e570 = {
        .name = "lgz-e570",
        .title = "Landis+Gyr E570, Swiss list of 64-bit registers (HDLC, general block transfer)",
        .line = { .baud = 2400, .bits = 8, .parity = 'E', .stop = 1 },
        .interval_s = 5,
        .id_prefix = "LGZ1030769",
        .flag = "LGZ",
        .control = 0x20,
        .encode = encode_e570,
};

const struct sim_profile sim_profile_lgz_e360 = {
        .name = "lgz-e360",
        .title = "Landis+Gyr E360, Swiss list (HDLC, one frame)",
        .line = { .baud = 9600, .bits = 8, .parity = 'N', .stop = 1 },
        .interval_s = 5,
        .id_prefix = "LGZ1030163",
        .flag = "LGZ",
        .control = 0x30,
        .encode = encode_e360,
};
