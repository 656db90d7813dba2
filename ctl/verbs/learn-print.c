/* SPDX-License-Identifier: MIT */
#include "learn.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "ctl/i18n.h"
#include "ctl/view/output.h"
#include "ctl/view/table.h"
#include "lib/dlms/layout-tree.h"
#include "lib/value/axdr.h"
#include "lib/value/quantity.h"

#define SHOWN 4 /* telegrams side by side */

void learn_print_lists(const struct learn_capture *capture)
{
        for (size_t i = 0; i < capture->n_lists; i++)
                printf(_("  list %zu: %zu values, %zu telegrams\n"), i + 1,
                       capture->lists[i]->n_places, capture->lists[i]->n_telegrams);
}

/* 2301, 230 or 23012: volts in one of the scales that meters have. */
static bool looks_like_volts(const struct learn_place *p)
{
        for (int e = 0; e <= 2; e++) {
                double unit = pow(10, e);

                if ((double)p->least >= 180 * unit && (double)p->most <= 265 * unit)
                        return true;
        }
        return false;
}

static const char *looks_like(const struct learn_list *list, size_t place)
{
        const struct learn_place *p = &list->places[place - 1];
        const char *role;

        switch (p->kind) {
        case LEARN_TIME:
                return _("date and time");
        case LEARN_DATE:
                return _("date");
        case LEARN_CLOCK:
                return _("time of day");
        case LEARN_ABSENT:
                return _("always empty");
        case LEARN_OTHER:
                return _("nested");
        case LEARN_TEXT:
                role = learn_text_role(list, place);
                return strcmp(role, "id") == 0                ? _("name of the list")
                       : strcmp(role, "text 0-0:42.0.0") == 0 ? _("name of the meter")
                       : strcmp(role, "text 0-0:96.1.0") == 0 ? _("number of the meter")
                                                              : _("text");
        case LEARN_NUMBER:
                break;
        }
        if (p->tag == AXDR_BOOLEAN || p->tag == AXDR_ENUM)
                return _("state");
        if (p->least == 0 && p->most == 0)
                return _("always 0");
        if (looks_like_volts(p))
                return _("looks like volts");
        return !p->changes ? _("does not move") : p->falls ? _("moves") : _("counts up");
}

static void print_value(const struct learn_place *p, size_t t, char buf[static LEARN_TEXT_MAX])
{
        if (p->kind == LEARN_NUMBER && p->known[t])
                (void)snprintf(buf, LEARN_TEXT_MAX, "%" PRId64, p->number[t]);
        else if (p->kind == LEARN_NUMBER)
                (void)snprintf(buf, LEARN_TEXT_MAX, "–");
        else if (t == 0 && p->kind == LEARN_TEXT && p->printable)
                (void)snprintf(buf, LEARN_TEXT_MAX, "%.*s", (int)MIN(p->text_len, 20U),
                               (const char *)p->text);
        else
                buf[0] = '\0';
}

/* The first, the last, and what lies evenly between. */
static size_t telegram_shown(const struct learn_list *list, size_t i, size_t n)
{
        return n < 2 ? 0 : i * (list->n_telegrams - 1) / (n - 1);
}

void learn_print_places(const struct learn_list *list)
{
        const struct column columns[] = {
                { N_("PLACE"), COLUMN_RIGHT, 0 },
                { N_("TYPE"), 0, 0 },
                { N_("LOOKS"), 0, 0 },
                { N_("FIRST"), COLUMN_RIGHT, 0 },
                { "", COLUMN_RIGHT, 70 },
                { "", COLUMN_RIGHT, 70 },
                { N_("LAST"), COLUMN_RIGHT, 0 },
        };
        OWNED(table) struct table *table = table_new(columns, ELEMENTSOF(columns));
        size_t n = MIN(list->n_telegrams, (size_t)SHOWN);

        if (!table)
                return;
        for (size_t place = 1; place <= list->n_places; place++) {
                const struct learn_place *p = &list->places[place - 1];
                char text[LEARN_TEXT_MAX];

                table_line(table);
                if (list->coded)
                        obis_print(list->code[place - 1], text);
                else
                        (void)snprintf(text, sizeof(text), "%zu", place);
                table_cell(table, 0, text);
                table_cell(table, 1,
                           list->coded                ? "number"
                           : p->tag == PROFILE_NUMBER ? "int"
                           : p->kind == LEARN_ABSENT  ? "null"
                                                      : layout_type_name(p->tag));
                table_cell(table, 2, looks_like(list, place));
                for (size_t i = 0; i < SHOWN; i++) {
                        text[0] = '\0';
                        if (i < n)
                                print_value(p, telegram_shown(list, i, n), text);
                        table_cell(table, 3 + i, text);
                }
        }
        table_print(table);
}

size_t learn_count_refused(const struct learn *learn)
{
        size_t n = 0;

        for (size_t i = 0; i < learn->n_facts; i++)
                n += !learn->facts[i].found;
        return n;
}

static void print_fact(const struct learn_list *list, const struct learn_fact *fact)
{
        const struct quantity *quantity = quantity_find(fact->obis);
        const struct learn_place *p = &list->places[fact->found - 1];
        const char *unit = quantity ? unit_name(quantity->unit) : NULL;
        struct decimal value = { 0, fact->exponent };
        char number[DECIMAL_TEXT_MAX], places[48];

        for (size_t t = list->n_telegrams; t-- > 0;)
                if (p->known[t]) {
                        value.mantissa = p->number[t];
                        break;
                }
        decimal_print(value, number);
        (void)snprintf(places, sizeof(places), fact->width > 1 ? "%zu–%zu" : "%zu", fact->found,
                       fact->found + fact->width - 1);
        printf(fact->by_itself
                       ? _("%-8s place %s, 10^%d: %s %s at last; nobody said it, but power, "
                           "voltage and current agree\n")
                       : _("%-8s place %s, 10^%d: %s %s at last\n"),
               fact->word, places, fact->exponent, number, unit ? unit : "");
}

void learn_print_facts(const struct learn *learn)
{
        for (size_t i = 0; i < learn->n_facts; i++) {
                const struct learn_fact *fact = &learn->facts[i];

                if (fact->found)
                        print_fact(learn->list, fact);
                else
                        printf(_("%-8s not learned: %s\n"), fact->word, fact->reason);
        }
}
