/* SPDX-License-Identifier: MIT */
#include "p1.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "crc.h"

const struct sim_p1_form sim_p1_kwh = { 6, 3, "kWh", 3 };
const struct sim_p1_form sim_p1_kvarh = { 6, 3, "kvarh", 3 };
const struct sim_p1_form sim_p1_kw = { 2, 3, "kW", 3 };
const struct sim_p1_form sim_p1_kvar = { 2, 3, "kvar", 3 };
const struct sim_p1_form sim_p1_kva = { 2, 3, "kVA", 3 };
const struct sim_p1_form sim_p1_volt = { 3, 1, "V", 0 };
const struct sim_p1_form sim_p1_ampere = { 3, 2, "A", 0 };
const struct sim_p1_form sim_p1_ampere_whole = { 3, 0, "A", 0 };

static void put_code(struct sim_out *out, const uint8_t obis[static 6])
{
        sim_out_printf(out, "%u-%u:%u.%u.%u", obis[0], obis[1], obis[2], obis[3], obis[4]);
}

static int64_t power_of_ten(int n)
{
        int64_t power = 1;

        while (n-- > 0)
                power *= 10;
        return power;
}

/* A non-negative number of the given form, from mantissa × 10^-after. */
static void put_digits(struct sim_out *out, int64_t mantissa, int before, int after)
{
        int64_t one = power_of_ten(after);

        sim_out_printf(out, "%0*" PRId64, before, mantissa / one);
        if (after > 0)
                sim_out_printf(out, ".%0*" PRId64, after, mantissa % one);
}

void sim_p1_number(struct sim_out *out, struct sim_meter *meter, struct sim_telegram *t, uint8_t c,
                   uint8_t d, uint8_t e, const struct sim_p1_form *form)
{
        const uint8_t obis[6] = { 1, 0, c, d, e, 255 };
        int exponent, wanted = form->kilo - form->after;
        const char *unit;
        int64_t mantissa;
        bool known = sim_load_value(&meter->load, c, d, e, &mantissa, &exponent, &unit);

        assert(known && mantissa >= 0);
        if (exponent > wanted)
                mantissa *= power_of_ten(exponent - wanted);
        else
                mantissa /= power_of_ten(wanted - exponent);
        put_code(out, obis);
        sim_out_u8(out, '(');
        put_digits(out, mantissa, form->before, form->after);
        sim_out_printf(out, "*%s)\r\n", form->unit);
        sim_note_value(t, obis, mantissa, wanted, unit);
}

void sim_p1_text(struct sim_out *out, struct sim_telegram *t, const uint8_t obis[static 6],
                 const char *text)
{
        put_code(out, obis);
        sim_out_printf(out, "(%s)\r\n", text);
        sim_note_text(t, obis, text);
}

void sim_p1_hex(struct sim_out *out, struct sim_telegram *t, const uint8_t obis[static 6],
                const char *text)
{
        put_code(out, obis);
        sim_out_u8(out, '(');
        sim_out_hex_text(out, text);
        sim_out_text(out, ")\r\n");
        sim_note_text(t, obis, text);
}

void sim_p1_print_time(int64_t epoch_s, char buf[static 16])
{
        struct sim_clock c = sim_clock_central_europe(epoch_s);

        (void)snprintf(buf, 16, "%02d%02d%02d%02d%02d%02d%c", c.year % 100, c.month, c.day, c.hour,
                       c.minute, c.second, c.dst ? 'S' : 'W');
}

void sim_p1_clock(struct sim_out *out, struct sim_telegram *t)
{
        char text[16];

        /* W and S are the winter and summer of Central Europe, wherever this runs. */
        t->clock = sim_clock_central_europe(t->clock.epoch_s);
        sim_p1_print_time(t->clock.epoch_s, text);
        sim_out_printf(out, "0-0:1.0.0(%s)\r\n", text);
        t->has_time = true;
        t->zone = SIM_ZONE_OFFSET;
}

void sim_p1_submeter(struct sim_out *out, struct sim_meter *meter, struct sim_telegram *t,
                     uint8_t b, const char *type, uint8_t id_e, const char *id, uint8_t e)
{
        const uint8_t value[6] = { 0, b, 24, 2, e, 255 };
        int64_t litres = meter->load.gas_l;
        char text[16];

        sim_p1_text(out, t, (const uint8_t[6]){ 0, b, 24, 1, 0, 255 }, type);
        sim_p1_hex(out, t, (const uint8_t[6]){ 0, b, 96, 1, id_e, 255 }, id);
        sim_p1_print_time(meter->load.gas_epoch_s, text);
        put_code(out, value);
        sim_out_printf(out, "(%s)(", text);
        put_digits(out, litres, 5, 3);
        sim_out_text(out, "*m3)\r\n");
        sim_note_value(t, value, litres, -3, "m³");
}

void sim_p1_end(struct sim_out *out)
{
        sim_out_u8(out, '!');
        sim_out_printf(out, "%04X\r\n", sim_crc_arc(out->data, out->len));
}
