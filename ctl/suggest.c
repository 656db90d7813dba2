/* SPDX-License-Identifier: MIT */
/*
 * Optimal string alignment distance over three rows; words beyond SUGGEST_WORD_MAX are nobody's
 * typing mistake.
 */
#include "suggest.h"

#include <ctype.h>
#include <string.h>

#include "lib/util.h"

/* The longest id is a converter's, about 60 characters. */
#define SUGGEST_WORD_MAX 96

static int same(char a, char b)
{
        return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static size_t smallest(size_t a, size_t b, size_t c)
{
        return MIN(MIN(a, b), c);
}

static size_t distance(const char *a, const char *b)
{
        size_t rows[3][SUGGEST_WORD_MAX + 1];
        size_t *before = rows[0], *above = rows[1], *row = rows[2];
        size_t a_len = strlen(a), b_len = strlen(b);

        for (size_t j = 0; j <= b_len; j++)
                above[j] = j;
        for (size_t i = 1; i <= a_len; i++) {
                size_t *next = before;

                row[0] = i;
                for (size_t j = 1; j <= b_len; j++) {
                        row[j] = smallest(above[j] + 1, row[j - 1] + 1,
                                          above[j - 1] + !same(a[i - 1], b[j - 1]));
                        if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
                                row[j] = MIN(row[j], before[j - 2] + 1);
                }
                before = above;
                above = row;
                row = next;
        }
        return above[b_len];
}

const char *suggest(const char *word, const char *const *candidates, size_t n_candidates)
{
        size_t len = strlen(word);
        size_t best_distance = 1 + MAX(len / 3, (size_t)1);
        const char *best = NULL;

        if (len < 2 || len > SUGGEST_WORD_MAX)
                return NULL;
        for (size_t i = 0; i < n_candidates; i++) {
                size_t d;

                if (strlen(candidates[i]) > SUGGEST_WORD_MAX)
                        continue;
                /* A word cut short is the commonest mistake of all: the beginning counts as near.
                 */
                d = strncasecmp(word, candidates[i], len) == 0 ? 1 : distance(word, candidates[i]);
                if (d < best_distance) {
                        best_distance = d;
                        best = candidates[i];
                }
        }
        return best;
}
