/* SPDX-License-Identifier: MIT */
/*
 * Linky and its predecessors: télé-information client (Enedis-NOI-CPT_54E). Groups of label and
 * value between STX and ETX; historical mode at 1200 baud, standard mode at 9600.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/profiles.h"

#define OBIS(...) ((const uint8_t[6]){ __VA_ARGS__ })

/* The sum's low six bits, moved into the printable range (54E §6.2.3). */
static unsigned int check_of(const uint8_t *data, size_t len)
{
        unsigned int sum = 0;

        for (size_t i = 0; i < len; i++)
                sum += data[i];
        return (sum & 0x3f) + 0x20;
}

/* LF label SP value SP check CR: the last separator is not summed. */
static void put_historical(struct sim_out *out, const char *label, const char *value)
{
        size_t start;

        sim_out_u8(out, '\n');
        start = out->len;
        sim_out_printf(out, "%s %s", label, value);
        unsigned int check = check_of(out->data + start, out->len - start);
        sim_out_printf(out, " %c\r", (int)check);
}

/* LF label HT [time HT] value HT check CR: the last separator is summed. */
static void put_standard(struct sim_out *out, const char *label, const char *time,
                         const char *value)
{
        size_t start;

        sim_out_u8(out, '\n');
        start = out->len;
        sim_out_printf(out, "%s\t%s%s%s\t", label, time ? time : "", time ? "\t" : "", value);
        unsigned int check = check_of(out->data + start, out->len - start);
        sim_out_printf(out, "%c\r", (int)check);
}

static void put_historical_text(struct sim_out *out, struct sim_telegram *t, const char *label,
                                const char *value)
{
        put_historical(out, label, value);
        sim_note_label(t, label, value);
}

static void put_standard_text(struct sim_out *out, struct sim_telegram *t, const char *label,
                              const char *value)
{
        put_standard(out, label, NULL, value);
        sim_note_label(t, label, value);
}

static int64_t value_of(const struct sim_meter *meter, uint8_t c, uint8_t d, uint8_t e)
{
        int64_t mantissa = 0;
        const char *unit;
        int exponent = 0;

        (void)sim_load_value(&meter->load, c, d, e, &mantissa, &exponent, &unit); /* all exist */
        return mantissa;
}

static int encode_historical(struct sim_meter *meter, struct sim_telegram *t)
{
        struct sim_out *out = &t->wire.out;
        int64_t low = value_of(meter, 1, 8, 2), high = value_of(meter, 1, 8, 1);
        int64_t amperes = value_of(meter, 31, 7, 0) / 1000;
        int64_t apparent = value_of(meter, 9, 7, 0) / 10 * 10;
        char text[32];

        sim_out_u8(out, 0x02);
        put_historical_text(out, t, "ADCO", meter->serial);
        put_historical_text(out, t, "OPTARIF", "HC..");
        put_historical_text(out, t, "ISOUSC", "45");
        (void)snprintf(text, sizeof(text), "%09" PRId64, low);
        put_historical(out, "HCHC", text);
        sim_note_value(t, OBIS(1, 0, 1, 8, 1, 255), low, 0, "Wh");
        (void)snprintf(text, sizeof(text), "%09" PRId64, high);
        put_historical(out, "HCHP", text);
        sim_note_value(t, OBIS(1, 0, 1, 8, 2, 255), high, 0, "Wh");
        put_historical_text(out, t, "PTEC", sim_load_tariff(&meter->load) == 1 ? "HP.." : "HC..");
        (void)snprintf(text, sizeof(text), "%03" PRId64, amperes);
        put_historical(out, "IINST", text);
        sim_note_value(t, OBIS(1, 0, 31, 7, 0, 255), amperes, 0, "A");
        put_historical_text(out, t, "IMAX", "049");
        (void)snprintf(text, sizeof(text), "%05" PRId64, apparent);
        put_historical(out, "PAPP", text);
        sim_note_value(t, OBIS(1, 0, 9, 7, 0, 255), apparent, 0, "VA");
        put_historical_text(out, t, "HHPHC", "A");
        put_historical_text(out, t, "MOTDETAT", "000000");
        sim_out_u8(out, 0x03);
        strcpy(t->meter_id, meter->serial);
        sim_wire_end_frame(&t->wire);
        return 0;
}

static int encode_standard(struct sim_meter *meter, struct sim_telegram *t)
{
        struct sim_out *out = &t->wire.out;
        struct sim_clock c = sim_clock_central_europe(t->clock.epoch_s);
        int64_t energy = value_of(meter, 1, 8, 0), volts = value_of(meter, 32, 7, 0) / 10;
        int64_t apparent = value_of(meter, 9, 7, 0);
        char when[16], text[32];

        (void)snprintf(when, sizeof(when), "%c%02d%02d%02d%02d%02d%02d", c.dst ? 'E' : 'H',
                       c.year % 100, c.month, c.day, c.hour, c.minute, c.second);
        sim_out_u8(out, 0x02);
        put_standard_text(out, t, "VTIC", "02");
        put_standard(out, "DATE", when, "");
        (void)snprintf(text, sizeof(text), "%09" PRId64, energy);
        put_standard(out, "EAST", NULL, text);
        sim_note_value(t, OBIS(1, 0, 1, 8, 0, 255), energy, 0, "Wh");
        (void)snprintf(text, sizeof(text), "%03" PRId64, volts);
        put_standard(out, "URMS1", NULL, text);
        sim_note_value(t, OBIS(1, 0, 32, 7, 0, 255), volts, 0, "V");
        put_standard_text(out, t, "PREF", "09");
        (void)snprintf(text, sizeof(text), "%05" PRId64, apparent);
        put_standard(out, "SINSTS", NULL, text);
        sim_note_value(t, OBIS(1, 0, 9, 7, 0, 255), apparent, 0, "VA");
        put_standard(out, "SMAXSN", when, "06100");
        put_standard_text(out, t, "STGE", "003A0001");
        put_standard_text(out, t, "PRM", meter->serial);
        put_standard_text(out, t, "NTARF", sim_load_tariff(&meter->load) == 1 ? "01" : "02");
        sim_out_u8(out, 0x03);
        strcpy(t->meter_id, meter->serial);
        t->has_time = true;
        t->zone = SIM_ZONE_OFFSET;
        t->clock = c;
        sim_wire_end_frame(&t->wire);
        return 0;
}

const struct sim_profile sim_profile_tic = {
        .name = "tic",
        .title = "Linky or older, France (TIC, historical mode)",
        .line = { .baud = 1200, .bits = 7, .parity = 'E', .stop = 1 },
        .interval_s = 2,
        .id_prefix = "021528",
        .encode = encode_historical,
};

const struct sim_profile sim_profile_tic_standard = {
        .name = "tic-standard",
        .title = "Linky, France (TIC, standard mode)",
        .line = { .baud = 9600, .bits = 7, .parity = 'E', .stop = 1 },
        .interval_s = 2,
        .id_prefix = "01332272",
        .encode = encode_standard,
};
