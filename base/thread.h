/* SPDX-License-Identifier: MIT */
/* Threads beside the main loop. */
#pragma once

#include <stddef.h>

#include <pthread.h>

/*
 * Starts run(userdata) with every signal blocked: they are the main loop's. `stack_bytes` is
 * address space; the default is larger. `ret` is for pthread_join(); NULL: it is detached. -errno.
 * Its stack is wiped when it ends.
 */
int thread_start(void *(*run)(void *userdata), void *userdata, size_t stack_bytes, pthread_t *ret);
