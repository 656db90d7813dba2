/* SPDX-License-Identifier: MIT */
#include "thread.h"

#include <signal.h>

int thread_start(void *(*run)(void *userdata), void *userdata, size_t stack_bytes, pthread_t *ret)
{
        sigset_t all, before;
        pthread_attr_t attr;
        pthread_t thread;
        int code = pthread_attr_init(&attr);

        if (code != 0)
                return -code;
        (void)pthread_attr_setstacksize(&attr, stack_bytes); /* else the default */
        (void)pthread_attr_setdetachstate(&attr,
                                          ret ? PTHREAD_CREATE_JOINABLE : PTHREAD_CREATE_DETACHED);
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &before);
        code = pthread_create(ret ? ret : &thread, &attr, run, userdata);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        (void)pthread_attr_destroy(&attr);
        return -code;
}
