/* SPDX-License-Identifier: MIT */
/*
 * Any bytes for SML. As a stream, where check sums keep nearly all of them out; then as the content
 * of a message whose check sums are made right, so that the parser behind them is reached.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "lib/link/crc.h"
#include "lib/link/link.h"
#include "lib/sml/sml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct telegram telegram;

/* What no telegram may be, whatever it was made from. */
static void check(int r)
{
        char buf[DECIMAL_TEXT_MAX];
        uint8_t sum = 0;

        if (telegram.n_readings > TELEGRAM_READINGS_MAX || telegram.n_texts > TELEGRAM_TEXTS_MAX ||
            strnlen(telegram.meter_id, TELEGRAM_ID_MAX) == TELEGRAM_ID_MAX)
                abort();
        if (r < 0)
                return;
        telegram_identify(&telegram);
        for (size_t i = 0; i < telegram.n_readings; i++)
                (void)decimal_print(telegram.readings[i].value, buf);
        for (size_t i = 0; i < telegram.n_texts; i++)
                for (size_t k = 0; k < telegram.texts[i].value.len; k++)
                        sum ^= telegram.texts[i].value.data[k];
        if (telegram.status != TELEGRAM_OK && (telegram.n_readings || telegram.n_texts || sum))
                abort();
}

static void scan(struct slice s)
{
        while (s.len > 0) {
                struct link_found found = { 0 };
                bool whole = link_sml.starts(s.data[0]) &&
                             link_sml.probe(s, (struct slice){ 0 }, &found) == LINK_WHOLE;

                if (whole && (found.len == 0 || found.len > MIN(s.len, (size_t)LINK_FRAME_MAX)))
                        abort();
                if (whole) {
                        telegram_reset(&telegram, "sml");
                        check(link_sml.read(slice_first(s, found.len), &telegram));
                }
                s = slice_from(s, whole ? found.len : 1);
        }
}

static void wrap(struct slice body)
{
        static const uint8_t head[] = { 0x76, 0x02, 0x01, 0x62, 0x00, 0x62, 0x00 };
        size_t len = sizeof(head) + body.len + 4;
        uint8_t *file = malloc(len);
        uint16_t sum;

        if (!file)
                return;
        memcpy(file, head, sizeof(head));
        if (body.len)
                memcpy(file + sizeof(head), body.data, body.len);
        sum = crc16_x25((struct slice){ file, len - 4 });
        file[len - 4] = 0x63;
        file[len - 3] = (uint8_t)sum;
        file[len - 2] = (uint8_t)(sum >> 8);
        file[len - 1] = 0;
        telegram_reset(&telegram, "sml");
        check(sml_file_decode((struct slice){ file, len }, &telegram));
        free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct slice s = { data, size };

        scan(s);
        wrap(s);
        return 0;
}
