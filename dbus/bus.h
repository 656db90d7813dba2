/* SPDX-License-Identifier: MIT */
/*
 * The service on D-Bus: one connection, one object per converter, meter and MQTT sink, an
 * ObjectManager at the root. Is itself a sink for meters. What callers ask for goes up through
 * struct bus_requests, which whoever creates the bus fills in.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "lib/sink.h"

struct bus;

#define BUS_STATISTICS_MAX 24

/* A converter as its owner shows it. The bus keeps the pointer: it must live, and keep its address,
 * from bus_converter_added() to bus_converter_removed(); values may change in between. */
struct bus_converter {
        const char *id;    /* "067b:2303@pci-0000:00:14.0-usb-0:1:1.0"; unique, never empty */
        const char *state; /* "receiving"; static */
        char reason[200];  /* a sentence */
        char device[64];   /* "/dev/ttyUSB0", "" while gone */
        uint16_t vendor_id, product_id;
        char vendor[64], product[64], serial[64], path[128], driver[32];
        char line[16];                /* "2400 8E1", "" when not known */
        const char *profile;          /* "" when not known */
        const char *const *meter_ids; /* NULL-terminated, borrowed like the whole */
        uint32_t holder_pid;          /* 0: none */
        uint64_t last_byte_usec;      /* wall time, 0: none yet */
        struct {
                const char *name; /* static: "bytes", "frames", "damaged-frames" … */
                uint64_t value;
        } statistics[BUS_STATISTICS_MAX];
        size_t n_statistics;
};

/* An MQTT sink as its owner shows it; same rule of life. */
struct bus_sink {
        const char *name;
        bool connected;
        char last_error[240]; /* a sentence that says what to do, "" when all is well */
        uint64_t queued, spooled, published, dropped;
};

/*
 * Requests from callers, already authorised. Answer 0 or negative errno and, for an error the
 * caller can act on, sd_bus_error_set*() into `error` with a name of names.h.
 */
struct bus_requests {
        /* Reads the configuration again. *ret_warnings: strv, owned by the caller of this. */
        int (*reload)(void *userdata, char ***ret_warnings, sd_bus_error *error);
        int (*rescan)(void *userdata, sd_bus_error *error);
        /* ak_len 0: none. 16 bytes each, checked by the bus. */
        int (*set_meter_key)(void *userdata, const char *meter, const uint8_t *ek,
                             const uint8_t *ak, sd_bus_error *error);
        /* `tty` is a device node or its name; *ret_id: converter id, borrowed. Options: "Line" s,
         * "Profile" s, or NULL. */
        int (*adopt)(void *userdata, const char *tty, const char *line, const char *profile,
                     const char **ret_id, sd_bus_error *error);
        int (*forget)(void *userdata, const char *converter_or_meter_id, sd_bus_error *error);
        int (*probe)(void *userdata, const char *converter_id, sd_bus_error *error);
        int (*reset)(void *userdata, const char *converter_id, const char *how,
                     sd_bus_error *error); /* how: "reopen", "usb" */
        /* The port is freed until `inhibit_done` is called with the same cookie. The bus watches
         * caller and fd. who/why are for the reason shown. A converter that is removed takes its
         * inhibitions with it: inhibit_done comes before bus_converter_removed() returns. */
        int (*inhibit)(void *userdata, const char *converter_id, const char *who, const char *why,
                       uint64_t cookie, sd_bus_error *error);
        void (*inhibit_done)(void *userdata, const char *converter_id, uint64_t cookie);
        /* Raw bytes of the line are written to fd (non-blocking, owned by the callee from now on)
         * until the reader closes it or the converter is removed, over replugs too: the bus keeps a
         * copy of fd, so closing it earlier would not show to the reader. */
        int (*capture)(void *userdata, const char *converter_id, int fd, sd_bus_error *error);
        /* By id, device node, tty name, or configured name: the converter's id, or NULL. */
        const char *(*find_converter)(void *userdata, const char *key);
        /* By id or configured name: the meter's id, or NULL. */
        const char *(*find_meter)(void *userdata, const char *key);
        /* Optional: brings counters and last_byte_usec of this converter up to date; called before
         * they are shown, so that the owner need not tell of every byte. Calls nothing back. */
        void (*refresh_converter)(void *userdata, const char *converter_id);
        int (*sink_reconnect)(void *userdata, const char *sink, sd_bus_error *error);
        /* Display name of a meter from the configuration, "" when there is none. */
        const char *(*meter_name)(void *userdata, const char *meter_id);
        /* org.freedesktop.LogControl1 */
        int (*set_log_level)(void *userdata, const char *level);
        const char *(*get_log_level)(void *userdata);
        int (*set_log_target)(void *userdata, const char *target);
        const char *(*get_log_target)(void *userdata);
};

struct bus_options {
        const char *address;       /* NULL: the system bus (DBUS_SYSTEM_BUS_ADDRESS) */
        const char *readers_group; /* NULL: all local users may read */
        const struct bus_requests *requests;
        void *userdata;
        /* The connection was lost for good; called once from the loop. */
        void (*on_lost)(void *userdata);
};

/*
 * Connects and exports the root object; requests no name yet. Owned by the caller; frees with
 * bus_free(), which also drops every object. Negative errno.
 */
int bus_new(sd_event *event, const struct bus_options *options, struct bus **ret);
struct bus *bus_free(struct bus *bus);

/* The last step of starting: after all objects known now are exported. */
int bus_request_name(struct bus *bus);

/* The bus seen as a sink for meters: borrowed, lives as long as the bus. */
struct sink *bus_sink_get(struct bus *bus);

int bus_converter_added(struct bus *bus, const struct bus_converter *converter);
/* Something of it changed: emits what differs from last time, in one signal. */
void bus_converter_changed(struct bus *bus, const struct bus_converter *converter);
void bus_converter_removed(struct bus *bus, const struct bus_converter *converter);

int bus_mqtt_added(struct bus *bus, const struct bus_sink *sink);
void bus_mqtt_changed(struct bus *bus, const struct bus_sink *sink);
void bus_mqtt_removed(struct bus *bus, const struct bus_sink *sink);

/* Manager1.State ("starting" "running" "degraded" "stopping") and LastReloadError. */
void bus_set_state(struct bus *bus, const char *state);
void bus_set_reload_error(struct bus *bus, const char *error);

/* Another limit for readers (reload). */
void bus_set_readers_group(struct bus *bus, const char *group);
