/* SPDX-License-Identifier: MIT */
/*
 * Records of EN 13757-3 as they come out of OMS mode 5, and the header in front of them. Readings
 * are of now, have a unit, and their number is bounded.
 */
#include <stdlib.h>

#include "lib/dlms/oms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct telegram telegram;
        struct slice bytes = { data, size };
        struct oms_header header;
        const char *fault;

        telegram_reset(&telegram, "mbus");
        if (oms_parse(bytes, &header, &fault) == 0) {
                if (header.ciphertext.len % 16 != 0 || header.ciphertext.len > OMS_PLAIN_MAX)
                        abort();
                oms_identify(&header, &telegram);
        }
        (void)oms_read(bytes, &telegram);
        for (size_t i = 0; i < telegram.n_readings; i++)
                if (telegram.readings[i].obis.a != 1 || !unit_name(telegram.readings[i].unit))
                        abort();
        return 0;
}
