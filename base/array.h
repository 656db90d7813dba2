/* SPDX-License-Identifier: MIT */
/*
 * Arrays on the heap that grow as they are filled: a list, the number of its entries, and the
 * number there is room for. All three begin as NULL, 0 and 0.
 */
#pragma once

#include <stddef.h>
#include <stdlib.h>

/* ARRAY_GROW() without the types; NULL: no memory. */
static inline void *array_grown(void *list, size_t n, size_t *room, size_t entry_size)
{
        size_t more = *room > 0 ? 2 * *room : 8;
        void *grown;

        if (n < *room)
                return list;
        grown = reallocarray(list, more, entry_size);
        if (grown)
                *room = more;
        return grown;
}

/* True when one entry more fits behind the n there are; false without memory, and then all of it is
 * as it was. `list` and `room` are changed. */
#define ARRAY_GROW(list, n, room)                                                  \
        __extension__({                                                            \
                void *grown_ = array_grown((list), (n), &(room), sizeof(*(list))); \
                                                                                   \
                if (grown_)                                                        \
                        (list) = grown_;                                           \
                grown_ != NULL;                                                    \
        })
