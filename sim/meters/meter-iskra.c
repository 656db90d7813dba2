/* SPDX-License-Identifier: MIT */
/*
 * Iskraemeco AM550 on its P1 port: HDLC segments of 164 bytes with the Swiss push list (layout A)
 * or the list of Romandy (layout B), and the plain values of Slovenia (layout E).
 */
#include "base/util.h"
#include "sim/frames.h"
#include "sim/layout.h"
#include "sim/profiles.h"

enum {
        UNIT_W = 27,
        UNIT_WH = 30,
        UNIT_A = 33,
        UNIT_V = 35
};

#define REGISTER(b, c, d, type_, exponent_)                                           \
        {                                                                             \
                .obis = { 1, b, c, d, 0, 255 }, .type = type_, .exponent = exponent_, \
                .class_id = 3, .attribute = 2                                         \
        }

static const struct sim_item push_items[] = {
        { .obis = { 0, 6, 25, 9, 0, 255 }, .kind = SIM_ITEM_PUSH, .class_id = 40, .attribute = 2 },
        { .obis = { 0, 0, 42, 0, 0, 255 }, .kind = SIM_ITEM_NAME, .class_id = 1, .attribute = 2 },
        REGISTER(1, 1, 8, SIM_U32, 0),
        REGISTER(1, 2, 8, SIM_U32, 0),
        REGISTER(1, 3, 8, SIM_U32, 0),
        REGISTER(1, 4, 8, SIM_U32, 0),
        REGISTER(1, 1, 7, SIM_U32, 0),
        REGISTER(1, 2, 7, SIM_U32, 0),
        REGISTER(0, 32, 7, SIM_U16, -1),
        REGISTER(0, 52, 7, SIM_U16, -1),
        REGISTER(0, 72, 7, SIM_U16, -1),
        REGISTER(0, 31, 7, SIM_U16, -2),
        REGISTER(0, 51, 7, SIM_U16, -2),
        REGISTER(0, 71, 7, SIM_U16, -2),
};

#define OBJECT(b, c, d, e, type_, exponent_, unit_)                                   \
        {                                                                             \
                .obis = { 1, b, c, d, e, 255 }, .type = type_, .exponent = exponent_, \
                .unit = unit_                                                         \
        }

static const struct sim_item object_items[] = {
        { .obis = { 0, 0, 96, 1, 0, 255 }, .kind = SIM_ITEM_SERIAL },
        { .obis = { 0, 0, 96, 1, 1, 255 }, .kind = SIM_ITEM_OCTETS, .text = "131304" },
        OBJECT(1, 1, 7, 0, SIM_U32, 0, UNIT_W),
        OBJECT(1, 2, 7, 0, SIM_U32, 0, UNIT_W),
        OBJECT(1, 1, 8, 0, SIM_U32, 0, UNIT_WH),
        OBJECT(1, 2, 8, 0, SIM_U32, 0, UNIT_WH),
        OBJECT(0, 32, 7, 0, SIM_U16, -1, UNIT_V),
        OBJECT(0, 52, 7, 0, SIM_U16, -1, UNIT_V),
        OBJECT(0, 72, 7, 0, SIM_U16, -1, UNIT_V),
        OBJECT(0, 31, 7, 0, SIM_U16, -2, UNIT_A),
        OBJECT(0, 51, 7, 0, SIM_U16, -2, UNIT_A),
        OBJECT(0, 71, 7, 0, SIM_U16, -2, UNIT_A),
        OBJECT(1, 1, 8, 1, SIM_U32, 0, UNIT_WH),
        OBJECT(1, 1, 8, 2, SIM_U32, 0, UNIT_WH),
        OBJECT(1, 2, 8, 1, SIM_U32, 0, UNIT_WH),
        OBJECT(1, 2, 8, 2, SIM_U32, 0, UNIT_WH),
};

static const struct sim_item value_items[] = {
        { .obis = { 0, 0, 42, 0, 0, 255 }, .kind = SIM_ITEM_NAME },
        { .obis = { 0, 0, 96, 1, 0, 255 }, .kind = SIM_ITEM_OCTETS, .text = "16820005" },
        REGISTER(0, 1, 7, SIM_U32, 0),
        REGISTER(0, 2, 7, SIM_U32, 0),
        REGISTER(0, 3, 7, SIM_U32, 0),
        REGISTER(0, 4, 7, SIM_U32, 0),
        REGISTER(0, 32, 7, SIM_U16, -1),
        REGISTER(0, 52, 7, SIM_U16, -1),
        REGISTER(0, 72, 7, SIM_U16, -1),
        REGISTER(0, 31, 7, SIM_U16, -2),
        REGISTER(0, 51, 7, SIM_U16, -2),
        REGISTER(0, 71, 7, SIM_U16, -2),
        REGISTER(0, 21, 7, SIM_U32, 0),
        REGISTER(0, 41, 7, SIM_U32, 0),
        REGISTER(0, 61, 7, SIM_U32, 0),
        REGISTER(0, 22, 7, SIM_U32, 0),
        REGISTER(0, 42, 7, SIM_U32, 0),
        REGISTER(0, 62, 7, SIM_U32, 0),
};

static const struct sim_hdlc link_164 = {
        .dst = { 0xcf },
        .dst_len = 1,
        .src = { 0x02, 0x23 },
        .src_len = 2,
        .control = 0x13,
        .control_more = 0x03,
        .frame_length = 164,
};

static const struct sim_hdlc link_one = {
        .dst = { 0xcf },
        .dst_len = 1,
        .src = { 0x02, 0x23 },
        .src_len = 2,
        .control = 0x13,
};

static int encode_push(struct sim_meter *meter, struct sim_telegram *t)
{
        struct sim_out apdu = { 0 };

        sim_layout_header(&apdu, meter, t, SIM_HEADER_PLAIN, SIM_ZONE_OFFSET);
        sim_layout_push(&apdu, meter, t, push_items, ELEMENTSOF(push_items));
        return sim_frames_hdlc(meter, t, &link_164, &apdu);
}

static int encode_objects(struct sim_meter *meter, struct sim_telegram *t)
{
        struct sim_out apdu = { 0 };

        sim_layout_header(&apdu, meter, t, SIM_HEADER_PLAIN, SIM_ZONE_OFFSET);
        sim_layout_objects(&apdu, meter, t, object_items, ELEMENTSOF(object_items), false);
        return sim_frames_hdlc(meter, t, &link_164, &apdu);
}

static int encode_values(struct sim_meter *meter, struct sim_telegram *t)
{
        struct sim_out apdu = { 0 };

        sim_layout_header(&apdu, meter, t, SIM_HEADER_PLAIN, SIM_ZONE_OFFSET);
        sim_layout_positional(&apdu, meter, t, value_items, ELEMENTSOF(value_items));
        return sim_frames_hdlc(meter, t, &link_one, &apdu);
}

static int encode_raw(struct sim_meter *meter, struct sim_telegram *t)
{
        struct sim_out apdu = { 0 };

        sim_layout_header(&apdu, meter, t, SIM_HEADER_PLAIN, SIM_ZONE_OFFSET);
        sim_layout_push(&apdu, meter, t, push_items, ELEMENTSOF(push_items));
        return sim_frames_raw(meter, t, &apdu);
}

#define AM550_LINE                                                  \
        {                                                           \
                .baud = 115200, .bits = 8, .parity = 'N', .stop = 1 \
        }

const struct sim_profile sim_profile_iskra_am550 = {
        .name = "iskra-am550",
        .title = "Iskraemeco AM550, Swiss list (HDLC segments)",
        .line = AM550_LINE,
        .interval_s = 5,
        .id_prefix = "ISK1030783",
        .flag = "ISK",
        .control = 0x30,
        .encode = encode_push,
};

const struct sim_profile sim_profile_iskra_am550_romandy = {
        .name = "iskra-am550-romandy",
        .title = "Iskraemeco AM550, objects with scaler and unit (HDLC segments)",
        .line = AM550_LINE,
        .interval_s = 5,
        .id_prefix = "78",
        .flag = "ISK",
        .control = 0x30,
        .encode = encode_objects,
};

const struct sim_profile sim_profile_iskra_am550_si = {
        .name = "iskra-am550-si",
        .title = "Iskraemeco AM550, Slovenia, values without OBIS (HDLC, one frame)",
        .line = AM550_LINE,
        .interval_s = 5,
        .id_prefix = "ISK1030789",
        .flag = "ISK",
        .control = 0x30,
        .encode = encode_values,
};

const struct sim_profile sim_profile_raw = {
        .name = "raw",
        .title = "a push list with no frame around it",
        .line = AM550_LINE,
        .interval_s = 5,
        .id_prefix = "ISK1030790",
        .flag = "ISK",
        .control = 0x30,
        .encode = encode_raw,
};
