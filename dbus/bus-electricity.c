/* SPDX-License-Identifier: MIT */
/*
 * org.smartmeterd.Electricity1, on the object of an electricity meter: the usual quantities, each a
 * property that can be followed (IEC 62056-6-1). Exact decimals become doubles here.
 */
#include <math.h>

#include "base/util.h"
#include "bus-private.h"
#include "lib/model/meter.h"

static const struct meter *model_of(const struct bus_face *face)
{
        return ((const struct meter_object *)face->object)->model;
}

static const struct meter_value *find(const struct bus_face *face, uint8_t c, uint8_t d)
{
        return meter_find_obis(model_of(face), (struct obis)OBIS_OF(1, 0, c, d, 0, 255));
}

static union bus_value shown(const struct meter_value *value)
{
        return BUS_REAL(value ? decimal_to_double(value->reading.value) : NAN);
}

static union bus_value value_of(const struct bus_face *face, uint8_t c, uint8_t d)
{
        return shown(find(face, c, d));
}

/* Meters that send only the signed sum of all phases (SML basic meters) do tell both. */
static union bus_value power_of(const struct bus_face *face, uint8_t c, uint8_t opposite,
                                double sign)
{
        const struct meter_value *own = find(face, c, 7);
        double net;

        if (own || find(face, opposite, 7))
                return shown(own);
        net = value_of(face, 16, 7).real;
        if (isnan(net))
                return BUS_REAL(NAN);
        return BUS_REAL(net * sign > 0 ? net * sign : 0);
}

static union bus_value power_import(const struct bus_face *face)
{
        return power_of(face, 1, 2, 1);
}

static union bus_value power_export(const struct bus_face *face)
{
        return power_of(face, 2, 1, -1);
}

/* As sent; else import − export of one telegram, or the one of the two that the meter knows. */
static union bus_value power_net(const struct bus_face *face)
{
        const struct meter_value *held = find(face, 16, 7);
        const struct meter_value *in = find(face, 1, 7), *out = find(face, 2, 7);
        struct decimal net = { 0, 0 };

        /* One that was computed stays behind when a telegram has but one of its parts. */
        if ((held && !(held->flags & METER_VALUE_DERIVED)) || (!in && !out))
                return shown(held);
        if (in && out && in->sequence != out->sequence)
                return BUS_REAL(NAN);
        if (out)
                net = (struct decimal){ -out->reading.value.mantissa, out->reading.value.exponent };
        if (in && decimal_add(net, in->reading.value, &net) < 0)
                return BUS_REAL(NAN); /* no difference of real powers leaves 64 bits */
        return BUS_REAL(decimal_to_double(net));
}

static union bus_value energy_import(const struct bus_face *face)
{
        return value_of(face, 1, 8);
}

static union bus_value energy_export(const struct bus_face *face)
{
        return value_of(face, 2, 8);
}

static union bus_value frequency(const struct bus_face *face)
{
        return value_of(face, 14, 7);
}

static union bus_value voltage_l1(const struct bus_face *face)
{
        return value_of(face, 32, 7);
}

static union bus_value voltage_l2(const struct bus_face *face)
{
        return value_of(face, 52, 7);
}

static union bus_value voltage_l3(const struct bus_face *face)
{
        return value_of(face, 72, 7);
}

static union bus_value current_l1(const struct bus_face *face)
{
        return value_of(face, 31, 7);
}

static union bus_value current_l2(const struct bus_face *face)
{
        return value_of(face, 51, 7);
}

static union bus_value current_l3(const struct bus_face *face)
{
        return value_of(face, 71, 7);
}

/* The signed sum of a phase: 36.7.0 and so on; else 21.7.0 − 22.7.0 of one telegram. */
static union bus_value phase_power(const struct bus_face *face, uint8_t c_sum, uint8_t c_import)
{
        const struct meter_value *sum = find(face, c_sum, 7), *in, *out;
        struct decimal net;

        if (sum)
                return shown(sum);
        in = find(face, c_import, 7);
        out = find(face, (uint8_t)(c_import + 1), 7);
        if (!out)
                return shown(in);
        net = (struct decimal){ -out->reading.value.mantissa, out->reading.value.exponent };
        if (in && (in->sequence != out->sequence || decimal_add(net, in->reading.value, &net) < 0))
                return BUS_REAL(NAN);
        return BUS_REAL(decimal_to_double(net));
}

static union bus_value power_l1(const struct bus_face *face)
{
        return phase_power(face, 36, 21);
}

static union bus_value power_l2(const struct bus_face *face)
{
        return phase_power(face, 56, 41);
}

static union bus_value power_l3(const struct bus_face *face)
{
        return phase_power(face, 76, 61);
}

/* clang-format off */
static const struct bus_property properties[] = {
        PROPERTY("PowerImport", "d", power_import),
        PROPERTY("PowerExport", "d", power_export),
        PROPERTY("PowerNet", "d", power_net),
        PROPERTY("EnergyImport", "d", energy_import),
        PROPERTY("EnergyExport", "d", energy_export),
        PROPERTY("VoltageL1", "d", voltage_l1),
        PROPERTY("VoltageL2", "d", voltage_l2),
        PROPERTY("VoltageL3", "d", voltage_l3),
        PROPERTY("CurrentL1", "d", current_l1),
        PROPERTY("CurrentL2", "d", current_l2),
        PROPERTY("CurrentL3", "d", current_l3),
        PROPERTY("PowerL1", "d", power_l1),
        PROPERTY("PowerL2", "d", power_l2),
        PROPERTY("PowerL3", "d", power_l3),
        PROPERTY("Frequency", "d", frequency),
};
/* clang-format on */

const struct bus_interface bus_electricity_interface = {
        .name = BUS_INTERFACE_ELECTRICITY,
        .below = BUS_PATH_METER,
        BUS_PROPERTIES(properties),
};
