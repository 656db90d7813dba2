/* SPDX-License-Identifier: MIT */
/*
 * Framings. A link finds frames in a byte stream by structure and check sum, never by silence:
 * the scanner offers it a position, and it answers "a frame of n bytes", "not here" or "more".
 *
 *      garbage garbage [frame......] garbage [frame....] [fra
 *                      ^ probe() > 0                     ^ probe() == 0: need more bytes
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "reader.h"
#include "telegram.h"

/*
 * The longest frame a link may claim: P1 with 2 × 1 KiB of text messages is 2.5 KiB, an HDLC frame
 * 2049 bytes, a raw or P1 ciphered telegram is held to this too.
 */
#define LINK_FRAME_MAX 4096

/* What a damaged frame looked like, for counting and for `smctl decode`'s diagnostics. */
struct link_fault {
        const char *what; /* static storage: "HDLC: frame check sequence does not match" */
        size_t len;       /* how many bytes the damaged frame claimed, 0 when unknown */
        size_t need;      /* with an answer of 0: so many bytes at least, 0 when unknown */
};

struct link_ops {
        enum link_type type;
        /* Its frames carry a check sum that the bytes of another frame do not satisfy by chance. */
        bool proves_itself;

        /* True when a frame may begin with this byte: the scanner asks no further otherwise. */
        bool (*starts)(uint8_t byte);

        /*
         * Looks for a frame at the first byte of `s`.
         *   > 0       a whole frame of that many bytes, its check sums verified
         *   0         could be one, more bytes are needed
         *   -EAGAIN   not one of ours (silently)
         *   -EBADMSG  it was meant to be one, but is damaged: *ret_fault says how
         * `before` is what came before this position (at most 16 bytes), for framings without a
         * check sum of their own, which must not find themselves inside a damaged frame.
         */
        ssize_t (*probe)(struct slice s, struct slice before, struct link_fault *ret_fault);
};

extern const struct link_ops link_hdlc, link_mbus, link_raw, link_p1, link_iec62056_21, link_sml,
        link_tic;

#define LINK_BEFORE_MAX 16 /* how much of `before` a probe sees */

/* All framings, in the order in which a position is offered to them; ends with NULL. */
extern const struct link_ops *const link_table[];
