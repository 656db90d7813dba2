/* SPDX-License-Identifier: MIT */
/*
 * [list "name"]: what each place of a list without codes means.
 *
 *      Id=KFM_001
 *      1=id                          the list id
 *      2=text 0-0:96.1.0 [length]    an identifier
 *      3=state 0-0:96.3.10           a number that is a state
 *      4=time                        a date-time; "date", "clock": its two parts
 *      5=1-0:32.7.0 u16 -1 V 80..300 a reading: code, type, exponent, unit, what can be
 *      6..8=1-0:21.7.0 u32           the same of three phases
 *      9=skip [type] [length]        meaning unknown
 *      …=skip                        whatever follows
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/suggest.h"
#include "base/util.h"
#include "profile-entry.h"

#define WHY(...) (void)snprintf(why, PROFILE_MESSAGE_MAX, __VA_ARGS__)

#define WORDS_MAX 6
#define UNSET     0xff /* kind of a place that no line gave */

static const struct {
        const char *name;
        uint8_t tag;
} types[] = {
        { "any", PROFILE_ANY },
        { "int", PROFILE_NUMBER },
        { "u8", AXDR_UNSIGNED },
        { "u16", AXDR_LONG_UNSIGNED },
        { "u32", AXDR_DOUBLE_LONG_UNSIGNED },
        { "u64", AXDR_LONG64_UNSIGNED },
        { "i8", AXDR_INTEGER },
        { "i16", AXDR_LONG },
        { "i32", AXDR_DOUBLE_LONG },
        { "i64", AXDR_LONG64 },
        { "bool", AXDR_BOOLEAN },
        { "enum", AXDR_ENUM },
        { "string", AXDR_OCTET_STRING },
        { "array", AXDR_ARRAY },
};

int profile_list_begin(struct profile_entry *entry, const char *name)
{
        struct meter_profile *p = &entry->profile;
        struct profile_list *lists;

        for (size_t i = 0; i < p->n_lists; i++)
                if (strcmp(p->lists[i].name, name) == 0)
                        return -EEXIST;
        if (p->n_lists == PROFILE_ROWS_MAX)
                return -E2BIG;
        lists = reallocarray(p->lists, p->n_lists + 1, sizeof(*lists));
        if (!lists)
                return -ENOMEM;
        p->lists = lists;
        lists[p->n_lists++] = (struct profile_list){ .name = profile_keep(entry, name) };
        return 0;
}

static bool find_type(const char *word, uint8_t *ret)
{
        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                if (strcmp(types[i].name, word) == 0) {
                        *ret = types[i].tag;
                        return true;
                }
        return false;
}

static bool is_exponent(const char *word)
{
        size_t n = strspn(word, "+-");

        return n <= 1 && isdigit((unsigned char)word[n]) && !word[n + 1];
}

/* [type] [length] behind skip, text and state. */
static int read_shape(struct profile_item *item, char **words, size_t n,
                      char why[static PROFILE_MESSAGE_MAX])
{
        size_t i = 0;

        if (i < n && find_type(words[i], &item->tag))
                i++;
        if (i < n && isdigit((unsigned char)*words[i])) {
                char *end;
                unsigned long length = strtoul(words[i], &end, 10);

                if (!*end && length > 0 && length <= 255) {
                        item->len = (uint8_t)length;
                        i++;
                }
        }
        if (i == n)
                return 0;
        WHY("'%.30s' is neither a type (u16, int, string, any, …) nor a length", words[i]);
        return -EINVAL;
}

/* Type, exponent, unit, range: each may be left out. */
static int read_reading(const struct profile_entry *entry, struct profile_item *item, char **words,
                        size_t n, char why[static PROFILE_MESSAGE_MAX])
{
        const struct profile_scale *scale = profile_find_scale(&entry->profile, item->obis);
        const struct quantity *quantity = quantity_find(item->obis);
        size_t i = 0;
        int8_t prefix;

        item->tag = PROFILE_NUMBER;
        item->exponent = scale ? scale->exponents[0] : 0;
        item->unit = UNIT_UNSAID;
        if (i < n && find_type(words[i], &item->tag))
                i++;
        if (i < n && is_exponent(words[i]))
                item->exponent = (int8_t)strtol(words[i++], NULL, 10);
        if (i < n && unit_parse(words[i], strlen(words[i]), &item->unit, &prefix)) {
                item->exponent = (int8_t)(item->exponent + prefix);
                i++;
        }
        if (i < n) {
                enum unit unit = item->unit != UNIT_UNSAID ? item->unit
                                 : quantity                ? quantity->unit
                                                           : unit_of_obis(item->obis);
                int r = profile_range_read(words[i], unit, &item->range, why);

                if (r < 0)
                        return r;
                i++;
        }
        if (i == n && item->tag != AXDR_OCTET_STRING && item->tag != AXDR_ARRAY)
                return 0;
        WHY("a reading is: code, type (u16, int, …), exponent, unit, range; '%.30s' is none of "
            "them at its place",
            i < n ? words[i] : words[0]);
        return -EINVAL;
}

static int read_code(const char *word, struct obis *ret, char why[static PROFILE_MESSAGE_MAX])
{
        if (word && obis_parse(slice_of_string(word), ret) == (int)strlen(word))
                return 0;
        WHY("'%.30s' is no code; write it as 1-0:1.8.0", word ? word : "");
        return -EINVAL;
}

static int unknown_word(const char *word, char why[static PROFILE_MESSAGE_MAX])
{
        static const char *const kinds[] = {
                "id", "time", "date", "clock", "text", "state", "skip"
        };
        const char *near = suggest(word, kinds, ELEMENTSOF(kinds));

        WHY("a place is a code (1-0:32.7.0 u16 -1), or one of id, time, date, clock, text, state, "
            "skip%s%s%s",
            near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
        return -EINVAL;
}

static int read_item(const struct profile_entry *entry, char **words, size_t n,
                     struct profile_item *ret, char why[static PROFILE_MESSAGE_MAX])
{
        static const struct {
                const char *name;
                enum item_kind kind;
                uint8_t tag, len;
                bool code;
        } kinds[] = {
                { "id", ITEM_LIST_ID, AXDR_OCTET_STRING, 0, false },
                { "time", ITEM_TIME, AXDR_OCTET_STRING, 12, false },
                { "date", ITEM_DATE, AXDR_OCTET_STRING, 5, false },
                { "clock", ITEM_CLOCK, AXDR_OCTET_STRING, 4, false },
                { "text", ITEM_TEXT, AXDR_OCTET_STRING, 0, true },
                { "state", ITEM_TEXT, AXDR_ENUM, 0, true },
                { "skip", ITEM_SKIP, PROFILE_ANY, 0, false },
        };
        struct profile_item item = { 0 };
        size_t k = 0, used = 1;
        int r = 0;

        while (k < ELEMENTSOF(kinds) && strcmp(kinds[k].name, words[0]) != 0)
                k++;
        if (k == ELEMENTSOF(kinds)) {
                if (!isdigit((unsigned char)*words[0]))
                        return unknown_word(words[0], why);
                r = read_code(words[0], &item.obis, why);
                if (r == 0)
                        r = read_reading(entry, &item, words + 1, n - 1, why);
        } else {
                item.kind = kinds[k].kind;
                item.tag = kinds[k].tag;
                item.len = kinds[k].len;
                if (kinds[k].code)
                        r = read_code(words[used++], &item.obis, why);
                if (r == 0)
                        r = read_shape(&item, words + used, n - MIN(n, used), why);
        }
        if (r == 0)
                *ret = item;
        return r;
}

static int grow(struct profile_list *list, size_t n)
{
        struct profile_item *items;

        if (n <= list->n_items)
                return 0;
        items = reallocarray(list->items, n, sizeof(*items));
        if (!items)
                return -ENOMEM;
        for (size_t i = list->n_items; i < n; i++)
                items[i] = (struct profile_item){ .kind = (enum item_kind)UNSET };
        list->items = items;
        list->n_items = n;
        return 0;
}

/* Places first..last of a line "6..8=": the phases, or places that are skipped. */
static int put_items(struct profile_list *list, size_t first, size_t last, struct profile_item item,
                     char why[static PROFILE_MESSAGE_MAX])
{
        int r;

        if (last > first && item.kind != ITEM_SKIP &&
            (item.kind != ITEM_READING || last - first != 2 || item.obis.c <= 20 ||
             item.obis.c > 40)) {
                WHY("several places are skipped, or they are the three phases of one quantity, "
                    "with the code of the first");
                return -EINVAL;
        }
        r = grow(list, last);
        if (r < 0)
                return r;
        for (size_t i = first; i <= last; i++) {
                if ((int)list->items[i - 1].kind != UNSET) {
                        WHY("place %zu stands there twice", i);
                        return -EINVAL;
                }
                list->items[i - 1] = item;
                if (item.kind == ITEM_READING)
                        item.obis.c = (uint8_t)(item.obis.c + 20);
        }
        return 0;
}

static size_t split(char *text, char **words)
{
        size_t n = 0;
        char *left;

        for (char *word = strtok_r(text, " \t", &left); word && n <= WORDS_MAX;
             word = strtok_r(NULL, " \t", &left))
                words[n++] = word;
        return n;
}

/* "3", "3..5" */
static bool read_places(const char *key, unsigned long *ret_first, unsigned long *ret_last)
{
        char *end;

        if (!isdigit((unsigned char)*key))
                return false;
        *ret_first = *ret_last = strtoul(key, &end, 10);
        if (end[0] == '.' && end[1] == '.' && isdigit((unsigned char)end[2]))
                *ret_last = strtoul(end + 2, &end, 10);
        return !*end;
}

int profile_list_read(struct profile_entry *entry, struct profile_list *list, const char *key,
                      const char *value, char why[static PROFILE_MESSAGE_MAX])
{
        char text[256], *words[WORDS_MAX + 2] = { NULL };
        struct profile_item item = { 0 };
        unsigned long first, last;
        size_t n;
        int r;

        if (strcmp(key, "Id") == 0) {
                list->id = strcmp(value, "none") == 0 ? NULL : profile_keep(entry, value);
                return 0;
        }
        n = strnlen(value, sizeof(text) - 1);
        memcpy(text, value, n);
        text[n] = '\0';
        n = split(text, words);
        if (n == 0 || n > WORDS_MAX) {
                WHY("what the place means is missing, or there are too many words");
                return -EINVAL;
        }
        r = read_item(entry, words, n, &item, why);
        if (r < 0)
                return r;
        if (strcmp(key, "\xe2\x80\xa6") == 0 || strcmp(key, "...") == 0) {
                list->open = true;
                if (item.kind == ITEM_SKIP)
                        return 0;
                WHY("what follows can only be skipped");
                return -EINVAL;
        }
        if (!read_places(key, &first, &last)) {
                WHY("a key of a list is Id, the number of a place, or a range: 3..5");
                return -EINVAL;
        }
        if (first == 0 || last < first || last > PROFILE_ITEMS_MAX) {
                WHY("places count from 1 to %d", PROFILE_ITEMS_MAX);
                return -EINVAL;
        }
        return put_items(list, first, last, item, why);
}

int profile_list_check(const struct profile_list *list, char why[static PROFILE_MESSAGE_MAX])
{
        size_t n_readings = 0;

        for (size_t i = 0; i < list->n_items; i++) {
                if ((int)list->items[i].kind == UNSET) {
                        WHY("[list \"%.60s\"]: place %zu is missing; write %zu=skip if nobody "
                            "knows what it is",
                            list->name, i + 1, i + 1);
                        return -EINVAL;
                }
                n_readings += list->items[i].kind == ITEM_READING;
        }
        if (n_readings > 0)
                return 0;
        WHY("[list \"%.60s\"] has no reading", list->name);
        return -EINVAL;
}

/* A limit in steps of 10^exponent: the last number that is within it. Beyond 64 bits: no limit. */
static int64_t steps_of(struct decimal limit, int8_t exponent, bool least)
{
        int64_t n = limit.mantissa;
        int e = limit.exponent - exponent;

        for (; e > 0; e--)
                if (__builtin_mul_overflow(n, 10, &n))
                        return limit.mantissa < 0 ? INT64_MIN : INT64_MAX;
        for (; e < 0 && n != 0; e++) {
                int64_t rest = n % 10;

                n /= 10;
                if (least && rest > 0)
                        n++;
                else if (!least && rest < 0)
                        n--;
        }
        return n;
}

static void settle_item(const struct meter_profile *profile, struct profile_item *item)
{
        const struct profile_range *range;

        if (item->kind != ITEM_READING)
                return;
        item->measures = profile_kind_of(item->obis);
        range = item->range.given ? &item->range : profile_find_range(profile, item->obis);
        item->bounded = range != NULL;
        if (!range)
                return;
        item->least = steps_of(range->least, item->exponent, true);
        item->most = steps_of(range->most, item->exponent, false);
        item->signless = range->least.mantissa >= 0;
}

void profile_lists_settle(struct meter_profile *profile)
{
        for (size_t i = 0; i < profile->n_lists; i++) {
                struct profile_list *list = &profile->lists[i];

                list->owner = profile;
                profile->list_sizes |= list->open ? UINT64_MAX : UINT64_C(1) << list->n_items % 64;
                for (size_t j = 0; j < list->n_items; j++)
                        settle_item(profile, &list->items[j]);
        }
}
