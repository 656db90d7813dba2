/* SPDX-License-Identifier: MIT */
/*
 * eBZ DD3 on its optical D0 interface: a readout pushed as text (IEC 62056-21 mode D), with F
 * groups and more digits than other meters, and no check sum.
 */
#include <inttypes.h>
#include <string.h>

#include "sim/profiles.h"

#define OBIS(...) ((const uint8_t[6]){ __VA_ARGS__ })

static void put_energy(struct sim_out *out, struct sim_meter *meter, struct sim_telegram *t,
                       uint8_t c)
{
        int register_ = c == 1 ? SIM_REGISTER_IMPORT : SIM_REGISTER_EXPORT;
        const int64_t *ws = meter->load.energy_ws[register_];
        /* Eight decimals of a kWh are hundred-thousandths of a Wh: finer than a watt-second. */
        int64_t value = (ws[0] + ws[1]) * 1000 / 36;

        sim_out_printf(out, "1-0:%u.8.0*255(%06" PRId64 ".%08" PRId64 "*kWh)\r\n", c,
                       value / 100000000, value % 100000000);
        sim_note_value(t, OBIS(1, 0, c, 8, 0, 255), value, -5, "Wh");
}

static void put_power(struct sim_out *out, struct sim_telegram *t, uint8_t c, int64_t watts)
{
        int64_t abs_w = watts < 0 ? -watts : watts;

        sim_out_printf(out, "1-0:%u.7.0*255(%s%06" PRId64 ".00*W)\r\n", c, watts < 0 ? "-" : "",
                       abs_w);
        sim_note_value(t, OBIS(1, 0, c, 7, 0, 255), watts * 100, -2, "W");
}

static void put_text(struct sim_out *out, struct sim_telegram *t, const uint8_t obis[static 6],
                     const char *text)
{
        sim_out_printf(out, "%u-%u:%u.%u.%u*255(%s)\r\n", obis[0], obis[1], obis[2], obis[3],
                       obis[4], text);
        sim_note_text(t, obis, text);
}

static int encode(struct sim_meter *meter, struct sim_telegram *t)
{
        const struct sim_load *load = &meter->load;
        struct sim_out *out = &t->wire.out;

        sim_out_text(out, "/EBZ5DD3BZ06ETA_107\r\n\r\n");
        put_text(out, t, OBIS(1, 0, 0, 0, 0, 255), meter->id);
        put_text(out, t, OBIS(1, 0, 96, 1, 0, 255), meter->id);
        strcpy(t->meter_id, meter->id);
        put_energy(out, meter, t, 1);
        put_energy(out, meter, t, 2);
        put_power(out, t, 16, load->total_w);
        for (int i = 0; i < 3; i++)
                put_power(out, t, (uint8_t)(36 + 20 * i), load->power_w[i]);
        for (int i = 0; i < 3; i++) {
                uint8_t c = (uint8_t)(32 + 20 * i);

                sim_out_printf(out, "1-0:%u.7.0*255(%" PRId64 ".%" PRId64 "*V)\r\n", c,
                               load->voltage_dv[i] / 10, load->voltage_dv[i] % 10);
                sim_note_value(t, OBIS(1, 0, c, 7, 0, 255), load->voltage_dv[i], -1, "V");
        }
        put_text(out, t, OBIS(1, 0, 96, 5, 0, 255), "001C0104");
        put_text(out, t, OBIS(0, 0, 96, 8, 0, 255), "00BEEF00");
        sim_out_text(out, "!\r\n");
        sim_wire_end_frame(&t->wire);
        return 0;
}

const struct sim_profile sim_profile_d0 = {
        .name = "d0",
        .title = "eBZ DD3, Germany (IEC 62056-21 text, mode D)",
        .line = { .baud = 9600, .bits = 7, .parity = 'E', .stop = 1 },
        .interval_s = 1,
        .id_prefix = "1EBZ0100",
        .encode = encode,
};
