/* SPDX-License-Identifier: MIT */
/*
 * Which objects of a telegram belong to another meter that is read through this one
 * (DSMR 5.0.2 §6.12, e-MUCS 1.7 §5; media of EN 13757-1 group A; device types of EN 13757-3).
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "lib/value/id.h"
#include "meter.h"

#define CHANNEL_MAX 15 /* an M-Bus master of a meter has 4 (DSMR) to 8 slots; group B allows 63 */
/* A medium that comes without a channel (7-0:23.1.0 of Itron ACE4000) has one of its own. */
#define CHANNEL_OF_MEDIUM  16
#define MEDIUM_MIN         4
#define MEDIUM_MAX         9
#define DEVICE_ELECTRICITY 2

static bool is_device_type(struct obis obis)
{
        return obis.a == 0 && obis.c == 24 && obis.d == 1;
}

static bool is_device_value(struct obis obis)
{
        return obis.a == 0 && obis.c == 24 && (obis.d == 2 || obis.d == 3);
}

static bool is_device_id(struct obis obis)
{
        return obis.a == 0 && obis.c == 96 && obis.d == 1;
}

static bool has_channel(struct obis obis)
{
        return obis.b >= 1 && obis.b <= CHANNEL_MAX;
}

/* The M-Bus device type of a channel ("003", "3" or a number); 0 when the telegram gives none. */
static unsigned int device_type(const struct telegram *telegram, uint8_t channel)
{
        for (size_t i = 0; i < telegram->n_texts; i++) {
                const struct text *text = &telegram->texts[i];
                unsigned int type = 0;

                if (text->label[0] || text->obis.b != channel || !is_device_type(text->obis))
                        continue;
                for (size_t at = 0; at < text->value.len && at < 3; at++) {
                        if (!isdigit(text->value.data[at]))
                                return 0;
                        type = type * 10 + (unsigned int)(text->value.data[at] - '0');
                }
                return type;
        }
        for (size_t i = 0; i < telegram->n_readings; i++) {
                const struct reading *reading = &telegram->readings[i];

                if (reading->obis.b == channel && is_device_type(reading->obis) &&
                    reading->value.exponent == 0 && reading->value.mantissa > 0 &&
                    reading->value.mantissa < 256)
                        return (unsigned int)reading->value.mantissa;
        }
        return 0;
}

static bool has_electricity(const struct telegram *telegram)
{
        for (size_t i = 0; i < telegram->n_readings; i++)
                if (telegram->readings[i].obis.a == 1)
                        return true;
        return false;
}

/* True when something of this channel is a value of an M-Bus device. */
static bool has_device_value(const struct telegram *telegram, uint8_t channel)
{
        for (size_t i = 0; i < telegram->n_readings; i++)
                if (telegram->readings[i].obis.b == channel &&
                    is_device_value(telegram->readings[i].obis))
                        return true;
        return false;
}

static bool is_medium(struct obis obis)
{
        return obis.a >= MEDIUM_MIN && obis.a <= MEDIUM_MAX;
}

/* The channel of the medium that stands alone: in an electricity meter's telegram, with B = 0. */
static uint8_t channel_without_number(const struct telegram *telegram)
{
        for (size_t i = 0; i < telegram->n_readings; i++) {
                struct obis obis = telegram->readings[i].obis;

                if (is_medium(obis) && obis.b == 0 && has_electricity(telegram))
                        return (uint8_t)(CHANNEL_OF_MEDIUM + obis.a);
        }
        return 0;
}

static uint8_t channel_of_id(const struct telegram *telegram, struct obis obis)
{
        if (device_type(telegram, obis.b) || has_device_value(telegram, obis.b))
                return obis.b;
        return channel_without_number(telegram);
}

uint8_t submeter_channel(const struct telegram *telegram, struct obis obis)
{
        if (is_medium(obis) && obis.b == 0)
                return has_electricity(telegram) ? (uint8_t)(CHANNEL_OF_MEDIUM + obis.a) : 0;
        if (!has_channel(obis))
                return 0;
        switch (obis.a) {
        case 0:
                if (obis.c == 24)
                        return obis.b;
                return is_device_id(obis) ? channel_of_id(telegram, obis) : 0;
        case 1:
                return device_type(telegram, obis.b) == DEVICE_ELECTRICITY ? obis.b : 0;
        case 4: /* heat cost allocator */
        case 5: /* cooling */
        case 6: /* heat */
        case 7: /* gas */
        case 8: /* cold water */
        case 9: /* hot water */
                /* A gas meter that sends for itself is no sub-meter. */
                return has_electricity(telegram) ? obis.b : 0;
        default:
                return 0;
        }
}

uint8_t submeter_text_channel(const struct telegram *telegram, const struct text *text)
{
        return text->label[0] ? 0 : submeter_channel(telegram, text->obis);
}

static const char *medium_of_type(unsigned int type)
{
        switch (type) {
        case 2:
                return "electricity";
        case 3:
                return "gas";
        case 4:  /* heat, measured in the return */
        case 12: /* heat, measured in the flow */
        case 13: /* heat and cooling */
                return "heat";
        case 8:
                return "heat-cost";
        case 10: /* cooling, return and flow */
        case 11:
                return "cooling";
        case 6: /* warm water */
        case 7:
        case 21: /* hot water */
        case 22: /* cold water */
                return "water";
        default:
                return NULL;
        }
}

/* Where no device type is given, medium and unit of a value decide. */
static const char *medium_of_reading(const struct reading *reading)
{
        if (is_medium(reading->obis))
                return obis_medium(reading->obis.a);
        if (reading->unit == UNIT_GJ)
                return "heat";
        if (reading->unit == UNIT_WH)
                return "electricity";
        /* 24.2.3 and 24.3.0 are gas: volume not corrected for temperature, DSMR 2 hourly gas. */
        if (reading->unit == UNIT_M3 && (reading->obis.d == 3 || reading->obis.e == 3))
                return "gas";
        return NULL;
}

/* *ret_has_place: the telegram has a place for it, filled or not. */
static struct slice device_id(const struct telegram *telegram, uint8_t channel, bool *ret_has_place)
{
        *ret_has_place = false;
        for (size_t i = 0; i < telegram->n_texts; i++) {
                const struct text *text = &telegram->texts[i];

                if (!text->label[0] && is_device_id(text->obis) &&
                    submeter_channel(telegram, text->obis) == channel) {
                        *ret_has_place = true;
                        if (!id_is_empty(text->value))
                                return text->value;
                }
        }
        return (struct slice){ 0 };
}

void submeter_name(const char *parent, const struct submeter *submeter,
                   char id[static METER_ID_MAX])
{
        if (submeter->channel > CHANNEL_MAX)
                (void)snprintf(id, METER_ID_MAX, "%.*s-%s", METER_ID_MAX - 13, parent,
                               submeter->medium);
        else
                (void)snprintf(id, METER_ID_MAX, "%.*s-%u", METER_ID_MAX - 5, parent,
                               submeter->channel);
}

static bool describe(const struct telegram *telegram, uint8_t channel, struct submeter *ret)
{
        bool has_place, counts = false;
        struct slice id = device_id(telegram, channel, &has_place);
        const char *medium = medium_of_type(device_type(telegram, channel));
        bool has_value = false;

        for (size_t i = 0; i < telegram->n_readings; i++) {
                const struct reading *reading = &telegram->readings[i];

                if (is_device_type(reading->obis) ||
                    submeter_channel(telegram, reading->obis) != channel)
                        continue;
                has_value = true;
                counts |= reading->value.mantissa != 0;
                if (!medium)
                        medium = medium_of_reading(reading);
        }
        if (!has_value && (id.len == 0 || !device_type(telegram, channel)))
                return false;
        /* A slot of the meter to which nothing is connected: an id of zeros, and no consumption. */
        if (has_place && id.len == 0 && !counts)
                return false;

        *ret = (struct submeter){ .channel = channel, .medium = medium ? medium : "other" };
        if (id.len)
                (void)id_clean(ret->id, sizeof(ret->id), id);
        else if (telegram->meter_id[0])
                submeter_name(telegram->meter_id, ret, ret->id);
        return true;
}

size_t submeter_list(const struct telegram *telegram, struct submeter ret[static SUBMETERS_MAX])
{
        uint32_t channels = 0;
        size_t n = 0;

        for (size_t i = 0; i < telegram->n_readings; i++)
                channels |= 1u << submeter_channel(telegram, telegram->readings[i].obis);
        for (size_t i = 0; i < telegram->n_texts; i++)
                if (!telegram->texts[i].label[0])
                        channels |= 1u << submeter_channel(telegram, telegram->texts[i].obis);
        for (uint8_t channel = 1; channel <= CHANNEL_OF_MEDIUM + MEDIUM_MAX && n < SUBMETERS_MAX;
             channel++)
                if (channels & 1u << channel && describe(telegram, channel, &ret[n]))
                        n++;
        return n;
}
