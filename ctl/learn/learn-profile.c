/* SPDX-License-Identifier: MIT */
#include "learn-profile.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "lib/dlms/layout-tree.h"
#include "lib/value/axdr.h"
#include "lib/value/maker.h"

#define NAME_LEAST 8 /* a logical device name: maker, type, number; 16 as a rule */

static bool is_upper(uint8_t c)
{
        return c >= 'A' && c <= 'Z';
}

static size_t count_digits(const struct learn_place *p)
{
        size_t n = 0;

        for (size_t i = 0; i < p->text_len; i++)
                n += p->text[i] >= '0' && p->text[i] <= '9';
        return n;
}

static bool has_letters(const struct learn_place *p)
{
        return p->text_len >= 3 && is_upper(p->text[0]) && is_upper(p->text[1]) &&
               is_upper(p->text[2]);
}

static bool is_list_id(const struct learn_place *p)
{
        return p->printable && !p->changes && has_letters(p) && memchr(p->text, '_', p->text_len);
}

/* IEC 62056-6-2 §4.1.8.2: three letters of the maker, then the number. */
static bool is_device_name(const struct learn_place *p)
{
        return p->printable && !p->changes && has_letters(p) && p->text_len >= NAME_LEAST &&
               !is_list_id(p) && count_digits(p) >= 6;
}

static bool is_number_of_meter(const struct learn_place *p)
{
        return p->printable && !p->changes && count_digits(p) >= 6 && !is_device_name(p) &&
               !is_list_id(p);
}

/* The first of its kind alone: the meaning of a second number is not known. */
static bool is_first(const struct learn_list *list, size_t place,
                     bool (*is)(const struct learn_place *p))
{
        for (size_t i = 1; i < place; i++)
                if (list->places[i - 1].kind == LEARN_TEXT && is(&list->places[i - 1]))
                        return false;
        return is(&list->places[place - 1]);
}

const char *learn_text_role(const struct learn_list *list, size_t place)
{
        if (is_first(list, place, is_list_id))
                return "id";
        if (is_first(list, place, is_device_name))
                return "text 0-0:42.0.0";
        if (is_first(list, place, is_number_of_meter))
                return "text 0-0:96.1.0";
        return "skip";
}

static const struct learn_place *find_role(const struct learn_list *list, const char *role)
{
        for (size_t i = 1; i <= list->n_places; i++)
                if (list->places[i - 1].kind == LEARN_TEXT &&
                    strcmp(learn_text_role(list, i), role) == 0)
                        return &list->places[i - 1];
        return NULL;
}

void learn_find_maker(const struct learn_list *list, char ret[static 4])
{
        const struct learn_place *p = find_role(list, "text 0-0:42.0.0");

        p = p ? p : find_role(list, "id");
        ret[0] = '\0';
        if (p) {
                memcpy(ret, p->text, 3);
                ret[3] = '\0';
        } else {
                memcpy(ret, list->maker, sizeof(list->maker));
        }
}

static int by_size(const void *a, const void *b)
{
        const int64_t *x = a, *y = b;

        return *x < *y ? -1 : *x > *y;
}

/* The usual time between two telegrams of the list, in seconds; 0: not known. */
static int64_t interval_of(const struct learn_list *list)
{
        int64_t gaps[LEARN_TELEGRAMS_MAX];
        size_t n = 0;

        for (size_t t = 1; t < list->n_telegrams; t++)
                if (list->time[t - 1] > 0 && list->time[t] > list->time[t - 1])
                        gaps[n++] = list->time[t] - list->time[t - 1];
        if (n < 2)
                return 0;
        qsort(gaps, n, sizeof(gaps[0]), by_size);
        return gaps[n / 2];
}

/* The greatest value of a kind that was seen, in the base unit; 0 without any. */
static double greatest(const struct learn_list *list, const struct learn_fact *facts, size_t n,
                       char kind)
{
        double most = 0;

        for (size_t place = 1; place <= list->n_places; place++) {
                const struct learn_fact *fact = learn_fact_at(facts, n, place);
                const struct learn_place *p = &list->places[place - 1];

                if (fact && profile_kind_of(fact->obis) == kind)
                        most = fmax(most, fmax(fabs((double)p->most), fabs((double)p->least)) *
                                                  pow(10, fact->exponent));
        }
        return most;
}

/* Limits only where the meter is plainly one of a house; a wrong one would hide values. */
static void print_limits(FILE *out, const struct learn_list *list, const struct learn_fact *facts,
                         size_t n)
{
        double volts = greatest(list, facts, n, 'U'), amperes = greatest(list, facts, n, 'I'),
               watts = greatest(list, facts, n, 'P');

        if (watts > 0 && watts < 40000)
                fprintf(out, "Power=80kW\n");
        if (volts > 150 && volts < 280)
                fprintf(out, "Voltage=80..300\n");
        if (amperes > 0 && amperes < 80)
                fprintf(out, "Current=125A\n");
}

static void print_head(FILE *out, const struct learn_list *list, const struct learn_fact *facts,
                       size_t n, const struct learn_names *names)
{
        const struct learn_place *id = find_role(list, "id");
        const char *manufacturer = maker_name(names->maker);
        int64_t interval = interval_of(list);

        fprintf(out, "; Learned by \"smctl learn\" from %zu telegrams.\n\n[profile]\n",
                list->n_telegrams);
        fprintf(out, "Name=%s\nMaker=%s\n", names->name, names->maker);
        if (*manufacturer)
                fprintf(out, "ManufacturerName=%s\n", manufacturer);
        fprintf(out, "Model=%s\n", names->model);
        if (*names->line)
                fprintf(out, "Line=%s\n", names->line);
        if (interval > 0 && interval < 86400)
                fprintf(out, "Interval=%llds\n", (long long)interval);
        print_limits(out, list, facts, n);
        fprintf(out, "\n[match]\n%s=yes\n", list->coded ? "Maker" : "OwnList");
        if (id)
                fprintf(out, "ListId=%.*s\n", (int)id->text_len, (const char *)id->text);
}

static const char *type_of(const struct learn_place *p)
{
        return p->tag == PROFILE_NUMBER ? "int" : layout_type_name(p->tag);
}

/* Sums that a place of the list gives the meaning of. */
static void print_place(FILE *out, const struct learn_list *list, const struct learn_fact *facts,
                        size_t n, size_t place)
{
        const struct learn_place *p = &list->places[place - 1];
        const struct learn_fact *fact = learn_fact_at(facts, n, place);
        char code[OBIS_TEXT_MAX];

        fprintf(out, "%zu=", place);
        if (fact) {
                obis_print(learn_fact_obis(fact, place), code);
                fprintf(out, "%s %s %d\n", code, type_of(p), fact->exponent);
                return;
        }
        switch (p->kind) {
        case LEARN_TIME:
                fprintf(out, "time\n");
                break;
        case LEARN_DATE:
                fprintf(out, "date\n");
                break;
        case LEARN_CLOCK:
                fprintf(out, "clock\n");
                break;
        case LEARN_TEXT:
                fprintf(out, "%s\n", learn_text_role(list, place));
                break;
        case LEARN_NUMBER:
                fprintf(out,
                        p->tag == AXDR_BOOLEAN || p->tag == AXDR_ENUM ? "skip\n" : "skip int\n");
                break;
        case LEARN_ABSENT:
        case LEARN_OTHER:
                fprintf(out, "skip\n");
                break;
        }
}

static void print_list(FILE *out, const struct learn_list *list, const struct learn_fact *facts,
                       size_t n, const char *before)
{
        const struct learn_place *id = find_role(list, "id");
        char name[64];
        int number = 1;

        (void)snprintf(name, sizeof(name), "[list \"%zu values\"]", list->n_places);
        while (before && strstr(before, name))
                (void)snprintf(name, sizeof(name), "[list \"%zu values, %d\"]", list->n_places,
                               ++number);
        fprintf(out, "\n%s\n", name);
        if (id)
                fprintf(out, "Id=%.*s\n", (int)id->text_len, (const char *)id->text);
        for (size_t place = 1; place <= list->n_places; place++)
                print_place(out, list, facts, n, place);
}

/* Voltages and currents have one scale for all phases, everything else the one of its code. */
static void print_scales(FILE *out, const struct learn_fact *facts, size_t n)
{
        fprintf(out, "\n[scale]\n");
        for (size_t i = 0; i < n; i++) {
                char kind = profile_kind_of(facts[i].obis);
                bool shared = kind == 'U' || kind == 'I', written = false;

                for (size_t k = 0; k < i && !written; k++)
                        written = shared ? profile_kind_of(facts[k].obis) == kind
                                         : facts[k].obis.c == facts[i].obis.c &&
                                                   facts[k].obis.d == facts[i].obis.d;
                if (written)
                        continue;
                if (shared)
                        fprintf(out, "%c=%d\n", kind, facts[i].exponent);
                else
                        fprintf(out, "%u.%u=%d\n", facts[i].obis.c, facts[i].obis.d,
                                facts[i].exponent);
        }
}

char *learn_profile_text(const struct learn_list *list, const struct learn_fact *facts, size_t n,
                         const struct learn_names *names, const char *before)
{
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        if (!out)
                return NULL;
        if (before)
                fprintf(out, "%s", before);
        else
                print_head(out, list, facts, n, names);
        if (list->coded)
                print_scales(out, facts, n);
        else
                print_list(out, list, facts, n, before);
        if (fclose(out) != 0) {
                free(text);
                return NULL;
        }
        return text;
}

struct proving {
        const char *name;
        const struct learn_list *coded; /* NULL: a list of places is proved */
        size_t n_own, n_other;
        char other[TELEGRAM_ERROR_MAX];
};

/* Is it one of those whose values had no scale? */
static bool has_codes(const struct learn_list *list, const struct telegram *t)
{
        size_t n = 0;

        for (size_t i = 0; i < t->n_readings && n < list->n_places; i++)
                n += obis_equal(t->readings[i].obis, list->code[n]);
        return n == list->n_places;
}

static int count_own(void *userdata, const struct decoder_event *event)
{
        struct proving *proving = userdata;
        const struct telegram *t = event->telegram;

        if (event->type != DECODER_TELEGRAM)
                return 0;
        if (t->status == TELEGRAM_OK &&
            (proving->coded ? !has_codes(proving->coded, t) : !t->hints.list))
                return 0;
        if (t->status == TELEGRAM_OK && t->profile &&
            strcmp(t->profile->name, proving->name) == 0) {
                proving->n_own++;
                return 0;
        }
        if (t->status != TELEGRAM_OK && t->status != TELEGRAM_LAYOUT_UNKNOWN)
                return 0;
        proving->n_other++;
        (void)snprintf(proving->other, sizeof(proving->other), "%s",
                       t->status == TELEGRAM_OK ? t->profile ? t->profile->name : "none"
                                                : t->error);
        return 0;
}

int learn_profile_prove(const char *text, const char *name, const struct learn_list *list,
                        const struct telegram_file *file, const struct cipher_keys *keys,
                        const struct profile_reporter *reporter, struct profile_set *all,
                        struct learn_proof *ret)
{
        const struct learn_list *coded = list->coded ? list : NULL;
        struct proving alone = { .name = name, .coded = coded }, among = alone;
        const struct meter_profile *profile;
        int r = profile_set_add(all, slice_of_string(text), name, reporter);

        if (r < 0)
                return r;
        profile = profile_set_find(all, name);
        if (!profile)
                return -EINVAL;
        r = telegram_file_decode(file, keys, all, profile, count_own, &alone);
        if (r == 0)
                r = telegram_file_decode(file, keys, all, NULL, count_own, &among);
        if (r < 0)
                return r;
        *ret = (struct learn_proof){ .n_read = alone.n_own,
                                     .n_elsewhere = alone.n_own - MIN(alone.n_own, among.n_own) };
        memcpy(ret->other, among.other, sizeof(ret->other));
        return 0;
}
