/* SPDX-License-Identifier: MIT */
/*
 * A German basic meter on its optical interface: SML files of three messages (open, list, close),
 * net power with a sign, energies in tenths of a watt-hour.
 */
#include <stdio.h>
#include <string.h>

#include "sim/profiles.h"
#include "sim/sml.h"

enum {
        UNIT_W = 27,
        UNIT_WH = 30,
        UNIT_V = 35
};

#define OBIS(...) ((const uint8_t[6]){ __VA_ARGS__ })

/* 0A 01 "EMH" and five bytes of number: the FNN server id. */
static void make_server_id(const struct sim_meter *meter, uint8_t id[static 10])
{
        memcpy(id, "\x0a\x01", 2);
        memcpy(id + 2, meter->cipher.title, 8);
}

static void put_time(struct sim_out *out, const struct sim_telegram *t)
{
        sim_sml_list(out, 2);
        sim_sml_unsigned(out, 1, 1); /* secIndex: seconds of running, not a time of day */
        sim_sml_unsigned(out, (uint64_t)t->clock.epoch_s & 0x3ffffff, 4);
}

static void put_open(struct sim_out *out, uint32_t transaction, const uint8_t id[static 10],
                     const struct sim_telegram *t)
{
        struct sim_out body = { 0 }, file = { 0 };

        sim_out_be32(&file, transaction);
        sim_sml_list(&body, 6);
        sim_sml_skip(&body);
        sim_sml_skip(&body);
        sim_sml_octets(&body, file.data, file.len);
        sim_sml_octets(&body, id, 10);
        put_time(&body, t);
        sim_sml_unsigned(&body, 1, 1); /* SML version */
        sim_sml_message(out, transaction, 0x0101, &body);
}

static void put_entry_head(struct sim_out *out, const uint8_t obis[static 6])
{
        sim_sml_list(out, 7);
        sim_sml_octets(out, obis, 6);
        sim_sml_skip(out); /* status */
        sim_sml_skip(out); /* time */
}

static void put_octets(struct sim_out *out, const uint8_t obis[static 6], const void *data,
                       size_t len)
{
        put_entry_head(out, obis);
        sim_sml_skip(out); /* unit */
        sim_sml_skip(out); /* scaler */
        sim_sml_octets(out, data, len);
        sim_sml_skip(out); /* signature */
}

/* Energies are eight bytes unsigned, powers four bytes signed, voltages two bytes unsigned. */
static void put_number(struct sim_out *out, struct sim_telegram *t, const uint8_t obis[static 6],
                       uint8_t unit, int exponent, int64_t value, const char *unit_name)
{
        put_entry_head(out, obis);
        sim_sml_unsigned(out, unit, 1);
        sim_sml_signed(out, exponent, 1);
        if (unit == UNIT_WH)
                sim_sml_unsigned(out, (uint64_t)value, 8);
        else if (unit == UNIT_V)
                sim_sml_unsigned(out, (uint64_t)value, 2);
        else
                sim_sml_signed(out, value, 4);
        sim_sml_skip(out); /* signature */
        sim_note_value(t, obis, value, exponent, unit_name);
}

static int64_t tenths_of_wh(const struct sim_meter *meter, enum sim_register r)
{
        return (meter->load.energy_ws[r][0] + meter->load.energy_ws[r][1]) / 360;
}

static void put_list(struct sim_out *out, struct sim_meter *meter, struct sim_telegram *t,
                     uint32_t transaction, const uint8_t id[static 10])
{
        const struct sim_load *load = &meter->load;
        struct sim_out body = { 0 };

        sim_sml_list(&body, 7);
        sim_sml_skip(&body); /* client */
        sim_sml_octets(&body, id, 10);
        sim_sml_octets(&body, OBIS(1, 0, 98, 10, 255, 255), 6);
        put_time(&body, t);
        sim_sml_list(&body, 11);
        put_octets(&body, OBIS(1, 0, 96, 50, 1, 1), "EMH", 3);
        put_octets(&body, OBIS(1, 0, 96, 1, 0, 255), id, 10);
        put_number(&body, t, OBIS(1, 0, 1, 8, 0, 255), UNIT_WH, -1,
                   tenths_of_wh(meter, SIM_REGISTER_IMPORT), "Wh");
        put_number(&body, t, OBIS(1, 0, 2, 8, 0, 255), UNIT_WH, -1,
                   tenths_of_wh(meter, SIM_REGISTER_EXPORT), "Wh");
        put_number(&body, t, OBIS(1, 0, 16, 7, 0, 255), UNIT_W, 0, load->total_w, "W");
        for (int i = 0; i < 3; i++)
                put_number(&body, t, OBIS(1, 0, (uint8_t)(36 + 20 * i), 7, 0, 255), UNIT_W, 0,
                           load->power_w[i], "W");
        for (int i = 0; i < 3; i++)
                put_number(&body, t, OBIS(1, 0, (uint8_t)(32 + 20 * i), 7, 0, 255), UNIT_V, -1,
                           load->voltage_dv[i], "V");
        sim_sml_skip(&body); /* list signature */
        sim_sml_skip(&body); /* gateway time */
        sim_sml_message(out, transaction, 0x0701, &body);
}

static int encode(struct sim_meter *meter, struct sim_telegram *t)
{
        struct sim_out messages = { 0 }, close = { 0 };
        uint32_t transaction = (uint32_t)meter->sent * 3;
        uint8_t id[10];

        make_server_id(meter, id);
        for (size_t i = 0; i < sizeof(id); i++)
                (void)snprintf(t->meter_id + 2 * i, 3, "%02x", id[i]);
        put_open(&messages, transaction, id, t);
        put_list(&messages, meter, t, transaction + 1, id);
        sim_sml_list(&close, 1);
        sim_sml_skip(&close); /* signature */
        sim_sml_message(&messages, transaction + 2, 0x0201, &close);
        sim_sml_transport(&t->wire, &messages);
        return 0;
}

const struct sim_profile sim_profile_sml = {
        .name = "sml",
        .title = "EMH mME40, Germany (SML 1.04)",
        .line = { .baud = 9600, .bits = 8, .parity = 'N', .stop = 1 },
        .interval_s = 1,
        .id_prefix = "1060",
        .flag = "EMH",
        .encode = encode,
};
