/* SPDX-License-Identifier: MIT */
/*
 * Which place of a list holds what a meter's display shows, and in which scale: the one answer that
 * fits all telegrams, or why there is none. A place that could also be something else is no answer.
 */
#pragma once

#include "learn-list.h"
#include "lib/value/decimal.h"
#include "lib/value/obis.h"

#define LEARN_FACTS_MAX  32
#define LEARN_WORD_MAX   64
#define LEARN_REASON_MAX 240

/* One thing that the display shows, and what became of it. */
struct learn_fact {
        char word[LEARN_WORD_MAX]; /* as it was said */
        struct obis obis;
        size_t width;         /* 3: this code and those of the other phases, side by side */
        struct decimal value; /* in the base unit */
        double step;          /* what the last digit shown is worth */
        size_t place;         /* said by the person, counted from 1; 0: to be found */

        size_t found;                  /* the place; 0: none */
        int8_t exponent;               /* of its numbers, to the base unit */
        bool by_itself;                /* not from a display: power, voltage and current prove it */
        char reason[LEARN_REASON_MAX]; /* why there is none */
};

/*
 * Reads "1.8.0=40091.0kWh", "32.7.0=230V", with "@5" behind it for place 5; "U=230V" means the
 * voltages of the phases, whichever they are. -EINVAL with the reason in `why`.
 */
int learn_fact_parse(const char *text, struct learn_fact *ret, char why[static LEARN_REASON_MAX]);

/* Fills in found, exponent and reason of all facts. */
void learn_fit(const struct learn_list *list, struct learn_fact *facts, size_t n);

/*
 * Adds the voltages and currents where the power that was found proves them over several loads.
 * Returns the number of facts then.
 */
size_t learn_fit_rest(const struct learn_list *list, struct learn_fact *facts, size_t n);

/* The only three places side by side that look like the voltages of three phases; 0: none, or
 * several. *ret_exponent is their scale. */
size_t learn_find_voltages(const struct learn_list *list, const struct learn_fact *facts, size_t n,
                           int8_t *ret_exponent);

/* Whether a fact was found for this place, counted from 1; the first one of its width, or NULL. */
const struct learn_fact *learn_fact_at(const struct learn_fact *facts, size_t n, size_t place);
/* The code of a place within a fact: the phases follow each other. */
struct obis learn_fact_obis(const struct learn_fact *fact, size_t place);
