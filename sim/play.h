/* SPDX-License-Identifier: MIT */
/*
 * A virtual line: the master side of a pseudo-terminal whose slave a program opens as if it were a
 * converter, or a plain file. Bytes leave at the pace of the real line; when nothing listens, or
 * the listener is slow, they are lost, as on a wire.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sim.h"

#define SIM_PATH_MAX 256

struct sim_play {
        struct sim_line line;
        bool fast;                       /* no pacing */
        const char *link;                /* a stable name for the slave; NULL: none. Borrowed. */
        unsigned int damage_per_million; /* how many bytes are changed on the way */
        uint64_t damage_state;           /* of the generator that picks them */

        int fd; /* master, or where bytes go; -1 while unplugged */
        bool is_pty, listened;
        char slave[SIM_PATH_MAX];
        uint64_t sent_bytes, lost_bytes, damaged_bytes;

        /*
         * Looked at after each pause: true ends what is being played. It is called with the
         * signals of `wait_mask` just delivered.
         */
        bool (*interrupted)(void *userdata);
        void *userdata;
        sigset_t wait_mask; /* in effect only while waiting */
};

/* Plugs in: a new pseudo-terminal, raw, its name in `slave`, and the link to it. Negative errno;
 * -EEXIST where something other than a link has its name, which stays. */
int sim_play_plug(struct sim_play *play);

/* Pulls out: the slave hangs up, the link goes. */
void sim_play_unplug(struct sim_play *play);

/*
 * Sends the bytes at line pace. 0 when they are on the wire (or lost), -EINTR when `interrupted`
 * said so, another negative errno when a plain file cannot be written.
 */
int sim_play_send(struct sim_play *play, const uint8_t *data, size_t len);

/*
 * Reads bytes of the listener, at most `size`, as soon as there are some: their number, or 0 when
 * nothing came until this time of CLOCK_MONOTONIC, or when the listener has left (`listened` says
 * which). -EINTR as above. Only of a pseudo-terminal that is plugged in.
 */
ssize_t sim_play_receive(struct sim_play *play, uint8_t *buf, size_t size, int64_t until_usec);

/* The speed that the listener has set; 0 when it is none that meters speak. */
unsigned int sim_play_listener_baud(const struct sim_play *play);

/* Waits until this time of CLOCK_MONOTONIC. 0, or -EINTR as above. */
int sim_play_wait_until(struct sim_play *play, int64_t usec);

int64_t sim_play_now_usec(void);
