/* SPDX-License-Identifier: MIT */
/* Any bytes as what a broker sends: the first one chooses the protocol and how they are cut. What
 * comes out must be packets, whole and small, that pass a second time as they are. */
#include <stdlib.h>
#include <string.h>

#include "daemon/mqtt/mqtt-inspect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void feed(struct mqtt_inspect *i, const uint8_t *data, size_t size, size_t step,
                 uint8_t *out, size_t *n_out)
{
        for (size_t at = 0; at < size && !i->fault; at += step) {
                size_t n = size - at < step ? size - at : step;
                int r = mqtt_inspect_feed(i, data + at, n, out + *n_out);

                if (r > 0 && (size_t)r > MQTT_INSPECT_OUT_MAX(n))
                        abort();
                if (r > 0)
                        *n_out += (size_t)r;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct mqtt_inspect first, again;
        uint8_t *out, *second;
        size_t n_out = 0, n_second = 0;

        if (size < 1 || size > 65536)
                return 0;
        out = malloc(MQTT_INSPECT_OUT_MAX(size));
        second = malloc(MQTT_INSPECT_OUT_MAX(2 * size + MQTT_INSPECT_PACKET_MAX));
        if (!out || !second)
                abort();
        first = (struct mqtt_inspect){ .is_v5 = data[0] & 1,
                                       .topics = { "homeassistant/status" },
                                       .n_topics = 1 };
        again = first;
        feed(&first, data + 1, size - 1, 1 + (data[0] >> 1), out, &n_out);
        feed(&again, out, n_out, 1, second, &n_second);
        if (again.fault || n_second != n_out || memcmp(out, second, n_out) != 0)
                abort();
        free(out);
        free(second);
        return 0;
}
