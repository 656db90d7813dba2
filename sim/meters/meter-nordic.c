/* SPDX-License-Identifier: MIT */
/*
 * Aidon on its HAN port (layout B in an array, no time in the header), Kaifa Norway (layout E, time
 * as octet string), and the Czech XT211 (layout F).
 */
#include "base/util.h"
#include "sim/frames.h"
#include "sim/layout.h"
#include "sim/profiles.h"

enum {
        UNIT_W = 27,
        UNIT_VAR = 29,
        UNIT_WH = 30,
        UNIT_VARH = 32,
        UNIT_A = 33,
        UNIT_V = 35
};

#define OBJECT(c, d, type_, exponent_, unit_)                                         \
        {                                                                             \
                .obis = { 1, 0, c, d, 0, 255 }, .type = type_, .exponent = exponent_, \
                .unit = unit_                                                         \
        }

static const struct sim_item aidon_items[] = {
        { .obis = { 1, 1, 0, 2, 129, 255 }, .kind = SIM_ITEM_LABEL, .text = "AIDON_V0001" },
        { .obis = { 0, 0, 96, 1, 0, 255 }, .kind = SIM_ITEM_VISIBLE_SERIAL },
        { .obis = { 0, 0, 96, 1, 7, 255 }, .kind = SIM_ITEM_LABEL, .text = "6534" },
        OBJECT(1, 7, SIM_U32, 0, UNIT_W),
        OBJECT(2, 7, SIM_U32, 0, UNIT_W),
        OBJECT(3, 7, SIM_U32, 0, UNIT_VAR),
        OBJECT(4, 7, SIM_U32, 0, UNIT_VAR),
        OBJECT(31, 7, SIM_I16, -1, UNIT_A),
        OBJECT(51, 7, SIM_I16, -1, UNIT_A),
        OBJECT(71, 7, SIM_I16, -1, UNIT_A),
        OBJECT(32, 7, SIM_U16, -1, UNIT_V),
        OBJECT(52, 7, SIM_U16, -1, UNIT_V),
        OBJECT(72, 7, SIM_U16, -1, UNIT_V),
        { .obis = { 0, 0, 1, 0, 0, 255 }, .kind = SIM_ITEM_CLOCK },
        OBJECT(1, 8, SIM_U32, 1, UNIT_WH),
        OBJECT(2, 8, SIM_U32, 1, UNIT_WH),
        OBJECT(3, 8, SIM_U32, 1, UNIT_VARH),
        OBJECT(4, 8, SIM_U32, 1, UNIT_VARH),
};

/* List 1 has the power alone, list 2 all that moves, list 3 of each hour the registers too. */
static void aidon_list(const struct sim_meter *meter, const struct sim_telegram *t,
                       const struct sim_item **ret_items, size_t *ret_n)
{
        bool is_long = meter->sent == 1 || t->clock.epoch_s % 3600 < 10;

        *ret_items = aidon_items;
        *ret_n = is_long ? ELEMENTSOF(aidon_items) : 13;
        if (!is_long && meter->sent % 4 != 1) {
                *ret_items = aidon_items + 3;
                *ret_n = 1;
        }
}

static const struct sim_hdlc aidon_link = {
        .dst = { 0x41 },
        .dst_len = 1,
        .src = { 0x08, 0x83 },
        .src_len = 2,
        .control = 0x13,
};

static int encode_aidon(struct sim_meter *meter, struct sim_telegram *t)
{
        struct sim_out apdu = { 0 };
        const struct sim_item *items;
        size_t n;

        sim_layout_header(&apdu, meter, t, SIM_HEADER_NONE, SIM_ZONE_NONE);
        aidon_list(meter, t, &items, &n);
        sim_layout_objects(&apdu, meter, t, items, n, true);
        return sim_frames_hdlc(meter, t, &aidon_link, &apdu);
}

#define VALUE(c, d, exponent_)                                                         \
        {                                                                              \
                .obis = { 1, 0, c, d, 0, 255 }, .type = SIM_U32, .exponent = exponent_ \
        }

static const struct sim_item kaifa_items[] = {
        { .kind = SIM_ITEM_OCTETS, .text = "KFM_001" },
        { .obis = { 0, 0, 96, 1, 0, 255 }, .kind = SIM_ITEM_SERIAL },
        { .obis = { 0, 0, 96, 1, 7, 255 }, .kind = SIM_ITEM_OCTETS, .text = "MA304H3E" },
        VALUE(1, 7, 0),
        VALUE(2, 7, 0),
        VALUE(3, 7, 0),
        VALUE(4, 7, 0),
        VALUE(31, 7, -3),
        VALUE(51, 7, -3),
        VALUE(71, 7, -3),
        VALUE(32, 7, -1),
        VALUE(52, 7, -1),
        VALUE(72, 7, -1),
        { .kind = SIM_ITEM_CLOCK },
        VALUE(1, 8, 0),
        VALUE(2, 8, 0),
        VALUE(3, 8, 0),
        VALUE(4, 8, 0),
};

static const struct sim_hdlc kaifa_link = {
        .dst = { 0x01 },
        .dst_len = 1,
        .src = { 0x02, 0x01 },
        .src_len = 2,
        .control = 0x10,
};

static int encode_kaifa(struct sim_meter *meter, struct sim_telegram *t)
{
        struct sim_out apdu = { 0 };
        bool is_long = meter->sent == 1 || t->clock.epoch_s % 3600 < 10;

        sim_layout_header(&apdu, meter, t, SIM_HEADER_OCTET, SIM_ZONE_NONE);
        if (is_long || meter->sent % 5 == 0)
                sim_layout_positional(&apdu, meter, t, kaifa_items,
                                      is_long ? ELEMENTSOF(kaifa_items) : 13);
        else
                sim_layout_positional(&apdu, meter, t, kaifa_items + 3, 1);
        return sim_frames_hdlc(meter, t, &kaifa_link, &apdu);
}

#define UNTAGGED(c, d, e)                                                                      \
        {                                                                                      \
                .obis = { 1, 0, c, d, e, 255 }, .type = SIM_U32, .class_id = 3, .attribute = 2 \
        }
#define RELAY(b, state)                                                                     \
        {                                                                                   \
                .obis = { 0, b, 96, 3, 10, 255 }, .kind = SIM_ITEM_FIXED, .type = SIM_ENUM, \
                .class_id = 70, .attribute = 3, .fixed = state                              \
        }

static const struct sim_item xt211_items[] = {
        { .obis = { 0, 0, 96, 1, 1, 255 }, .kind = SIM_ITEM_SERIAL, .class_id = 1, .attribute = 2 },
        RELAY(0, 1),
        RELAY(1, 1),
        RELAY(2, 0),
        { .obis = { 0, 0, 96, 14, 0, 255 },
          .kind = SIM_ITEM_OCTETS,
          .class_id = 1,
          .attribute = 2,
          .text = "T2" },
        UNTAGGED(1, 7, 0),
        UNTAGGED(21, 7, 0),
        UNTAGGED(41, 7, 0),
        UNTAGGED(61, 7, 0),
        UNTAGGED(2, 7, 0),
        UNTAGGED(22, 7, 0),
        UNTAGGED(42, 7, 0),
        UNTAGGED(62, 7, 0),
        UNTAGGED(1, 8, 0),
        UNTAGGED(1, 8, 1),
        UNTAGGED(1, 8, 2),
        UNTAGGED(2, 8, 0),
};

static const struct sim_hdlc xt211_link = {
        .dst = { 0x41 },
        .dst_len = 1,
        .src = { 0x03 },
        .src_len = 1,
        .control = 0x13,
};

static int encode_xt211(struct sim_meter *meter, struct sim_telegram *t)
{
        struct sim_out apdu = { 0 };

        sim_layout_header(&apdu, meter, t, SIM_HEADER_NONE, SIM_ZONE_NONE);
        sim_layout_untagged(&apdu, meter, t, xt211_items, ELEMENTSOF(xt211_items));
        return sim_frames_hdlc(meter, t, &xt211_link, &apdu);
}

const struct sim_profile sim_profile_aidon = {
        .name = "aidon",
        .title = "Aidon, Norway, lists 1, 2 and 3 (HDLC)",
        .line = { .baud = 2400, .bits = 8, .parity = 'E', .stop = 1 },
        .interval_s = 3,
        .id_prefix = "7359992890",
        .flag = "AID",
        .control = 0x30,
        .encode = encode_aidon,
};

const struct sim_profile sim_profile_kaifa_no = {
        .name = "kaifa-no",
        .title = "Kaifa, Norway, lists 1, 2 and 3, values without OBIS (HDLC)",
        .line = { .baud = 2400, .bits = 8, .parity = 'E', .stop = 1 },
        .interval_s = 2,
        .id_prefix = "6970631400",
        .flag = "KFM",
        .encode = encode_kaifa,
};

const struct sim_profile sim_profile_xt211 = {
        .name = "sagemcom-xt211",
        .title = "Sagemcom XT211, Czechia, untagged objects (HDLC)",
        .line = { .baud = 9600, .bits = 8, .parity = 'N', .stop = 1 },
        .interval_s = 60,
        .id_prefix = "5100",
        .flag = "SAG",
        .encode = encode_xt211,
};
