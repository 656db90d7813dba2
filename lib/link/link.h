/* SPDX-License-Identifier: MIT */
/*
 * Framings. A link finds frames in a byte stream by structure and check sum, never by silence:
 * the scanner offers it a position, and it answers "a frame of n bytes", "not here" or "more". Then
 * it opens the frame (DLMS: a piece of an APDU) or reads it (text and SML: a whole telegram).
 *
 *      garbage garbage [frame......] garbage [frame....] [fra
 *                      ^ probe() > 0                     ^ probe() == 0: need more bytes
 *
 * A new framing is a file that defines `link_<name>`, and a row of LINK_TABLE.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/value/reader.h"

struct telegram;

/*
 * The longest frame a link may claim: P1 with long text messages and logs is 6 KiB, an HDLC frame
 * 2049 bytes, a raw or P1 ciphered telegram is held to this too.
 */
#define LINK_FRAME_MAX 8192

/* What a damaged frame looked like, for counting and for `smctl decode`'s diagnostics. */
struct link_fault {
        const char *what; /* static storage: "HDLC: frame check sequence does not match" */
        size_t len;       /* how many bytes the damaged frame claimed, 0 when unknown */
        size_t reach;     /* so many it may have had, up to the next byte like its first; or 0 */
        size_t need;      /* with an answer of 0: so many bytes at least, 0 when unknown */
        bool unsure;      /* with a frame: with more bytes it may be a longer one */
};

/* What one frame, or one block of a block transfer, carries of an APDU. Borrows from the frame. */
struct link_piece {
        struct slice bytes;  /* empty: the frame carries no APDU */
        struct slice sender; /* addresses as on the wire; of another sender is another telegram */
        bool first;          /* an APDU begins here */
        bool last;           /* and here it ends */
        bool numbered;       /* `number` counts on from piece to piece, modulo `modulus` */
        bool ciphered;       /* a ciphered APDU, whose tag may be left out */
        uint16_t number;
        uint32_t modulus;
};

struct link_ops {
        const char *name; /* as telegrams and JSON name it: "hdlc" */
        /* Its frames carry a check sum that the bytes of another frame do not satisfy by chance. */
        bool proves_itself;
        bool sum_only; /* that check is an 8-bit sum: one damaged frame in 256 passes it */
        /* No check sum and no marks: found only where lines pause, or in a file of nothing else. */
        bool unframed;
        uint8_t filler; /* a byte that may stand between its frames; 0: none */

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

        /* Of unframed ones: true when these bytes may stand behind a whole frame, as probe() wants
         * them to. More of them have come; the frame itself is not walked again. */
        bool (*follows)(struct slice behind);

        /* Takes apart what probe() found. NULL: its frames carry no APDU. */
        void (*open)(struct slice frame, struct link_piece *ret);

        /*
         * Reads a frame that probe() found and that carries no APDU into `t`, which is empty. Texts
         * borrow from `frame`. -EBADMSG when its content cannot be read. NULL: no such frames.
         */
        int (*read)(struct slice frame, struct telegram *t);
};

/*
 * All framings, in the order in which a position is offered to them. Those with a check sum come
 * first: where two could begin at the same byte, the one that proves itself is asked before the one
 * that only looks right.
 */
#define LINK_TABLE(ROW)  \
        ROW(hdlc)        \
        ROW(mbus)        \
        ROW(sml)         \
        ROW(p1)          \
        ROW(iec62056_21) \
        ROW(tic)         \
        ROW(raw)

#define LINK_DECLARE(name) extern const struct link_ops link_##name;
LINK_TABLE(LINK_DECLARE)

#define LINK_BEFORE_MAX 16 /* how much of `before` a probe sees */

/* Ends with NULL. */
extern const struct link_ops *const link_table[];

/* NULL when there is none of this name. */
const struct link_ops *link_find(const char *name);
