/* SPDX-License-Identifier: MIT */
#include "layout.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* m × 10^from as an integer × 10^to; digits that do not fit are dropped, as a meter does. */
static int64_t rescale(int64_t mantissa, int from, int to)
{
        for (; from > to; from--)
                mantissa *= 10;
        for (; from < to; from++)
                mantissa /= 10;
        return mantissa;
}

static void put_number(struct sim_out *out, struct sim_meter *meter, struct sim_telegram *t,
                       const struct sim_item *item)
{
        const uint8_t *o = item->obis;
        int64_t mantissa;
        const char *unit;
        int exponent;
        bool known = sim_load_value(&meter->load, o[2], o[3], o[4], &mantissa, &exponent, &unit);

        assert(known);
        mantissa = rescale(mantissa, exponent, item->exponent);
        sim_axdr_number(out, item->type, mantissa);
        sim_note_value(t, o, mantissa, item->exponent, unit);
}

static void put_clock(struct sim_out *out, struct sim_telegram *t)
{
        sim_out_bytes(out, "\x09\x0c", 2);
        sim_axdr_date_time(out, &t->clock, t->zone);
        t->has_time = true;
}

/* List ids, the leading clock of layouts C and D and the id at the end of C stand alone. */
static bool has_code(const struct sim_item *item)
{
        static const uint8_t none[6];

        return memcmp(item->obis, none, sizeof(none)) != 0;
}

static void put_serial(struct sim_out *out, const struct sim_meter *meter, struct sim_telegram *t,
                       const struct sim_item *item)
{
        if (item->kind == SIM_ITEM_VISIBLE_SERIAL)
                sim_axdr_visible(out, meter->serial);
        else
                sim_axdr_octet_text(out, meter->serial);
        if (item->kind != SIM_ITEM_BARE_SERIAL)
                sim_note_text(t, item->obis, meter->serial);
        if (!t->meter_id[0])
                strcpy(t->meter_id, meter->serial);
}

static void put_value(struct sim_out *out, struct sim_meter *meter, struct sim_telegram *t,
                      const struct sim_item *item)
{
        switch (item->kind) {
        case SIM_ITEM_NUMBER:
                put_number(out, meter, t, item);
                break;
        case SIM_ITEM_FIXED:
                sim_axdr_number(out, item->type, item->fixed);
                break;
        case SIM_ITEM_NAME:
                sim_axdr_octet_text(out, meter->id);
                sim_note_text(t, item->obis, meter->id);
                strcpy(t->meter_id, meter->id);
                break;
        case SIM_ITEM_SERIAL:
        case SIM_ITEM_VISIBLE_SERIAL:
        case SIM_ITEM_BARE_SERIAL:
                put_serial(out, meter, t, item);
                break;
        case SIM_ITEM_LABEL:
                sim_axdr_visible(out, item->text);
                if (has_code(item))
                        sim_note_text(t, item->obis, item->text);
                break;
        case SIM_ITEM_OCTETS:
                sim_axdr_octet_text(out, item->text);
                if (has_code(item))
                        sim_note_text(t, item->obis, item->text);
                break;
        case SIM_ITEM_CLOCK:
                put_clock(out, t);
                break;
        case SIM_ITEM_PUSH:
                sim_axdr_obis(out, item->obis);
                break;
        }
}

void sim_layout_header(struct sim_out *apdu, struct sim_meter *meter, struct sim_telegram *t,
                       enum sim_header_time how, enum sim_zone zone)
{
        t->zone = zone;
        t->has_time = how != SIM_HEADER_NONE;
        sim_out_u8(apdu, 0x0f);
        /* 24 bits of invoke id follow the frame counter, as E450 and AM550 do it. */
        sim_out_be32(apdu, meter->cipher.counter & 0xffffff);
        switch (how) {
        case SIM_HEADER_NONE:
                sim_out_u8(apdu, 0);
                return;
        case SIM_HEADER_OCTET:
                sim_out_u8(apdu, 0x09);
                break;
        case SIM_HEADER_PLAIN:
                break;
        }
        sim_out_u8(apdu, 0x0c);
        sim_axdr_date_time(apdu, &t->clock, zone);
}

void sim_layout_push(struct sim_out *apdu, struct sim_meter *meter, struct sim_telegram *t,
                     const struct sim_item *items, size_t n)
{
        sim_axdr_structure(apdu, n);
        sim_axdr_array(apdu, n);
        for (size_t i = 0; i < n; i++) {
                sim_axdr_structure(apdu, 4);
                sim_axdr_number(apdu, SIM_U16, items[i].class_id);
                sim_axdr_obis(apdu, items[i].obis);
                sim_axdr_number(apdu, SIM_I8, items[i].attribute);
                sim_axdr_number(apdu, SIM_U16, 0);
        }
        /* The array itself is the value of the first definition. */
        for (size_t i = 1; i < n; i++)
                put_value(apdu, meter, t, &items[i]);
}

void sim_layout_objects(struct sim_out *apdu, struct sim_meter *meter, struct sim_telegram *t,
                        const struct sim_item *items, size_t n, bool in_array)
{
        if (in_array)
                sim_axdr_array(apdu, n);
        else
                sim_axdr_structure(apdu, n);
        for (size_t i = 0; i < n; i++) {
                bool scaled = items[i].kind == SIM_ITEM_NUMBER;

                sim_axdr_structure(apdu, scaled ? 3 : 2);
                sim_axdr_obis(apdu, items[i].obis);
                put_value(apdu, meter, t, &items[i]);
                if (scaled)
                        sim_axdr_scaler(apdu, items[i].exponent, items[i].unit);
        }
}

void sim_layout_flat(struct sim_out *apdu, struct sim_meter *meter, struct sim_telegram *t,
                     const struct sim_item *items, size_t n)
{
        size_t elements = 0;

        for (size_t i = 0; i < n; i++)
                elements += items[i].kind == SIM_ITEM_NUMBER ? 3 : 1;
        sim_axdr_structure(apdu, elements);
        for (size_t i = 0; i < n; i++) {
                if (items[i].kind == SIM_ITEM_NUMBER)
                        sim_axdr_obis(apdu, items[i].obis);
                put_value(apdu, meter, t, &items[i]);
                if (items[i].kind == SIM_ITEM_NUMBER)
                        sim_axdr_scaler(apdu, items[i].exponent, items[i].unit);
        }
}

void sim_layout_pairs(struct sim_out *apdu, struct sim_meter *meter, struct sim_telegram *t,
                      const struct sim_item *items, size_t n)
{
        size_t elements = 0;

        for (size_t i = 0; i < n; i++)
                elements += has_code(&items[i]) ? 2 : 1;
        sim_axdr_structure(apdu, elements);
        for (size_t i = 0; i < n; i++) {
                if (has_code(&items[i]))
                        sim_axdr_obis(apdu, items[i].obis);
                put_value(apdu, meter, t, &items[i]);
        }
}

void sim_layout_positional(struct sim_out *apdu, struct sim_meter *meter, struct sim_telegram *t,
                           const struct sim_item *items, size_t n)
{
        sim_axdr_structure(apdu, n);
        for (size_t i = 0; i < n; i++)
                put_value(apdu, meter, t, &items[i]);
}

void sim_layout_untagged(struct sim_out *apdu, struct sim_meter *meter, struct sim_telegram *t,
                         const struct sim_item *items, size_t n)
{
        sim_axdr_structure(apdu, 2);
        sim_axdr_number(apdu, SIM_ENUM, 1);
        sim_axdr_array(apdu, n);
        for (size_t i = 0; i < n; i++) {
                sim_axdr_structure(apdu, 2);
                sim_out_be16(apdu, items[i].class_id);
                sim_out_bytes(apdu, items[i].obis, 6);
                sim_out_u8(apdu, items[i].attribute);
                put_value(apdu, meter, t, &items[i]);
        }
}

int sim_layout_secure(struct sim_out *out, const struct sim_meter *meter,
                      const struct sim_out *apdu)
{
        if (meter->encrypts)
                return sim_cipher_wrap(out, &meter->cipher, apdu->data, apdu->len);
        sim_out_bytes(out, apdu->data, apdu->len);
        return 0;
}
