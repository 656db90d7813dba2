/* SPDX-License-Identifier: MIT */
/*
 * The text that Prometheus reads (exposition format 0.0.4, which OpenMetrics scrapers take too):
 *
 *     # HELP smartmeter_voltage_volts Voltage
 *     # TYPE smartmeter_voltage_volts gauge
 *     smartmeter_voltage_volts{meter="LGZ1030655933512",name="House",phase="L1"} 230.1
 *
 * Samples are added in any order and come out by family. One family per quantity: phase and tariff
 * are labels. Service and client make their text here, so it is the same.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "converter-view.h"
#include "lib/value/decimal.h"
#include "output-view.h"

struct metrics;

#define METRICS_LABELS_MAX 8

struct metrics_label {
        const char *name;  /* static */
        const char *value; /* copied; "" leaves the label out */
};

/* Owned by the caller. NULL: no memory. */
struct metrics *metrics_new(void);
struct metrics *metrics_free(struct metrics *m);

/* A reading by its key ("voltage_l1", "1-0:199.7.0") and its unit as shown ("V", "" or NULL). */
void metrics_add_reading(struct metrics *m, const char *meter, const char *meter_name,
                         const char *key, const char *unit, struct decimal value);

/* That there is a service, and which. */
void metrics_add_service(struct metrics *m, const char *version);

/* The facts about a meter beside its readings. Texts are borrowed for the call. */
struct metrics_meter {
        const char *id, *name, *manufacturer, *model, *medium;
        bool online;
        uint64_t last_telegram_usec; /* wall time; 0: none yet */
        uint64_t telegrams, suspects, key_failures, replays;
        unsigned int tariff; /* active; 0: none */
        const char *tariff_label;
};
void metrics_add_meter(struct metrics *m, const struct metrics_meter *meter);
/* State and counters: "damaged-frames" → smartmeter_converter_damaged_frames_total. */
void metrics_add_converter(struct metrics *m, const struct converter_view *view);
void metrics_add_output(struct metrics *m, const struct output_view *view);

/* The whole text, owned by the caller; NULL: no memory, now or when a sample was added. */
char *metrics_text(struct metrics *m);
