/* SPDX-License-Identifier: MIT */
#include "learn-list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "lib/value/axdr.h"

struct values {
        size_t count;
        struct axdr_value value[PROFILE_ITEMS_MAX];
};

static bool read_values(struct slice data, struct values *ret)
{
        struct reader r = reader_over(data);
        struct axdr_value top;

        axdr_next(&r, &top);
        if (top.tag != AXDR_STRUCTURE || top.count == 0 || top.count > PROFILE_ITEMS_MAX)
                return false;
        ret->count = top.count;
        for (size_t i = 0; i < top.count && reader_ok(&r); i++) {
                struct reader element = r;

                axdr_next(&r, &ret->value[i]);
                if (ret->value[i].count == 0)
                        continue;
                r = element;
                axdr_skip(&r);
        }
        return reader_ok(&r);
}

static bool is_integer(uint8_t tag)
{
        return axdr_is_number(tag) || tag == AXDR_BOOLEAN || tag == AXDR_ENUM;
}

static enum learn_kind kind_of(const struct axdr_value *value)
{
        if (value->tag == AXDR_NULL || value->absent)
                return LEARN_ABSENT;
        if (is_integer(value->tag))
                return LEARN_NUMBER;
        if (axdr_is_string(value->tag) || value->tag == AXDR_DATE_TIME)
                return LEARN_TEXT;
        return LEARN_OTHER;
}

/* A null says nothing against any kind. */
static bool is_of(const struct learn_list *list, const struct values *v)
{
        if (list->n_places != v->count)
                return false;
        for (size_t i = 0; i < v->count; i++) {
                enum learn_kind kind = kind_of(&v->value[i]);

                if (kind != LEARN_ABSENT && list->places[i].kind != LEARN_ABSENT &&
                    list->places[i].kind != kind)
                        return false;
        }
        return true;
}

static bool is_date_part(struct slice b)
{
        return b.len == 5 &&
               datetime_of_fields(b.data[0] << 8 | b.data[1], b.data[2], b.data[3], 0, 0, 0).valid;
}

static bool is_clock_part(struct slice b)
{
        return b.len == 4 && b.data[0] < 24 && b.data[1] < 60 && b.data[2] < 60;
}

static bool is_time(const struct axdr_value *value)
{
        return value->tag == AXDR_DATE_TIME ||
               (value->bytes.len == 12 && datetime_of_cosem(value->bytes).valid);
}

static bool is_printable(struct slice bytes)
{
        for (size_t i = 0; i < bytes.len; i++)
                if (bytes.data[i] < 0x20 || bytes.data[i] > 0x7e)
                        return false;
        return bytes.len > 0;
}

static void take_number(struct learn_place *place, size_t at, const struct axdr_value *value)
{
        int64_t before = 0;

        for (size_t i = at; i-- > 0;)
                if (place->known[i]) {
                        before = place->number[i];
                        break;
                }
        place->number[at] = value->number;
        place->known[at] = true;
        if (place->kind == LEARN_ABSENT) {
                place->tag = value->tag;
                place->least = place->most = value->number;
                return;
        }
        if (place->tag != value->tag)
                place->tag = PROFILE_NUMBER;
        place->falls = place->falls || value->number < before;
        place->changes = place->changes || value->number != before;
        place->least = MIN(place->least, value->number);
        place->most = MAX(place->most, value->number);
}

static void take_text(struct learn_place *place, const struct axdr_value *value)
{
        struct slice bytes = slice_first(value->bytes, LEARN_TEXT_MAX);

        place->no_time = place->no_time || !is_time(value);
        place->no_date = place->no_date || !is_date_part(value->bytes);
        place->no_clock = place->no_clock || !is_clock_part(value->bytes);
        if (place->kind != LEARN_ABSENT) {
                place->changes =
                        place->changes ||
                        !slice_equal(bytes, (struct slice){ place->text, place->text_len });
                return;
        }
        place->tag = AXDR_OCTET_STRING;
        if (bytes.len > 0)
                memcpy(place->text, bytes.data, bytes.len);
        place->text_len = bytes.len;
        place->printable = is_printable(bytes);
}

static void take_value(struct learn_list *list, size_t i, const struct axdr_value *value)
{
        struct learn_place *place = &list->places[i];
        enum learn_kind kind = kind_of(value);

        if (kind == LEARN_ABSENT)
                return;
        if (kind == LEARN_NUMBER)
                take_number(place, list->n_telegrams, value);
        else if (kind == LEARN_TEXT)
                take_text(place, value);
        else
                place->tag = value->count > 0 ? AXDR_ARRAY : PROFILE_ANY;
        place->kind = kind;
}

static struct learn_list *find_list(struct learn_capture *capture, const struct values *v)
{
        for (size_t i = 0; i < capture->n_lists; i++)
                if (!capture->lists[i]->coded && is_of(capture->lists[i], v))
                        return capture->lists[i];
        if (capture->n_lists == LEARN_LISTS_MAX)
                return NULL;
        struct learn_list *list = calloc(1, sizeof(*list));
        if (list) {
                list->n_places = v->count;
                capture->lists[capture->n_lists++] = list;
        }
        return list;
}

static void take_time(struct learn_list *list, const struct values *v, const struct telegram *t)
{
        int64_t *time = &list->time[list->n_telegrams];

        if (t->time.valid)
                *time = datetime_to_epoch(&t->time);
        for (size_t i = 0; i < v->count && *time == 0; i++) {
                struct datetime place = { 0 };

                if (v->value[i].bytes.len == 12)
                        place = datetime_of_cosem(v->value[i].bytes);
                if (place.valid)
                        *time = datetime_to_epoch(&place);
        }
}

static int take_unknown(struct learn_capture *capture, const struct telegram *t)
{
        struct learn_list *list;
        struct values v;

        if (!read_values(t->unknown, &v))
                return 0;
        list = find_list(capture, &v);
        if (!list)
                return capture->n_lists == LEARN_LISTS_MAX ? 0 : -ENOMEM;
        if (list->n_telegrams == LEARN_TELEGRAMS_MAX)
                return 0;
        for (size_t i = 0; i < v.count; i++)
                take_value(list, i, &v.value[i]);
        take_time(list, &v, t);
        if (t->has_system_title && is_printable((struct slice){ t->system_title, 3 }))
                memcpy(list->maker, t->system_title, 3);
        list->n_telegrams++;
        return 0;
}

/* The values whose scale is not known. */
static size_t count_unscaled(const struct telegram *t, struct obis codes[static PROFILE_ITEMS_MAX])
{
        size_t n = 0;

        for (size_t i = 0; i < t->n_readings && n < PROFILE_ITEMS_MAX; i++)
                if (reading_is_unscaled(&t->readings[i]))
                        codes[n++] = t->readings[i].obis;
        return n;
}

static struct learn_list *find_coded(struct learn_capture *capture, const struct obis *codes,
                                     size_t n)
{
        struct learn_list *list;

        for (size_t i = 0; i < capture->n_lists; i++) {
                list = capture->lists[i];
                if (list->coded && list->n_places == n &&
                    memcmp(list->code, codes, n * sizeof(*codes)) == 0)
                        return list;
        }
        if (capture->n_lists == LEARN_LISTS_MAX)
                return NULL;
        list = calloc(1, sizeof(*list));
        if (!list)
                return NULL;
        list->coded = true;
        list->n_places = n;
        memcpy(list->code, codes, n * sizeof(*codes));
        capture->lists[capture->n_lists++] = list;
        return list;
}

static int take_coded(struct learn_capture *capture, const struct telegram *t)
{
        struct obis codes[PROFILE_ITEMS_MAX];
        size_t n = count_unscaled(t, codes), at = 0;
        struct learn_list *list;

        if (n == 0 || t->profile) {
                capture->n_understood++;
                return 0;
        }
        list = find_coded(capture, codes, n);
        if (!list)
                return capture->n_lists == LEARN_LISTS_MAX ? 0 : -ENOMEM;
        if (list->n_telegrams == LEARN_TELEGRAMS_MAX)
                return 0;
        for (size_t i = 0; i < t->n_readings && at < n; i++)
                if (reading_is_unscaled(&t->readings[i]))
                        take_value(list, at++,
                                   &(struct axdr_value){ .tag = AXDR_LONG64,
                                                         .number = t->readings[i].value.mantissa });
        if (t->time.valid)
                list->time[list->n_telegrams] = datetime_to_epoch(&t->time);
        memcpy(list->maker, t->manufacturer, sizeof(list->maker));
        list->n_telegrams++;
        return 0;
}

int learn_capture_add(void *userdata, const struct decoder_event *event)
{
        struct learn_capture *capture = userdata;
        const struct telegram *t = event->telegram;

        if (event->type != DECODER_TELEGRAM)
                return 0;
        capture->n_telegrams++;
        switch (t->status) {
        case TELEGRAM_OK:
                return take_coded(capture, t);
        case TELEGRAM_LAYOUT_UNKNOWN:
                return take_unknown(capture, t);
        case TELEGRAM_KEY_MISSING:
        case TELEGRAM_WRONG_ENCRYPTION_KEY:
        case TELEGRAM_WRONG_AUTHENTICATION_KEY:
        case TELEGRAM_SYSTEM_TITLE_MISSING:
        case TELEGRAM_SUITE_UNSUPPORTED:
        case TELEGRAM_DAMAGED:
        case TELEGRAM_UNAUTHENTICATED:
        case TELEGRAM_REPLAYED:
                if (capture->n_locked++ == 0)
                        memcpy(capture->error, t->error, sizeof(capture->error));
                break;
        }
        return 0;
}

static int by_telegrams(const void *a, const void *b)
{
        const struct learn_list *const *x = a, *const *y = b;

        return (*x)->n_telegrams < (*y)->n_telegrams   ? 1
               : (*x)->n_telegrams > (*y)->n_telegrams ? -1
                                                       : 0;
}

static void settle(struct learn_list *list)
{
        for (size_t i = 0; i < list->n_places; i++) {
                struct learn_place *place = &list->places[i];

                if (place->kind != LEARN_TEXT)
                        continue;
                if (!place->no_time)
                        place->kind = LEARN_TIME;
                else if (!place->no_date)
                        place->kind = LEARN_DATE;
                else if (!place->no_clock && !place->printable)
                        place->kind = LEARN_CLOCK;
        }
}

void learn_capture_end(struct learn_capture *capture)
{
        if (capture->n_lists > 1)
                qsort(capture->lists, capture->n_lists, sizeof(struct learn_list *), by_telegrams);
        for (size_t i = 0; i < capture->n_lists; i++)
                settle(capture->lists[i]);
}

void learn_capture_done(struct learn_capture *capture)
{
        for (size_t i = 0; i < capture->n_lists; i++)
                free(capture->lists[i]);
        *capture = (struct learn_capture){ 0 };
}
