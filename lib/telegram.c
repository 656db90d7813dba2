/* SPDX-License-Identifier: MIT */
/*
 * The telegram under construction: every addition is bounded here, so no layout walker can grow it.
 */
#include "telegram.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void telegram_reset(struct telegram *t, enum link_type framing)
{
        /* The arrays keep their old bytes: only what the counts cover is ever read. */
        t->framing = framing;
        t->status = TELEGRAM_OK;
        t->error[0] = '\0';
        t->encrypted = t->has_system_title = t->has_frame_counter = false;
        t->authenticated = t->replayed = false;
        memset(t->system_title, 0, sizeof(t->system_title));
        t->frame_counter = 0;
        t->profile = NULL;
        t->meter_id[0] = t->manufacturer[0] = t->model[0] = '\0';
        t->time = (struct datetime){ 0 };
        t->hints = (struct telegram_hints){ 0 };
        t->n_readings = t->n_texts = t->n_dropped = t->arena_used = 0;
}

static bool same_value(struct decimal a, struct decimal b)
{
        return a.mantissa == b.mantissa && a.exponent == b.exponent;
}

void telegram_add_captured(struct telegram *t, struct obis obis, struct decimal value,
                           enum unit unit, const struct datetime *captured)
{
        struct reading *reading;

        for (size_t i = 0; i < t->n_readings; i++)
                if (obis_equal(t->readings[i].obis, obis) &&
                    same_value(t->readings[i].value, value))
                        return;
        if (t->n_readings == TELEGRAM_READINGS_MAX) {
                t->n_dropped++;
                return;
        }
        reading = &t->readings[t->n_readings++];
        reading->obis = obis;
        reading->value = value;
        reading->scaled = unit != UNIT_UNKNOWN; /* who knows the unit knows the scale */
        reading->quantity = quantity_find(obis);
        if (unit == UNIT_UNKNOWN)
                unit = reading->quantity ? reading->quantity->unit : unit_of_obis(obis);
        reading->unit = unit;
        reading->captured = captured ? *captured : (struct datetime){ 0 };
}

void telegram_add_reading(struct telegram *t, struct obis obis, struct decimal value,
                          enum unit unit)
{
        telegram_add_captured(t, obis, value, unit, NULL);
}

static struct text *add_text(struct telegram *t)
{
        if (t->n_texts == TELEGRAM_TEXTS_MAX) {
                t->n_dropped++;
                return NULL;
        }
        return &t->texts[t->n_texts++];
}

void telegram_add_text(struct telegram *t, struct obis obis, struct slice value)
{
        struct text *text = add_text(t);

        if (text)
                *text = (struct text){ .obis = obis, .value = value };
}

void telegram_add_labelled(struct telegram *t, const char *label, struct slice value)
{
        struct text *text = add_text(t);

        if (!text)
                return;
        *text = (struct text){ .value = value };
        (void)snprintf(text->label, sizeof(text->label), "%s", label);
}

uint8_t *telegram_alloc(struct telegram *t, size_t n)
{
        uint8_t *room;

        if (n > sizeof(t->arena) - t->arena_used)
                return NULL;
        room = t->arena + t->arena_used;
        t->arena_used += n;
        return room;
}

static bool is_printable(struct slice bytes)
{
        for (size_t i = 0; i < bytes.len; i++)
                if (bytes.data[i] < 0x20 || bytes.data[i] > 0x7e)
                        return false;
        return true;
}

struct slice telegram_printable(struct telegram *t, struct slice bytes)
{
        static const char digits[] = "0123456789abcdef";
        uint8_t *room;

        /* Strings of fixed size are filled up with zeros (E350 of Norway). */
        while (bytes.len > 1 && bytes.data[bytes.len - 1] == 0 && bytes.data[0] > 0x20)
                bytes.len--;
        if (is_printable(bytes))
                return bytes;
        room = telegram_alloc(t, bytes.len * 2);
        if (!room) {
                t->n_dropped++;
                return (struct slice){ 0 };
        }
        for (size_t i = 0; i < bytes.len; i++) {
                room[2 * i] = (uint8_t)digits[bytes.data[i] >> 4];
                room[2 * i + 1] = (uint8_t)digits[bytes.data[i] & 15];
        }
        return (struct slice){ room, bytes.len * 2 };
}

const struct text *telegram_find_text(const struct telegram *t, struct obis obis)
{
        for (size_t i = 0; i < t->n_texts; i++)
                if (!t->texts[i].label[0] && obis_equal(t->texts[i].obis, obis))
                        return &t->texts[i];
        return NULL;
}

const struct reading *telegram_find_reading(const struct telegram *t, struct obis obis)
{
        for (size_t i = 0; i < t->n_readings; i++)
                if (obis_equal(t->readings[i].obis, obis))
                        return &t->readings[i];
        return NULL;
}

/* How good an identifier this code is: 0 is best, -1 is none (DESIGN §2, Identity). */
static int identity_rank(struct obis obis)
{
        if (obis.a == 0 && obis.b == 0 && obis.c == 42 && obis.d == 0)
                return 0;
        if (obis.a == 0 && obis.b == 0 && obis.c == 96 && obis.d == 1 && obis.e <= 9)
                return 1 + obis.e;
        /* Kamstrup's GS1 number is 1-1:0.0.5; its serial number 0.0.1 stands beside it. */
        if (obis.a == 1 && obis.c == 0 && obis.d == 0 && obis.e <= 9)
                return obis.e == 5 ? 11 : 12 + obis.e;
        return -1;
}

static void set_meter_id(struct telegram *t, struct slice value)
{
        size_t n;

        while (value.len > 0 && value.data[0] == ' ')
                value = slice_from(value, 1);
        n = value.len < TELEGRAM_ID_MAX - 1 ? value.len : TELEGRAM_ID_MAX - 1;
        for (size_t i = 0; i < n; i++) {
                uint8_t c = value.data[i];

                t->meter_id[i] = c < 0x20 || c > 0x7e || c == '/' ? '_' : (char)c;
        }
        while (n > 0 && t->meter_id[n - 1] == ' ')
                n--;
        t->meter_id[n] = '\0';
}

void telegram_identify(struct telegram *t)
{
        const struct text *best = NULL;
        int best_rank = 0;

        if (t->meter_id[0])
                return;
        for (size_t i = 0; i < t->n_texts; i++) {
                const struct text *text = &t->texts[i];
                int rank = text->label[0] ? -1 : identity_rank(text->obis);

                if (rank < 0 || text->value.len == 0 || (best && rank >= best_rank))
                        continue;
                best = text;
                best_rank = rank;
        }
        if (best)
                set_meter_id(t, best->value);
}

void telegram_fail(struct telegram *t, enum telegram_status status, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        (void)vsnprintf(t->error, sizeof(t->error), format, args);
        va_end(args);
        t->status = status;
        t->n_readings = t->n_texts = 0;
        t->meter_id[0] = '\0';
        t->time = (struct datetime){ 0 };
}

const char *link_type_name(enum link_type type)
{
        switch (type) {
        case LINK_HDLC:
                return "hdlc";
        case LINK_MBUS:
                return "mbus";
        case LINK_RAW:
                return "raw";
        case LINK_P1:
                return "p1";
        case LINK_IEC62056_21:
                return "iec62056-21";
        case LINK_SML:
                return "sml";
        case LINK_TIC:
                return "tic";
        case LINK_N_TYPES:
                break;
        }
        return "unknown";
}
