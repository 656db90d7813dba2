/* SPDX-License-Identifier: MIT */
/*
 * The telegram under construction: every addition is bounded here, so no layout walker can grow it.
 */
#include "telegram.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "id.h"

void telegram_reset(struct telegram *t, const char *framing)
{
        /* The arrays keep their old bytes: only what the counts cover is ever read. */
        t->framing = framing;
        t->memo = NULL;
        t->status = TELEGRAM_OK;
        t->error[0] = '\0';
        t->text_ids = false;
        t->encrypted = t->has_system_title = t->has_frame_counter = false;
        t->authenticated = t->replayed = t->keys_exchanged = false;
        memset(t->system_title, 0, sizeof(t->system_title));
        t->frame_counter = 0;
        t->profile = NULL;
        t->meter_id[0] = t->manufacturer[0] = t->model[0] = '\0';
        t->time = (struct datetime){ 0 };
        t->hints = (struct telegram_hints){ 0 };
        t->n_readings = t->n_texts = t->n_dropped = t->arena_used = 0;
        t->n_unread = 0;
        t->unknown = (struct slice){ 0 };
}

void telegram_remind(struct telegram *t, struct telegram_memo *memo)
{
        t->memo = memo;
}

/* Of the i-th reading. */
static const struct quantity *look_up(struct telegram_memo *memo, size_t i, struct obis obis)
{
        if (!memo || i >= TELEGRAM_MEMO_MAX)
                return quantity_find(obis);
        if (!obis_equal(memo->readings[i].obis, obis)) {
                memo->readings[i].obis = obis;
                memo->readings[i].quantity = quantity_find(obis);
        }
        return memo->readings[i].quantity;
}

static bool same_value(struct decimal a, struct decimal b)
{
        return a.mantissa == b.mantissa && a.exponent == b.exponent;
}

/* How many zeros behind `sent` were cut, to make `left` of it. */
static int cut_zeros(int64_t sent, int64_t left)
{
        int n = 0;

        for (; sent != left && sent != 0 && sent % 10 == 0; sent /= 10)
                n++;
        return sent == left ? n : 0;
}

void telegram_add_captured(struct telegram *t, struct obis obis, struct decimal value,
                           enum unit unit, enum scale_source scale, int point,
                           const struct datetime *captured)
{
        int64_t sent = value.mantissa;
        struct reading *reading;

        unit_settle(obis, &unit, &value);
        point += cut_zeros(sent, value.mantissa);
        for (size_t i = 0; i < t->n_readings; i++) {
                reading = &t->readings[i];
                if (!obis_equal(reading->obis, obis))
                        continue;
                /* Hours of a day under one code (gas behind Itron ACE4000): the newest counts. */
                if (captured && captured->valid && reading->captured.valid) {
                        if (datetime_to_epoch(captured) > datetime_to_epoch(&reading->captured)) {
                                reading->value = value;
                                reading->point = (int8_t)point;
                                reading->captured = *captured;
                        }
                        return;
                }
                if (same_value(reading->value, value))
                        return;
        }
        if (t->n_readings == TELEGRAM_READINGS_MAX) {
                t->n_dropped++;
                return;
        }
        reading = &t->readings[t->n_readings++];
        reading->obis = obis;
        reading->value = value;
        reading->unit = unit;
        reading->point = (int8_t)point;
        reading->quantity = look_up(t->memo, t->n_readings - 1, obis);
        reading_set_scale(reading, value.exponent, scale);
        reading->captured = captured ? *captured : (struct datetime){ 0 };
}

void telegram_add_reading(struct telegram *t, struct obis obis, struct decimal value,
                          enum unit unit, enum scale_source scale)
{
        telegram_add_captured(t, obis, value, unit, scale, 0, NULL);
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
        hex_put(bytes.data, bytes.len, (char *)room);
        return (struct slice){ room, bytes.len * 2 };
}

/*
 * A value that was never written is all FF (text messages of Hungarian meters); a written one may
 * be followed by FF. Texts of other alphabets than UTF-8 are shown in hex: which one is unknown.
 */
static struct slice settle_text(struct telegram *t, struct slice value)
{
        while (value.len > 0 && value.data[value.len - 1] == 0xff)
                value.len--;
        return utf8_is_text(value) ? value : telegram_printable(t, value);
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
                *text = (struct text){ .obis = obis, .value = settle_text(t, value) };
}

void telegram_add_labelled(struct telegram *t, const char *label, struct slice value)
{
        struct text *text = add_text(t);

        if (!text)
                return;
        *text = (struct text){ .value = settle_text(t, value) };
        (void)snprintf(text->label, sizeof(text->label), "%s", label);
}

const struct text *telegram_find_text(const struct telegram *t, struct obis obis)
{
        for (size_t i = 0; i < t->n_texts; i++)
                if (!t->texts[i].label[0] && obis_equal(t->texts[i].obis, obis))
                        return &t->texts[i];
        return NULL;
}

/*
 * How good an identifier this code is: 0 is best, -1 is none. Abstract codes (A = 0) name the
 * device, those of electricity (A = 1) the same where a maker puts them there.
 */
static int identity_rank(struct obis obis)
{
        if (obis.a == 0 && obis.b == 0 && obis.c == 42 && obis.d == 0)
                return 0;
        /* 0-0:96.1.4 is the version of the telegram by e-MUCS P1: better than no name at all. */
        if (obis.a == 0 && obis.b == 0 && obis.c == 96 && obis.d == 1 && obis.e <= 9)
                return obis.e == 4 ? 42 : 1 + obis.e;
        /* Kamstrup's GS1 number is 1-1:0.0.5; its serial number 0.0.1 stands beside it. */
        if (obis.a == 1 && obis.c == 0 && obis.d == 0 && obis.e <= 9)
                return obis.e == 5 ? 11 : 12 + obis.e;
        if (obis.a == 1 && obis.c == 96 && obis.d == 1 && obis.e <= 9)
                return 22 + obis.e;
        if (obis.a == 0 && obis.b == 0 && obis.c == 0 && obis.d == 0 && obis.e <= 9)
                return 32 + obis.e;
        return -1;
}

/* Zeros are a place that was never filled; only where digits are sent as text, they are digits. */
static bool is_no_id(const struct telegram *t, struct slice value)
{
        size_t blanks = 0;

        if (!t->text_ids)
                return id_is_empty(value);
        while (blanks < value.len && value.data[blanks] == ' ')
                blanks++;
        return blanks == value.len;
}

void telegram_set_meter_id(struct telegram *t, struct slice value)
{
        if (is_no_id(t, value))
                t->meter_id[0] = '\0';
        else
                (void)id_clean(t->meter_id, sizeof(t->meter_id), value);
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

                if (rank < 0 || is_no_id(t, text->value) || (best && rank >= best_rank))
                        continue;
                best = text;
                best_rank = rank;
        }
        if (best)
                telegram_set_meter_id(t, best->value);
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
