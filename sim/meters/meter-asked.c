/* SPDX-License-Identifier: MIT */
/*
 * Meters behind an optical head that say nothing until they are asked (IEC 62056-21 mode C): one
 * that is read out, and the Siemens TD-3511, which is read by commands. Short codes, no check sum
 * but the block check:
 *
 *      /LGZ5\2ZMD… CRLF  STX lines ! CRLF ETX BCC
 */
#include <inttypes.h>
#include <string.h>

#include "base/util.h"
#include "sim/asked.h"
#include "sim/profiles.h"

#define STX 0x02
#define ETX 0x03

enum line_kind {
        LINE_NUMBER,
        LINE_ID,
        LINE_TIME,
        LINE_DATE,
        LINE_FIXED,
};

/* One line of a readout; `command` is the one that reads it, 0 where all is read at once. */
struct line {
        unsigned int command;
        const char *code;
        uint8_t c, d, e;
        const char *prefix; /* of the unit: "k" */
        enum line_kind kind;
};

static const struct line mode_c_lines[] = {
        { 0, "F.F", 0, 0, 0, "00", LINE_FIXED }, { 0, "0.0.0", 0, 0, 0, "", LINE_ID },
        { 0, "1.8.0", 1, 8, 0, "k", 0 },         { 0, "1.8.1", 1, 8, 1, "k", 0 },
        { 0, "1.8.2", 1, 8, 2, "k", 0 },         { 0, "2.8.0", 2, 8, 0, "k", 0 },
        { 0, "1.7.0", 1, 7, 0, "k", 0 },         { 0, "2.7.0", 2, 7, 0, "k", 0 },
        { 0, "32.7.0", 32, 7, 0, "", 0 },        { 0, "52.7.0", 52, 7, 0, "", 0 },
        { 0, "72.7.0", 72, 7, 0, "", 0 },
};

static const struct line td3511_lines[] = {
        { 1, "0.0.0", 0, 0, 0, "", LINE_ID },   { 1, "0.9.1", 0, 0, 0, "", LINE_TIME },
        { 1, "0.9.2", 0, 0, 0, "", LINE_DATE }, { 1, "1.8.0", 1, 8, 0, "k", 0 },
        { 1, "1.8.1", 1, 8, 1, "k", 0 },        { 1, "1.8.2", 1, 8, 2, "k", 0 },
        { 1, "2.8.0", 2, 8, 0, "k", 0 },        { 1, "3.8.1", 3, 8, 1, "k", 0 },
        { 1, "4.8.1", 4, 8, 1, "k", 0 },        { 2, "1.7.0", 1, 7, 0, "k", 0 },
        { 2, "2.7.0", 2, 7, 0, "k", 0 },        { 2, "3.7.0", 3, 7, 0, "k", 0 },
        { 2, "4.7.0", 4, 7, 0, "k", 0 },        { 2, "14.7", 14, 7, 0, "", 0 },
        { 2, "31.7", 31, 7, 0, "", 0 },         { 2, "51.7", 51, 7, 0, "", 0 },
        { 2, "71.7", 71, 7, 0, "", 0 },         { 2, "32.7", 32, 7, 0, "", 0 },
        { 2, "52.7", 52, 7, 0, "", 0 },         { 2, "72.7", 72, 7, 0, "", 0 },
};

/* Values here are never negative: import and export have codes of their own. */
static void put_number(struct sim_out *out, const struct sim_load *load, struct sim_telegram *t,
                       const struct line *line)
{
        const uint8_t obis[6] = { 1, 0, line->c, line->d, line->e, 255 };
        int64_t mantissa, scale = 1;
        const char *unit;
        int exponent, decimals;

        if (!sim_load_value(load, line->c, line->d, line->e, &mantissa, &exponent, &unit))
                return;
        decimals = (*line->prefix ? 3 : 0) - exponent;
        for (int i = 0; i < decimals; i++)
                scale *= 10;
        sim_out_printf(out, "%s(%0*" PRId64 ".%0*" PRId64 "*%s%s)\r\n", line->code,
                       line->d == 8 ? 6 : 2, mantissa / scale, decimals, mantissa % scale,
                       line->prefix, unit);
        sim_note_value(t, obis, mantissa, exponent, unit);
}

static void put_line(struct sim_out *out, struct sim_meter *meter, struct sim_telegram *t,
                     const struct line *line)
{
        const struct sim_clock *c = &t->clock;

        switch (line->kind) {
        case LINE_NUMBER:
                put_number(out, &meter->load, t, line);
                break;
        case LINE_ID:
                sim_out_printf(out, "%s(%s)\r\n", line->code, meter->id);
                sim_note_text(t, (const uint8_t[6]){ 1, 0, 0, 0, 0, 255 }, meter->id);
                strcpy(t->meter_id, meter->id);
                break;
        case LINE_TIME:
                sim_out_printf(out, "%s(%02d:%02d:%02d)\r\n", line->code, c->hour, c->minute,
                               c->second);
                break;
        case LINE_DATE:
                sim_out_printf(out, "%s(%02d-%02d-%02d)\r\n", line->code, c->year % 100, c->month,
                               c->day);
                t->has_time = true;
                break;
        case LINE_FIXED:
                sim_out_printf(out, "%s(%s)\r\n", line->code, line->prefix);
                break;
        }
}

/* The identification is a frame of its own: it is asked for by itself. */
static int encode(struct sim_meter *meter, struct sim_telegram *t, const struct line *lines,
                  size_t n)
{
        struct sim_out *out = &t->wire.out;
        size_t start;

        sim_out_printf(out, "%s\r\n", meter->profile->ident);
        sim_wire_end_frame(&t->wire);
        sim_out_u8(out, STX);
        start = out->len;
        for (size_t i = 0; i < n; i++)
                if (meter->command == 0 || lines[i].command == meter->command)
                        put_line(out, meter, t, &lines[i]);
        sim_out_text(out, "!\r\n");
        sim_out_u8(out, ETX);
        sim_out_u8(out, sim_asked_block_check(out->data + start, out->len - start));
        sim_wire_end_frame(&t->wire);
        return 0;
}

static int encode_mode_c(struct sim_meter *meter, struct sim_telegram *t)
{
        return encode(meter, t, mode_c_lines, ELEMENTSOF(mode_c_lines));
}

static int encode_td3511(struct sim_meter *meter, struct sim_telegram *t)
{
        return encode(meter, t, td3511_lines, ELEMENTSOF(td3511_lines));
}

const struct sim_profile sim_profile_mode_c = {
        .name = "mode-c",
        .title = "Landis+Gyr ZMD310 (IEC 62056-21 mode C), answers when it is read out",
        .line = { .baud = 300, .bits = 7, .parity = 'E', .stop = 1 },
        .interval_s = 900,
        .id_prefix = "40",
        .way = SIM_READOUT,
        .ident = "/LGZ5\\2ZMD3104100.B32",
        .encode = encode_mode_c,
};

const struct sim_profile sim_profile_siemens_td3511 = {
        .name = "siemens-td3511",
        .title = "Siemens TD-3511, Upper Austria, answers when F001 and F009 are read",
        .line = { .baud = 300, .bits = 7, .parity = 'E', .stop = 1 },
        .interval_s = 5,
        .id_prefix = "30",
        .way = SIM_COMMANDS,
        .ident = "/SIE6TD3511 V04.03",
        .commands = { "F001", "F009" },
        .encode = encode_td3511,
};
