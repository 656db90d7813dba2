/* SPDX-License-Identifier: MIT */
/*
 * Chooses the walker by structure: the kind that explains most comes first, and a walker that does
 * not understand all of the data leaves nothing behind.
 */
#include "layout.h"

#include <errno.h>
#include <string.h>

static const struct {
        const char *name;
        int (*decode)(struct reader *r, struct layout *l);
} walkers[] = {
        { "push", layout_push_decode },
        { "untagged", layout_untagged_decode },
        { "pairs", layout_pairs_decode },
        { "list", layout_list_decode },
};

/* The state of the telegram before a walker began, to return to when it gives up. */
struct mark {
        struct datetime time;
        struct telegram_hints hints;
        size_t n_readings, n_texts, n_dropped, n_unread, arena_used;
};

static struct mark mark_of(const struct telegram *t)
{
        return (struct mark){ t->time,      t->hints,    t->n_readings, t->n_texts,
                              t->n_dropped, t->n_unread, t->arena_used };
}

static void rewind_to(struct telegram *t, const struct mark *mark)
{
        t->time = mark->time;
        t->hints = mark->hints;
        t->n_readings = mark->n_readings;
        t->n_texts = mark->n_texts;
        t->n_dropped = mark->n_dropped;
        t->n_unread = mark->n_unread;
        t->arena_used = mark->arena_used;
}

/* A bare meter number (Lower Austria: twelve digits at the end) serves where no object has one. */
static void use_bare_id(struct telegram *t, struct slice id)
{
        telegram_identify(t);
        if (!t->meter_id[0])
                telegram_set_meter_id(t, id);
}

/* "00", zeros, or nothing: the id of a slot for a sub-meter that is not there. */
static bool is_empty_id(struct slice id)
{
        for (size_t i = 0; i < id.len; i++)
                if (id.data[i] != '0' && id.data[i] != 0 && id.data[i] != ' ')
                        return false;
        return true;
}

/* True when the channel of a sub-meter has an id, and the id says that nothing is there. */
static bool is_empty_slot(const struct telegram *t, uint8_t channel)
{
        bool any = false;

        for (size_t i = 0; i < t->n_texts; i++) {
                const struct text *text = &t->texts[i];

                if (text->label[0] || text->obis.a != 0 || text->obis.b != channel ||
                    text->obis.c != 96 || text->obis.d != 1)
                        continue;
                if (!is_empty_id(text->value))
                        return false;
                any = true;
        }
        return any;
}

/* Empty slots send a register of 0 all the same: no reading of anything. */
static void drop_empty_slots(struct telegram *t)
{
        size_t kept = 0;

        for (size_t i = 0; i < t->n_readings; i++) {
                const struct reading *reading = &t->readings[i];

                if (reading->obis.a == 0 && reading->obis.b > 0 && reading->value.mantissa == 0 &&
                    is_empty_slot(t, reading->obis.b))
                        continue;
                if (kept != i)
                        t->readings[kept] = *reading;
                kept++;
        }
        t->n_readings = kept;
}

int layout_decode(struct reader *r, struct telegram *telegram, const struct layout_options *options,
                  struct layout_doubt *ret_doubt)
{
        struct layout_doubt doubt = { 0 };
        struct mark mark = mark_of(telegram);
        struct reader whole = *r;

        for (size_t i = 0; i < sizeof(walkers) / sizeof(walkers[0]); i++) {
                struct layout l = { .telegram = telegram, .options = options };
                struct reader attempt = *r;

                if (walkers[i].decode(&attempt, &l) == 0 && reader_ok(&attempt)) {
                        telegram->hints.layout = walkers[i].name;
                        use_bare_id(telegram, l.bare_id);
                        drop_empty_slots(telegram);
                        if (ret_doubt)
                                *ret_doubt = doubt;
                        *r = attempt;
                        return 0;
                }
                rewind_to(telegram, &mark);
                if (l.doubt.lists[0])
                        doubt = l.doubt;
        }
        if (ret_doubt)
                *ret_doubt = doubt;
        axdr_skip(&whole);
        *r = whole;
        return reader_ok(r) ? -ENOMSG : -EBADMSG;
}
