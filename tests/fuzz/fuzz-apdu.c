/* SPDX-License-Identifier: MIT */
/*
 * A-XDR and the layouts of a data-notification.
 */
#include <stdlib.h>

#include "lib/apdu.h"
#include "lib/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct telegram t;
        struct reader r = reader_over((struct slice){ data, size });
        struct apdu_notification notification;
        ssize_t length = apdu_notification_length((struct slice){ data, size });

        if (length > (ssize_t)size)
                abort();
        telegram_reset(&t, LINK_RAW);
        apdu_notification_begin(&r, &notification);
        if (!reader_ok(&r) || layout_decode(&r, &t) < 0)
                return 0;
        telegram_identify(&t);
        for (size_t i = 0; profile_table[i]; i++)
                layout_scale(&t, profile_table[i]);
        layout_scale(&t, profile_match(&t));
        return 0;
}
