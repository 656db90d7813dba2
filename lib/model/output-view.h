/* SPDX-License-Identifier: MIT */
/*
 * An output as every other output sees it: an MQTT broker, a file. Its owner fills it in; the same
 * rule of life as struct converter_view.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct output_view {
        const char *name; /* of its section; the kind where there is one only */
        const char *kind; /* "mqtt", "metrics"; static */
        bool connected;
        const char *error_code; /* for programs: "access-refused"; static, "" when all is well */
        char last_error[240];   /* a sentence that says what to do, "" when all is well */
        uint64_t queued, spooled, published, dropped;
};
