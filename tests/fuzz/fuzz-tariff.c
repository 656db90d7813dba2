/* SPDX-License-Identifier: MIT */
/* Any line for a tariff slot: it is understood within its bounds, or refused with words. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/model/tariff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct datetime to_local(int64_t epoch_s, void *userdata)
{
        /* A calendar of 28-day months is enough: the evaluation must end, whatever the slots. */
        int64_t days = epoch_s / 86400, seconds = epoch_s % 86400;

        (void)userdata;
        return datetime_of_fields((int)(1970 + days / 336), (int)(days / 28 % 12 + 1),
                                  (int)(days % 28 + 1), (int)(seconds / 3600),
                                  (int)(seconds / 60 % 60), (int)(seconds % 60));
}

static int64_t to_epoch(const struct datetime *local, void *userdata)
{
        (void)userdata;
        return ((local->year - 1970) * 336 + (local->month - 1) * 28 + local->day - 1) * 86400ll +
               local->hour * 3600 + local->minute * 60 + local->second;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const struct tariff_zone zone = { to_local, to_epoch, NULL };
        struct tariff_settings settings = { .fallback = 2 };
        struct tariff tariff = { 0 };
        const char *fault = NULL;
        char *text = malloc(size + 1);

        if (!text)
                return 0;
        if (size)
                memcpy(text, data, size);
        text[size] = '\0';
        if (tariff_slot_parse(&settings, text, &fault) < 0 && (!fault || settings.n_slots))
                abort();
        for (size_t i = 0; i < settings.n_slots; i++) {
                const struct tariff_slot *slot = &settings.slots[i];

                if (slot->tariff < 1 || slot->tariff > TARIFF_MAX || slot->from_min >= 1440 ||
                    slot->to_min > 1440 || slot->from_min == slot->to_min)
                        abort();
        }
        tariff_configure(&tariff, &settings);
        (void)tariff_tick(&tariff, 1750000000000000, &zone);
        if (tariff.next_usec && tariff.next_usec <= 1750000000000000)
                abort();
        free(text);
        return 0;
}
