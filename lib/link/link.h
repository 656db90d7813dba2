/* SPDX-License-Identifier: MIT */
/*
 * Framings. A link finds frames in a byte stream by structure and check sum, never by silence:
 * the scanner offers it a position, and it answers "whole", "none", "damaged" or "more". Then it
 * opens the frame (DLMS: a piece of an APDU) or reads it (text and SML: a whole telegram).
 *
 *      garbage garbage [frame......] garbage [frame....] [fra
 *                      ^ LINK_WHOLE                      ^ LINK_MORE
 *
 * A new framing is a file that defines `link_<name>`, and a row of LINK_TABLE.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/value/reader.h"

struct telegram;

/*
 * The longest frame a link may claim: P1 with long text messages and logs is 6 KiB, an HDLC frame
 * 2049 bytes, a raw or P1 ciphered telegram is held to this too.
 */
#define LINK_FRAME_MAX 8192

/* Whether a frame stands at a position. Of two framings that differ, the higher one counts. */
enum link_result {
        LINK_NONE,    /* not a frame of this framing */
        LINK_DAMAGED, /* it was meant to be one: `fault` says what is wrong */
        LINK_MORE,    /* it may become one: more bytes are needed */
        LINK_WHOLE,   /* a frame of `len` bytes, its check sums verified */
};

/* Further facts about it; 0 where one is unknown. A field counts for the result that it names. */
struct link_found {
        size_t len;        /* LINK_WHOLE: of the frame. LINK_DAMAGED: as many as it claimed */
        const char *fault; /* LINK_DAMAGED, static storage: "SML: check sum does not match" */
        size_t reach;      /* LINK_DAMAGED: its bytes at most, up to the next byte like its first */
        size_t need;       /* LINK_MORE: so many bytes are needed at least */
        bool unsure;       /* LINK_WHOLE: with more bytes it may be a longer one */
};

/* The part of an APDU in one frame, or in one block of a block transfer. Borrows from the frame. */
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
        bool carries_oms; /* in place of an APDU a frame may carry OMS records (EN 13757-3) */
        bool text_ids;    /* ids come as text: zeros are digits there, not a place never filled */
        uint8_t filler;   /* a byte that may stand between its frames; 0: none */

        /* True when a frame may begin with this byte: the scanner asks no further otherwise. */
        bool (*starts)(uint8_t byte);

        /*
         * Looks for a frame at the first byte of `s`; *ret is zeroed by the caller. `before` is
         * what came before this position (at most 16 bytes), for framings without a check sum of
         * their own, which must not find themselves inside a damaged frame.
         */
        enum link_result (*probe)(struct slice s, struct slice before, struct link_found *ret);

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

        /*
         * Of framings whose telegrams also come inside ciphered APDUs, else NULL. plain_begins() is
         * true when deciphered bytes begin as one, which those of a wrong key never do by chance.
         * read_plain() reads them as read() does; 0, or -EBADMSG with `t` untouched when they are
         * not one whole telegram. Its last CR LF may be missing.
         */
        bool (*plain_begins)(struct slice plain);
        int (*read_plain)(struct slice plain, struct telegram *t);
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
