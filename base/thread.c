/* SPDX-License-Identifier: MIT */
#include "thread.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* glibc keeps the stack of a thread for the next one, and of its pages the last 16 KiB
 * (PTHREAD_STACK_MIN); the kernel takes back the others. */
#define WIPE_BYTES (20 * 1024)

struct start {
        void *(*run)(void *userdata);
        void *userdata;
};

/* Functions that run() called leave keys there, even if they wipe their own: the loader saves
 * registers that have just carried them whenever it looks up a function. */
static __attribute__((noinline)) void wipe_below(void)
{
        uint8_t below[WIPE_BYTES];

        explicit_bzero(below, sizeof(below));
}

static void *begin(void *userdata)
{
        struct start start = *(struct start *)userdata;
        void *result;

        free(userdata);
        result = start.run(start.userdata);
        wipe_below();
        return result;
}

int thread_start(void *(*run)(void *userdata), void *userdata, size_t stack_bytes, pthread_t *ret)
{
        struct start *start = malloc(sizeof(*start));
        sigset_t all, before;
        pthread_attr_t attr;
        pthread_t thread;
        int code;

        if (!start)
                return -ENOMEM;
        *start = (struct start){ run, userdata };
        code = pthread_attr_init(&attr);
        if (code != 0) {
                free(start);
                return -code;
        }
        (void)pthread_attr_setstacksize(&attr, stack_bytes); /* else the default */
        (void)pthread_attr_setdetachstate(&attr,
                                          ret ? PTHREAD_CREATE_JOINABLE : PTHREAD_CREATE_DETACHED);
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &before);
        code = pthread_create(ret ? ret : &thread, &attr, begin, start);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        (void)pthread_attr_destroy(&attr);
        if (code != 0)
                free(start);
        return -code;
}
