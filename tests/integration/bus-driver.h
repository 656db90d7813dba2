/* SPDX-License-Identifier: MIT */
/*
 * What the two halves of the bus driver share: its models, and the table of requests.
 */
#pragma once

#include <stdbool.h>
#include <time.h>

#include "dbus/bus.h"
#include "lib/model/meter.h"

#define DRIVER_MAX 16

struct driver_converter {
        bool used, frames_announced;
        char id[128], state[24], code[32], meter_id[METER_ID_MAX];
        const char *meter_ids[2];
        uint64_t inhibit_cookies[8];
        struct converter_view bus;
};

struct driver {
        sd_event *event;
        struct bus *bus;
        struct driver_converter converters[DRIVER_MAX];
        struct meter *meters[DRIVER_MAX];
        char output_name[64], output_code[32];
        struct output_view output;
        int fail; /* negative errno the requests answer with; 0: they succeed */
        int capture_fd;
        char log_level[16];
};

extern const struct bus_requests driver_requests;

struct driver_converter *driver_find_converter(struct driver *d, const char *key);
struct meter *driver_find_meter(struct driver *d, const char *id);

static inline uint64_t driver_now(clockid_t clock)
{
        struct timespec t;

        (void)clock_gettime(clock, &t); /* both clocks exist */
        return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}
