/* SPDX-License-Identifier: MIT */
#include "monitor.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "tables.h"

struct monitor_meter *monitor_place(struct monitor *monitor, const char *path)
{
        struct monitor_meter *meter;

        for (size_t i = 0; i < monitor->n_meters; i++)
                if (strcmp(monitor->meters[i].path, path) == 0)
                        return &monitor->meters[i];
        if (monitor->n_meters == MONITOR_METERS_MAX || strlen(path) >= sizeof(meter->path))
                return NULL;
        meter = &monitor->meters[monitor->n_meters++];
        *meter = (struct monitor_meter){
                .power = NAN,
                .energy_import = NAN,
                .energy_export = NAN,
                .counter = NAN,
                .voltage = { NAN, NAN, NAN },
                .current = { NAN, NAN, NAN },
        };
        (void)snprintf(meter->path, sizeof(meter->path), "%s", path);
        return meter;
}

void monitor_remove(struct monitor *monitor, const char *path)
{
        for (size_t i = 0; i < monitor->n_meters; i++) {
                if (strcmp(monitor->meters[i].path, path) != 0)
                        continue;
                monitor->n_meters--;
                memmove(&monitor->meters[i], &monitor->meters[i + 1],
                        (monitor->n_meters - i) * sizeof(monitor->meters[0]));
                return;
        }
}

void monitor_describe(struct monitor_meter *meter, struct json_object *object)
{
        (void)snprintf(meter->id, sizeof(meter->id), "%s", json_text(object, "id"));
        (void)snprintf(meter->name, sizeof(meter->name), "%s", json_text(object, "name"));
        (void)snprintf(meter->medium, sizeof(meter->medium), "%s", json_text(object, "medium"));
        (void)snprintf(meter->model, sizeof(meter->model), "%s",
                       tables_model(json_text(object, "model"), meter->medium));
        (void)snprintf(meter->tariff, sizeof(meter->tariff), "%s", tables_tariff(object));
        (void)snprintf(meter->key_state, sizeof(meter->key_state), "%s",
                       json_text(object, "key_state"));
        meter->online = json_flag(object, "online");
        meter->clock_usec = (uint64_t)json_number(object, "meter_clock_usec");
}

static double value_of(struct json_object *readings, const char *name)
{
        struct json_object *reading = json_find(readings, "name", name);

        /* A number whose scale nobody told is in no unit that is shown here. */
        if (reading && json_has_word(reading, "flags", "unscaled"))
                return (double)NAN;
        return reading ? json_double(reading, "value") : (double)NAN;
}

static void take(double *into, struct json_object *readings, const char *name)
{
        double value = value_of(readings, name);

        /* Short telegrams carry only some: what they leave out stays as it was. */
        if (isfinite(value))
                *into = value;
}

/* One direction says nothing of the other, where the meter sends both: NaN. */
static double power_of(struct monitor_meter *meter, struct json_object *readings)
{
        double net = value_of(readings, "active_power_net");
        double import = value_of(readings, "active_power_import");
        double export = value_of(readings, "active_power_export");

        meter->has_import = meter->has_import || isfinite(import);
        meter->has_export = meter->has_export || isfinite(export);
        /* All values at once are of several telegrams, and the net power is of one. */
        if (isfinite(net))
                return net;
        if (isfinite(import) && isfinite(export))
                return import - export;
        if (meter->has_import && meter->has_export)
                return (double)NAN;
        return isfinite(import) ? import : -export;
}

static void take_counter(struct monitor_meter *meter, struct json_object *readings)
{
        const char *unit = "";
        double value = tables_counter(meter->medium, readings, &unit);

        if (!isfinite(value))
                return;
        meter->counter = value;
        (void)snprintf(meter->counter_unit, sizeof(meter->counter_unit), "%s", unit);
}

void monitor_tick(struct monitor_meter *meter, uint64_t now_usec)
{
        uint64_t bucket = now_usec / MONITOR_BUCKET_USEC;

        if (meter->bucket == 0)
                meter->bucket = bucket;
        while (meter->bucket < bucket) {
                if (bucket - meter->bucket > MONITOR_BUCKETS) {
                        meter->n_buckets = 0; /* the clock was set, or we were stopped */
                        meter->bucket = bucket;
                        break;
                }
                if (meter->n_buckets == MONITOR_BUCKETS)
                        memmove(meter->buckets, meter->buckets + 1,
                                (MONITOR_BUCKETS - 1) * sizeof(meter->buckets[0]));
                else
                        meter->n_buckets++;
                /* Slower meters than a bucket: the power is taken to last until they say else. */
                meter->buckets[meter->n_buckets - 1] =
                        now_usec - meter->last_usec < 12 * MONITOR_BUCKET_USEC ? meter->power
                                                                               : (double)NAN;
                meter->bucket++;
        }
}

void monitor_update(struct monitor_meter *meter, struct json_object *readings, uint64_t host_usec)
{
        static const char *const voltages[] = { "voltage_l1", "voltage_l2", "voltage_l3" };
        static const char *const currents[] = { "current_l1", "current_l2", "current_l3" };
        double power = power_of(meter, readings);

        if (host_usec > meter->last_usec)
                meter->last_usec = host_usec;
        monitor_tick(meter, host_usec);
        if (isfinite(power)) {
                meter->power = power;
                if (meter->n_buckets == 0)
                        meter->n_buckets = 1;
                meter->buckets[meter->n_buckets - 1] = power;
        }
        if (!tables_is_electricity(meter->medium))
                take_counter(meter, readings);
        /* Of a meter that sends tariff registers alone the service adds them up. */
        take(&meter->energy_import, readings, "active_energy_import");
        take(&meter->energy_export, readings, "active_energy_export");
        for (size_t i = 0; i < ELEMENTSOF(voltages); i++) {
                take(&meter->voltage[i], readings, voltages[i]);
                take(&meter->current[i], readings, currents[i]);
        }
}
