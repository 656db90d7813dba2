/* SPDX-License-Identifier: MIT */
#include "spark.h"

#include <math.h>
#include <string.h>

#include "base/util.h"

static const char *const blocks[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
static const char *const letters[] = { "_", ".", ":", "-", "=", "+", "*", "#" };

#define LEVELS ELEMENTSOF(blocks)

struct range {
        double low, high;
        bool any;
};

static struct range range_of(const double *values, size_t n)
{
        struct range range = { 0 };

        for (size_t i = 0; i < n; i++) {
                if (!isfinite(values[i]))
                        continue;
                range.low = range.any ? fmin(range.low, values[i]) : values[i];
                range.high = range.any ? fmax(range.high, values[i]) : values[i];
                range.any = true;
        }
        /* A house that draws 300 to 320 W all night has no peaks: zero is in every picture. */
        range.low = fmin(range.low, 0);
        range.high = fmax(range.high, 0);
        return range;
}

static size_t level_of(double value, const struct range *range)
{
        double span = range->high - range->low;
        double level = span > 0 ? (value - range->low) / span * (double)LEVELS : 0;

        return MIN((size_t)level, LEVELS - 1);
}

char *spark_print(const double *values, size_t n, size_t cells, bool utf8,
                  char buf[static SPARK_TEXT_MAX])
{
        const char *const *bars = utf8 ? blocks : letters;
        struct range range;
        size_t blanks, at = 0;

        cells = MIN(cells, (size_t)SPARK_CELLS_MAX);
        if (n > cells) {
                values += n - cells;
                n = cells;
        }
        blanks = cells - n;
        range = range_of(values, n);
        memset(buf, ' ', blanks);
        at = blanks;
        for (size_t i = 0; i < n; i++) {
                const char *bar = isfinite(values[i]) ? bars[level_of(values[i], &range)] : " ";

                memcpy(buf + at, bar, strlen(bar));
                at += strlen(bar);
        }
        buf[at] = '\0';
        return buf;
}
