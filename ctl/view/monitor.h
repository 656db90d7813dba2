/* SPDX-License-Identifier: MIT */
/*
 * The values that `smctl monitor` shows of each meter: the last values, and the power of the last
 * minutes in buckets for the sparkline. Knows no terminal and no bus.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

/* 5 s is the interval of most meters, so a bucket holds a telegram; 256 of them are 21 min. */
#define MONITOR_BUCKET_USEC 5000000U
#define MONITOR_BUCKETS     256
#define MONITOR_METERS_MAX  32

struct monitor_meter {
        char path[128]; /* on the bus; "" for a free place */
        char id[80], name[64], model[48];
        char tariff[48];
        char key_state[32];
        char medium[16];
        bool online;
        double power;                        /* W, import less export; NaN: not sent */
        double energy_import, energy_export; /* Wh */
        bool has_import, has_export;         /* it sends the power of this direction */
        double counter;                      /* of gas, water, heat; NaN: not sent */
        char counter_unit[8];
        double voltage[3], current[3];
        uint64_t last_usec;
        uint64_t clock_usec; /* the meter's own time in its last telegram; 0: it says none */
        double buckets[MONITOR_BUCKETS]; /* newest last */
        size_t n_buckets;
        uint64_t bucket; /* number of the newest: time / MONITOR_BUCKET_USEC */
};

struct monitor {
        struct monitor_meter meters[MONITOR_METERS_MAX];
        size_t n_meters;
        uint64_t n_telegrams;
        bool service_away;
};

/* The place of this object path, made when it is new; NULL when all places are taken. */
struct monitor_meter *monitor_place(struct monitor *monitor, const char *path);
void monitor_remove(struct monitor *monitor, const char *path);

/* Takes names, states and tariff from an object of client_fetch(). */
void monitor_describe(struct monitor_meter *meter, struct json_object *object);

/* Takes the readings of a telegram or of GetReadings(). */
void monitor_update(struct monitor_meter *meter, struct json_object *readings, uint64_t host_usec);

/* Opens new buckets up to now, so the line moves though nothing comes. */
void monitor_tick(struct monitor_meter *meter, uint64_t now_usec);

/* Draws all on the terminal (monitor-screen.c). */
void monitor_draw(const struct monitor *monitor);
