/* SPDX-License-Identifier: MIT */
/*
 * Meters with a P1 port that speak text: DSMR 5 with a gas meter (Netherlands), e-MUCS with gas and
 * water (Flanders), the Swedish E360, and Luxembourg, which ciphers the text.
 */
#include <string.h>

#include "sim/layout.h"
#include "sim/p1.h"
#include "sim/profiles.h"

#define OBIS(...) ((const uint8_t[6]){ __VA_ARGS__ })

static void put_tariff(struct sim_out *out, struct sim_meter *meter, struct sim_telegram *t)
{
        sim_p1_text(out, t, OBIS(0, 0, 96, 14, 0, 255),
                    sim_load_tariff(&meter->load) == 1 ? "0001" : "0002");
}

/* Power of each phase: 21, 41, 61 import, 22, 42, 62 export. */
static void put_phases(struct sim_out *out, struct sim_meter *meter, struct sim_telegram *t)
{
        for (uint8_t c = 21; c <= 61; c = (uint8_t)(c + 20))
                sim_p1_number(out, meter, t, c, 7, 0, &sim_p1_kw);
        for (uint8_t c = 22; c <= 62; c = (uint8_t)(c + 20))
                sim_p1_number(out, meter, t, c, 7, 0, &sim_p1_kw);
}

static void put_grid(struct sim_out *out, struct sim_meter *meter, struct sim_telegram *t,
                     const struct sim_p1_form *ampere)
{
        for (uint8_t c = 32; c <= 72; c = (uint8_t)(c + 20))
                sim_p1_number(out, meter, t, c, 7, 0, &sim_p1_volt);
        for (uint8_t c = 31; c <= 71; c = (uint8_t)(c + 20))
                sim_p1_number(out, meter, t, c, 7, 0, ampere);
}

static void put_tariff_registers(struct sim_out *out, struct sim_meter *meter,
                                 struct sim_telegram *t)
{
        sim_p1_number(out, meter, t, 1, 8, 1, &sim_p1_kwh);
        sim_p1_number(out, meter, t, 1, 8, 2, &sim_p1_kwh);
        sim_p1_number(out, meter, t, 2, 8, 1, &sim_p1_kwh);
        sim_p1_number(out, meter, t, 2, 8, 2, &sim_p1_kwh);
}

static int encode_dsmr5(struct sim_meter *meter, struct sim_telegram *t)
{
        struct sim_out *out = &t->wire.out;

        sim_out_text(out, "/ISK5\\2M550T-1012\r\n\r\n");
        sim_p1_text(out, t, OBIS(1, 3, 0, 2, 8, 255), "50");
        sim_p1_clock(out, t);
        sim_p1_hex(out, t, OBIS(0, 0, 96, 1, 1, 255), meter->id);
        strcpy(t->meter_id, meter->id);
        put_tariff_registers(out, meter, t);
        put_tariff(out, meter, t);
        sim_p1_number(out, meter, t, 1, 7, 0, &sim_p1_kw);
        sim_p1_number(out, meter, t, 2, 7, 0, &sim_p1_kw);
        sim_out_text(out, "0-0:96.7.21(00013)\r\n0-0:96.7.9(00002)\r\n"
                          "1-0:99.97.0(1)(0-0:96.7.19)(170326084011S)(0000002345*s)\r\n"
                          "1-0:32.32.0(00003)\r\n1-0:52.32.0(00002)\r\n1-0:72.32.0(00001)\r\n"
                          "1-0:32.36.0(00000)\r\n1-0:52.36.0(00000)\r\n1-0:72.36.0(00000)\r\n"
                          "0-0:96.13.0()\r\n");
        put_grid(out, meter, t, &sim_p1_ampere_whole);
        put_phases(out, meter, t);
        sim_p1_submeter(out, meter, t, 1, "003", 0, "G0079012345678901", 1);
        sim_p1_end(out);
        sim_wire_end_frame(&t->wire);
        return 0;
}

static int encode_emucs(struct sim_meter *meter, struct sim_telegram *t)
{
        struct sim_out *out = &t->wire.out;
        char month[16];

        sim_p1_print_time(t->clock.epoch_s - t->clock.epoch_s % 900, month);
        sim_out_text(out, "/FLU5\\253769484_A\r\n\r\n");
        sim_p1_text(out, t, OBIS(0, 0, 96, 1, 4, 255), "50217");
        sim_p1_hex(out, t, OBIS(0, 0, 96, 1, 1, 255), meter->id);
        strcpy(t->meter_id, meter->id);
        sim_p1_clock(out, t);
        put_tariff_registers(out, meter, t);
        sim_out_printf(
                out,
                "1-0:1.4.0(02.351*kW)\r\n1-0:1.6.0(%s)(02.589*kW)\r\n"
                "0-0:98.1.0(2)(1-0:1.6.0)(1-0:1.6.0)(200501000000S)(200423192538S)(03.695*kW)"
                "(200401000000S)(200305122139S)(05.980*kW)\r\n",
                month);
        sim_note_value(t, OBIS(1, 0, 1, 4, 0, 255), 2351, 0, "W");
        sim_note_value(t, OBIS(1, 0, 1, 6, 0, 255), 2589, 0, "W");
        put_tariff(out, meter, t);
        sim_p1_number(out, meter, t, 1, 7, 0, &sim_p1_kw);
        sim_p1_number(out, meter, t, 2, 7, 0, &sim_p1_kw);
        put_phases(out, meter, t);
        put_grid(out, meter, t, &sim_p1_ampere);
        sim_out_text(out, "0-0:96.3.10(1)\r\n0-0:17.0.0(999.9*kW)\r\n1-0:31.4.0(999*A)\r\n"
                          "0-0:96.13.0()\r\n");
        sim_note_value(t, OBIS(0, 0, 17, 0, 0, 255), 999900, 0, "W");
        sim_note_value(t, OBIS(1, 0, 31, 4, 0, 255), 999, 0, "A");
        sim_p1_submeter(out, meter, t, 1, "003", 1, "7FLO2119033733", 3);
        sim_p1_submeter(out, meter, t, 2, "007", 1, "8SAG1234567890", 1);
        sim_p1_end(out);
        sim_wire_end_frame(&t->wire);
        return 0;
}

static const struct sim_p1_form se_kwh = { 8, 3, "kWh", 3 }, se_kvarh = { 8, 3, "kVArh", 3 };
static const struct sim_p1_form se_kw = { 4, 3, "kW", 3 }, se_kvar = { 4, 3, "kVAr", 3 };
static const struct sim_p1_form se_ampere = { 3, 1, "A", 0 };

/* The Swedish branch recommendation: 26 lines, no id at all. */
static int encode_sweden(struct sim_meter *meter, struct sim_telegram *t)
{
        struct sim_out *out = &t->wire.out;

        sim_out_text(out, "/LGF5E360\r\n\r\n");
        sim_p1_clock(out, t);
        for (uint8_t c = 1; c <= 4; c++)
                sim_p1_number(out, meter, t, c, 8, 0, c <= 2 ? &se_kwh : &se_kvarh);
        for (uint8_t c = 1; c <= 4; c++)
                sim_p1_number(out, meter, t, c, 7, 0, c <= 2 ? &se_kw : &se_kvar);
        for (uint8_t phase = 20; phase <= 60; phase = (uint8_t)(phase + 20))
                for (uint8_t c = 1; c <= 2; c++)
                        sim_p1_number(out, meter, t, (uint8_t)(phase + c), 7, 0, &se_kw);
        for (uint8_t phase = 20; phase <= 60; phase = (uint8_t)(phase + 20))
                for (uint8_t c = 3; c <= 4; c++)
                        sim_p1_number(out, meter, t, (uint8_t)(phase + c), 7, 0, &se_kvar);
        put_grid(out, meter, t, &se_ampere);
        sim_p1_end(out);
        sim_wire_end_frame(&t->wire);
        return 0;
}

static int encode_luxembourg(struct sim_meter *meter, struct sim_telegram *t)
{
        struct sim_out text = { 0 };
        int r;

        sim_out_text(&text, "/Lux5\\253663629_D\r\n\r\n");
        sim_p1_text(&text, t, OBIS(1, 3, 0, 2, 8, 255), "42");
        sim_p1_clock(&text, t);
        sim_p1_hex(&text, t, OBIS(0, 0, 42, 0, 0, 255), meter->id);
        strcpy(t->meter_id, meter->id);
        for (uint8_t c = 1; c <= 4; c++)
                sim_p1_number(&text, meter, t, c, 8, 0, c <= 2 ? &sim_p1_kwh : &sim_p1_kvarh);
        for (uint8_t c = 1; c <= 4; c++)
                sim_p1_number(&text, meter, t, c, 7, 0, c <= 2 ? &sim_p1_kw : &sim_p1_kvar);
        sim_p1_number(&text, meter, t, 9, 7, 0, &sim_p1_kva);
        sim_p1_number(&text, meter, t, 10, 7, 0, &sim_p1_kva);
        sim_p1_end(&text);
        r = sim_layout_secure(&t->wire.out, meter, &text);
        if (r < 0)
                return r;

        sim_wire_end_frame(&t->wire);
        return 0;
}

#define P1_LINE                                                     \
        {                                                           \
                .baud = 115200, .bits = 8, .parity = 'N', .stop = 1 \
        }

const struct sim_profile sim_profile_dsmr5 = {
        .name = "dsmr5",
        .title = "DSMR 5 with a gas meter, Netherlands (P1 text)",
        .line = P1_LINE,
        .interval_s = 1,
        .id_prefix = "E00440056789",
        .encode = encode_dsmr5,
};

const struct sim_profile sim_profile_emucs = {
        .name = "emucs",
        .title = "e-MUCS with gas and water meters, Flanders (P1 text)",
        .line = P1_LINE,
        .interval_s = 1,
        .id_prefix = "1SAG3101",
        .encode = encode_emucs,
};

const struct sim_profile sim_profile_lgz_e360_p1 = {
        .name = "lgz-e360-p1",
        .title = "Landis+Gyr E360, Sweden (P1 text without id)",
        .line = P1_LINE,
        .interval_s = 10,
        .id_prefix = "LGF1030",
        .encode = encode_sweden,
};

const struct sim_profile sim_profile_luxembourg = {
        .name = "luxembourg",
        .title = "Sagemcom T210-D, Luxembourg (P1 text, always encrypted)",
        .line = P1_LINE,
        .interval_s = 10,
        .id_prefix = "SAG1030700",
        .flag = "SAG",
        .control = 0x30,
        .always_ciphered = true,
        .encode = encode_luxembourg,
};
