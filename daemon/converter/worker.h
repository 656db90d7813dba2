/* SPDX-License-Identifier: MIT */
/*
 * A short-lived worker: one call on a device or a network that may not answer, made outside the
 * main loop. It is a process and no thread: the kernel keeps a caller of a dead USB device waiting
 * for up to 40 s, deaf to signals, and a thread in that wait would keep the whole service from
 * ending. What the worker opens comes back over a socket pair.
 *
 *      loop ── worker_start() ──> fork server ── fork ──> work(): open, close, connect …
 *        ↑                                                 │
 *        └───────── done(result, fd) <────── socket ───────┘
 *
 * A process that is forked while another thread holds a lock (of the resolver, of stdio) has that
 * lock held for ever. So workers are forked from a process that was made before the first thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "base/util.h"
#include "holder.h"

struct worker;

/* What the work says when it is done; a plain value that goes through the socket. */
struct worker_result {
        int error;   /* 0 or a positive errno */
        int gai;     /* of getaddrinfo(), for name resolution; 0: none */
        bool marked; /* damaged bytes are marked by the driver (PARMRK) */
        int fd;      /* -1: none; the callee of `done` owns it */
        struct holder holder;
};

#define WORKER_ARGUMENT_MAX 512

struct worker_job {
        const char *name; /* static, for debugging */
        /* Called in the worker; `argument` and `fd` are its own copies. */
        void (*work)(const void *argument, int fd, struct worker_result *result);
        const void *argument; /* borrowed for the call of worker_start() */
        size_t argument_size; /* up to WORKER_ARGUMENT_MAX; no pointers in it */
        int fd;        /* a descriptor the work needs, -1: none; the caller keeps its own … */
        bool takes_fd; /* … but for this: a started worker is the last that has it */
        uint64_t late_usec;  /* `late` is called after this time; 0: never */
        uint64_t limit_usec; /* after this time it is ended; ETIMEDOUT once it is gone; 0: never */
        /* Each is called from the loop. `done` is the last call and may free the worker. */
        void (*late)(void *userdata);
        void (*done)(const struct worker_result *result, void *userdata);
        void *userdata;
};

/*
 * Makes the fork server: before the first thread and before secrets are read. -errno: there is
 * none, and workers are forked from the caller. It ends with the caller, or when it is stopped.
 */
int worker_server_start(void);
void worker_server_stop(void);

/* -errno when no process could be made. */
int worker_start(sd_event *event, const struct worker_job *job, struct worker **ret);

/* Gives up the result: the worker is ended, and what it opened closes with it. */
struct worker *worker_free(struct worker *worker);
DEFINE_OWNED(worker, struct worker *, worker_free);

/* Closes a descriptor in a worker that is not waited for; in the loop where none can be made. */
void worker_close(int fd);
