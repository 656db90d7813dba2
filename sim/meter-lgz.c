/* SPDX-License-Identifier: MIT */
/*
 * Landis+Gyr E450, E570 and E360 with the Swiss (VSE) push list: layout A. E450 and E570 cut it
 * into general-block-transfer blocks, one per HDLC frame; E360 sends one long frame.
 */
#include "lib/util.h"
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

/* 64-bit registers, and currents of a transformer meter in whole amperes (PROTOCOL §5.2). */
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

static int play_blocks(const struct sim_meter *meter, struct sim_telegram *t,
                       const struct sim_hdlc *link, const struct sim_out *apdu)
{
        struct sim_gbt gbt = meter->gbt;
        struct sim_out secured = { 0 };
        int r;

        if (gbt.block_bytes == 0)
                gbt = (struct sim_gbt){ .block_bytes = 112, .streaming = true };
        r = sim_layout_secure(&secured, meter, apdu);
        if (r < 0)
                return r;

        sim_gbt_frames(&t->wire, link, &gbt, secured.data, secured.len);
        return 0;
}

static int encode_e450(struct sim_meter *meter, struct sim_telegram *t)
{
        struct sim_out apdu = { 0 };

        sim_layout_header(&apdu, meter, t, SIM_HEADER_PLAIN, SIM_ZONE_NONE);
        sim_layout_push(&apdu, meter, t, e450_items, ELEMENTSOF(e450_items));
        return play_blocks(meter, t, &e450_link, &apdu);
}

static int encode_e570(struct sim_meter *meter, struct sim_telegram *t)
{
        struct sim_out apdu = { 0 };

        sim_layout_header(&apdu, meter, t, SIM_HEADER_PLAIN, SIM_ZONE_NONE);
        sim_layout_push(&apdu, meter, t, e570_items, ELEMENTSOF(e570_items));
        return play_blocks(meter, t, &e570_link, &apdu);
}

static int encode_e360(struct sim_meter *meter, struct sim_telegram *t)
{
        struct sim_out apdu = { 0 }, info = { 0 };
        int r;

        sim_layout_header(&apdu, meter, t, SIM_HEADER_PLAIN, SIM_ZONE_OFFSET);
        sim_layout_push(&apdu, meter, t, e360_items, ELEMENTSOF(e360_items));
        sim_hdlc_llc(&info);
        r = sim_layout_secure(&info, meter, &apdu);
        if (r < 0)
                return r;

        sim_hdlc_frame(&t->wire, &e360_link, false, info.data, info.len);
        return 0;
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
