/* SPDX-License-Identifier: MIT */
/*
 * org.smartmeterd.Tariff1, on the object of its meter: which tariff counts now.
 */
#include "base/util.h"
#include "bus-private.h"
#include "lib/model/meter.h"

static const struct tariff *tariff_of(const struct bus_face *face)
{
        return &((const struct meter_object *)face->object)->model->tariff;
}

static union bus_value active(const struct bus_face *face)
{
        return BUS_NUMBER(tariff_of(face)->active);
}

static union bus_value label(const struct bus_face *face)
{
        return BUS_TEXT(tariff_label(tariff_of(face)));
}

static union bus_value source(const struct bus_face *face)
{
        return BUS_TEXT(tariff_source_name(tariff_of(face)->source));
}

static union bus_value since_usec(const struct bus_face *face)
{
        return BUS_NUMBER(tariff_of(face)->since_usec);
}

static union bus_value next_usec(const struct bus_face *face)
{
        return BUS_NUMBER(tariff_of(face)->next_usec);
}

static const struct bus_property properties[] = {
        PROPERTY("Active", "u", active),      PROPERTY("Label", "s", label),
        PROPERTY("Source", "s", source),      PROPERTY("SinceUSec", "t", since_usec),
        PROPERTY("NextUSec", "t", next_usec),
};

const struct bus_interface bus_tariff_interface = {
        .name = BUS_INTERFACE_TARIFF,
        .below = BUS_PATH_METER,
        BUS_PROPERTIES(properties),
};
