/* SPDX-License-Identifier: MIT */
/*
 * Chooses the walker by structure: the kind that explains most comes first, and a walker that does
 * not understand all of the data leaves nothing behind.
 */
#include "layout.h"

#include <errno.h>
#include <string.h>

static int (*const walkers[])(struct reader *r, struct layout *l) = {
        layout_push_decode,
        layout_untagged_decode,
        layout_pairs_decode,
        layout_list_decode,
};

/* What a walker may have left in the telegram before it gave up. */
struct mark {
        struct datetime time;
        struct telegram_hints hints;
        size_t n_readings, n_texts, n_dropped, arena_used;
};

static struct mark mark_of(const struct telegram *t)
{
        return (struct mark){ t->time,    t->hints,     t->n_readings,
                              t->n_texts, t->n_dropped, t->arena_used };
}

static void rewind_to(struct telegram *t, const struct mark *mark)
{
        t->time = mark->time;
        t->hints = mark->hints;
        t->n_readings = mark->n_readings;
        t->n_texts = mark->n_texts;
        t->n_dropped = mark->n_dropped;
        t->arena_used = mark->arena_used;
}

/* A bare meter number (Lower Austria: twelve digits at the end) serves where no object names one.
 */
static void use_bare_id(struct telegram *t, struct slice id)
{
        size_t n = id.len < TELEGRAM_ID_MAX - 1 ? id.len : TELEGRAM_ID_MAX - 1;

        telegram_identify(t);
        if (t->meter_id[0] || n == 0)
                return;
        memcpy(t->meter_id, id.data, n);
        t->meter_id[n] = '\0';
        for (char *c = t->meter_id; *c; c++)
                if (*c == '/')
                        *c = '_';
}

int layout_decode(struct reader *r, struct telegram *telegram)
{
        struct mark mark = mark_of(telegram);
        struct reader whole = *r;

        for (size_t i = 0; i < sizeof(walkers) / sizeof(walkers[0]); i++) {
                struct layout l = { .telegram = telegram };
                struct reader attempt = *r;

                if (walkers[i](&attempt, &l) == 0 && reader_ok(&attempt)) {
                        use_bare_id(telegram, l.bare_id);
                        *r = attempt;
                        return 0;
                }
                rewind_to(telegram, &mark);
        }
        axdr_skip(&whole);
        *r = whole;
        return reader_ok(r) ? -ENOMSG : -EBADMSG;
}
