/* SPDX-License-Identifier: MIT */
/*
 * One COSEM attribute becomes a reading, a text, or the time: decided by its code, its class and
 * its type, the same way for every layout (IEC 62056-6-2).
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "layout.h"

#define CLASS_DATA              1
#define CLASS_REGISTER          3
#define CLASS_EXTENDED_REGISTER 4
#define CLASS_DEMAND_REGISTER   5
#define CLASS_CLOCK             8
#define ATTRIBUTE_VALUE         2
#define ATTRIBUTE_LAST_AVERAGE  3
#define ATTRIBUTE_CAPTURED      6 /* of a demand register: when the last average was */
#define D_AVERAGE               4
#define DATETIME_BYTES          12

static bool is_clock(const struct layout_object *object)
{
        return object->class_id == CLASS_CLOCK ||
               (object->obis.a == 0 && object->obis.c == 1 && object->obis.d == 0);
}

/* Status and number of periods of a register stand under its code, and are no values of it. */
static bool is_state(const struct layout_object *object)
{
        if (object->class_id == CLASS_EXTENDED_REGISTER)
                return object->attribute > ATTRIBUTE_VALUE;
        return object->class_id == CLASS_DEMAND_REGISTER &&
               object->attribute > ATTRIBUTE_LAST_AVERAGE;
}

/*
 * Whether a number is a measurement. Abstract objects (A = 0) mostly are states and identifiers;
 * those the quantity table knows are not, unless their class says they are no registers.
 */
static bool is_measurement(const struct layout_object *object)
{
        bool register_class = object->class_id == 0 || object->class_id == CLASS_DATA ||
                              object->class_id == CLASS_REGISTER ||
                              object->class_id == CLASS_EXTENDED_REGISTER ||
                              object->class_id == CLASS_DEMAND_REGISTER;

        if (!register_class || object->obis.c == 0 || is_state(object))
                return false;
        if (object->obis.a != 0)
                return object->obis.c < 96;
        return object->class_id != CLASS_DATA && quantity_find(object->obis) != NULL;
}

static const struct scaler *find_scaler(const struct layout *l, struct obis obis)
{
        for (size_t i = 0; i < l->n_scalers; i++)
                if (obis_equal(l->scalers[i].obis, obis))
                        return &l->scalers[i].scaler;
        return NULL;
}

/* A text that is made here: it lives in the arena of the telegram. */
static void deliver_text(struct layout *l, struct obis obis, const char *text, size_t n)
{
        uint8_t *room = telegram_alloc(l->telegram, n);

        if (!room) {
                l->telegram->n_dropped++;
                return;
        }
        memcpy(room, text, n);
        telegram_add_text(l->telegram, obis, (struct slice){ room, n });
}

static void deliver_text_number(struct layout *l, struct obis obis, int64_t number)
{
        char text[DECIMAL_TEXT_MAX];

        deliver_text(l, obis, text, decimal_print((struct decimal){ .mantissa = number }, text));
}

/* `point`: as in struct reading. */
static void deliver_number(struct layout *l, const struct layout_object *object,
                           const struct axdr_value *value, const struct scaler *scaler, int point)
{
        struct decimal number = { .mantissa = value->number };
        enum unit unit = UNIT_UNSAID;

        if (is_state(object) || (!scaler && !is_measurement(object))) {
                deliver_text_number(l, object->obis, value->number);
                return;
        }
        if (object->obis.a == 1 &&
            (value->tag == AXDR_LONG64 || value->tag == AXDR_LONG64_UNSIGNED))
                l->telegram->hints.wide = true;
        if (scaler) {
                if (scaler->exponent < -DECIMAL_EXPONENT_MAX ||
                    scaler->exponent > DECIMAL_EXPONENT_MAX) {
                        l->telegram->n_dropped++;
                        return;
                }
                number.exponent = scaler->exponent;
                unit = unit_of_cosem(scaler->unit);
        }
        telegram_add_captured(l->telegram, object->obis, number, unit,
                              scaler ? SCALE_WIRE : SCALE_NONE, point, NULL);
}

/*
 * The shortest decimal that is read back as the same float: 0.0125, not 0.012500000186; of a
 * fraction no more digits than a float holds, because some meters cut and do not round. Digits are
 * taken from "1.25e-02" one by one, because the decimal point follows the locale.
 */
static int decimal_of_float(double x, bool single, struct decimal *ret)
{
        char text[48], *c = text;
        int64_t mantissa = 0;
        long exponent = 0;
        bool whole = x == floor(x);
        int digits = 0, most = !single ? 15 : whole ? 9 : 7;

        do
                (void)snprintf(text, sizeof(text), "%.*e", digits++, x);
        while (digits < most &&
               (single ? (float)strtod(text, NULL) != (float)x : strtod(text, NULL) != x));
        for (; *c && *c != 'e'; c++)
                if (*c >= '0' && *c <= '9')
                        mantissa = mantissa * 10 + (*c - '0');
        if (*c == 'e')
                exponent = strtol(c + 1, NULL, 10) - (digits - 1);
        if (exponent < -DECIMAL_EXPONENT_MAX || exponent > DECIMAL_EXPONENT_MAX)
                return -ERANGE;
        *ret = (struct decimal){ x < 0 ? -mantissa : mantissa, (int8_t)exponent };
        decimal_trim(ret);
        return 0;
}

/* IEEE 754, most significant byte first. */
static void deliver_float(struct layout *l, const struct layout_object *object,
                          const struct axdr_value *value, const struct scaler *scaler)
{
        struct reader r = reader_over(value->bytes);
        struct axdr_value number = { .tag = AXDR_LONG64 };
        struct decimal decimal;
        double x;

        if (value->tag == AXDR_FLOAT32) {
                uint32_t bits = reader_be32(&r);
                float f;

                memcpy(&f, &bits, sizeof(f));
                x = (double)f;
        } else {
                uint64_t bits = reader_be64(&r);

                memcpy(&x, &bits, sizeof(x));
        }
        /* The first also refuses NaN. */
        if (!(x > -1e12 && x < 1e12) ||
            decimal_of_float(x, value->tag == AXDR_FLOAT32, &decimal) < 0) {
                layout_pass_over(l);
                return;
        }
        number.number = decimal.mantissa;
        deliver_number(l, object, &number,
                       &(struct scaler){ .exponent = (int8_t)(decimal.exponent +
                                                              (scaler ? scaler->exponent : 0)),
                                         .unit = scaler ? scaler->unit : 0 },
                       decimal.exponent);
}

static void deliver_time(struct layout *l, const struct layout_object *object, struct slice bytes)
{
        struct telegram *t = l->telegram;
        struct datetime time = datetime_of_cosem(bytes);
        char text[DATETIME_TEXT_MAX];
        size_t n = datetime_print(&time, text);

        if (is_clock(object) && !datetime_is_believed(&t->time))
                t->time = time;
        if (n > 0)
                deliver_text(l, object->obis, text, n);
}

/* The time at which an extended or demand register was captured belongs to its value. */
static bool deliver_captured(struct layout *l, const struct layout_object *object,
                             struct slice bytes)
{
        struct telegram *t = l->telegram;

        bool extended = object->class_id == CLASS_EXTENDED_REGISTER && object->attribute == 5;
        bool demand = object->class_id == CLASS_DEMAND_REGISTER &&
                      object->attribute == ATTRIBUTE_CAPTURED;

        if (!extended && !demand)
                return false;
        for (size_t i = 0; i < t->n_readings; i++)
                if (obis_equal(t->readings[i].obis, object->obis))
                        t->readings[i].captured = datetime_of_cosem(bytes);
        return true;
}

static void deliver_string(struct layout *l, const struct layout_object *object,
                           const struct axdr_value *value)
{
        struct slice bytes = value->bytes;

        if (bytes.len == DATETIME_BYTES && value->tag != AXDR_VISIBLE_STRING) {
                if (deliver_captured(l, object, bytes))
                        return;
                if (value->tag == AXDR_DATE_TIME || is_clock(object)) {
                        deliver_time(l, object, bytes);
                        return;
                }
        }
        telegram_add_text(l->telegram, object->obis, telegram_printable(l->telegram, bytes));
}

void layout_pass_over(struct layout *l)
{
        l->telegram->n_unread++;
}

void layout_deliver_text(struct layout *l, const struct layout_object *object,
                         const struct axdr_value *value)
{
        if (axdr_is_string(value->tag))
                deliver_string(l, object, value);
        else
                deliver_text_number(l, object->obis, value->number);
}

/* A demand register is named by its current average, D of 4, 14 or 24. Its last one, and when that
 * was captured, are of the D behind it (IEC 62056-6-1, value group D). */
struct obis layout_code_of(const struct layout_object *object)
{
        struct obis code = object->obis;

        if (object->class_id == CLASS_DEMAND_REGISTER && object->obis.d < 30 &&
            object->obis.d % 10 == D_AVERAGE &&
            (object->attribute == ATTRIBUTE_LAST_AVERAGE ||
             object->attribute == ATTRIBUTE_CAPTURED))
                code.d++;
        return code;
}

void layout_deliver(struct layout *l, const struct layout_object *object,
                    const struct axdr_value *value, const struct scaler *scaler)
{
        struct layout_object named = *object;

        if (value->absent) {
                layout_pass_over(l);
                return;
        }
        if (!scaler)
                scaler = find_scaler(l, object->obis);
        named.obis = layout_code_of(object);
        object = &named;
        if (axdr_is_number(value->tag))
                deliver_number(l, object, value, scaler, 0);
        else if (value->tag == AXDR_FLOAT32 || value->tag == AXDR_FLOAT64)
                deliver_float(l, object, value, scaler);
        else if (value->tag == AXDR_ENUM || value->tag == AXDR_BOOLEAN || value->tag == AXDR_BCD)
                deliver_text_number(l, object->obis, value->number);
        else if (value->bytes.len > 0 || axdr_is_string(value->tag))
                deliver_string(l, object, value);
}
