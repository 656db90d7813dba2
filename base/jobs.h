/* SPDX-License-Identifier: MIT */
/*
 * One thread for work that may block on a disk: it does jobs in order, and the main loop learns of
 * each that is done. Jobs share nothing with the loop: run() touches its job alone.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "util.h"

struct jobs;

/* Embedded in the struct of a job, as its first member. */
struct jobs_item {
        void (*run)(struct jobs_item *job);                  /* on the thread */
        void (*done)(struct jobs_item *job, void *userdata); /* on the loop, afterwards; or NULL */
        void (*drop)(struct jobs_item *job);                 /* frees it, wherever it was left */
        void *userdata;                                      /* of done() */
        struct jobs_item *next;
};

/* All signals are blocked in the thread. At most `jobs_max` jobs wait. -errno. */
int jobs_new(sd_event *event, const char *name, size_t jobs_max, struct jobs **ret);

/* Takes the job over. -ENOBUFS, with the job dropped: too many wait. */
int jobs_post(struct jobs *w, struct jobs_item *job);

/*
 * Waits until all jobs are done, but no longer than `usec`: then the thread is left behind, drops
 * what is not begun, and ends by itself. No done() is called any more. Returns NULL.
 */
struct jobs *jobs_free(struct jobs *w, uint64_t usec);

/* The service has two seconds to stop. Parts that stop together have this long, from the request
 * on, and leave the rest to those that stop after them. */
#define JOBS_STOP_USEC (UINT64_C(1700) * 1000)
/* The rest of `usec` that began at `begun_usec`, CLOCK_MONOTONIC; 0: it has not begun. */
uint64_t jobs_left_usec(uint64_t begun_usec, uint64_t usec);
uint64_t jobs_now_usec(void);
