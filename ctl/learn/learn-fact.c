/* SPDX-License-Identifier: MIT */
/*
 * A fact that a user reads from a display: code, value and unit, and perhaps the place.
 */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/i18n.h"
#include "learn-fit.h"
#include "lib/value/quantity.h"
#include "lib/value/unit.h"

#define WHY(...) (void)snprintf(why, LEARN_REASON_MAX, __VA_ARGS__)

static int parse_value(const char *text, struct learn_fact *fact, const char **ret_rest,
                       char why[static LEARN_REASON_MAX])
{
        char number[LEARN_WORD_MAX];
        size_t n = 0;

        /* A display in German or French has a comma. */
        for (; *text && strchr("+-0123456789.,", *text) && n + 1 < sizeof(number); text++)
                number[n++] = *text == ',' ? '.' : *text;
        number[n] = '\0';
        if (n == 0 || decimal_parse(slice_of_string(number), &fact->value) != (int)n) {
                WHY(_("'%.40s' is no number"), text);
                return -EINVAL;
        }
        *ret_rest = text + strspn(text, " ");
        return 0;
}

static int parse_unit(const char *text, size_t len, struct learn_fact *fact,
                      char why[static LEARN_REASON_MAX])
{
        const struct quantity *quantity = quantity_find(fact->obis);
        enum unit wanted = quantity ? quantity->unit : unit_of_obis(fact->obis), unit = UNIT_NONE;
        char code[OBIS_TEXT_MAX];
        int8_t prefix = 0;

        if (len > 0 && !unit_parse(text, len, &unit, &prefix)) {
                WHY(_("'%.*s' is no unit"), (int)len, text);
                return -EINVAL;
        }
        if (unit != wanted && wanted != UNIT_UNSAID && wanted != UNIT_UNKNOWN) {
                const char *name = unit_name(wanted);

                obis_print(fact->obis, code);
                if (len == 0)
                        WHY(_("%s wants its unit: %s or k%s?"), code, name, name);
                else
                        WHY(_("%s is measured in %s, not in %.*s"), code, name, (int)len, text);
                return -EINVAL;
        }
        fact->step = pow(10, fact->value.exponent + prefix);
        if (decimal_shift(fact->value, prefix, &fact->value) < 0) {
                WHY(_("'%.40s' is beyond all meters"), text);
                return -EINVAL;
        }
        return 0;
}

int learn_fact_parse(const char *text, struct learn_fact *ret, char why[static LEARN_REASON_MAX])
{
        struct learn_fact fact = { .width = 1 };
        const char *equals = strchr(text, '='), *rest, *at;
        int n;

        if (!equals || strlen(text) >= sizeof(fact.word)) {
                WHY(_("'%.40s' is not of the form 1.8.0=40091.0kWh"), text);
                return -EINVAL;
        }
        (void)snprintf(fact.word, sizeof(fact.word), "%.*s", (int)(equals - text), text);
        if (strcmp(fact.word, "U") == 0) {
                fact.obis = (struct obis)OBIS_OF(1, 0, 32, 7, 0, 255);
                fact.width = 3;
        } else {
                n = obis_parse(slice_of_string(fact.word), &fact.obis);
                if (n < 0 || fact.word[n]) {
                        WHY(_("'%.40s' is no code; one looks like 1.8.0 or 1-0:32.7.0"), fact.word);
                        return -EINVAL;
                }
        }
        rest = equals + 1;
        rest += strspn(rest, " ");
        if (parse_value(rest, &fact, &rest, why) < 0)
                return -EINVAL;
        at = strchr(rest, '@');
        if (at) {
                char *end;

                fact.place = strtoul(at + 1, &end, 10);
                if (!isdigit((unsigned char)at[1]) || *end || fact.place == 0) {
                        WHY(_("'%.40s' is no place: they are counted from 1"), at + 1);
                        return -EINVAL;
                }
        }
        size_t len = at ? (size_t)(at - rest) : strlen(rest);
        while (len > 0 && rest[len - 1] == ' ')
                len--;
        if (parse_unit(rest, len, &fact, why) < 0)
                return -EINVAL;
        *ret = fact;
        return 0;
}

const struct learn_fact *learn_fact_at(const struct learn_fact *facts, size_t n, size_t place)
{
        for (size_t i = 0; i < n; i++)
                if (facts[i].found && place >= facts[i].found &&
                    place < facts[i].found + facts[i].width)
                        return &facts[i];
        return NULL;
}

struct obis learn_fact_obis(const struct learn_fact *fact, size_t place)
{
        struct obis obis = fact->obis;

        obis.c = (uint8_t)(obis.c + 20 * (place - fact->found));
        return obis;
}
