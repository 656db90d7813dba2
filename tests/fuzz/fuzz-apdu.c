/* SPDX-License-Identifier: MIT */
/*
 * A-XDR and the layouts of a data-notification.
 */
#include <stdlib.h>

#include "lib/dlms/apdu.h"
#include "lib/dlms/layout.h"
#include "lib/dlms/raw.h"
#include "tests/unit/known-profiles.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const struct layout_options options = { .profiles = known_profiles() };
        static struct telegram t;
        struct reader r = reader_over((struct slice){ data, size });
        struct apdu_notification notification;
        struct link_found found = { 0 };

        if (raw_find_notification((struct slice){ data, size }, &found) == LINK_WHOLE &&
            found.len > size)
                abort();
        telegram_reset(&t, "raw");
        apdu_notification_begin(&r, &notification);
        if (!reader_ok(&r) || layout_decode(&r, &t, &options, NULL) < 0)
                return 0;
        telegram_identify(&t);
        for (size_t i = 0; profile_set_at(options.profiles, i); i++)
                layout_scale(&t, profile_set_at(options.profiles, i));
        layout_scale(&t, profile_set_match(options.profiles, &t, NULL));
        return 0;
}
