/* SPDX-License-Identifier: MIT */
/*
 * Layout "list": values without codes. Which list it is, is told by an id in front (Kaifa) or by
 * the whole shape: number of elements, the type of each, the length of its strings. The number
 * alone is ambiguous: three lists of 12 and three of 9 are known of the AM550.
 */
#include <errno.h>
#include <string.h>

#include "layout.h"

static bool fits_item(const struct profile_item *item, const struct axdr_value *value)
{
        if (item->tag == AXDR_OCTET_STRING)
                return axdr_is_string(value->tag) &&
                       (item->len == 0 || value->bytes.len == item->len);
        if (item->tag == PROFILE_NUMBER)
                return axdr_is_number(value->tag);
        return value->tag == item->tag;
}

static bool fits_id(const char *list_id, const struct axdr_value *value)
{
        return axdr_is_string(value->tag) && slice_equal(value->bytes, slice_of_string(list_id));
}

/* `r` stands at the first element. */
static bool fits(const struct profile_list *list, struct reader r)
{
        struct reader element;
        struct axdr_value value;

        for (size_t i = 0; i < list->n_items; i++) {
                element = r;
                axdr_next(&element, &value);
                if (!fits_item(&list->items[i], &value))
                        return false;
                if (i == 0 && list->list_id && !fits_id(list->list_id, &value))
                        return false;
                axdr_skip(&r);
                if (!reader_ok(&r))
                        return false;
        }
        return true;
}

static const struct profile_list *find_list(const struct reader *r, size_t count)
{
        for (size_t i = 0; profile_table[i]; i++) {
                const struct meter_profile *profile = profile_table[i];

                for (size_t j = 0; j < profile->n_lists; j++)
                        if (profile->lists[j].n_items == count && fits(&profile->lists[j], *r))
                                return &profile->lists[j];
        }
        return NULL;
}

static void deliver_item(struct layout *l, const struct profile_item *item,
                         const struct axdr_value *value)
{
        struct telegram *t = l->telegram;
        struct layout_object object = { .obis = item->obis };

        switch (item->kind) {
        case ITEM_READING:
                telegram_add_reading(t, item->obis,
                                     (struct decimal){ value->number, item->exponent }, item->unit);
                if (t->n_readings > 0)
                        t->readings[t->n_readings - 1].scaled = true;
                break;
        case ITEM_TEXT:
                if (value->bytes.len > 0 || value->tag == AXDR_ENUM)
                        layout_deliver(l, &object, value, NULL);
                break;
        case ITEM_TIME:
                if (!t->time.valid)
                        t->time = datetime_of_cosem(value->bytes);
                break;
        case ITEM_LIST_ID:
                if (value->bytes.len < sizeof(t->hints.list_id)) {
                        memcpy(t->hints.list_id, value->bytes.data, value->bytes.len);
                        t->hints.list_id[value->bytes.len] = '\0';
                }
                break;
        case ITEM_SKIP:
                break;
        }
}

int layout_list_decode(struct reader *r, struct layout *l)
{
        const struct profile_list *list;
        struct axdr_value top, value;

        axdr_next(r, &top);
        if (top.tag != AXDR_STRUCTURE || top.count == 0)
                return -ENOMSG;
        list = find_list(r, top.count);
        if (!list)
                return -ENOMSG;
        l->telegram->hints.list = list;
        for (size_t i = 0; i < list->n_items && reader_ok(r); i++) {
                struct reader element = *r;

                axdr_next(&element, &value);
                deliver_item(l, &list->items[i], &value);
                axdr_skip(r);
        }
        return reader_ok(r) ? 0 : -EBADMSG;
}
