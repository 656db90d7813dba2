/* SPDX-License-Identifier: MIT */
/*
 * org.smartmeterd.Meter1: one object per meter, at a path made of its id. Exact decimals become
 * doubles here and nowhere before. Per telegram: one PropertiesChanged, then one TelegramReceived.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus-private.h"
#include "lib/meter.h"
#include "lib/util.h"

enum {
        METER_ID,
        METER_NAME,
        METER_MANUFACTURER,
        METER_MODEL,
        METER_PROFILE,
        METER_CONVERTER,
        METER_PARENT,
        METER_MEDIUM,
        METER_ONLINE,
        METER_ENCRYPTED,
        METER_KEY_STATE,
        METER_POWER_IMPORT,
        METER_POWER_EXPORT,
        METER_ENERGY_IMPORT,
        METER_ENERGY_EXPORT,
        METER_VOLTAGE_L1,
        METER_VOLTAGE_L2,
        METER_VOLTAGE_L3,
        METER_CURRENT_L1,
        METER_CURRENT_L2,
        METER_CURRENT_L3,
        METER_READINGS,
        METER_TEXTS,
        METER_LAST_TELEGRAM_USEC,
        METER_METER_CLOCK_USEC,
        METER_STATISTICS,
};

/* The quantities with a property of their own (IEC 62056-6-1, electricity). */
static const struct {
        unsigned int cell;
        struct obis obis;
} typed[] = {
        { METER_POWER_IMPORT, OBIS_OF(1, 0, 1, 7, 0, 255) },
        { METER_POWER_EXPORT, OBIS_OF(1, 0, 2, 7, 0, 255) },
        { METER_ENERGY_IMPORT, OBIS_OF(1, 0, 1, 8, 0, 255) },
        { METER_ENERGY_EXPORT, OBIS_OF(1, 0, 2, 8, 0, 255) },
        { METER_VOLTAGE_L1, OBIS_OF(1, 0, 32, 7, 0, 255) },
        { METER_VOLTAGE_L2, OBIS_OF(1, 0, 52, 7, 0, 255) },
        { METER_VOLTAGE_L3, OBIS_OF(1, 0, 72, 7, 0, 255) },
        { METER_CURRENT_L1, OBIS_OF(1, 0, 31, 7, 0, 255) },
        { METER_CURRENT_L2, OBIS_OF(1, 0, 51, 7, 0, 255) },
        { METER_CURRENT_L3, OBIS_OF(1, 0, 71, 7, 0, 255) },
};
static const struct obis obis_net_power = OBIS_OF(1, 0, 16, 7, 0, 255);

static uint64_t now_usec(struct bus *bus)
{
        uint64_t now = 0;

        (void)sd_event_now(bus->event, CLOCK_REALTIME, &now); /* fails only after a fork */
        return now;
}

/* One {s(dstu)}: piece by piece, since parsing a format string for each costs more than sending. */
static int append_value(sd_bus_message *m, const struct meter_value *value, uint32_t flags)
{
        double number = decimal_to_double(value->reading.value);
        const char *unit = unit_name(value->reading.unit);
        int r;

        r = sd_bus_message_open_container(m, 'e', "s(dstu)");
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 's', value->key);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'r', "dstu");
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 'd', &number);
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 's', unit ? unit : "");
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 't', &value->host_usec);
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 'u', &flags);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int get_readings(sd_bus *bus, const char *path, const char *interface, const char *property,
                        sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const struct meter_object *object = bus_face_of(userdata, METER_READINGS)->object;
        const struct meter *model = object->model;
        uint64_t now = now_usec(object->face.bus);
        int r;

        r = sd_bus_message_open_container(reply, 'a', "{s(dstu)}");
        for (size_t i = 0; i < model->n_values && r >= 0; i++)
                r = append_value(reply, &model->values[i],
                                 meter_value_flags(&model->values[i], now));
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_texts(sd_bus *bus, const char *path, const char *interface, const char *property,
                     sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const struct meter_object *object = bus_face_of(userdata, METER_TEXTS)->object;
        int r;

        r = sd_bus_message_open_container(reply, 'a', "{ss}");
        for (size_t i = 0; i < object->model->n_texts && r >= 0; i++)
                r = sd_bus_message_append(reply, "{ss}", object->model->texts[i].key,
                                          object->model->texts[i].value);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_statistics(sd_bus *bus, const char *path, const char *interface,
                          const char *property, sd_bus_message *reply, void *userdata,
                          sd_bus_error *error)
{
        const struct meter_object *object = bus_face_of(userdata, METER_STATISTICS)->object;
        const struct meter_statistics *s = &object->model->statistics;

        return sd_bus_message_append(reply, "a{st}", 7, "telegrams", s->telegrams, "readings",
                                     s->readings, "suspects", s->suspects, "key-failures",
                                     s->key_failures, "replays", s->replays, "unknown-layouts",
                                     s->unknown_layouts, "interval-usec",
                                     object->model->interval_usec);
}

/* Names what GetReadings would have understood, as far as a message should be long. */
static int fail_reading(const struct meter *model, const char *name, sd_bus_error *error)
{
        char known[1200] = "";
        size_t used = 0;

        for (size_t i = 0; i < model->n_values && used + METER_KEY_MAX + 3 < sizeof(known); i++)
                used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "",
                                         model->values[i].key);
        return bus_fail(error, -ENOENT, BUS_ERROR_NO_SUCH_READING,
                        "The meter sends no '%.100s'. It sends: %s.", name,
                        used ? known : "nothing yet");
}

/* Finds all names before anything is replied; a value asked for twice is given once. */
static int choose_values(sd_bus_message *m, const struct meter *model,
                         bool chosen[static METER_VALUES_MAX], sd_bus_error *error)
{
        const char *name;
        bool any = false;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "s");
        while (r >= 0 && (r = sd_bus_message_read_basic(m, 's', &name)) > 0) {
                const struct meter_value *value = meter_find(model, name);

                if (!value)
                        return fail_reading(model, name, error);
                chosen[value - model->values] = true;
                any = true;
        }
        if (r >= 0 && !any)
                for (size_t i = 0; i < model->n_values; i++)
                        chosen[i] = true;
        return r;
}

static int on_get_readings(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct bus_face *face = userdata;
        const struct meter_object *object = face->object;
        const struct meter *model = object->model;
        uint64_t now = now_usec(face->bus);
        bool chosen[METER_VALUES_MAX] = { 0 };
        sd_bus_message *reply = NULL;
        int r;

        r = choose_values(m, model, chosen, error);
        if (r < 0)
                return r;
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "{s(dstu)}");
        for (size_t i = 0; i < model->n_values && r >= 0; i++)
                if (chosen[i])
                        r = append_value(reply, &model->values[i],
                                         meter_value_flags(&model->values[i], now));
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return r;
}

#define METER_PROPERTY(name, signature, cell)                          \
        SD_BUS_PROPERTY(name, signature, bus_cell_get, BUS_CELL(cell), \
                        SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)

static const sd_bus_vtable meter_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("GetReadings", SD_BUS_ARGS("as", names),
                                SD_BUS_RESULT("a{s(dstu)}", readings), on_get_readings,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_SIGNAL_WITH_ARGS("TelegramReceived",
                                SD_BUS_ARGS("t", host_time, "t", sequence, "a{s(dstu)}", readings),
                                0),
        SD_BUS_PROPERTY("Id", "s", bus_cell_get, BUS_CELL(METER_ID), SD_BUS_VTABLE_PROPERTY_CONST),
        METER_PROPERTY("Name", "s", METER_NAME),
        METER_PROPERTY("Manufacturer", "s", METER_MANUFACTURER),
        METER_PROPERTY("Model", "s", METER_MODEL),
        METER_PROPERTY("Profile", "s", METER_PROFILE),
        METER_PROPERTY("Converter", "o", METER_CONVERTER),
        METER_PROPERTY("Parent", "o", METER_PARENT),
        METER_PROPERTY("Medium", "s", METER_MEDIUM),
        METER_PROPERTY("Online", "b", METER_ONLINE),
        METER_PROPERTY("Encrypted", "b", METER_ENCRYPTED),
        METER_PROPERTY("KeyState", "s", METER_KEY_STATE),
        METER_PROPERTY("PowerImport", "d", METER_POWER_IMPORT),
        METER_PROPERTY("PowerExport", "d", METER_POWER_EXPORT),
        METER_PROPERTY("EnergyImport", "d", METER_ENERGY_IMPORT),
        METER_PROPERTY("EnergyExport", "d", METER_ENERGY_EXPORT),
        METER_PROPERTY("VoltageL1", "d", METER_VOLTAGE_L1),
        METER_PROPERTY("VoltageL2", "d", METER_VOLTAGE_L2),
        METER_PROPERTY("VoltageL3", "d", METER_VOLTAGE_L3),
        METER_PROPERTY("CurrentL1", "d", METER_CURRENT_L1),
        METER_PROPERTY("CurrentL2", "d", METER_CURRENT_L2),
        METER_PROPERTY("CurrentL3", "d", METER_CURRENT_L3),
        SD_BUS_PROPERTY("Readings", "a{s(dstu)}", get_readings, BUS_CELL(METER_READINGS),
                        SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION),
        SD_BUS_PROPERTY("Texts", "a{ss}", get_texts, BUS_CELL(METER_TEXTS),
                        SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        METER_PROPERTY("LastTelegramUSec", "t", METER_LAST_TELEGRAM_USEC),
        METER_PROPERTY("MeterClockUSec", "t", METER_METER_CLOCK_USEC),
        SD_BUS_PROPERTY("Statistics", "a{st}", get_statistics, BUS_CELL(METER_STATISTICS),
                        SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION),
        SD_BUS_VTABLE_END,
};

static double value_of(const struct meter *model, struct obis obis)
{
        const struct meter_value *value = meter_find_obis(model, obis);

        return value ? decimal_to_double(value->reading.value) : NAN;
}

/* Dutch and Belgian meters send no total: it is the sum of their tariff registers, exactly. */
static double energy_of(const struct meter *model, struct obis total)
{
        const struct meter_value *sent = meter_find_obis(model, total);
        struct decimal sum = { 0, 0 };
        bool any = false;

        if (sent && !(sent->flags & METER_VALUE_DERIVED))
                return value_of(model, total);
        for (uint8_t tariff = 1; tariff <= TARIFF_MAX; tariff++) {
                struct obis obis = { total.a, total.b, total.c, total.d, tariff, total.f };
                const struct meter_value *value = meter_find_obis(model, obis);

                if (!value)
                        continue;
                if (decimal_add(sum, value->reading.value, &sum) < 0)
                        return NAN; /* no sum of real registers leaves 64 bits */
                any = true;
        }
        return any ? decimal_to_double(sum) : NAN;
}

static void refresh_values(struct meter_object *object)
{
        const struct meter *model = object->model;
        struct bus_face *face = &object->face;
        double net = NAN;

        /* Meters that send only the signed sum of all phases (SML basic meters) do tell both. */
        if (!meter_find_obis(model, typed[0].obis) && !meter_find_obis(model, typed[1].obis))
                net = value_of(model, obis_net_power);
        for (size_t i = 0; i < ELEMENTSOF(typed); i++)
                bus_set_double(face, typed[i].cell,
                               typed[i].obis.d == 8 ? energy_of(model, typed[i].obis)
                                                    : value_of(model, typed[i].obis));
        if (!isnan(net)) {
                bus_set_double(face, METER_POWER_IMPORT, net > 0 ? net : 0);
                bus_set_double(face, METER_POWER_EXPORT, net < 0 ? -net : 0);
        }
}

static uint64_t statistics_sum(const struct meter_statistics *s)
{
        return s->telegrams + s->readings + s->suspects + s->key_failures + s->replays +
               s->unknown_layouts; /* they only rise: any change shows */
}

static void refresh_identity(struct meter_object *object)
{
        const struct meter *model = object->model;
        struct bus_face *face = &object->face;
        struct bus *bus = face->bus;
        char *parent = NULL;

        if (*model->parent_id && sd_bus_path_encode(BUS_PATH_METER, model->parent_id, &parent) < 0)
                parent = NULL; /* out of memory: "/" until the next change */
        bus_set_text(face, METER_ID, model->id);
        bus_set_text(face, METER_NAME,
                     bus->requests->meter_name ? bus->requests->meter_name(bus->userdata, model->id)
                                               : "");
        bus_set_text(face, METER_MANUFACTURER, model->manufacturer);
        bus_set_text(face, METER_MODEL, model->model);
        bus_set_text(face, METER_PROFILE, model->profile ? model->profile->name : "");
        bus_set_path(face, METER_PARENT, parent);
        bus_set_text(face, METER_MEDIUM, model->medium);
        free(parent);
}

static void refresh_state(struct meter_object *object)
{
        const struct meter *model = object->model;
        struct bus_face *face = &object->face;

        bus_set_bool(face, METER_ONLINE, model->online);
        bus_set_bool(face, METER_ENCRYPTED, model->encrypted);
        bus_set_text(face, METER_KEY_STATE, meter_key_state_name(model->key_state));
        bus_set_u64(face, METER_LAST_TELEGRAM_USEC, model->last_host_usec);
        bus_set_u64(face, METER_METER_CLOCK_USEC,
                    model->clock_usec > 0 ? (uint64_t)model->clock_usec : 0);
        bus_set_u64(face, METER_STATISTICS, statistics_sum(&model->statistics));
}

static void emit_telegram(struct meter_object *object, const struct meter_update *update)
{
        struct bus *bus = object->face.bus;
        sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_signal(bus->bus, &m, object->path, BUS_INTERFACE_METER,
                                      "TelegramReceived");
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 't', &update->host_usec);
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 't', &update->sequence);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{s(dstu)}");
        for (size_t i = 0; i < update->n_values && r >= 0; i++)
                r = append_value(m, update->values[i], update->values[i]->flags);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0) /* else out of memory: the next telegram comes in seconds */
                bus_signal_send(bus, m);
        sd_bus_message_unref(m);
}

void meter_object_telegram(struct meter_object *object, const struct meter_update *update)
{
        if (update->identity_changed)
                refresh_identity(object);
        refresh_state(object);
        refresh_values(object);
        bus_mark(&object->face, METER_READINGS);
        if (update->texts_changed)
                bus_mark(&object->face, METER_TEXTS);
        bus_face_emit(&object->face);
        tariff_face_update(object);
        emit_telegram(object, update);
        if (object->converter)
                converter_object_heard(object->converter);
}

void meter_object_update(struct meter_object *object)
{
        refresh_identity(object);
        refresh_state(object);
        refresh_values(object);
        bus_face_emit(&object->face);
        tariff_face_update(object);
}

static void find_converter(struct meter_object *object)
{
        struct bus *bus = object->face.bus;

        object->converter = NULL;
        for (size_t i = 0; i < bus->converters.n && !object->converter; i++)
                if (converter_object_lists(bus->converters.entries[i].object, object->model->id))
                        object->converter = bus->converters.entries[i].object;
        bus_set_path(&object->face, METER_CONVERTER,
                     object->converter ? object->converter->path : "/");
}

void meter_object_find_converters(struct bus *bus)
{
        for (size_t i = 0; i < bus->meters.n; i++) {
                struct meter_object *object = bus->meters.entries[i].object;

                find_converter(object);
                bus_face_emit(&object->face);
        }
}

struct meter_object *bus_meter_by_id(struct bus *bus, const char *id)
{
        for (size_t i = 0; i < bus->meters.n; i++) {
                const struct meter *model = bus->meters.entries[i].model;

                if (strcmp(model->id, id) == 0)
                        return bus->meters.entries[i].object;
        }
        return NULL;
}

struct meter_object *meter_object_free(struct meter_object *object)
{
        if (!object)
                return NULL;
        bus_face_done(&object->face);
        bus_face_done(&object->tariff);
        free(object->path);
        free(object);
        return NULL;
}
DEFINE_OWNED(meter_object, struct meter_object *, meter_object_free);

int meter_object_new(struct bus *bus, const struct meter *model, struct meter_object **ret)
{
        OWNED(meter_object) struct meter_object *object = calloc(1, sizeof(*object));
        int r;

        if (!object)
                return -ENOMEM;
        object->model = model;
        r = sd_bus_path_encode(BUS_PATH_METER, model->id, &object->path);
        if (r < 0)
                return r;
        object->face = (struct bus_face){
                .bus = bus,
                .path = object->path,
                .interface = BUS_INTERFACE_METER,
                .vtable = meter_vtable,
                .object = object,
        };
        refresh_identity(object);
        refresh_state(object);
        refresh_values(object);
        find_converter(object);
        r = bus_face_add(&object->face);
        if (r >= 0)
                r = tariff_face_init(object);
        if (r < 0)
                return r;
        *ret = TAKE(object);
        return 0;
}
