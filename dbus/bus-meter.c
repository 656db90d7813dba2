/* SPDX-License-Identifier: MIT */
/*
 * org.smartmeterd.Meter1: one object per meter, at a path made of its id. Per telegram: one
 * PropertiesChanged for each interface that changed, then one TelegramReceived.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "bus-private.h"
#include "bus-text.h"
#include "lib/model/meter.h"
#include "lib/value/maker.h"
#include "lib/value/quantity.h"

static const struct meter *model_of(const struct bus_face *face)
{
        return ((const struct meter_object *)face->object)->model;
}

static bool is_electric(const struct meter *m)
{
        return strcmp(m->medium, "electricity") == 0;
}

static int append_texts(struct bus_face *face, sd_bus_message *reply)
{
        const struct meter *model = model_of(face);
        int r = sd_bus_message_open_container(reply, 'a', "{ss}");

        for (size_t i = 0; i < model->n_texts && r >= 0; i++) {
                r = sd_bus_message_open_container(reply, 'e', "ss");
                if (r >= 0)
                        r = bus_text_append(reply, model->texts[i].key);
                if (r >= 0)
                        r = bus_text_append(reply, model->texts[i].value);
                if (r >= 0)
                        r = sd_bus_message_close_container(reply);
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_statistics(struct bus_face *face, sd_bus_message *reply)
{
        const struct meter_statistics *s = &model_of(face)->statistics;

        return sd_bus_message_append(reply, "a{st}", 6, "telegrams", s->telegrams, "readings",
                                     s->readings, "suspects", s->suspects, "key-failures",
                                     s->key_failures, "replays", s->replays, "unknown-layouts",
                                     s->unknown_layouts);
}

static union bus_value id(const struct bus_face *face)
{
        return BUS_TEXT(model_of(face)->id);
}

static union bus_value name(const struct bus_face *face)
{
        const struct bus *bus = face->bus;

        return BUS_TEXT(bus->requests->meter_name
                                ? bus->requests->meter_name(bus->userdata, model_of(face)->id)
                                : "");
}

static union bus_value manufacturer(const struct bus_face *face)
{
        return BUS_TEXT(model_of(face)->manufacturer);
}

static union bus_value manufacturer_name(const struct bus_face *face)
{
        const struct meter *m = model_of(face);

        return BUS_TEXT(maker_of(m->manufacturer, m->model));
}

/* "E450" of "Landis+Gyr E450": the maker has a property of its own. */
static union bus_value model(const struct bus_face *face)
{
        const struct meter *m = model_of(face);

        return BUS_TEXT(maker_skip(m->manufacturer, m->model));
}

static union bus_value profile(const struct bus_face *face)
{
        return BUS_TEXT(model_of(face)->profile ? model_of(face)->profile->name : "");
}

static union bus_value converter(const struct bus_face *face)
{
        const struct meter_object *object = face->object;

        return BUS_TEXT(object->converter ? object->converter->path : NULL);
}

static union bus_value parent(const struct bus_face *face)
{
        return BUS_TEXT(((const struct meter_object *)face->object)->parent);
}

static union bus_value medium(const struct bus_face *face)
{
        return BUS_TEXT(model_of(face)->medium);
}

/* What the meter counts: the energy drawn from the grid, or the first register that only rises. */
static const struct meter_value *find_register(const struct meter *m)
{
        if (is_electric(m))
                return meter_find_obis(m, (struct obis)OBIS_OF(1, 0, 1, 8, 0, 255));
        for (size_t i = 0; i < m->n_values; i++)
                if (m->values[i].reading.quantity && !reading_is_past(&m->values[i].reading) &&
                    quantity_is_counter(m->values[i].reading.quantity))
                        return &m->values[i];
        return NULL;
}

/* NULL too for one whose scale is unknown: a double has no way to say so. */
static const struct meter_value *find_counter(const struct bus_face *face)
{
        const struct meter_value *value = find_register(model_of(face));

        return value && !reading_is_unscaled(&value->reading) ? value : NULL;
}

static union bus_value counter(const struct bus_face *face)
{
        const struct meter_value *value = find_counter(face);

        return BUS_REAL(value ? decimal_to_double(value->reading.value) : NAN);
}

static union bus_value counter_unit(const struct bus_face *face)
{
        const struct meter_value *value = find_counter(face);

        return BUS_TEXT(value ? unit_name(value->reading.unit) : "");
}

static union bus_value online(const struct bus_face *face)
{
        return BUS_NUMBER(model_of(face)->online);
}

static union bus_value encrypted(const struct bus_face *face)
{
        return BUS_NUMBER(model_of(face)->encrypted);
}

static union bus_value key_state(const struct bus_face *face)
{
        return BUS_TEXT(meter_key_state_name(model_of(face)->key_state));
}

/* A number per telegram: Readings are never sent along, only asked for anew. */
static union bus_value readings_number(const struct bus_face *face)
{
        return BUS_NUMBER(model_of(face)->sequence);
}

static union bus_value texts_hash(const struct bus_face *face)
{
        return BUS_NUMBER(((const struct meter_object *)face->object)->texts_hash);
}

static union bus_value last_telegram_usec(const struct bus_face *face)
{
        return BUS_NUMBER(model_of(face)->last_host_usec);
}

static union bus_value interval_usec(const struct bus_face *face)
{
        return BUS_NUMBER(model_of(face)->interval_usec);
}

static union bus_value meter_clock_usec(const struct bus_face *face)
{
        int64_t usec = model_of(face)->clock_usec;

        return BUS_NUMBER(usec > 0 ? (uint64_t)usec : 0);
}

static union bus_value clock_deviation_usec(const struct bus_face *face)
{
        const struct meter *m = model_of(face);
        bool measured = bus_clock_is_right(face->bus) && m->clock_usec > 0;

        return BUS_DIFFERENCE(measured ? m->clock_deviation_usec : 0);
}

/* How the scale of a reading is known. A scale that several values or some time bear out is
 * "measured", even if the profile names it. */
static const char *scale_proof_of(const struct meter *m, const struct meter_value *value)
{
        const struct reading *reading = &value->reading;
        uint8_t direction = (uint8_t)(reading->obis.c - 1);
        bool energy = reading->obis.a == 1 && direction < 2 && reading->obis.d == 8;

        if (reading->scale == SCALE_EVIDENT)
                return "measured";
        if (reading->scale == SCALE_CANDIDATE)
                return "profile";
        if (reading->scale == SCALE_PROFILE && energy &&
            m->scales.proofs[direction].state == SCALE_PROVED)
                return "measured";
        return scale_source_name(reading->scale);
}

static int append_scale_proof(struct bus_face *face, sd_bus_message *reply)
{
        const struct meter *m = model_of(face);
        int r = sd_bus_message_open_container(reply, 'a', "{ss}");

        for (size_t i = 0; i < m->n_values && r >= 0; i++)
                r = sd_bus_message_append(reply, "{ss}", m->values[i].key,
                                          scale_proof_of(m, &m->values[i]));
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* Each value has one of few words, in an order that stays: FNV-1a, as of the texts. */
static union bus_value scale_proof_hash(const struct bus_face *face)
{
        const struct meter *m = model_of(face);
        uint64_t hash = UINT64_C(0xcbf29ce484222325);

        for (size_t i = 0; i < m->n_values; i++)
                hash = (hash ^ (unsigned char)scale_proof_of(m, &m->values[i])[0]) *
                       UINT64_C(0x100000001b3);
        return BUS_NUMBER(hash);
}

/* "Scale.1-1:1.8.0=10": the line of the configuration that mends what power contradicts. */
static union bus_value scale_cure(const struct bus_face *face)
{
        struct meter_object *object = face->object;
        char code[OBIS_TEXT_MAX], factor[DECIMAL_TEXT_MAX];
        struct meter_scale_fault fault;

        if (!meter_scale_contradicted(object->model, &fault))
                return BUS_TEXT("");
        decimal_print(fault.factor, factor);
        (void)snprintf(object->scale_cure, sizeof(object->scale_cure), "Scale.%s=%s",
                       obis_print(fault.obis, code), factor);
        return BUS_TEXT(object->scale_cure);
}

static union bus_value statistics_sum(const struct bus_face *face)
{
        const struct meter_statistics *s = &model_of(face)->statistics;

        return BUS_NUMBER(s->telegrams + s->readings + s->suspects + s->key_failures + s->replays +
                          s->unknown_layouts); /* they only rise: any change shows */
}

/* clang-format off */
static const struct bus_method methods[] = {
        METHOD("GetReadings", "as", "names\0", "a{s(dstu)}", "readings\0", bus_readings_on_get),
        SIGNAL("TelegramReceived", "tta{s(dstu)}", "host_time\0sequence\0readings\0"),
};

static const struct bus_property properties[] = {
        CONSTANT("Id", "s", id),
        STANDING("Name", "s", name),
        STANDING("Manufacturer", "s", manufacturer),
        STANDING("ManufacturerName", "s", manufacturer_name),
        STANDING("Model", "s", model),
        STANDING("Profile", "s", profile),
        STANDING("Converter", "o", converter),
        STANDING("Parent", "o", parent),
        STANDING("Medium", "s", medium),
        PROPERTY("Counter", "d", counter),
        PROPERTY("CounterUnit", "s", counter_unit),
        PROPERTY("Online", "b", online),
        PROPERTY("Encrypted", "b", encrypted),
        PROPERTY("KeyState", "s", key_state),
        INVALIDATED("Readings", "a{s(dstu)}", readings_number, bus_readings_append),
        CONTAINER("Texts", "a{ss}", texts_hash, append_texts),
        PROPERTY("LastTelegramUSec", "t", last_telegram_usec),
        PROPERTY("IntervalUSec", "t", interval_usec),
        PROPERTY("MeterClockUSec", "t", meter_clock_usec),
        PROPERTY("ClockDeviationUSec", "x", clock_deviation_usec),
        CONTAINER("ScaleProof", "a{ss}", scale_proof_hash, append_scale_proof),
        PROPERTY("ScaleCure", "s", scale_cure),
        INVALIDATED("Statistics", "a{st}", statistics_sum, append_statistics),
};
/* clang-format on */

const struct bus_interface bus_meter_interface = {
        .name = BUS_INTERFACE_METER,
        .below = BUS_PATH_METER,
        BUS_METHODS(methods),
        BUS_PROPERTIES(properties),
};

/* Clocks tick with each telegram and have a property of their own (0-0:1.0.0, 0.9.1, 0.9.2). */
static bool is_clock(const char *key)
{
        static const char *const codes[] = { "1.0.0", "0.9.1", "0.9.2" };
        const char *colon = strchr(key, ':');
        const char *code = colon ? colon + 1 : key;

        for (size_t i = 0; i < ELEMENTSOF(codes); i++)
                if (strcmp(code, codes[i]) == 0)
                        return true;
        return false;
}

/* FNV-1a over all texts but clocks: Texts is signalled anew when a text changed. */
static uint64_t hash_texts(const struct meter *model)
{
        uint64_t hash = UINT64_C(0xcbf29ce484222325);

        for (size_t i = 0; i < model->n_texts; i++) {
                const char *const parts[] = { model->texts[i].key, model->texts[i].value };

                for (size_t j = 0; j < ELEMENTSOF(parts) && !is_clock(parts[0]); j++)
                        for (const char *p = parts[j]; p == parts[j] || p[-1]; p++)
                                hash = (hash ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
        }
        return hash;
}

size_t meter_object_faces(struct meter_object *object, struct bus_face *ret[static METER_FACES])
{
        size_t n = 0;

        ret[n++] = &object->face;
        if (object->electricity.path)
                ret[n++] = &object->electricity;
        ret[n++] = &object->tariff;
        ret[n++] = &object->history;
        return n;
}

static int add_face(struct meter_object *object, struct bus_face *face,
                    const struct bus_interface *interface)
{
        int r;

        r = bus_face_add(face, object->bus, object->path, interface, object);
        if (r < 0) {
                bus_face_done(face);
                *face = (struct bus_face){ 0 };
        }
        return r;
}

/* The first telegram may show that a meter is no electricity meter, or is one. */
static void follow_medium(struct meter_object *object)
{
        struct bus_face *face = &object->electricity;
        bool has = face->path != NULL;

        if (has == is_electric(object->model))
                return;
        if (has) {
                bus_retract(object->bus, object->path, (struct bus_face *const[]){ face }, 1);
                bus_face_done(face);
                *face = (struct bus_face){ 0 };
        } else if (add_face(object, face, &bus_electricity_interface) >= 0) {
                bus_announce(object->bus, object->path, (struct bus_face *const[]){ face }, 1);
        }
}

static void update_faces(struct meter_object *object, bool readings_only)
{
        struct bus_face *faces[METER_FACES];
        size_t n;

        follow_medium(object);
        n = meter_object_faces(object, faces);
        for (size_t i = 0; i < n; i++)
                (void)(readings_only ? bus_face_update_readings(faces[i])
                                     : bus_face_update(faces[i]));
}

void meter_object_telegram(struct meter_object *object, const struct meter_update *update)
{
        if (update->texts_changed)
                object->texts_hash = hash_texts(object->model);
        bus_signal_gather(object->bus);
        update_faces(object, !update->identity_changed);
        bus_readings_emit(object, update);
        bus_signal_flush(object->bus);
        if (object->converter)
                converter_object_heard(object->converter);
}

void meter_object_update(struct meter_object *object)
{
        update_faces(object, false);
}

static void find_converter(struct meter_object *object)
{
        struct bus *bus = object->bus;

        object->converter = NULL;
        for (size_t i = 0; i < bus->converters.n && !object->converter; i++)
                if (converter_object_lists(bus->converters.entries[i].object, object->model->id))
                        object->converter = bus->converters.entries[i].object;
}

void meter_object_find_converters(struct bus *bus)
{
        for (size_t i = 0; i < bus->meters.n; i++) {
                struct meter_object *object = bus->meters.entries[i].object;

                find_converter(object);
                (void)bus_face_update(&object->face);
        }
}

struct meter_object *meter_object_free(struct meter_object *object)
{
        struct bus_face *faces[METER_FACES];
        size_t n;

        if (!object)
                return NULL;
        n = meter_object_faces(object, faces);
        for (size_t i = 0; i < n; i++)
                if (faces[i]->interface)
                        bus_face_done(faces[i]);
        free(object->parent);
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
        object->bus = bus;
        object->model = model;
        object->texts_hash = hash_texts(model);
        r = sd_bus_path_encode(BUS_PATH_METER, model->id, &object->path);
        if (r >= 0 && *model->parent_id)
                r = sd_bus_path_encode(BUS_PATH_METER, model->parent_id, &object->parent);
        if (r < 0)
                return r;
        find_converter(object);
        r = add_face(object, &object->history, &bus_history_interface);
        if (r >= 0)
                r = add_face(object, &object->tariff, &bus_tariff_interface);
        if (r >= 0 && is_electric(model))
                r = add_face(object, &object->electricity, &bus_electricity_interface);
        if (r >= 0)
                r = add_face(object, &object->face, &bus_meter_interface);
        if (r < 0)
                return r;
        *ret = TAKE(object);
        return 0;
}
