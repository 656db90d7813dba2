/* SPDX-License-Identifier: MIT */
/*
 * A table that somebody found somewhere, as smctl import-history reads it. What is taken is in
 * order of time, and no counter falls within a run but where the table says so.
 */
#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl/csv/csv-series.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const struct csv_wish wishes[] = { { .counter_unit = "Wh", .unit = "kWh" },
                                           { .counter_unit = "Wh",
                                             .unit = "Wh",
                                             .tariffs = { { "a", "sensor.b" }, { "c" } },
                                             .energy = true } };

        for (size_t i = 0; size > 0 && i < 2; i++) {
                FILE *stream = fmemopen((void *)(uintptr_t)data, size, "r");
                struct csv_series series;
                struct csv csv;

                if (!stream)
                        abort();
                assert(csv_init(&csv, stream, "-") == 0);
                if (csv_series_read(&csv, &wishes[i], &series) == 0) {
                        for (size_t k = 1; k < series.n; k++)
                                assert(series.list[k].time > series.list[k - 1].time ||
                                       (series.list[k].begins &&
                                        series.list[k].time == series.list[k - 1].time));
                        for (size_t k = 0; k < series.n; k++)
                                for (size_t c = 0; c < 2; c++)
                                        assert(isnan(series.list[k].counters[c]) ||
                                               series.list[k].counters[c] >= 0);
                        csv_series_done(&series);
                }
                csv_done(&csv);
                (void)fclose(stream);
        }
        return 0;
}
