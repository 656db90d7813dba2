/* SPDX-License-Identifier: MIT */
/*
 * Any bytes for a profile, beside the built-in ones: it is refused with words, or added, and then a
 * notification (what follows the first NUL) is read by it like by any other.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/dlms/apdu.h"
#include "lib/dlms/layout.h"
#include "lib/profile/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count(void *userdata, const char *file, unsigned int line, bool warning,
                  const char *message)
{
        size_t *n_errors = userdata;

        (void)line;
        if (!file || !message || !*message)
                abort();
        *n_errors += !warning;
}

static void read_by(const struct profile_set *set, struct slice bytes)
{
        const struct layout_options options = { .profiles = set };
        static struct telegram t;
        struct reader r = reader_over(bytes);
        struct apdu_notification notification;

        telegram_reset(&t, "raw");
        apdu_notification_begin(&r, &notification);
        if (!reader_ok(&r) || layout_decode(&r, &t, &options, NULL) < 0)
                return;
        telegram_identify(&t);
        for (size_t i = 0; profile_set_at(set, i); i++)
                layout_scale(&t, profile_set_at(set, i));
        layout_scale(&t, profile_set_match(set, &t, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const uint8_t *end = size ? memchr(data, 0, size) : NULL;
        size_t text = end ? (size_t)(end - data) : size;
        size_t n_errors = 0;
        const struct profile_reporter reporter = { count, &n_errors };
        struct profile_set *set;
        int r;

        if (profile_set_new(&set) < 0)
                abort();
        r = profile_set_add(set, (struct slice){ data, text }, "fuzz", &reporter);
        if ((r != 0 && r != -EINVAL) || (r == 0) != (n_errors == 0))
                abort();
        if (end)
                read_by(set, (struct slice){ end + 1, size - text - 1 });
        (void)profile_set_free(set);
        return 0;
}
