/* SPDX-License-Identifier: MIT */
#include "link-quality.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define BUCKET_USEC (3600 * UINT64_C(1000000) / LINK_QUALITY_BUCKETS)

/* Buckets between the last look and this one are empty. */
static void advance(struct link_quality *q, uint64_t bucket)
{
        uint64_t n = MIN(bucket - q->bucket, LINK_QUALITY_BUCKETS);

        for (uint64_t i = 0; i < n; i++)
                q->damaged[(bucket - i) % LINK_QUALITY_BUCKETS] = 0;
        q->bucket = bucket;
}

uint64_t link_quality_look(struct link_quality *q, const uint64_t *total, uint64_t now_usec)
{
        uint64_t sum = 0;

        advance(q, MAX(now_usec / BUCKET_USEC, q->bucket));
        if (total && q->counting && *total >= q->total)
                q->damaged[q->bucket % LINK_QUALITY_BUCKETS] += *total - q->total;
        if (total) {
                q->counting = true;
                q->total = *total;
        }
        for (uint64_t i = 0; i < LINK_QUALITY_BUCKETS; i++)
                sum += q->damaged[i];
        return sum;
}

void link_converters_add(struct link_converters *converters, const struct converter_view *view)
{
        const struct converter_view **grown =
                reallocarray(converters->views, converters->n + 1, sizeof(*grown));

        if (!grown)
                return;
        converters->views = grown;
        converters->views[converters->n++] = view;
}

void link_converters_remove(struct link_converters *converters, const struct converter_view *view)
{
        for (size_t i = 0; i < converters->n; i++) {
                if (converters->views[i] != view)
                        continue;
                converters->views[i] = converters->views[--converters->n];
                return;
        }
}

void link_converters_done(struct link_converters *converters)
{
        free(converters->views);
        *converters = (struct link_converters){ 0 };
}

static bool reads(const struct converter_view *view, const char *meter_id)
{
        for (const char *const *id = view->meter_ids; id && *id; id++)
                if (strcmp(*id, meter_id) == 0)
                        return true;
        return false;
}

static uint64_t damaged_frames(const struct converter_view *view)
{
        for (size_t i = 0; i < view->n_statistics; i++)
                if (strcmp(view->statistics[i].name, "damaged-frames") == 0)
                        return view->statistics[i].value;
        return 0;
}

uint64_t link_quality_of(struct link_quality *q, const struct link_converters *converters,
                         const char *meter_id, uint64_t now_usec)
{
        for (size_t i = 0; i < converters->n; i++) {
                uint64_t total;

                if (!reads(converters->views[i], meter_id))
                        continue;
                total = damaged_frames(converters->views[i]);
                return link_quality_look(q, &total, now_usec);
        }
        return link_quality_look(q, NULL, now_usec);
}
