/* SPDX-License-Identifier: MIT */
/*
 * Layout "list": values without codes. The list is recognised by the contents of its places: the
 * list id, a date that exists, a device name of the family's maker, possible numbers. Every list of
 * every profile is scored; two that fit equally well and mean different things are no answer.
 */
#include <errno.h>
#include <string.h>

#include "layout-evidence.h"
#include "layout.h"

#define MISFIT (-1000)

/* The weight of a place that fits a list. */
enum {
        SCORE_ID = 50,
        SCORE_NAME = 20, /* a device name of the maker */
        SCORE_MAKER = 15,
        SCORE_TIME = 10,
        SCORE_PART = 5, /* of a date-time */
        SCORE_VOLTAGE = 3,
        SCORE_POWER = 5, /* power, voltage and current agree */
        SCORE_PRINTABLE = 2,
        SCORE_EXACT = 2, /* the very type */
        SCORE_TYPE = 1,  /* a type that serves as well */
        SCORE_LEAST = 2, /* less says nothing */
};

static bool is_absent(const struct axdr_value *value)
{
        return value->tag == AXDR_NULL || value->absent;
}

/* The range of an integer type; false when the tag is none. */
static bool integer_range(uint8_t tag, int64_t *ret_least, int64_t *ret_most)
{
        switch (tag) {
        case AXDR_BOOLEAN:
                *ret_least = 0;
                *ret_most = 1;
                return true;
        case AXDR_UNSIGNED:
        case AXDR_ENUM:
                *ret_least = 0;
                *ret_most = UINT8_MAX;
                return true;
        case AXDR_LONG_UNSIGNED:
                *ret_least = 0;
                *ret_most = UINT16_MAX;
                return true;
        case AXDR_DOUBLE_LONG_UNSIGNED:
                *ret_least = 0;
                *ret_most = UINT32_MAX;
                return true;
        case AXDR_INTEGER:
                *ret_least = INT8_MIN;
                *ret_most = INT8_MAX;
                return true;
        case AXDR_LONG:
                *ret_least = INT16_MIN;
                *ret_most = INT16_MAX;
                return true;
        case AXDR_DOUBLE_LONG:
                *ret_least = INT32_MIN;
                *ret_most = INT32_MAX;
                return true;
        case AXDR_LONG64:
        case PROFILE_NUMBER:
                *ret_least = INT64_MIN;
                *ret_most = INT64_MAX;
                return true;
        case AXDR_LONG64_UNSIGNED:
                *ret_least = 0;
                *ret_most = INT64_MAX;
                return true;
        default:
                return false;
        }
}

/* Widths of integers are interchangeable where the value fits, and so are boolean and enum. */
static int score_integer(uint8_t tag, const struct axdr_value *value)
{
        bool state = tag == AXDR_BOOLEAN || tag == AXDR_ENUM;
        bool is_state = value->tag == AXDR_BOOLEAN || value->tag == AXDR_ENUM;
        int64_t least, most;

        if (value->tag == tag)
                return SCORE_EXACT;
        if (!integer_range(tag, &least, &most) || !(axdr_is_number(value->tag) || is_state))
                return MISFIT;
        if (is_state && !state && tag != AXDR_UNSIGNED)
                return MISFIT;
        return value->number >= least && value->number <= most ? SCORE_TYPE : MISFIT;
}

static int score_type(const struct profile_item *item, const struct axdr_value *value)
{
        if (item->tag == PROFILE_ANY)
                return 0;
        if (item->tag == AXDR_OCTET_STRING) {
                bool fits = axdr_is_string(value->tag) &&
                            (item->len == 0 || value->bytes.len == item->len);

                return fits ? SCORE_TYPE : MISFIT;
        }
        if (item->tag == AXDR_ARRAY)
                return value->tag == AXDR_ARRAY || value->tag == AXDR_STRUCTURE ? SCORE_TYPE
                                                                                : MISFIT;
        return score_integer(item->tag, value);
}

static bool is_printable(struct slice bytes)
{
        for (size_t i = 0; i < bytes.len; i++)
                if (bytes.data[i] < 0x20 || bytes.data[i] > 0x7e)
                        return false;
        return bytes.len > 0;
}

static int score_text(const struct meter_profile *profile, const struct profile_item *item,
                      const struct axdr_value *value)
{
        static const struct obis name = OBIS_OF(0, 0, 42, 0, 0, 255);
        static const struct obis disconnector = OBIS_OF(0, 0, 96, 3, 10, 255);
        int score;

        /* An empty string is a place that is not filled in. */
        if (item->tag == AXDR_OCTET_STRING && axdr_is_string(value->tag) && value->bytes.len == 0)
                return 0;
        score = score_type(item, value);
        if (score < 0)
                return score;
        if (obis_equal(item->obis, name))
                return slice_starts_with(value->bytes, slice_of_string(profile->manufacturer)) &&
                                       is_printable(value->bytes)
                               ? SCORE_NAME
                               : MISFIT;
        /* control_state: disconnected, connected, ready (IEC 62056-6-2 §4.5.8). */
        if (obis_equal(item->obis, disconnector) && value->number > 2)
                return MISFIT;
        return score + (is_printable(value->bytes) ? SCORE_PRINTABLE : 0);
}

/* Zero is always possible: a phase that is not connected. */
static bool is_possible(const struct profile_item *item, int64_t number)
{
        if (number < 0 && item->signless)
                number = number == INT64_MIN ? INT64_MAX : -number;
        return number == 0 || (number >= item->least && number <= item->most);
}

static int score_reading(const struct profile_item *item, const struct axdr_value *value)
{
        int score = score_type(item, value);
        bool volt = item->measures == 'U';

        if (score < 0)
                return score;
        if (item->measures == 'E' && value->number < 0 && obis_phaseless(item->obis.c) <= 15)
                return MISFIT;
        if (!item->bounded)
                return score;
        if (is_possible(item, value->number))
                return score + (volt && value->number != 0 ? SCORE_VOLTAGE : 0);
        /* Less voltage than usual is a fault of the network, more than can be measured is none. */
        return volt && !item->range.given && value->number <= item->most && value->number >= 0
                       ? score
                       : MISFIT;
}

static bool is_time_of_day(struct slice bytes)
{
        return bytes.len == 4 && bytes.data[0] < 24 && bytes.data[1] < 60 && bytes.data[2] < 60;
}

static bool is_date(struct slice bytes)
{
        return bytes.len == 5 && datetime_of_fields(bytes.data[0] << 8 | bytes.data[1],
                                                    bytes.data[2], bytes.data[3], 0, 0, 0)
                                         .valid;
}

static int score_item(const struct meter_profile *profile, const struct profile_list *list,
                      const struct profile_item *item, const struct axdr_value *value)
{
        bool string = axdr_is_string(value->tag);

        if (item->kind == ITEM_LIST_ID)
                return string && list->id && profile_pattern_fits(list->id, value->bytes) ? SCORE_ID
                                                                                          : MISFIT;
        if (is_absent(value))
                return 0;
        switch (item->kind) {
        case ITEM_READING:
                return score_reading(item, value);
        case ITEM_TEXT:
                return score_text(profile, item, value);
        case ITEM_TIME:
                return (string || value->tag == AXDR_DATE_TIME) &&
                                       datetime_of_cosem(value->bytes).valid
                               ? SCORE_TIME
                               : MISFIT;
        case ITEM_DATE:
                return (string || value->tag == AXDR_DATE) && is_date(value->bytes) ? SCORE_PART
                                                                                    : MISFIT;
        case ITEM_CLOCK:
                return (string || value->tag == AXDR_TIME) && is_time_of_day(value->bytes)
                               ? SCORE_PART
                               : MISFIT;
        case ITEM_SKIP:
                return score_type(item, value) < 0 ? MISFIT : score_type(item, value) / 2;
        case ITEM_LIST_ID:
                break;
        }
        return MISFIT;
}

/* Utilities put lists of one maker into meters of another: no misfit, but less likely. */
static int score_maker(const struct meter_profile *profile, const struct telegram *t)
{
        if (!t->has_system_title || t->system_title[0] < 'A' || t->system_title[0] > 'Z')
                return 0;
        return memcmp(profile->manufacturer, t->system_title, 3) == 0 ? SCORE_MAKER : -SCORE_MAKER;
}

/* The values of a list, read once for all lists they are compared with. */
struct values {
        size_t count;
        struct axdr_value value[PROFILE_ITEMS_MAX];
};

/* Power, voltage and current of one telegram, as the list has them. */
static enum evidence_result ask_evidence(const struct profile_list *list, const struct values *v)
{
        struct evidence evidence = { 0 };

        for (size_t i = 0; i < list->n_items; i++)
                if (list->items[i].kind == ITEM_READING && !is_absent(&v->value[i]))
                        evidence_add(
                                &evidence, list->items[i].obis,
                                (struct decimal){ v->value[i].number, list->items[i].exponent });
        return evidence_result_of(&evidence);
}

/* Above 0: how well the list explains the values; MISFIT, also where less than `best` is sure. */
static int score_list(const struct meter_profile *profile, const struct profile_list *list,
                      const struct values *v, const struct telegram *t, int best)
{
        int score = score_maker(profile, t);
        size_t n_present = 0;

        for (size_t i = 0; i < list->n_items; i++) {
                int points = score_item(profile, list, &list->items[i], &v->value[i]);

                if (points == MISFIT)
                        return MISFIT;
                score += points;
                n_present += list->items[i].kind == ITEM_READING && !is_absent(&v->value[i]);
        }
        if (n_present == 0 || score + SCORE_POWER < best)
                return MISFIT;
        switch (n_present > 2 ? ask_evidence(list, v) : EVIDENCE_SILENT) {
        case EVIDENCE_CONTRADICTS:
                return MISFIT;
        case EVIDENCE_CLOSE:
        case EVIDENCE_AGREES:
                return score + SCORE_POWER;
        case EVIDENCE_SILENT:
        case EVIDENCE_UNLIKELY:
                break;
        }
        return score;
}

static bool same_item(const struct profile_item *a, const struct profile_item *b)
{
        if (a->kind != b->kind)
                return false;
        if (a->kind == ITEM_READING)
                return obis_equal(a->obis, b->obis) && a->exponent == b->exponent &&
                       a->unit == b->unit;
        return a->kind != ITEM_TEXT || obis_equal(a->obis, b->obis);
}

static bool same_meaning(const struct profile_list *a, const struct profile_list *b)
{
        if (a->n_items != b->n_items)
                return false;
        for (size_t i = 0; i < a->n_items; i++)
                if (!same_item(&a->items[i], &b->items[i]))
                        return false;
        return true;
}

struct choice {
        const struct profile_list *list;
        const struct meter_profile *profile;
        int score;
};

static void weigh_lists(const struct meter_profile *profile, const struct values *v,
                        struct layout *l, struct choice *best, struct choice *rival)
{
        if (!(profile->list_sizes & UINT64_C(1) << v->count % 64))
                return;
        for (size_t i = 0; i < profile->n_lists; i++) {
                const struct profile_list *list = &profile->lists[i];
                int score;

                if (v->count != list->n_items && !(list->open && v->count > list->n_items))
                        continue;
                score = score_list(profile, list, v, l->telegram, best->score);
                if (score < SCORE_LEAST || score < best->score)
                        continue;
                if (score > best->score) {
                        *best = (struct choice){ list, profile, score };
                        *rival = (struct choice){ 0 };
                } else if (!same_meaning(list, best->list)) {
                        *rival = (struct choice){ list, profile, score };
                }
        }
}

static const struct profile_list *find_list(const struct values *v, struct layout *l)
{
        struct choice best = { 0 }, rival = { 0 };
        const struct meter_profile *profile = l->options->profile;

        if (profile)
                weigh_lists(profile, v, l, &best, &rival);
        for (size_t i = 0; !profile && l->options->profiles; i++) {
                const struct meter_profile *each = profile_set_at(l->options->profiles, i);

                if (!each)
                        break;
                weigh_lists(each, v, l, &best, &rival);
        }
        if (!rival.list)
                return best.list;
        l->doubt =
                (struct layout_doubt){ { best.profile, rival.profile }, { best.list, rival.list } };
        return NULL;
}

/* The two parts of a date-time stand in places of their own. */
static void deliver_part(struct layout *l, const struct profile_item *item, struct slice bytes)
{
        if (item->kind == ITEM_DATE && bytes.len == 5)
                memcpy(l->parts, bytes.data, 5);
        else if (item->kind == ITEM_CLOCK && bytes.len == 4)
                memcpy(l->parts + 5, bytes.data, 4);
}

static void deliver_item(struct layout *l, const struct profile_item *item,
                         const struct axdr_value *value)
{
        struct telegram *t = l->telegram;
        struct layout_object object = { .obis = item->obis };

        if (is_absent(value)) {
                if (value->absent)
                        layout_pass_over(l);
                return;
        }
        switch (item->kind) {
        case ITEM_READING:
                telegram_add_reading(t, item->obis,
                                     (struct decimal){ value->number, item->exponent }, item->unit,
                                     SCALE_PROFILE);
                break;
        case ITEM_TEXT:
                if (value->bytes.len > 0 || !axdr_is_string(value->tag))
                        layout_deliver_text(l, &object, value);
                break;
        case ITEM_TIME:
                if (!datetime_is_believed(&t->time))
                        t->time = datetime_of_cosem(value->bytes);
                break;
        case ITEM_DATE:
        case ITEM_CLOCK:
                deliver_part(l, item, value->bytes);
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

/* False when it is no structure, or has more values than any list. */
static bool read_values(struct reader *r, struct values *ret)
{
        struct axdr_value top;

        axdr_next(r, &top);
        if (top.tag != AXDR_STRUCTURE || top.count == 0 || top.count > PROFILE_ITEMS_MAX)
                return false;
        ret->count = top.count;
        for (size_t i = 0; i < top.count && reader_ok(r); i++) {
                struct reader element = *r;

                axdr_next(r, &ret->value[i]);
                if (ret->value[i].count == 0)
                        continue;
                *r = element;
                axdr_skip(r);
        }
        return reader_ok(r);
}

int layout_list_decode(struct reader *r, struct layout *l)
{
        /* Deviation and status of a date-time that came in two parts: unspecified. */
        static const uint8_t unspecified[12] = { [9] = 0x80, 0, 0xff };
        const struct profile_list *list;
        struct values v;

        if (!read_values(r, &v))
                return -ENOMSG;
        list = find_list(&v, l);
        if (!list)
                return -ENOMSG;
        l->telegram->hints.list = list;
        memcpy(l->parts, unspecified, sizeof(unspecified));
        for (size_t i = 0; i < list->n_items; i++)
                deliver_item(l, &list->items[i], &v.value[i]);
        if (!datetime_is_believed(&l->telegram->time) && l->parts[0])
                l->telegram->time =
                        datetime_of_cosem((struct slice){ l->parts, sizeof(unspecified) });
        return 0;
}
