/* SPDX-License-Identifier: MIT */
#include "suggest.h"

#include <stdbool.h>
#include <string.h>

#include "util.h"

#define WORD_MIN 2  /* one letter says nothing */
#define PART_MIN 3  /* shorter words stand in too many others */
#define WORD_MAX 40 /* longer ones are not compared: no name of ours is nearly as long */

/* ASCII alone: no locale is asked. */
static int lower(char c)
{
        return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (unsigned char)c;
}

/* Edits between two words, swapped neighbours counting as one (optimal string alignment). */
static size_t distance(const char *a, const char *b)
{
        size_t rows[3][WORD_MAX + 1], n = strlen(a), m = strlen(b);

        if (n > WORD_MAX || m > WORD_MAX)
                return WORD_MAX;
        for (size_t j = 0; j <= m; j++)
                rows[0][j] = j;
        for (size_t i = 1; i <= n; i++) {
                size_t *row = rows[i % 3], *above = rows[(i - 1) % 3], *above2 = rows[(i + 1) % 3];

                row[0] = i;
                for (size_t j = 1; j <= m; j++) {
                        int ca = lower(a[i - 1]), cb = lower(b[j - 1]);

                        row[j] = MIN(above[j - 1] + (ca != cb), MIN(above[j], row[j - 1]) + 1);
                        if (i > 1 && j > 1 && ca == lower(b[j - 2]) && cb == lower(a[i - 2]))
                                row[j] = MIN(row[j], above2[j - 2] + 1);
                }
        }
        return rows[n % 3][m];
}

static bool begins_with(const char *text, const char *word, size_t n)
{
        size_t i = 0;

        while (i < n && text[i] && lower(text[i]) == lower(word[i]))
                i++;
        return i == n;
}

static bool contains(const char *text, const char *word, size_t n)
{
        while (*text && !begins_with(text, word, n))
                text++;
        return *text;
}

struct suggest suggest_for(const char *word)
{
        /* A third of the letters may be wrong: beyond that another word was meant. */
        return (struct suggest){ .word = word, .best = MAX((size_t)1, strlen(word) / 3) + 1 };
}

void suggest_offer(struct suggest *s, const char *candidate)
{
        size_t n = strlen(s->word), d;

        if (n < WORD_MIN)
                return;
        /* A word cut short is the commonest mistake of all. */
        if (begins_with(candidate, s->word, n) && s->n_beginning++ == 0)
                s->beginning = candidate;
        if (n >= PART_MIN && contains(candidate, s->word, n) && s->n_containing++ == 0)
                s->containing = candidate;
        d = distance(s->word, candidate);
        if (d >= s->best)
                return;
        s->best = d;
        s->nearest = candidate;
}

const char *suggest_best(const struct suggest *s)
{
        if (s->n_beginning == 1 && s->best > 1)
                return s->beginning;
        if (s->nearest)
                return s->nearest;
        return s->n_containing == 1 ? s->containing : NULL;
}

const char *suggest_among(const char *word, const char *(*candidate)(size_t i))
{
        struct suggest s = suggest_for(word);

        for (size_t i = 0; candidate(i); i++)
                suggest_offer(&s, candidate(i));
        return suggest_best(&s);
}

const char *suggest(const char *word, const char *const *candidates, size_t n_candidates)
{
        struct suggest s = suggest_for(word);

        for (size_t i = 0; i < n_candidates; i++)
                suggest_offer(&s, candidates[i]);
        return suggest_best(&s) ? suggest_best(&s) : s.beginning;
}
