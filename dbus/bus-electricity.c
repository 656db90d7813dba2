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

/* NaN too where scale or unit are not known to be those of the property: a double cannot say so. */
static union bus_value value_of(const struct bus_face *face, uint8_t c, uint8_t d, enum unit unit)
{
        const struct meter_value *value =
                meter_find_obis(model_of(face), (struct obis)OBIS_OF(1, 0, c, d, 0, 255));

        return BUS_REAL(value && value->reading.unit == unit &&
                                        !reading_is_unscaled(&value->reading)
                                ? decimal_to_double(value->reading.value)
                                : NAN);
}

static union bus_value net_power(const struct bus_face *face, unsigned phase)
{
        struct decimal net;

        return BUS_REAL(meter_net_power(model_of(face), phase, &net) ? decimal_to_double(net)
                                                                     : NAN);
}

static union bus_value power_import(const struct bus_face *face)
{
        return value_of(face, 1, 7, UNIT_W);
}

static union bus_value power_export(const struct bus_face *face)
{
        return value_of(face, 2, 7, UNIT_W);
}

static union bus_value power_net(const struct bus_face *face)
{
        return net_power(face, 0);
}

static union bus_value energy_import(const struct bus_face *face)
{
        return value_of(face, 1, 8, UNIT_WH);
}

static union bus_value energy_export(const struct bus_face *face)
{
        return value_of(face, 2, 8, UNIT_WH);
}

static union bus_value frequency(const struct bus_face *face)
{
        return value_of(face, 14, 7, UNIT_HZ);
}

static union bus_value voltage_l1(const struct bus_face *face)
{
        return value_of(face, 32, 7, UNIT_V);
}

static union bus_value voltage_l2(const struct bus_face *face)
{
        return value_of(face, 52, 7, UNIT_V);
}

static union bus_value voltage_l3(const struct bus_face *face)
{
        return value_of(face, 72, 7, UNIT_V);
}

static union bus_value current_l1(const struct bus_face *face)
{
        return value_of(face, 31, 7, UNIT_A);
}

static union bus_value current_l2(const struct bus_face *face)
{
        return value_of(face, 51, 7, UNIT_A);
}

static union bus_value current_l3(const struct bus_face *face)
{
        return value_of(face, 71, 7, UNIT_A);
}

static union bus_value power_l1(const struct bus_face *face)
{
        return net_power(face, 1);
}

static union bus_value power_l2(const struct bus_face *face)
{
        return net_power(face, 2);
}

static union bus_value power_l3(const struct bus_face *face)
{
        return net_power(face, 3);
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
