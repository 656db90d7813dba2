/* SPDX-License-Identifier: MIT */
/*
 * "Did you mean …?": the nearest of a list of words to what was typed.
 */
#pragma once

#include <stddef.h>

/*
 * The candidate with the fewest typing mistakes between it and `word` (letters missing, added,
 * wrong, or two swapped), or NULL when none is near enough to be meant. Borrowed from the list.
 */
const char *suggest(const char *word, const char *const *candidates, size_t n_candidates);
