/* SPDX-License-Identifier: MIT */
/*
 * Each fact has candidates: places and scales whose numbers come near what the display shows. Of
 * all ways to give each fact one of them, those remain that contradict nothing: one meaning for one
 * place, one scale for one quantity, phases side by side, power within what voltage times current
 * can be, energy that grows as the power says. A fact that is the same in all of them is found.
 */
#include "learn-fit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "ctl/i18n.h"
#include "lib/dlms/layout-evidence.h"
#include "lib/value/quantity.h"

#define CANDIDATES_MAX  48
#define EXPONENT_LEAST  (-4)
#define EXPONENT_MOST   4
#define TELEGRAMS_LEAST 3      /* fewer agree with a display by chance */
#define TRIES_MAX       200000 /* a fraction of a second */

/* How far the display may be from the telegrams: it was read before or after them. */
#define NEAR_INSTANT 0.02
#define FAR_INSTANT  0.25
#define FAR_COUNTER  0.005
#define RUN_SLACK    0.15

struct candidate {
        size_t place; /* counted from 1 */
        int8_t exponent;
        bool seen; /* in a way that contradicts nothing */
};

struct fit {
        const struct learn_list *list;
        struct learn_fact *facts;
        size_t n;
        struct candidate candidates[LEARN_FACTS_MAX][CANDIDATES_MAX];
        size_t n_candidates[LEARN_FACTS_MAX];
        const struct candidate *chosen[LEARN_FACTS_MAX]; /* NULL: not yet, or has none */
        size_t order[LEARN_FACTS_MAX], n_order;
        size_t tries, n_ways;
        bool phases_side_by_side;
        size_t voltages, n_voltages; /* places that hold nothing else; 0: not known */
};

static double scaled(int64_t number, int exponent)
{
        return (double)number * pow(10, exponent);
}

static bool is_counter(struct obis obis)
{
        const struct quantity *quantity = quantity_find(obis);

        return quantity ? quantity_is_counter(quantity) : obis.d == 8;
}

/* Places that could hold a measured number: those that are always 0 prove nothing. */
static bool is_number(const struct learn_list *list, size_t place)
{
        const struct learn_place *p = &list->places[place - 1];

        return p->kind == LEARN_NUMBER && p->tag != AXDR_BOOLEAN && p->tag != AXDR_ENUM;
}

static bool is_zero(const struct learn_list *list, size_t place)
{
        const struct learn_place *p = &list->places[place - 1];

        return p->least == 0 && p->most == 0;
}

static bool is_free(const struct learn_list *list, const struct learn_fact *facts, size_t n,
                    size_t place, size_t width)
{
        for (size_t i = place; i < place + width; i++)
                if (i > list->n_places || !is_number(list, i) || learn_fact_at(facts, n, i) ||
                    list->places[i - 1].tag != list->places[place - 1].tag)
                        return false;
        return true;
}

/* All phases between 180 and 265 V in every telegram, none at 0. */
static bool look_like_volts(const struct learn_list *list, size_t place, size_t width, int exponent)
{
        for (size_t i = place; i < place + width; i++) {
                double least = scaled(list->places[i - 1].least, exponent);
                double most = scaled(list->places[i - 1].most, exponent);

                if (least < 180 || most > 265)
                        return false;
        }
        return true;
}

/* The only run of so many places that look like volts; 0: none, or several. */
static size_t find_volts(const struct learn_list *list, const struct learn_fact *facts, size_t n,
                         size_t width, int8_t *ret_exponent)
{
        size_t found = 0;

        for (size_t place = 1; place + width - 1 <= list->n_places; place++) {
                if (!is_free(list, facts, n, place, width))
                        continue;
                for (int e = -3; e <= 0; e++) {
                        if (!look_like_volts(list, place, width, e))
                                continue;
                        if (found)
                                return 0;
                        found = place;
                        *ret_exponent = (int8_t)e;
                }
        }
        return found;
}

size_t learn_find_voltages(const struct learn_list *list, const struct learn_fact *facts, size_t n,
                           int8_t *ret_exponent)
{
        return find_volts(list, facts, n, 3, ret_exponent);
}

/* The load changed, and these places did not: they are no powers. Of one phase or three. */
static void find_voltages(const struct learn_list *list, struct fit *fit)
{
        int8_t exponent;
        bool moved = false;

        for (size_t i = 1; i <= list->n_places; i++)
                moved = moved || (is_number(list, i) &&
                                  list->places[i - 1].most > 2 * list->places[i - 1].least);
        if (!moved || list->n_telegrams < TELEGRAMS_LEAST)
                return;
        fit->n_voltages = 3;
        fit->voltages = find_volts(list, NULL, 0, 3, &exponent);
        if (fit->voltages)
                return;
        fit->n_voltages = 1;
        fit->voltages = find_volts(list, NULL, 0, 1, &exponent);
}

/* How far the display is from the nearest telegram, in the base unit. */
static double distance(const struct learn_list *list, const struct learn_fact *fact, size_t place,
                       int exponent)
{
        const struct learn_place *p = &list->places[place - 1];
        double wanted = decimal_to_double(fact->value), least = INFINITY;

        for (size_t t = 0; t < list->n_telegrams; t++)
                if (p->known[t])
                        least = fmin(least, fabs(scaled(p->number[t], exponent) - wanted));
        if (!is_counter(fact->obis) || wanted < scaled(p->least, exponent) ||
            wanted > scaled(p->most, exponent))
                return least;
        return 0; /* a counter passed it */
}

static bool fits(const struct learn_list *list, const struct learn_fact *fact, size_t place,
                 int exponent, bool far)
{
        const struct learn_place *p = &list->places[place - 1];
        double wanted = fabs(decimal_to_double(fact->value)), slack;

        if (!is_number(list, place) || is_zero(list, place))
                return false;
        if (is_counter(fact->obis)) {
                if (p->falls || p->least < 0)
                        return false;
                slack = far ? fact->step + FAR_COUNTER * wanted : fact->step;
        } else {
                slack = (far ? FAR_INSTANT : NEAR_INSTANT) * wanted;
                slack = fmax(slack, fact->step);
        }
        /* The last digit of the display may be coarser than what it shows: 0.5 of 0.6 kW. */
        return distance(list, fact, place, exponent) <= slack * (1 + 1e-9);
}

/* The voltages of three phases differ little, and each is near what was said. */
static bool fits_run(const struct learn_list *list, const struct learn_fact *fact, size_t place,
                     int exponent)
{
        if (place + fact->width - 1 > list->n_places)
                return false;
        for (size_t i = place; i < place + fact->width; i++) {
                const struct learn_place *p = &list->places[i - 1];
                double wanted = decimal_to_double(fact->value);

                if (!is_number(list, i) || p->tag != list->places[place - 1].tag ||
                    scaled(p->least, exponent) < wanted * (1 - RUN_SLACK) ||
                    scaled(p->most, exponent) > wanted * (1 + RUN_SLACK))
                        return false;
        }
        return true;
}

static bool is_taken_by_volts(const struct fit *fit, const struct learn_fact *fact, size_t place)
{
        return fit->voltages && profile_kind_of(fact->obis) != 'U' && place >= fit->voltages &&
               place < fit->voltages + fit->n_voltages;
}

static void find_candidates(struct fit *fit, size_t f, bool far)
{
        struct learn_fact *fact = &fit->facts[f];

        fit->n_candidates[f] = 0;
        for (size_t place = 1; place <= fit->list->n_places; place++) {
                if (fact->place ? place != fact->place : is_taken_by_volts(fit, fact, place))
                        continue;
                for (int e = EXPONENT_LEAST; e <= EXPONENT_MOST; e++) {
                        bool fit_here = fact->width > 1 ? fits_run(fit->list, fact, place, e)
                                                        : fits(fit->list, fact, place, e, far);

                        if (fit_here && fit->n_candidates[f] < CANDIDATES_MAX)
                                fit->candidates[f][fit->n_candidates[f]++] =
                                        (struct candidate){ place, (int8_t)e, false };
                }
        }
}

/* Where values have their codes, the place of a fact is no question. */
static bool has_its_code(const struct learn_list *list, struct learn_fact *fact)
{
        char code[OBIS_TEXT_MAX];

        for (size_t i = 0; i < list->n_places; i++)
                if (obis_same_quantity(list->code[i], fact->obis) &&
                    list->code[i].a == fact->obis.a) {
                        fact->place = i + 1;
                        fact->width = 1;
                        return true;
                }
        (void)snprintf(fact->reason, sizeof(fact->reason),
                       _("the telegrams have no value of the code %s that lacks its scale"),
                       obis_print(fact->obis, code));
        return false;
}

/* A fact that no telegram can prove is refused before it is looked for. */
static bool is_hopeless(const struct fit *fit, struct learn_fact *fact)
{
        size_t n_zero = 0;

        if (fit->list->coded && !has_its_code(fit->list, fact))
                return true;
        if (fact->place > fit->list->n_places) {
                (void)snprintf(fact->reason, sizeof(fact->reason),
                               _("there is no place %zu, the list ends with %zu"), fact->place,
                               fit->list->n_places);
                return true;
        }
        if (fact->place && !is_number(fit->list, fact->place)) {
                (void)snprintf(fact->reason, sizeof(fact->reason), _("place %zu holds no number"),
                               fact->place);
                return true;
        }
        for (size_t place = 1; place <= fit->list->n_places; place++)
                n_zero += is_number(fit->list, place) && is_zero(fit->list, place);
        if (fact->value.mantissa != 0 && fit->list->n_telegrams < TELEGRAMS_LEAST &&
            !is_counter(fact->obis) && !fact->place) {
                (void)snprintf(
                        fact->reason, sizeof(fact->reason),
                        _("it changes all the time, and there are only %zu telegrams; %d are "
                          "needed"),
                        fit->list->n_telegrams, TELEGRAMS_LEAST);
                return true;
        }
        if (fact->value.mantissa != 0)
                return false;
        (void)snprintf(
                fact->reason, sizeof(fact->reason),
                _("0 tells neither place nor scale, and %zu places hold nothing but 0; teach "
                  "it when it is something else"),
                n_zero);
        return true;
}

static void say_nearest(const struct fit *fit, struct learn_fact *fact)
{
        double least = INFINITY, wanted = fabs(decimal_to_double(fact->value));
        size_t place_found = 0;
        int e_found = 0;

        if (fact->place && is_zero(fit->list, fact->place)) {
                (void)snprintf(fact->reason, sizeof(fact->reason),
                               _("place %zu holds 0 in every telegram"), fact->place);
                return;
        }
        for (size_t place = 1; place <= fit->list->n_places; place++) {
                if (!is_number(fit->list, place) || is_zero(fit->list, place) ||
                    (fact->place && fact->place != place))
                        continue;
                for (int e = EXPONENT_LEAST; e <= EXPONENT_MOST; e++) {
                        double d = distance(fit->list, fact, place, e);

                        if (d < least) {
                                least = d;
                                place_found = place;
                                e_found = e;
                        }
                }
        }
        if (!place_found || least > wanted)
                (void)snprintf(fact->reason, sizeof(fact->reason), "%s",
                               _("no place holds it in any scale"));
        else
                (void)snprintf(
                        fact->reason, sizeof(fact->reason),
                        _("no place holds it in any scale; the nearest is place %zu with %g"),
                        place_found, scaled(fit->list->places[place_found - 1].most, e_found));
}

static bool shares_place(const struct fit *fit, size_t f, const struct candidate *c)
{
        size_t width = fit->facts[f].width;

        for (size_t i = 0; i < fit->n; i++) {
                const struct candidate *other = fit->chosen[i];

                if (other && c->place < other->place + fit->facts[i].width &&
                    other->place < c->place + width)
                        return true;
        }
        return false;
}

/* A meter counts in one scale, and lists its phases in order. */
static bool contradicts(const struct fit *fit, size_t f, const struct candidate *c)
{
        struct obis mine = fit->facts[f].obis;
        char kind = profile_kind_of(mine);

        if (shares_place(fit, f, c))
                return true;
        for (size_t i = 0; i < fit->n; i++) {
                const struct candidate *other = fit->chosen[i];
                struct obis his = fit->facts[i].obis;

                if (!other)
                        continue;
                if (kind && profile_kind_of(his) == kind && other->exponent != c->exponent)
                        return true;
                if (!fit->phases_side_by_side || mine.d != his.d || mine.e != his.e ||
                    obis_phaseless(mine.c) != obis_phaseless(his.c) || mine.c <= 20 || his.c <= 20)
                        continue;
                if ((mine.c - his.c) / 20 != (int)c->place - (int)other->place)
                        return true;
        }
        return false;
}

static const struct candidate *chosen_of(const struct fit *fit, uint8_t c, uint8_t d)
{
        for (size_t i = 0; i < fit->n; i++)
                if (fit->chosen[i] && fit->facts[i].obis.a == 1 && fit->facts[i].obis.c == c &&
                    fit->facts[i].obis.d == d && fit->facts[i].obis.e == 0)
                        return fit->chosen[i];
        return NULL;
}

/* Compares the gain of the register with that according to the power, in Wh. */
static bool energy_contradicts(const struct fit *fit, uint8_t c)
{
        const struct candidate *energy = chosen_of(fit, c, 8), *power = chosen_of(fit, c, 7);
        const struct learn_list *list = fit->list;
        double gained, integral = 0;
        size_t last = 0, first = 0;
        bool any = false;

        if (!energy || !power)
                return false;
        const struct learn_place *e = &list->places[energy->place - 1];
        const struct learn_place *p = &list->places[power->place - 1];
        for (size_t t = 0; t < list->n_telegrams; t++) {
                if (list->time[t] == 0 || !e->known[t] || !p->known[t])
                        continue;
                if (!any)
                        first = t;
                else if (list->time[t] < list->time[last])
                        return false;
                else
                        integral += (scaled(p->number[t], power->exponent) +
                                     scaled(p->number[last], power->exponent)) /
                                    2 * (double)(list->time[t] - list->time[last]) / 3600;
                any = true;
                last = t;
        }
        /* Hours between telegrams say nothing of the power in between. */
        if (!any || list->time[last] - list->time[first] > 900 * (int64_t)(last - first) ||
            e->number[last] - e->number[first] < 20)
                return false;
        gained = scaled(e->number[last] - e->number[first], energy->exponent);
        return integral > 3 * gained || gained > 3 * integral;
}

static bool physics_contradicts(const struct fit *fit)
{
        for (size_t t = 0; t < fit->list->n_telegrams; t++) {
                struct evidence evidence = { 0 };

                for (size_t i = 0; i < fit->n; i++) {
                        const struct candidate *c = fit->chosen[i];

                        for (size_t k = 0; c && k < fit->facts[i].width; k++) {
                                const struct learn_place *p = &fit->list->places[c->place + k - 1];
                                struct obis obis = fit->facts[i].obis;

                                obis.c = (uint8_t)(obis.c + 20 * k);
                                if (p->known[t])
                                        evidence_add(&evidence, obis,
                                                     (struct decimal){ p->number[t], c->exponent });
                        }
                }
                if (evidence_result_of(&evidence) == EVIDENCE_CONTRADICTS)
                        return true;
        }
        return energy_contradicts(fit, 1) || energy_contradicts(fit, 2);
}

static void try_fact(struct fit *fit, size_t at)
{
        if (fit->tries++ > TRIES_MAX)
                return;
        if (at == fit->n_order) {
                if (!fit->list->coded &&
                    physics_contradicts(fit)) /* of one phase it knows nothing */
                        return;
                fit->n_ways++;
                for (size_t i = 0; i < fit->n_order; i++) {
                        size_t f = fit->order[i];

                        fit->candidates[f][fit->chosen[f] - fit->candidates[f]].seen = true;
                }
                return;
        }
        size_t f = fit->order[at];
        for (size_t i = 0; i < fit->n_candidates[f]; i++) {
                const struct candidate *c = &fit->candidates[f][i];

                if (contradicts(fit, f, c))
                        continue;
                fit->chosen[f] = c;
                try_fact(fit, at + 1);
                fit->chosen[f] = NULL;
        }
}

static bool same_numbers(const struct learn_list *list, size_t a, size_t b)
{
        const struct learn_place *x = &list->places[a - 1], *y = &list->places[b - 1];

        for (size_t t = 0; t < list->n_telegrams; t++)
                if (x->known[t] != y->known[t] || (x->known[t] && x->number[t] != y->number[t]))
                        return false;
        return true;
}

static void say_several(const struct fit *fit, size_t f, const struct candidate *a,
                        const struct candidate *b)
{
        struct learn_fact *fact = &fit->facts[f];

        if (a->place == b->place)
                (void)snprintf(fact->reason, sizeof(fact->reason),
                               _("place %zu fits in two scales, times 10^%d and times 10^%d; more "
                                 "telegrams, with another load, would tell"),
                               a->place, a->exponent, b->exponent);
        else if (same_numbers(fit->list, a->place, b->place))
                (void)snprintf(fact->reason, sizeof(fact->reason),
                               _("places %zu and %zu hold the same numbers in every telegram; say "
                                 "which it is with @%zu or @%zu"),
                               a->place, b->place, a->place, b->place);
        else
                (void)snprintf(fact->reason, sizeof(fact->reason),
                               _("places %zu and %zu both fit; say which it is with @%zu or @%zu, "
                                 "or tell more of what the display shows"),
                               a->place, b->place, a->place, b->place);
}

static void answer(struct fit *fit, size_t f)
{
        struct learn_fact *fact = &fit->facts[f];
        const struct candidate *found = NULL;

        if (fit->n_ways == 0 || fit->tries > TRIES_MAX) {
                (void)snprintf(fact->reason, sizeof(fact->reason), "%s",
                               fit->tries > TRIES_MAX
                                       ? _("there are too many possibilities; say the places with "
                                           "@, or take telegrams with other loads")
                                       : _("it contradicts the others: no places and scales fit "
                                           "them all"));
                return;
        }
        for (size_t i = 0; i < fit->n_candidates[f]; i++) {
                const struct candidate *c = &fit->candidates[f][i];

                if (!c->seen)
                        continue;
                if (found) {
                        say_several(fit, f, found, c);
                        return;
                }
                found = c;
        }
        fact->found = found->place;
        fact->exponent = found->exponent;
}

/* A register of 0 whose place was said takes the scale that others of its kind have. */
static void take_scale_of_kind(struct fit *fit)
{
        for (size_t f = 0; f < fit->n; f++) {
                struct learn_fact *fact = &fit->facts[f];
                char kind = profile_kind_of(fact->obis);

                if (fact->found || !fact->place || fact->place > fit->list->n_places ||
                    fact->value.mantissa != 0 || !is_number(fit->list, fact->place) ||
                    !is_zero(fit->list, fact->place) ||
                    learn_fact_at(fit->facts, fit->n, fact->place))
                        continue;
                for (size_t i = 0; i < fit->n && kind; i++) {
                        if (!fit->facts[i].found || profile_kind_of(fit->facts[i].obis) != kind)
                                continue;
                        fact->found = fact->place;
                        fact->exponent = fit->facts[i].exponent;
                        fact->reason[0] = '\0';
                        break;
                }
        }
}

static void order_facts(struct fit *fit)
{
        fit->n_order = 0;
        for (size_t f = 0; f < fit->n; f++) {
                size_t at = fit->n_order;

                if (fit->n_candidates[f] == 0)
                        continue;
                while (at > 0 && fit->n_candidates[fit->order[at - 1]] > fit->n_candidates[f]) {
                        fit->order[at] = fit->order[at - 1];
                        at--;
                }
                fit->order[at] = f;
                fit->n_order++;
        }
}

void learn_fit(const struct learn_list *list, struct learn_fact *facts, size_t n)
{
        struct fit fit = {
                .list = list, .facts = facts, .n = n, .phases_side_by_side = !list->coded
        };

        find_voltages(list, &fit);
        for (size_t f = 0; f < n; f++) {
                facts[f].found = 0;
                facts[f].reason[0] = '\0';
                if (is_hopeless(&fit, &facts[f]))
                        continue;
                find_candidates(&fit, f, false);
                if (fit.n_candidates[f] == 0 && facts[f].width > 1) {
                        facts[f].width = 1; /* a meter of one phase */
                        find_candidates(&fit, f, false);
                }
                if (fit.n_candidates[f] == 0)
                        find_candidates(&fit, f, true);
                if (fit.n_candidates[f] == 0)
                        say_nearest(&fit, &facts[f]);
        }
        order_facts(&fit);
        try_fact(&fit, 0);
        if (fit.n_ways == 0) {
                fit.phases_side_by_side = false;
                fit.tries = 0;
                try_fact(&fit, 0);
        }
        for (size_t i = 0; i < fit.n_order; i++)
                answer(&fit, fit.order[i]);
        take_scale_of_kind(&fit);
}

/* --- voltages and currents, which people do not read from a display ------------------------ */

static const struct learn_fact *found_fact(const struct learn_fact *facts, size_t n, uint8_t c)
{
        for (size_t i = 0; i < n; i++)
                if (facts[i].found && facts[i].obis.a == 1 && facts[i].obis.c == c &&
                    facts[i].obis.d == 7 && facts[i].obis.e == 0)
                        return &facts[i];
        return NULL;
}

static double number_of(const struct learn_list *list, const struct learn_fact *fact, size_t t)
{
        const struct learn_place *p = fact ? &list->places[fact->found - 1] : NULL;

        return p && p->known[t] ? scaled(p->number[t], fact->exponent) : 0;
}

/* Power over voltage times current, in every telegram with a load that says something; true when
 * it agrees over loads that differ. */
static bool power_proves(const struct learn_list *list, const struct learn_fact *facts, size_t n,
                         const struct learn_fact *volts, const struct learn_fact *amperes)
{
        const struct learn_fact *import = found_fact(facts, n, 1),
                                *export = found_fact(facts, n, 2);
        double least = INFINITY, most = 0;

        for (size_t t = 0; t < list->n_telegrams; t++) {
                double power = fabs(number_of(list, import, t) - number_of(list, export, t));
                double apparent = 0;

                for (size_t k = 0; k < volts->width; k++)
                        apparent += scaled(list->places[volts->found + k - 1].number[t],
                                           volts->exponent) *
                                    fabs(scaled(list->places[amperes->found + k - 1].number[t],
                                                amperes->exponent));
                /* Without export nothing is known of what flows out. */
                if (apparent < 100 || (!export && power == 0))
                        continue;
                if (power > 1.15 * apparent || power < 0.5 * apparent)
                        return false;
                least = fmin(least, power);
                most = fmax(most, power);
        }
        return most >= 1.2 * least;
}

static struct learn_fact fact_by_itself(uint8_t c, size_t width, size_t place, int exponent)
{
        struct learn_fact fact = { .obis = OBIS_OF(1, 0, c, 7, 0, 255),
                                   .width = width,
                                   .found = place,
                                   .exponent = (int8_t)exponent,
                                   .by_itself = true };

        (void)snprintf(fact.word, sizeof(fact.word), "%s", c == 32 ? "U" : "I");
        return fact;
}

/* Currents that belong to known voltages; the number of ways, the first one in *ret. */
static size_t find_currents(const struct learn_list *list, const struct learn_fact *facts, size_t n,
                            const struct learn_fact *volts, struct learn_fact *ret)
{
        size_t n_ways = 0;

        for (size_t place = 1; place + volts->width - 1 <= list->n_places; place++) {
                bool apart = place + volts->width <= volts->found ||
                             volts->found + volts->width <= place;

                if (!apart || !is_free(list, facts, n, place, volts->width))
                        continue;
                for (int e = -3; e <= 0; e++) {
                        struct learn_fact amperes = fact_by_itself(31, volts->width, place, e);

                        if (power_proves(list, facts, n, volts, &amperes) && n_ways++ == 0)
                                *ret = amperes;
                }
        }
        return n_ways;
}

/* Voltages that were taught one by one, in order. */
static bool known_voltages(const struct learn_fact *facts, size_t n, struct learn_fact *ret)
{
        const struct learn_fact *first = found_fact(facts, n, 32), *l2 = found_fact(facts, n, 52),
                                *l3 = found_fact(facts, n, 72);

        if (!first)
                return false;
        *ret = *first;
        if (first->width == 1 && l2 && l3 && l2->found == first->found + 1 &&
            l3->found == first->found + 2)
                ret->width = 3;
        return true;
}

/* Voltages and currents at once; the number of ways, the first one in way[]. */
static size_t find_both(const struct learn_list *list, const struct learn_fact *facts, size_t n,
                        size_t width, struct learn_fact way[static 2])
{
        size_t n_ways = 0;

        for (size_t place = 1; place + width - 1 <= list->n_places; place++)
                for (int e = -3; e <= 0; e++) {
                        struct learn_fact volts = fact_by_itself(32, width, place, e), amperes;
                        size_t more = 0;

                        if (is_free(list, facts, n, place, width) &&
                            look_like_volts(list, place, width, e))
                                more = find_currents(list, facts, n, &volts, &amperes);
                        if (more > 0) {
                                way[0] = volts;
                                way[1] = amperes;
                        }
                        n_ways += more;
                }
        return n_ways;
}

size_t learn_fit_rest(const struct learn_list *list, struct learn_fact *facts, size_t n)
{
        struct learn_fact volts, amperes, way[2];
        size_t n_ways;

        if (list->coded || !found_fact(facts, n, 1) || found_fact(facts, n, 31) ||
            n + 2 > LEARN_FACTS_MAX)
                return n;
        if (known_voltages(facts, n, &volts)) {
                if (find_currents(list, facts, n, &volts, &amperes) == 1)
                        facts[n++] = amperes;
                return n;
        }
        n_ways = find_both(list, facts, n, 3, way);
        if (n_ways == 0)
                n_ways = find_both(list, facts, n, 1, way);
        if (n_ways == 1) {
                facts[n++] = way[0];
                facts[n++] = way[1];
        }
        return n;
}
