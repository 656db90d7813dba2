/* SPDX-License-Identifier: MIT */
/*
 * Kamstrup OMNIPOWER with a HAN-NVE module: one HDLC frame, layout D with the list id first. Every
 * ten seconds the list of 25, and once an hour, five seconds past it, the list of 35 with energies
 * in units of 10 Wh.
 */
#include "base/util.h"
#include "sim/frames.h"
#include "sim/layout.h"
#include "sim/profiles.h"

#define OBJECT(c, d, type_, exponent_)                                               \
        {                                                                            \
                .obis = { 1, 1, c, d, 0, 255 }, .type = type_, .exponent = exponent_ \
        }

static const struct sim_item items[] = {
        { .kind = SIM_ITEM_LABEL, .text = "Kamstrup_V0001" },
        { .obis = { 1, 1, 0, 0, 5, 255 }, .kind = SIM_ITEM_VISIBLE_SERIAL },
        { .obis = { 1, 1, 96, 1, 1, 255 }, .kind = SIM_ITEM_LABEL, .text = "6841121BN243101040" },
        OBJECT(1, 7, SIM_U32, 0),
        OBJECT(2, 7, SIM_U32, 0),
        OBJECT(3, 7, SIM_U32, 0),
        OBJECT(4, 7, SIM_U32, 0),
        OBJECT(31, 7, SIM_U32, -2),
        OBJECT(51, 7, SIM_U32, -2),
        OBJECT(71, 7, SIM_U32, -2),
        OBJECT(32, 7, SIM_U16, 0),
        OBJECT(52, 7, SIM_U16, 0),
        OBJECT(72, 7, SIM_U16, 0),
        /* only in the hourly list */
        { .obis = { 0, 1, 1, 0, 0, 255 }, .kind = SIM_ITEM_CLOCK },
        OBJECT(1, 8, SIM_U32, 1),
        OBJECT(2, 8, SIM_U32, 1),
        OBJECT(3, 8, SIM_U32, 1),
        OBJECT(4, 8, SIM_U32, 1),
};

#define SHORT_ITEMS 13

/* The first telegram, and the first of each hour, are long: a test need not wait for an hour. */
static size_t items_of_moment(const struct sim_meter *meter, const struct sim_telegram *t)
{
        return meter->sent == 1 || t->clock.epoch_s % 3600 < 10 ? ELEMENTSOF(items) : SHORT_ITEMS;
}

static const struct sim_hdlc link_plain = {
        .dst = { 0x2b },
        .dst_len = 1,
        .src = { 0x21 },
        .src_len = 1,
        .control = 0x13,
};

static const struct sim_hdlc link_ciphered = {
        .dst = { 0x41 },
        .dst_len = 1,
        .src = { 0x03 },
        .src_len = 1,
        .control = 0x13,
};

static int encode_with(struct sim_meter *meter, struct sim_telegram *t, enum sim_header_time how)
{
        struct sim_out apdu = { 0 };

        sim_layout_header(&apdu, meter, t, how, meter->encrypts ? SIM_ZONE_DST_BIT : SIM_ZONE_NONE);
        sim_layout_pairs(&apdu, meter, t, items, items_of_moment(meter, t));
        return sim_frames_hdlc(meter, t, meter->encrypts ? &link_ciphered : &link_plain, &apdu);
}

static int encode(struct sim_meter *meter, struct sim_telegram *t)
{
        return encode_with(meter, t, SIM_HEADER_PLAIN);
}

static int encode_2017(struct sim_meter *meter, struct sim_telegram *t)
{
        return encode_with(meter, t, SIM_HEADER_OCTET);
}

const struct sim_profile sim_profile_kamstrup_omnipower = {
        .name = "kamstrup-omnipower",
        .title = "Kamstrup OMNIPOWER with HAN-NVE (HDLC, list with id)",
        .line = { .baud = 2400, .bits = 8, .parity = 'N', .stop = 1 },
        .interval_s = 10,
        .id_prefix = "5706567274",
        .flag = "KAM",
        .control = 0x30,
        .encode = encode,
};

const struct sim_profile sim_profile_kamstrup_2017 = {
        .name = "kamstrup-2017",
        .title = "Kamstrup OMNIPOWER, firmware of 2017 (time as octet string)",
        .line = { .baud = 2400, .bits = 8, .parity = 'N', .stop = 1 },
        .interval_s = 10,
        .id_prefix = "5706567275",
        .flag = "KAM",
        .control = 0x30,
        .encode = encode_2017,
};
