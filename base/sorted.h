/* SPDX-License-Identifier: MIT */
/* The place of an element in a sorted array, or the place where it belongs. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* How the element at this place stands to the key: < 0 before it, 0 it is the one, > 0 behind. */
typedef int sorted_compare(const void *elements, size_t at, const void *key);

/* The place among n elements, each once; *ret_found: the key is there already. */
static inline size_t sorted_place(const void *elements, size_t n, const void *key,
                                  sorted_compare *compare, bool *ret_found)
{
        size_t low = 0, high = n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int order = compare(elements, middle, key);

                if (order == 0) {
                        *ret_found = true;
                        return middle;
                }
                if (order < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        *ret_found = false;
        return low;
}
