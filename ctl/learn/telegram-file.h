/* SPDX-License-Identifier: MIT */
/*
 * A capture as a whole: raw bytes or hex text, read into memory and decoded from its beginning to
 * its end as often as one likes. For the verbs that must see all telegrams before they say
 * anything.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/decoder.h"

#define TELEGRAM_FILE_MAX (4 << 20) /* a day of a meter that sends every 5 s at 2400 baud */

struct telegram_file {
        uint8_t *bytes; /* owned */
        size_t n;
};

/* Reads the file ("-": standard input) and undoes hex text. -errno, -EFBIG, -ENOMEM. */
int telegram_file_read(const char *path, struct telegram_file *ret);
/* The same of what is in memory; takes nothing over. -ENOMEM. */
int telegram_file_of(struct slice bytes, struct telegram_file *ret);
void telegram_file_done(struct telegram_file *file);

/*
 * Decodes it with these keys, profiles and, unless NULL, this profile alone, and calls `each` for
 * every event until one answers other than 0, which is then the result. -ENOMEM.
 */
int telegram_file_decode(const struct telegram_file *file, const struct cipher_keys *keys,
                         const struct profile_set *profiles, const struct meter_profile *profile,
                         int (*each)(void *userdata, const struct decoder_event *event),
                         void *userdata);
