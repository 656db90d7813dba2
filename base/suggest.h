/* SPDX-License-Identifier: MIT */
/*
 * "Did you mean …?": the nearest of some words to what was typed. Case does not count.
 *
 *     struct suggest s = suggest_for("Baurate");
 *     for (…)
 *             suggest_offer(&s, name);
 *     const char *near = suggest_best(&s);
 */
#pragma once

#include <stddef.h>

struct suggest {
        const char *word;
        size_t best;           /* distance of `nearest` */
        const char *nearest;   /* borrowed from who offered it */
        const char *beginning; /* the first that begins with the word */
        size_t n_beginning;
        const char *containing; /* the one that has the word in it, as "lgz-e450" has "e450" */
        size_t n_containing;
};

struct suggest suggest_for(const char *word);
void suggest_offer(struct suggest *s, const char *candidate);
/* The nearest; else the only one that begins with the word; else the only one that has it in it.
 * NULL: none. */
const char *suggest_best(const struct suggest *s);

/* The same over a list that ends with NULL. */
const char *suggest_among(const char *word, const char *(*candidate)(size_t i));
/* Here the first of several that begin with the word is better than none. */
const char *suggest(const char *word, const char *const *candidates, size_t n_candidates);
