/* SPDX-License-Identifier: MIT */
/*
 * A converter as every output sees it: where it is plugged, what it does, what it has counted. Its
 * owner fills it in; outputs read it and keep nothing but the pointer.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define CONVERTER_STATISTICS_MAX 24

/* Lives, and keeps its address, from sink_ops.converter_added() to converter_removed(); values may
 * change in between. Texts are never NULL, "" when there is nothing to say. */
struct converter_view {
        const char *id;    /* "067b:2303@pci-0000:00:14.0-usb-0:1:1.0"; unique, never empty */
        const char *state; /* "receiving"; static */
        const char *code;  /* why, for programs: "held-by-process"; static */
        char reason[200];  /* why, as a sentence */
        char device[64];   /* "/dev/ttyUSB0", "" while gone */
        uint16_t vendor_id, product_id;
        char vendor[64], product[64], serial[64], socket[128], driver[32]; /* socket: ID_PATH */
        char line[16];                /* "2400 8E1", "" when not known */
        const char *framing;          /* "hdlc", "" before the first frame; static */
        const char *profile;          /* "" when not known */
        const char *const *meter_ids; /* NULL-terminated, borrowed like the whole */
        uint32_t holder_pid;          /* 0: none */
        char holder_unit[64];         /* "jeedom.service", "" when there is none or not known */
        uint64_t last_byte_usec;      /* wall time, 0: none yet */
        struct {
                const char *name; /* static: "bytes", "frames", "damaged-frames" … */
                uint64_t value;
        } statistics[CONVERTER_STATISTICS_MAX];
        size_t n_statistics;
};
