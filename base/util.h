/* SPDX-License-Identifier: MIT */
/*
 * Macros that every folder uses: owned locals, handing over, array sizes. An owned local is freed
 * when it leaves its scope; TAKE() hands it on and leaves NULL behind.
 */
#pragma once

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define ELEMENTSOF(array) (sizeof(array) / sizeof((array)[0]))

/* Marks a text for the catalogues; whoever shows it translates it (ctl/i18n.h). No parentheses:
 * another literal may follow. */
#define N_(text) text

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* DEFINE_OWNED(port, struct port *, port_free) makes OWNED(port) usable for locals of that type. */
#define DEFINE_OWNED(name, type, function)       \
        static inline void name##_owned(type *p) \
        {                                        \
                if (*p)                          \
                        function(*p);            \
        }                                        \
        struct name##_owned_needs_semicolon
#define OWNED(name) __attribute__((cleanup(name##_owned)))

static inline void util_free_owned(void *p)
{
        free(*(void **)p);
}
#define OWNED_FREE __attribute__((cleanup(util_free_owned)))

static inline void util_close_owned(int *fd)
{
        if (*fd >= 0)
                (void)close(*fd); /* nothing can be done about a failing close */
}
#define OWNED_FD __attribute__((cleanup(util_close_owned)))

/* Hands over an owned pointer: evaluates to it and leaves NULL. */
#define TAKE(p)                                      \
        __extension__({                              \
                __typeof__(p) *taken_from_ = &(p);   \
                __typeof__(p) taken_ = *taken_from_; \
                *taken_from_ = NULL;                 \
                taken_;                              \
        })

/* Hands over an owned file descriptor: evaluates to it and leaves -1. */
#define TAKE_FD(fd)                        \
        __extension__({                    \
                int *taken_from_ = &(fd);  \
                int taken_ = *taken_from_; \
                *taken_from_ = -1;         \
                taken_;                    \
        })
